"""Bills that go out to a bank for batch debit, and come back unpaid: by account and number."""

from collections.abc import Sequence

from sqlalchemy import select

from accounts.bills import back_from_bank, send_to_bank
from accounts.tables import bill
from core.db import Session
from core.errors import NotFound
from core.settings import Settings
from staff import events
from staff.permissions import Actor, Permission, require


class BillUnknown(NotFound):
    """The account has no bill of this number."""

    code = "bill_unknown"


def hand_to_bank(
    session: Session, actor: Actor, account_number: str, bill_numbers: Sequence[str]
) -> None:
    """Mark open bills of an account as out for debit, all or none; recharges leave them alone.

    Raises BillUnknown, BillStateWrong.
    """
    require(actor, Permission.IMPORT_ACCOUNTS)
    send_to_bank(session, _ids(session, account_number, bill_numbers))
    _record(session, actor, "bills.to_bank", account_number, bill_numbers)


def take_back(
    session: Session,
    settings: Settings,
    actor: Actor,
    account_number: str,
    bill_numbers: Sequence[str],
) -> None:
    """Take back bills that the bank did not debit, all or none, and pay them from the balance.

    Raises BillUnknown, BillStateWrong.
    """
    require(actor, Permission.IMPORT_ACCOUNTS)
    back_from_bank(session, settings, _ids(session, account_number, bill_numbers))
    _record(session, actor, "bills.from_bank", account_number, bill_numbers)


def _ids(session: Session, account_number: str, bill_numbers: Sequence[str]) -> list[int]:
    rows = session.execute(
        select(bill.c.bill_number, bill.c.id).where(
            bill.c.account_number == account_number, bill.c.bill_number.in_(bill_numbers)
        )
    )
    found = {row.bill_number: int(row.id) for row in rows}
    for number in bill_numbers:
        if number not in found:
            raise BillUnknown(f"the account has no bill {number}")
    return [found[number] for number in bill_numbers]


def _record(
    session: Session, actor: Actor, kind: str, account_number: str, bill_numbers: Sequence[str]
) -> None:
    events.record(session, actor, kind, f"account:{account_number}", bills=list(bill_numbers))
