"""The other side of the redemptions: the least that must happen, written by hand in PL/pgSQL.

Find the card by its tag, see that its lot is active, insert the redemption and the posting, add to
the balance, commit. No throttle, no arrears, no stored answer. pgbench calls the function on the
same PostgreSQL, with as many cards and accounts as the product has.

There are two of it. `BARE`, which counts, has tables of its own: no foreign keys, one index each.
`OWN` does the same in the product's tables, with all their keys and checks; it only tells which
part of the distance the schema is.
"""

import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bench.errors import CannotMeasure, expect
from bench.flavours import Flavour
from bench.postgres import Postgres
from bench.statistics import percentile
from core.db import Database
from core.settings import Settings
from migrations.schema import upgrade

_THREADS = 2
_LOT = 5_000

_SCRIPT = """\
\\set account random(1, {accounts})
\\set place :place + 1
SELECT {function}(mod(({first} + :client_id * {share} + :place)
                       * CAST(736879387 AS bigint), {cards}), :account);
"""
_DONE = re.compile(r"number of transactions actually processed: (\d+)")
_FAILED = re.compile(r"number of failed transactions: (\d+)")
_RATE = re.compile(r"tps = ([\d.]+) \(without initial connection time\)")


@dataclass(frozen=True)
class Run:
    """What one run of pgbench did."""

    transactions: int
    rate: float
    p99_s: float = 0.0


class Reference:
    """A function and its tables, and pgbench on them. Each card is used once."""

    def __init__(
        self, postgres: Postgres, flavour: Flavour, cards: int, accounts: int, scratch: Path
    ) -> None:
        self._postgres = postgres
        self._flavour = flavour
        self._cards = cards
        self._accounts = accounts
        self._scratch = scratch
        self._pgbench = postgres.pgbench()
        self._taken = 0
        self.redeemed = 0

    def build(self) -> None:
        """Make the database and fill it."""
        flavour, run = self._flavour, self._postgres.run
        url = self._postgres.create(flavour.database)
        if flavour.makes_tables:
            run(flavour.makes_tables, flavour.database)
        else:
            _make_schema(url)
        lot = _LOT if self._cards >= _LOT else 10  # in neither case across two batches
        rows = flavour.makes_rows.format(cards=self._cards, lot=lot, accounts=self._accounts)
        run(rows, flavour.database)
        run(flavour.makes_function, flavour.database)
        run("VACUUM ANALYZE", flavour.database)

    @property
    def left(self) -> int:
        """How many cards are not used yet."""
        return self._cards - self._taken

    def rate(self, clients: int, transactions: int) -> Run:
        """Redeem so many cards as fast as so many clients can."""
        share = max(1, min(transactions, self.left) // clients)
        return self._run(clients, share, ["-t", str(share)])

    def latency(self, clients: int, rate: float, transactions: int) -> Run:
        """Redeem at a fixed mean rate; the p99 counts from when a transaction was due."""
        share = max(1, min(transactions, self.left) // clients)
        prefix = self._scratch / "latency"
        options = ["-R", f"{rate:.1f}", "-t", str(share), "-l", "--log-prefix", str(prefix)]
        done = self._run(clients, share, options)
        times = []
        for path in self._scratch.glob("latency.*"):
            lines = path.read_text(encoding="ascii").splitlines()
            times += [int(line.split()[2]) / 1e6 for line in lines]
            path.unlink()
        expect(len(times) == done.transactions, "pgbench's log is not complete")
        return Run(done.transactions, done.rate, percentile(times, 0.99))

    def check(self) -> None:
        """Raise CheckFailed unless every transaction left its rows, and balances add up."""
        found = self._postgres.rows(self._flavour.counts, self._flavour.database)[0]
        expect(
            found == (self.redeemed, self.redeemed, True),
            f"{self.redeemed} transactions of the reference left {found}",
        )

    def _run(self, clients: int, share: int, options: Sequence[str]) -> Run:
        script = self._scratch / "redeem.sql"
        text = _SCRIPT.format(
            function=self._flavour.function,
            accounts=self._accounts,
            first=self._taken - 1,
            share=share,
            cards=self._cards,
        )
        script.write_text(text, encoding="ascii")
        self._taken += share * clients
        threads = str(min(clients, _THREADS))
        command = [str(self._pgbench), "-n", "-M", "prepared", "-c", str(clients), "-j", threads]
        command += ["-D", "place=0", "-f", str(script), *options]
        command += ["-h", str(self._postgres.server.home), "-U", "postgres"]
        command.append(self._flavour.database)
        done = subprocess.run(  # noqa: S603
            command, capture_output=True, text=True, check=False, cwd=self._scratch
        )
        return self._read(done)

    def _read(self, done: "subprocess.CompletedProcess[str]") -> Run:
        count, rate = _DONE.search(done.stdout), _RATE.search(done.stdout)
        if done.returncode or count is None or rate is None:
            raise CannotMeasure(f"pgbench failed: {done.stderr.strip()[-300:]}")
        failed = _FAILED.search(done.stdout)
        expect(failed is None or failed[1] == "0", "transactions of the reference failed")
        self.redeemed += int(count[1])
        return Run(int(count[1]), float(rate[1]))


def _make_schema(url: str) -> None:
    db = Database(replace(Settings(), database_url=url))
    try:
        upgrade(db)
    finally:
        db.dispose()
