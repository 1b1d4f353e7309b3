"""S7: generating 1M cards in ten batches, against the raw COPY of the same rows from a file.

The COPY goes into a table of the same form: columns, checks, key to the batch, both indexes. Both
tables grow alike from round to round.
"""

import time

from bench.errors import expect
from bench.lab import Lab
from bench.measure import Measure, Sample, Side
from bench.measures.mint import BATCHES, Mint, mint
from vouchers.generation import generate

CARDS = 1_000_000
NAME = "mint"
_LAST = "last batches of the mint"
_COPY = """
CREATE TABLE voucher_copy (LIKE voucher INCLUDING ALL);
ALTER TABLE voucher_copy ADD FOREIGN KEY (batch_id) REFERENCES batch (id);
"""
_COLUMNS = "serial, batch_id, pin_tag"


def mint_of(lab: Lab) -> Mint:
    """Return the run's mint, made when it is first asked for."""
    if NAME not in lab.kept:
        lab.kept[NAME] = mint(lab, NAME)
        lab.postgres.run(_COPY, NAME)
    made: Mint = lab.kept[NAME]
    return made


def _prepare(lab: Lab) -> None:
    mint_of(lab)


def _run_generate(lab: Lab) -> Sample:
    made, cards = mint_of(lab), _cards(lab)
    batches = lab.kept[_LAST] = made.ordered(cards)
    lab.checkpoint()
    started = time.perf_counter()
    for batch_id in batches:
        generate(made.db, made.keys, made.people.issuer, batch_id, made.people.warehouse_id)
    return Sample(cards / (time.perf_counter() - started), {"cards": cards})


def _run_copy(lab: Lab) -> Sample:
    postgres, batches = lab.postgres, lab.kept[_LAST]
    path = postgres.server.home / "rows.copy"
    of_batches = ", ".join(str(batch_id) for batch_id in batches)
    rows = f"SELECT {_COLUMNS} FROM voucher WHERE batch_id IN ({of_batches}) ORDER BY serial"  # noqa: S608
    postgres.run(f"COPY ({rows}) TO '{path}' (FORMAT BINARY)", NAME)
    lab.checkpoint()
    started = time.perf_counter()
    postgres.run(f"COPY voucher_copy ({_COLUMNS}) FROM '{path}' (FORMAT BINARY)", NAME)
    seconds = time.perf_counter() - started
    path.unlink()
    found = postgres.value(
        f"SELECT count(*) FROM voucher_copy WHERE batch_id IN ({of_batches})",  # noqa: S608
        NAME,
    )
    expect(found == _cards(lab), f"{found} of {_cards(lab)} cards were generated and copied")
    return Sample(found / seconds, {"cards": found})


def _cards(lab: Lab) -> int:
    return lab.plan.cards(CARDS, 100 * BATCHES) // BATCHES * BATCHES


GENERATE = Side("generate", _run_generate, _prepare)
MEASURES = (
    Measure(
        code="S7",
        title="generate 1M cards, over raw COPY of their rows",
        unit="cards/s",
        over=GENERATE,
        under=Side("copy", _run_copy, _prepare),
        floor=0.7,
        goal=1.0,
        warms=False,
    ),
)
