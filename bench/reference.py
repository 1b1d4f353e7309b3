"""The other side of the redemptions: the least that must happen, written by hand in PL/pgSQL.

Find the card by its tag, see that its lot is active, insert the redemption and the posting, add to
the balance, commit. No throttle, no arrears, no stored answer, no foreign keys, one index a table.
pgbench calls it on the same PostgreSQL, with as many cards and accounts as the product has.
"""

import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.errors import CannotMeasure, expect
from bench.postgres import Postgres
from bench.statistics import percentile

DATABASE = "bare"
_THREADS = 2

_TABLES = """
CREATE TABLE bare_voucher (serial bigint PRIMARY KEY, batch_id bigint NOT NULL,
                           pin_tag uuid NOT NULL UNIQUE);
CREATE TABLE bare_lot (first_serial bigint PRIMARY KEY, last_serial bigint NOT NULL,
                       stage text NOT NULL, face_fen bigint NOT NULL);
CREATE TABLE bare_account (number bigint PRIMARY KEY, balance_fen bigint NOT NULL);
CREATE TABLE bare_redemption (serial bigint PRIMARY KEY, account_number bigint NOT NULL,
                              face_fen bigint NOT NULL, at timestamptz NOT NULL);
CREATE TABLE bare_posting (id bigint PRIMARY KEY, debit int NOT NULL, credit int NOT NULL,
                           amount_fen bigint NOT NULL, account_number bigint NOT NULL);
CREATE FUNCTION bare_redeem(card bigint, account bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    hit record;
BEGIN
    SELECT v.serial, l.stage, l.face_fen INTO hit
    FROM bare_voucher v
    CROSS JOIN LATERAL (SELECT stage, face_fen FROM bare_lot WHERE first_serial <= v.serial
                        ORDER BY first_serial DESC LIMIT 1) l
    WHERE v.pin_tag = CAST(md5(CAST(card AS text)) AS uuid);
    IF NOT FOUND OR hit.stage <> 'active' THEN
        RAISE EXCEPTION 'not redeemable';
    END IF;
    INSERT INTO bare_redemption VALUES (hit.serial, account, hit.face_fen, now());
    INSERT INTO bare_posting VALUES (hit.serial, 2204, 2203, hit.face_fen, account);
    UPDATE bare_account SET balance_fen = balance_fen + hit.face_fen WHERE number = account;
    RETURN hit.serial;
END $$;
"""
_ROWS = """
INSERT INTO bare_voucher SELECT i, i / 100000, CAST(md5(CAST(i AS text)) AS uuid)
FROM generate_series(0, {cards} - 1) i;
INSERT INTO bare_lot SELECT i, i + {lot} - 1, 'active', 5000
FROM generate_series(0, {cards} - 1, {lot}) i;
INSERT INTO bare_account SELECT i, 0 FROM generate_series(1, {accounts}) i;
"""
_SCRIPT = """\
\\set account random(1, {accounts})
\\set place :place + 1
SELECT bare_redeem(mod(({first} + :client_id * {share} + :place)
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
    """The bare tables, the function, and pgbench on them. Each card is used once."""

    def __init__(self, postgres: Postgres, cards: int, accounts: int, scratch: Path) -> None:
        self._postgres = postgres
        self._cards = cards
        self._accounts = accounts
        self._scratch = scratch
        self._pgbench = postgres.pgbench()
        self._taken = 0
        self.redeemed = 0

    def build(self) -> None:
        """Make the database and fill it."""
        self._postgres.create(DATABASE)
        self._postgres.run(_TABLES, DATABASE)
        lot = max(1, self._cards // 200)
        rows = _ROWS.format(cards=self._cards, lot=lot, accounts=self._accounts)
        self._postgres.run(rows, DATABASE)
        self._postgres.run("VACUUM ANALYZE", DATABASE)

    @property
    def left(self) -> int:
        """How many cards are not used yet."""
        return self._cards - self._taken

    def rate(self, clients: int, transactions: int) -> Run:
        """Redeem so many cards as fast as so many clients can."""
        share = max(1, min(transactions, self.left) // clients)
        return self._run(clients, share, ["-t", str(share)])

    def latency(self, clients: int, rate: float, seconds: float) -> Run:
        """Redeem at a fixed mean rate; the p99 counts from when a transaction was due."""
        share = max(1, min(int(rate * seconds * 1.5) + 50 * clients, self.left) // clients)
        prefix = self._scratch / "latency"
        options = ["-R", f"{rate:.1f}", "-T", str(max(1, round(seconds)))]
        done = self._run(clients, share, [*options, "-l", "--log-prefix", str(prefix)])
        times = []
        for path in self._scratch.glob("latency.*"):
            lines = path.read_text(encoding="ascii").splitlines()
            times += [int(line.split()[2]) / 1e6 for line in lines]
            path.unlink()
        expect(len(times) == done.transactions, "pgbench's log is not complete")
        return Run(done.transactions, done.rate, percentile(times, 0.99))

    def check(self) -> None:
        """Raise CheckFailed unless every transaction left its rows, and balances add up."""
        found = self._postgres.rows(
            "SELECT (SELECT count(*) FROM bare_redemption), (SELECT count(*) FROM bare_posting),"
            " (SELECT sum(amount_fen) FROM bare_posting) ="
            " (SELECT sum(balance_fen) FROM bare_account)",
            DATABASE,
        )[0]
        expect(
            found == (self.redeemed, self.redeemed, True),
            f"{self.redeemed} transactions of the reference left {found}",
        )

    def _run(self, clients: int, share: int, options: Sequence[str]) -> Run:
        script = self._scratch / "redeem.sql"
        text = _SCRIPT.format(
            accounts=self._accounts, first=self._taken - 1, share=share, cards=self._cards
        )
        script.write_text(text, encoding="ascii")
        self._taken += share * clients
        threads = str(min(clients, _THREADS))
        command = [str(self._pgbench), "-n", "-M", "prepared", "-c", str(clients), "-j", threads]
        command += ["-D", "place=0", "-f", str(script), *options]
        command += ["-h", str(self._postgres.server.home), "-U", "postgres", DATABASE]
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
