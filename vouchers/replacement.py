"""换卡: a new card of the same value for one that is expired, damaged or lost. Two persons.

Nothing is posted: the new card carries the old one's liability and the price of its sale. The old
card is terminal and points to the new one. An expired card can be extended instead.
"""

from datetime import date
from typing import Any

from sqlalchemy import insert, literal, select

from core.db import Database, Session, UtcDateTime
from core.errors import DomainError, InvalidInput
from core.text import clean
from staff import approvals, events
from staff.approvals import ContentChanged, Decision
from staff.permissions import Actor, Permission, require
from vouchers.card_proof import ProofMissing, latest_proof, proof_facts
from vouchers.handing_out import (
    LockedCard,
    check_new_card,
    hand_out,
    lock_cards,
    require_company,
    sale_of,
)
from vouchers.lots import cut, save_lots
from vouchers.movements import Cause, Step, record_movements
from vouchers.moves import MOVES, Terms, after, three_years_on
from vouchers.serials import SerialRange, parse_serial, serial_text
from vouchers.tables import voucher_hold, voucher_hold_before

GROUNDS = ("expired", "damaged", "lost")
"""Why a card is replaced. A lost one must be on hold as lost, a damaged one proven."""

KIND = "replace"
_HOLDS_ALLOWED = (None, "lost", "damaged")


class NotReplaceable(DomainError):
    """The old card is not in a state from which it is replaced or extended; `status` says why."""

    code = "not_replaceable"


def request_replacement(
    db: Database, actor: Actor, old: str, new: str, ground: str, reason: str
) -> int:
    """Ask a second person to let card `new` stand for card `old`; return the approval's id.

    Raises NotReplaceable, ProofMissing, CardUnfit, WrongStage, LotOnHold, InvalidInput, Forbidden.
    """
    require(actor, Permission.REPLACE_CARD)
    require_company(actor)
    if ground not in GROUNDS:
        raise InvalidInput(f"a card is replaced because it is {', '.join(GROUNDS)}")
    why = clean(reason, "the reason", 500)
    serials = (parse_serial(old), parse_serial(new))

    def work(session: Session) -> int:
        content = _content(session, actor, serials, ground)
        return approvals.request(session, actor, KIND, content | {"reason": why})

    return db.transact(work)


def carry_out_replacement(session: Session, decision: Decision) -> int:
    """Replace the card that two persons want replaced; return the movement's id.

    Raises ContentChanged where a card is no longer as it was when the second person was asked.
    """
    asked = decision.content
    serials = (parse_serial(asked["old_serial"]), parse_serial(asked["new_serial"]))
    cards = lock_cards(session, serials)
    old, new = cards[serials[0]], cards[serials[1]]
    if old.spent or new.spent or [old.facts, new.facts] != [asked["old_card"], asked["new_card"]]:
        raise ContentChanged("one of the cards has moved since; ask again")
    check_new_card(session, old.serial, new, KIND, session.today)
    cause = Cause(
        member_id=decision.requester.member_id,
        approval_id=decision.approval_id,
        document=serial_text(old.serial),
        reason=asked["reason"],
    )
    movement_id = hand_out(session, new, KIND, sale_of(session, old.serial), cause)
    _end(session, decision, old.serial, new.serial)
    return movement_id


def extend(db: Database, actor: Actor, serial_number: str, until: date, reason: str) -> None:
    """Let an expired card be used until another day, at most three years on; value unchanged.

    Raises NotReplaceable, LotOnHold, InvalidInput, Forbidden.
    """
    require(actor, Permission.REPLACE_CARD)
    require_company(actor)
    why, serial = clean(reason, "the reason", 500), parse_serial(serial_number)

    def work(session: Session) -> None:
        if not session.today < until <= three_years_on(session.today):
            raise InvalidInput("the new last day lies after today, at most three years on")
        card = lock_cards(session, [serial])[serial]
        _check_expired(card, session.today)
        becomes = after(card.lot, MOVES["extend"], Terms(extended_to=until))
        before, inside, behind = cut(card.locked, SerialRange(serial, serial))
        save_lots(session, card.locked, [*before, becomes, *behind])
        step = Step(move="extend", before=inside[0], after=becomes)
        cause = Cause(member_id=actor.member_id, reason=why)
        record_movements(session, [step], cause)
        events.record(
            session, actor, "voucher.extended", subject(serial), until=until.isoformat(), reason=why
        )

    db.transact(work)


def subject(serial: int) -> str:
    """Return the name under which the event log keeps a card."""
    return f"voucher:{serial_text(serial)}"


def _content(
    session: Session, actor: Actor, serials: tuple[int, int], ground: str
) -> dict[str, Any]:
    cards = lock_cards(session, serials)
    old, new = cards[serials[0]], cards[serials[1]]
    _check_replaceable(old)
    more: dict[str, Any] = {}
    if ground == "expired":
        _check_expired(old, session.today)
    elif ground == "lost" and old.hold != "lost":
        raise NotReplaceable("report the card lost first: put it on hold as lost", hold=old.hold)
    elif ground == "damaged":
        proof = latest_proof(session, old.serial)
        if proof is None or proof.person_id != actor.person_id:
            raise ProofMissing("prove the card first, by its serial number and readable digits")
        more["proof"] = proof_facts(proof)
    return {
        "old_serial": serial_text(old.serial),
        "new_serial": serial_text(new.serial),
        "ground": ground,
        "face_fen": check_new_card(session, old.serial, new, KIND, session.today),
        "old_card": old.facts,
        "new_card": new.facts,
    } | more


def _check_replaceable(card: LockedCard) -> None:
    """Only a card that was sold and still has its value can hand it on."""
    if card.spent:
        raise NotReplaceable("the card is used or was replaced before", status="used_or_replaced")
    if card.lot.stage != "active":
        raise NotReplaceable("only activated cards have a value", status=card.lot.stage)
    if card.hold not in _HOLDS_ALLOWED:
        raise NotReplaceable(f"the card is on hold: {card.hold}", status="on_hold", hold=card.hold)


def _check_expired(card: LockedCard, today: date) -> None:
    _check_replaceable(card)
    if card.lot.expires_on >= today:
        raise NotReplaceable(
            "the card is not expired", status="active", expires_on=str(card.lot.expires_on)
        )


def _end(session: Session, decision: Decision, old: int, new: int) -> None:
    row = {
        "serial": old,
        "hold": "replaced",
        "replaced_by": new,
        "member_id": decision.requester.member_id,
        "reason": decision.content["reason"],
        "at": session.now,
    }
    own = voucher_hold.c.serial == old
    session.execute(
        insert(voucher_hold_before).from_select(
            ["serial", "until", "hold", "since"],
            select(
                voucher_hold.c.serial,
                literal(session.now, UtcDateTime),
                voucher_hold.c.hold,
                voucher_hold.c.at,
            ).where(own),
        )
    )
    if session.execute(voucher_hold.update().where(own).values(row)).rowcount == 0:
        session.execute(voucher_hold.insert(), row)
    events.record(
        session,
        decision.decider,
        "voucher.replaced",
        subject(old),
        new_serial=serial_text(new),
        approval_id=str(decision.approval_id),
    )
