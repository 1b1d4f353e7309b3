"""S10: stock by stage, holder and face at 10M cards, against GROUP BY over a row for each card."""

import statistics
import time
from collections.abc import Callable

from audit.counters import roll_up
from audit.inventory import inventory
from bench.errors import expect
from bench.lab import Lab
from bench.measure import Measure, Sample, Side
from bench.measures.naive import TABLE, naive

_REPEATS = 3
_GROUP_BY = f"""
SELECT c.stage, p.code, p.name, d.face_fen, c.cards, c.used, c.held FROM (
    SELECT stage, holder_id, denomination_id, count(*) AS cards,
           count(*) FILTER (WHERE used) AS used, count(*) FILTER (WHERE held) AS held
    FROM {TABLE} GROUP BY stage, holder_id, denomination_id) c
JOIN party p ON p.id = c.holder_id JOIN denomination d ON d.id = c.denomination_id
"""  # noqa: S608 - our own name
_Rows = set[tuple[object, ...]]


def _prepare(lab: Lab) -> None:
    """Roll up as a server does each minute, and compare both answers."""
    found = naive(lab)
    roll_up(found.db)
    lab.postgres.run("VACUUM ANALYZE redeemed_pack", found.name)
    expect(_report(lab) == _group_by(lab), "the report and the GROUP BY do not agree")


def _report(lab: Lab) -> _Rows:
    with naive(lab).db.read() as session:
        return {
            (
                row.stage,
                row.party_code,
                row.party_name,
                row.face_fen,
                row.cards,
                row.used_cards,
                row.held_cards,
            )
            for row in inventory(session)
        }


def _group_by(lab: Lab) -> _Rows:
    return set(lab.postgres.rows(_GROUP_BY, naive(lab).name))


def _timed(work: Callable[[Lab], _Rows]) -> Callable[[Lab], Sample]:
    def run(lab: Lab) -> Sample:
        times, rows = [], 0
        for _ in range(_REPEATS):
            started = time.perf_counter()
            rows = len(work(lab))
            times.append(time.perf_counter() - started)
        return Sample(statistics.median(times), {"rows": rows})

    return run


MEASURES = (
    Measure(
        code="S10",
        title="inventory at 10M cards: times faster than GROUP BY over rows",
        unit="s",
        over=Side("group by", _timed(_group_by), _prepare),
        under=Side("report", _timed(_report), _prepare),
        floor=15,
        goal=40,
    ),
)
