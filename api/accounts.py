"""GET /api/v1/accounts: what may be told of an electricity account, and its statement."""

from datetime import date, datetime
from typing import Annotated

from litestar import Router, get
from msgspec import UNSET, Meta, Struct, UnsetType

from accounts.bills import tell_arrears
from accounts.ledger import StatementLine, statement
from accounts.lookup import account_view
from api.guards import WithRuntime, WithSender, partner_or_staff, staff
from api.parameters import AccountPath, AfterId, Limit
from api.refusals import Fen
from core.db import Session
from redemption.senders import Partner
from staff.permissions import Permission

DEFAULT_PAGE = 50


class AccountShown(Struct, frozen=True, kw_only=True):
    """An account. The late fee told here stays frozen for ten minutes (a setting).

    `with_bank_fen` is out for debit by a bank and not part of the arrears. Partners are not shown
    the balance.
    """

    account_number: str
    masked_name: Annotated[str, Meta(examples=["**明"])]
    state: str
    principal_fen: Fen
    late_fee_fen: Fen
    arrears_fen: Fen
    with_bank_fen: Fen
    balance_fen: int | UnsetType = UNSET


class StatementEntry(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One movement of the prepaid balance; below 0 it went out, to pay a bill."""

    id: str
    at: datetime
    business_day: date
    event: str
    reference: str
    amount_fen: Fen
    balance_fen: Fen
    bill_number: str | None = None


class Statement(Struct, frozen=True):
    """A page of movements, oldest first. `next_after` begins the next page; null on the last."""

    opening_fen: Fen
    lines: list[StatementEntry]
    next_after: str | None


@get(
    "/{number:str}",
    guards=[partner_or_staff(Permission.VIEW_ACCOUNTS)],
    sync_to_thread=True,
    summary="Look an account up",
    operation_id="readAccount",
)
def read_account(number: AccountPath, runtime: WithRuntime, sender: WithSender) -> AccountShown:
    """Return the masked name and the arrears of today; the late fee stays so for ten minutes."""

    def work(session: Session) -> AccountShown:
        owed = tell_arrears(session, runtime.settings, number)
        view = account_view(session, runtime.settings, number)
        return AccountShown(
            account_number=number,
            masked_name=view.masked_name,
            state=view.state,
            principal_fen=owed.principal_fen,
            late_fee_fen=owed.fee_fen,
            arrears_fen=owed.total_fen,
            with_bank_fen=owed.with_bank_fen,
            balance_fen=UNSET if isinstance(sender, Partner) else view.balance_fen,
        )

    return runtime.db.transact(work)


@get(
    "/{number:str}/statement",
    guards=[staff(Permission.VIEW_STATEMENT)],
    sync_to_thread=True,
    summary="Read a statement",
    operation_id="readStatement",
)
def read_statement(
    number: AccountPath, runtime: WithRuntime, after: AfterId = None, limit: Limit = DEFAULT_PAGE
) -> Statement:
    """Return the movements of an account's prepaid balance."""
    with runtime.db.read() as session:
        account_view(session, runtime.settings, number)  # tells an unknown number
        page = statement(session, number, after or 0, limit)
    lines = [_entry(line) for line in page.lines]
    return Statement(
        page.opening_fen, lines, None if page.next_after_id is None else str(page.next_after_id)
    )


def _entry(line: StatementLine) -> StatementEntry:
    return StatementEntry(
        id=str(line.id),
        at=line.at,
        business_day=line.business_day,
        event=line.event,
        reference=line.reference,
        amount_fen=line.amount_fen,
        balance_fen=line.balance_fen,
        bill_number=line.bill_number,
    )


router = Router("/accounts", route_handlers=[read_account, read_statement], tags=["accounts"])
