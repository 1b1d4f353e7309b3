"""S9: what an unredeemed card takes on disk, its indexes included, against 32 bytes of payload."""

from bench.lab import Lab
from bench.measure import Measure, Sample, Side
from bench.measures.generate import GENERATE, NAME

_PAYLOAD_BYTES = 32
_BYTES = """
SELECT pg_total_relation_size('voucher') / CAST(count(*) AS float8),
       pg_relation_size('voucher') / CAST(count(*) AS float8),
       pg_indexes_size('voucher') / CAST(count(*) AS float8),
       (pg_total_relation_size('lot') + pg_total_relation_size('stock_movement')
        + pg_total_relation_size('batch')) / CAST(count(*) AS float8)
FROM voucher
"""


def _prepare(lab: Lab) -> None:
    GENERATE.prepare(lab)


def _run(lab: Lab) -> Sample:
    if not lab.postgres.value("SELECT count(*) FROM voucher", NAME):
        GENERATE.run(lab)
    total, rows, indexes, rest = lab.postgres.rows(_BYTES, NAME)[0]
    facts = {"rows": round(rows, 1), "indexes": round(indexes, 1), "lots": round(rest, 2)}
    return Sample(total, facts)


MEASURES = (
    Measure(
        code="S9",
        title="bytes on disk of an unredeemed card, indexes included",
        unit="bytes per card",
        over=Side("bytes per card", _run, _prepare),
        under=Side("payload", lambda _lab: Sample(_PAYLOAD_BYTES)),
        floor=140,
        goal=110,
        lower_is_better=True,
        counts_over=True,
        warms=False,
    ),
)
