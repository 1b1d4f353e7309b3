"""The books: chart, postings, entries; append only, mended only by a mirror entry."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import IntEnum
from typing import Any, Literal
from zoneinfo import ZoneInfo

from msgspec import Struct
from sqlalchemy import ColumnElement, case, func, or_, select

from accounts.balances import BalanceTooLow, add_to_balances, lock_accounts
from accounts.tables import bill, journal_entry, ledger_account, posting
from core.clock import local_day
from core.db import Session
from core.errors import DomainError, InvalidInput, NotFound
from core.money import MAX_FEN
from core.sets import insert_rows

MAX_PAGE = 200

Kind = Literal["asset", "liability", "income", "expense"]


class LedgerCode(IntEnum):
    """The accounts of the books; the numbers follow the Chinese standard chart."""

    BANK = 1002
    DISTRIBUTOR_RECEIVABLE = 1122
    BILL_RECEIVABLE = 1123
    UTILITY_PAYABLE = 2202
    ELECTRICITY_ACCOUNT = 2203
    VOUCHER_LIABILITY = 2204
    RETURNS_CLEARING = 2241
    SUSPENSE = 2242
    LATE_FEE_INCOME = 6051
    COMMISSION_EXPENSE = 6601

    @property
    def kind(self) -> Kind:
        """Which side of the books it stands on."""
        return _CHART[self][0]

    @property
    def zh(self) -> str:
        """Its Chinese name."""
        return _CHART[self][1]

    @property
    def en(self) -> str:
        """Its English name."""
        return _CHART[self][2]


_CHART: dict[LedgerCode, tuple[Kind, str, str]] = {
    LedgerCode.BANK: ("asset", "银行存款", "Bank"),
    LedgerCode.DISTRIBUTOR_RECEIVABLE: ("asset", "应收代理商款", "Distributor receivable"),
    LedgerCode.BILL_RECEIVABLE: ("asset", "应收电费", "Bill receivable"),
    LedgerCode.UTILITY_PAYABLE: ("liability", "应付供电公司款", "Utility payable"),
    LedgerCode.ELECTRICITY_ACCOUNT: ("liability", "预收电费", "Electricity accounts"),
    LedgerCode.VOUCHER_LIABILITY: ("liability", "充值卡负债", "Voucher liability"),
    LedgerCode.RETURNS_CLEARING: ("liability", "返销清算", "Returns clearing"),
    LedgerCode.SUSPENSE: ("liability", "待处理款项", "Suspense"),
    LedgerCode.LATE_FEE_INCOME: ("income", "违约金收入", "Late fee income"),
    LedgerCode.COMMISSION_EXPENSE: ("expense", "代理佣金", "Commission expense"),
}


_OF_CARDS = {LedgerCode.VOUCHER_LIABILITY, LedgerCode.RETURNS_CLEARING}


class PostingInvalid(InvalidInput):
    """A posting or entry that the books must never hold."""

    code = "posting_invalid"


class EntryUnknown(NotFound):
    """No journal entry has that id."""

    code = "entry_unknown"


class AlreadyReversed(DomainError):
    """The entry was reversed before, or is a reversal itself."""

    code = "already_reversed"


class EntryTouchesCards(DomainError):
    """The entry moved the value of cards; it is undone by what becomes of the cards."""

    code = "entry_touches_cards"


class EntryTouchesBills(DomainError):
    """The entry changed bills; their payments must be undone first."""

    code = "entry_touches_bills"


class Posting(Struct, frozen=True, gc=False):
    """One debit, one credit, one sum above 0 in fen; raises PostingInvalid otherwise.

    A receivable names its party, an electricity account its number, a bill its id.
    """

    debit: LedgerCode
    credit: LedgerCode
    amount_fen: int
    party_id: int | None = None
    account_number: str | None = None
    bill_id: int | None = None

    def __post_init__(self) -> None:
        if type(self.amount_fen) is not int or not 0 < self.amount_fen < MAX_FEN:
            raise PostingInvalid("a posting needs a sum of whole fen above 0")
        if self.debit == self.credit:
            raise PostingInvalid("a posting needs two different accounts")
        both = (self.debit, self.credit)
        if LedgerCode.DISTRIBUTOR_RECEIVABLE in both and self.party_id is None:
            raise PostingInvalid("a distributor receivable must say whose it is")
        if LedgerCode.ELECTRICITY_ACCOUNT in both and self.account_number is None:
            raise PostingInvalid("a posting to an electricity account must say to which")
        if LedgerCode.BILL_RECEIVABLE in both and None in (self.bill_id, self.account_number):
            raise PostingInvalid("a bill receivable must name its account and bill")


class Entry(Struct, frozen=True, gc=False):
    """One event with all its postings; raises PostingInvalid where there are none."""

    id: int
    event: str
    reference: str
    postings: tuple[Posting, ...]
    reverses: int | None = None

    def __post_init__(self) -> None:
        if not self.postings:
            raise PostingInvalid("an entry needs a posting")
        if not self.event or not self.reference:
            raise PostingInvalid("an entry needs an event and a reference")
        if self.reverses == self.id:
            raise PostingInvalid("an entry cannot reverse itself")


@dataclass(frozen=True, slots=True)
class TrialRow:
    """The totals of one account of the chart, in fen."""

    code: LedgerCode
    debit_fen: int
    credit_fen: int


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One movement of a prepaid balance: added (or taken, below 0), and the balance after it.

    `bill_number` names the bill that the money went to.
    """

    id: int
    at: datetime
    business_day: date
    event: str
    reference: str
    bill_number: str | None
    amount_fen: int
    balance_fen: int


@dataclass(frozen=True, slots=True)
class StatementPage:
    """Some lines, oldest first; `next_after_id` asks for those that follow, None at the end."""

    opening_fen: int
    lines: tuple[StatementLine, ...]
    next_after_id: int | None


def seed_chart(session: Session) -> None:
    """Write the chart of accounts; rows that are there already stay as they are."""
    rows = [{"code": int(code), "name": code.en, "kind": code.kind} for code in LedgerCode]
    session.execute(session.insert_new(ledger_account), rows)


def post(session: Session, entries: Sequence[Entry], zone: ZoneInfo) -> None:
    """Write the entries, all of the transaction's instant, in two statements however many."""
    if not entries:
        return
    day = local_day(session.now, zone)
    insert_rows(session, journal_entry, [_entry_row(entry, session.now, day) for entry in entries])
    postings = [(entry.id, each) for entry in entries for each in entry.postings]
    ids = session.new_ids(len(postings))
    rows = [_posting_row(new, *each) for new, each in zip(ids, postings, strict=True)]
    insert_rows(session, posting, rows)


def reverse(session: Session, entry_id: int, reference: str, zone: ZoneInfo) -> Entry:
    """Post the mirror of an entry, once for ever, and take back what it did to balances.

    Raises EntryUnknown, AlreadyReversed, EntryTouchesBills, EntryTouchesCards, or BalanceTooLow
    where the money is no longer there.
    """
    postings = _lock_reversible(session, entry_id)
    mirror = Entry(session.new_id(), "reversal", reference, postings, reverses=entry_id)
    changes = balance_changes(postings)
    for number, row in lock_accounts(session, changes).items():
        if row.balance_fen + changes[number] < 0:
            raise BalanceTooLow("the balance no longer holds what would be taken back")
    post(session, [mirror], zone)
    add_to_balances(session, changes)
    return mirror


def balance_changes(postings: Iterable[Posting]) -> dict[str, int]:
    """Return what the postings add to the prepaid balance of each electricity account, in fen."""
    changes: dict[str, int] = {}
    for item in postings:
        if item.account_number is not None and LedgerCode.ELECTRICITY_ACCOUNT in (
            item.debit,
            item.credit,
        ):
            credited = item.credit == LedgerCode.ELECTRICITY_ACCOUNT
            change = item.amount_fen if credited else -item.amount_fen
            changes[item.account_number] = changes.get(item.account_number, 0) + change
    return changes


def party_receivable(session: Session, party_id: int) -> int:
    """Return what a party owes, in fen; below 0 it has paid in advance."""
    statement = select(func.sum(_signed(LedgerCode.DISTRIBUTOR_RECEIVABLE))).where(
        posting.c.party_id == party_id
    )
    return int(session.execute(statement).scalar() or 0)


def trial_balance(session: Session) -> list[TrialRow]:
    """Return the totals of every account of the chart; debits and credits sum up to the same."""
    debit = _totals(session, posting.c.debit)
    credit = _totals(session, posting.c.credit)
    return [TrialRow(code, debit.get(code, 0), credit.get(code, 0)) for code in LedgerCode]


def statement(
    session: Session, account_number: str, after_id: int = 0, limit: int = 50
) -> StatementPage:
    """Return the movements of a prepaid balance that follow line `after_id`, at most `limit`."""
    if not 1 <= limit <= MAX_PAGE or not 0 <= after_id < 2**63:
        raise InvalidInput(f"ask for 1 to {MAX_PAGE} lines, after the id of a line")
    moved = -_signed(LedgerCode.ELECTRICITY_ACCOUNT)
    own = _of_account(account_number)
    opening = session.execute(select(func.sum(moved)).where(own, posting.c.id <= after_id)).scalar()
    rows = session.execute(
        select(
            posting.c.id,
            journal_entry.c.at,
            journal_entry.c.business_day,
            journal_entry.c.event,
            journal_entry.c.reference,
            bill.c.bill_number,
            moved.label("amount_fen"),
        )
        .join(journal_entry, journal_entry.c.id == posting.c.entry_id)
        .outerjoin(bill, bill.c.id == posting.c.bill_id)
        .where(own, posting.c.id > after_id)
        .order_by(posting.c.id)
        .limit(limit + 1)
    ).all()
    return _page(int(opening or 0), rows, limit)


def latest_credits(
    session: Session, account_number: str, debit: LedgerCode, limit: int
) -> tuple[tuple[datetime, int], ...]:
    """Return what came from one account of the chart to an electricity account, newest first.

    Each with its instant and its sum in fen, at most `limit`.
    """
    rows = session.execute(
        select(journal_entry.c.at, posting.c.amount_fen)
        .join(journal_entry, journal_entry.c.id == posting.c.entry_id)
        .where(
            posting.c.account_number == account_number,
            posting.c.debit == debit,
            posting.c.credit == LedgerCode.ELECTRICITY_ACCOUNT,
        )
        .order_by(posting.c.id.desc())
        .limit(limit)
    )
    return tuple((row.at, row.amount_fen) for row in rows)


def _page(opening_fen: int, rows: Sequence[Any], limit: int) -> StatementPage:
    lines, balance_fen = [], opening_fen
    for row in rows[:limit]:
        balance_fen += row.amount_fen
        lines.append(StatementLine(**row._mapping, balance_fen=balance_fen))
    more = len(rows) > limit
    return StatementPage(opening_fen, tuple(lines), lines[-1].id if more else None)


def _of_account(account_number: str) -> ColumnElement[bool]:
    code = LedgerCode.ELECTRICITY_ACCOUNT
    return (posting.c.account_number == account_number) & or_(
        posting.c.debit == code, posting.c.credit == code
    )


def _signed(code: LedgerCode) -> ColumnElement[int]:
    """A posting's sum as it counts on the debit side of `code`."""
    return case(
        (posting.c.debit == int(code), posting.c.amount_fen),
        (posting.c.credit == int(code), -posting.c.amount_fen),
        else_=0,
    )


def _totals(session: Session, side: ColumnElement[int]) -> dict[int, int]:
    rows = session.execute(select(side, func.sum(posting.c.amount_fen)).group_by(side))
    return {int(code): int(total) for code, total in rows}


def _lock_reversible(session: Session, entry_id: int) -> tuple[Posting, ...]:
    """Lock an entry that may be reversed; return the mirror of its postings."""
    found = session.execute(
        select(journal_entry.c.reverses).where(journal_entry.c.id == entry_id).with_for_update()
    ).one_or_none()
    if found is None:
        raise EntryUnknown("there is no journal entry with this id")
    mirror = select(journal_entry.c.id).where(journal_entry.c.reverses == entry_id)
    if found.reverses is not None or session.execute(mirror).first() is not None:
        raise AlreadyReversed("the entry was reversed before, or is a reversal itself")
    rows = session.execute(
        select(posting).where(posting.c.entry_id == entry_id).order_by(posting.c.id)
    ).all()
    if any(row.bill_id is not None for row in rows):
        raise EntryTouchesBills("undo what the entry did to bills first")
    if any({row.debit, row.credit} & _OF_CARDS for row in rows):
        # A mirror would bring back the value of a card that stays used or void.
        raise EntryTouchesCards("the value of cards moves with the cards, not by a mirror entry")
    return tuple(
        Posting(
            LedgerCode(row.credit),
            LedgerCode(row.debit),
            row.amount_fen,
            row.party_id,
            row.account_number,
        )
        for row in rows
    )


def _entry_row(entry: Entry, at: datetime, day: date) -> dict[str, Any]:
    return {
        "id": entry.id,
        "at": at,
        "business_day": day,
        "event": entry.event,
        "reference": entry.reference,
        "reverses": entry.reverses,
    }


def _posting_row(new_id: int, entry_id: int, item: Posting) -> dict[str, Any]:
    return {
        "id": new_id,
        "entry_id": entry_id,
        "debit": int(item.debit),
        "credit": int(item.credit),
        "amount_fen": item.amount_fen,
        "party_id": item.party_id,
        "account_number": item.account_number,
        "bill_id": item.bill_id,
    }
