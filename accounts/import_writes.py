"""Writing one chunk of imported lines: what is new, what changed, what is there already."""

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import bindparam, insert, select, tuple_, update

from accounts.balances import AccountRow, lock_accounts
from accounts.bills import settle_from_balance
from accounts.csv_lines import BadLine
from accounts.import_rows import NewAccount, NewBill
from accounts.ledger import Entry, LedgerCode, Posting, post
from accounts.tables import account_region_change, bill, electricity_account
from core.db import Session
from core.settings import Settings

BILL_IMPORTED = "bill imported"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Numbered(Generic[T]):
    """A row and the line it comes from."""

    line: int
    row: T


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of the rows of a chunk."""

    imported: int = 0
    changed: int = 0
    unchanged: int = 0
    bad_lines: tuple[BadLine, ...] = ()

    def plus(self, other: "Counts") -> "Counts":
        """Return the sums; bad lines are told chunk by chunk and not kept."""
        return Counts(
            self.imported + other.imported,
            self.changed + other.changed,
            self.unchanged + other.unchanged,
        )


def write_accounts(
    session: Session,
    settings: Settings,  # noqa: ARG001 - one shape for both kinds of file
    rows: Sequence[Numbered[NewAccount]],
) -> Counts:
    """Insert new accounts, with nothing in them, and change those that are there otherwise."""
    wanted = {item.row.number: item.row for item in rows}
    there = lock_accounts(session, wanted)
    new = [row for number, row in sorted(wanted.items()) if number not in there]
    changed = [wanted[n] for n, old in there.items() if _as_imported(old) != wanted[n]]
    if new:
        session.execute(insert(electricity_account), [_account_row(row) for row in new])
    if changed:
        _keep_regions(session, [there[row.number] for row in changed], wanted)
        session.execute(_CHANGE, [_change_row(row) for row in changed])
    return Counts(len(new), len(changed), len(there) - len(changed))


def write_bills(session: Session, settings: Settings, rows: Sequence[Numbered[NewBill]]) -> Counts:
    """Insert and post new bills, and pay them from the balances of their accounts."""
    accounts = lock_accounts(session, {item.row.account_number for item in rows})
    there = _stored_bills(session, [item.row for item in rows])
    new: list[NewBill] = []
    bad: list[BadLine] = []
    for line, row in ((item.line, item.row) for item in rows):
        stored = there.get((row.account_number, row.bill_number))
        if row.account_number not in accounts:
            bad.append(BadLine(line, "there is no account with this account_number"))
        elif stored is None:
            new.append(row)
        elif stored != row:
            bad.append(BadLine(line, "bill already imported with other content"))
    if new:
        _insert_bills(session, settings, new)
        settle_from_balance(session, settings, _owners(new, accounts))
    return Counts(len(new), 0, len(rows) - len(new) - len(bad), tuple(bad))


def _keep_regions(
    session: Session, old: Sequence[AccountRow], wanted: Mapping[str, NewAccount]
) -> None:
    """Remember which region an account had, so that reports of the past stay what they were."""
    rows = [
        {"account_number": row.number, "at": session.now, "region_before": row.region}
        for row in old
        if row.region != wanted[row.number].region
    ]
    if rows:
        # Two changes of one instant are one: the region before the first of them stays.
        session.execute(session.insert_new(account_region_change), rows)


def _as_imported(row: AccountRow) -> NewAccount:
    return NewAccount(row.number, row.holder_name, row.account_class, row.phone, row.region)


def _account_row(row: NewAccount) -> dict[str, Any]:
    return {
        "number": row.number,
        "holder_name": row.holder_name,
        "account_class": row.account_class,
        "phone": row.phone,
        "region": row.region,
        "state": "open",
        "balance_fen": 0,
        "version": 1,
    }


_CHANGE = (
    update(electricity_account)
    .where(electricity_account.c.number == bindparam("account"))
    .values(
        holder_name=bindparam("new_name"),
        account_class=bindparam("new_class"),
        phone=bindparam("new_phone"),
        region=bindparam("new_region"),
        version=electricity_account.c.version + 1,
    )
)


def _change_row(row: NewAccount) -> dict[str, Any]:
    return {
        "account": row.number,
        "new_name": row.holder_name,
        "new_class": row.account_class,
        "new_phone": row.phone,
        "new_region": row.region,
    }


def _owners(bills: Sequence[NewBill], accounts: Mapping[str, AccountRow]) -> list[AccountRow]:
    return [accounts[number] for number in sorted({row.account_number for row in bills})]


def _stored_bills(session: Session, rows: Sequence[NewBill]) -> dict[tuple[str, str], NewBill]:
    """Return those of the bills that are stored, in one statement, as they are stored."""
    keys = [(row.account_number, row.bill_number) for row in rows]
    if not keys:
        return {}
    columns = (
        bill.c.account_number,
        bill.c.bill_number,
        bill.c.period,
        bill.c.principal_fen,
        bill.c.due_on,
    )
    found = session.execute(select(*columns).where(tuple_(*columns[:2]).in_(keys)))
    return {(row.account_number, row.bill_number): NewBill(*row) for row in found}


def _insert_bills(session: Session, settings: Settings, rows: Sequence[NewBill]) -> None:
    by_id = {session.new_id(): row for row in sorted(rows, key=astuple)}
    session.execute(insert(bill), [_bill_row(bill_id, row) for bill_id, row in by_id.items()])
    post(session, [_entry(session, bill_id, row) for bill_id, row in by_id.items()], settings.zone)


def _bill_row(bill_id: int, row: NewBill) -> dict[str, Any]:
    return {
        "id": bill_id,
        "account_number": row.account_number,
        "bill_number": row.bill_number,
        "period": row.period,
        "principal_fen": row.principal_fen,
        "due_on": row.due_on,
        "paid_principal_fen": 0,
        "charged_fee_fen": 0,
        "paid_fee_fen": 0,
        "state": "open",
    }


def _entry(session: Session, bill_id: int, row: NewBill) -> Entry:
    owed = Posting(
        LedgerCode.BILL_RECEIVABLE,
        LedgerCode.UTILITY_PAYABLE,
        row.principal_fen,
        account_number=row.account_number,
        bill_id=bill_id,
    )
    return Entry(session.new_id(), BILL_IMPORTED, row.bill_number, (owed,))
