"""A card for somebody whose redemption was reversed: its value goes from suspense into the card."""

from typing import Any

from sqlalchemy import Row, select

from accounts.ledger import Entry, LedgerCode, Posting, post
from core.db import Database, Session
from core.errors import DomainError
from core.text import clean
from redemption.tables import redemption_reversal
from staff import approvals, events
from staff.approvals import ContentChanged, Decision
from staff.permissions import Actor, Permission, require
from vouchers.handing_out import check_new_card, hand_out, lock_cards, require_company, sale_of
from vouchers.movements import Cause
from vouchers.serials import parse_serial, serial_text

KIND = "reissue"


class NotReissuable(DomainError):
    """The card's redemption was not reversed, or a card was handed out for it before."""

    code = "not_reissuable"


def request_reissue(db: Database, actor: Actor, old: str, new: str, reason: str) -> int:
    """Ask a second person to hand out card `new` for the reversed redemption of card `old`.

    Returns the approval's id. Raises NotReissuable, CardUnfit, WrongStage, LotOnHold, Forbidden.
    """
    require(actor, Permission.REPLACE_CARD)
    require_company(actor)
    why = clean(reason, "the reason", 500)
    serials = (parse_serial(old), parse_serial(new))

    def work(session: Session) -> int:
        cards = lock_cards(session, serials)
        _reversal(session, serials[0])
        new_card = cards[serials[1]]
        content = {
            "old_serial": serial_text(serials[0]),
            "new_serial": serial_text(serials[1]),
            "face_fen": check_new_card(session, serials[0], new_card, KIND, session.today),
            "new_card": new_card.facts,
            "reason": why,
        }
        return approvals.request(session, actor, KIND, content)

    return db.transact(work)


def carry_out_reissue(session: Session, decision: Decision) -> int:
    """Hand out the card that two persons want handed out; return the movement's id.

    Raises ContentChanged where the new card moved since, or another one was handed out.
    """
    asked = decision.content
    old, new = parse_serial(asked["old_serial"]), parse_serial(asked["new_serial"])
    card = lock_cards(session, (old, new))[new]
    if card.facts != asked["new_card"]:
        raise ContentChanged("the new card has moved since; ask again")
    check_new_card(session, old, card, KIND, session.today)
    taken = session.execute(
        redemption_reversal.update()
        .where(redemption_reversal.c.serial == old, redemption_reversal.c.reissued_as.is_(None))
        .values(reissued_as=new)
    )
    if taken.rowcount != 1:
        raise ContentChanged("a card was handed out for this redemption meanwhile")
    price = sale_of(session, old)
    value = Posting(
        LedgerCode.SUSPENSE,
        LedgerCode.VOUCHER_LIABILITY,
        price.price_fen,
        party_id=price.owing_party_id,
    )
    entry = Entry(session.new_id(), KIND, asked["new_serial"], (value,))
    post(session, [entry], session.zone)
    cause = Cause(
        member_id=decision.requester.member_id,
        approval_id=decision.approval_id,
        document=asked["old_serial"],
        reason=asked["reason"],
    )
    movement_id = hand_out(session, card, KIND, price, cause, entry.id)
    events.record(
        session,
        decision.decider,
        "voucher.reissued",
        f"voucher:{asked['old_serial']}",
        new_serial=asked["new_serial"],
        approval_id=str(decision.approval_id),
    )
    return movement_id


def _reversal(session: Session, serial: int) -> Row[Any]:
    query = select(redemption_reversal).where(redemption_reversal.c.serial == serial)
    found = session.execute(query).one_or_none()
    if found is None:
        raise NotReissuable("the redemption of this card was not reversed")
    if found.reissued_as is not None:
        raise NotReissuable(
            "a card was handed out for it before", serial_number=serial_text(found.reissued_as)
        )
    return found
