"""冲正: a redemption is taken back. Two persons; the card stays used, its value is in suspense.

First the bills that it settled are open again, by the mirror of each posting, late fees included;
then the face value leaves the electricity account. Where it is no longer there nothing happens.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, select

from accounts.balances import AccountRow, BalanceTooLow, add_to_balances, lock_accounts
from accounts.bills import settle_from_balance
from accounts.ledger import AlreadyReversed, Entry, LedgerCode, Posting, balance_changes, post
from accounts.unsettle import UNDONE, Undoing, mirror_postings, plan_undoing, save_undoings
from core.db import Database, Session
from core.errors import NotFound
from core.text import clean
from redemption.tables import redemption, redemption_reversal
from staff import approvals, events
from staff.approvals import Decision
from staff.permissions import Actor, Permission, require
from vouchers.handing_out import require_company
from vouchers.serials import serial_text

KIND = "reverse_redemption"


def request_reversal(db: Database, actor: Actor, receipt_number: str, reason: str) -> int:
    """Ask a second person to take a redemption back; return the approval's id.

    Raises NotFound, AlreadyReversed, BalanceTooLow, BillPaidSince, BillWithBank, Forbidden.
    """
    require(actor, Permission.REVERSE_REDEMPTION)
    require_company(actor)
    why = clean(reason, "the reason", 500)

    def work(session: Session) -> int:
        found, _, undoings = _prepare(session, receipt_number)
        content = {
            "receipt_number": found.receipt_number,
            "serial_number": serial_text(found.serial),
            "account_number": found.account_number,
            "amount_fen": found.face_fen,
            "redeemed_at": found.at.isoformat(),
            "bills": [_shown(item) for item in undoings],
            "reason": why,
        }
        return approvals.request(session, actor, KIND, content)

    return db.transact(work)


def carry_out_reversal(session: Session, decision: Decision) -> int:
    """Take back the redemption that two persons want taken back; return the entry's id.

    Raises what `request_reversal` raises; then the approval stays open.
    """
    asked = decision.content
    found, account, undoings = _prepare(session, asked["receipt_number"])
    entry = Entry(session.new_id(), UNDONE, found.receipt_number, _postings(session, found))
    post(session, [entry], session.zone)
    row = {
        "serial": found.serial,
        "entry_id": entry.id,
        "approval_id": decision.approval_id,
        "member_id": decision.requester.member_id,
        "reason": asked["reason"],
        "at": session.now,
    }
    if session.execute(session.insert_new(redemption_reversal), row).rowcount != 1:
        raise AlreadyReversed("the redemption was reversed before")
    save_undoings(session, undoings)
    add_to_balances(session, balance_changes(entry.postings))
    # Money that waits on the account pays the bills that are open again, as it always does.
    rest = lock_accounts(session, [account.number])
    settle_from_balance(session, decision.settings, rest.values())
    events.record(
        session,
        decision.decider,
        "redemption.reversed",
        f"receipt:{found.receipt_number}",
        serial_number=asked["serial_number"],
        approval_id=str(decision.approval_id),
    )
    return entry.id


def _prepare(
    session: Session, receipt_number: str
) -> tuple[Row[Any], AccountRow, Sequence[Undoing]]:
    """Lock the account; then see that the redemption can be taken back."""
    of_receipt = redemption.c.receipt_number == receipt_number
    found = session.execute(select(redemption).where(of_receipt)).one_or_none()
    if found is None:
        raise NotFound("there is no receipt of this number")
    account = lock_accounts(session, [found.account_number])[found.account_number]
    done = select(redemption_reversal.c.serial).where(redemption_reversal.c.serial == found.serial)
    if session.execute(done).first() is not None:
        raise AlreadyReversed("the redemption was reversed before")
    undoings = plan_undoing(session, found.entry_id)
    back_fen = sum(item.part.paid_fen for item in undoings)
    if account.balance_fen + back_fen < found.face_fen:
        raise BalanceTooLow(
            "the money was used for other bills since",
            balance_fen=account.balance_fen + back_fen,
            needed_fen=found.face_fen,
        )
    return found, account, undoings


def _postings(session: Session, found: Row[Any]) -> tuple[Posting, ...]:
    value = Posting(
        LedgerCode.ELECTRICITY_ACCOUNT,
        LedgerCode.SUSPENSE,
        found.face_fen,
        account_number=found.account_number,
    )
    return (*mirror_postings(session, found.entry_id), value)


def _shown(item: Undoing) -> dict[str, str | int]:
    return {
        "bill_number": item.bill_number,
        "paid_fen": item.part.paid_fen,
        "late_fee_fen": item.part.charged_fen,
    }
