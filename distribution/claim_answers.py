"""How claims are answered: cards found, held as lost, made void by two persons, or dismissed."""

from typing import Any

from sqlalchemy import Row

from core.db import Database, Session
from core.errors import InvalidInput
from core.numbers import paper_number
from core.text import clean
from distribution.claims import Claim, change_claim, lock_claim, note_change, read_claim
from distribution.consigned import lines_of, outstanding
from distribution.credit_notes import issue_credit_notes
from distribution.errors import PaperStateWrong
from distribution.moves import Consigned, PendingApproval, check_move, lots_digest, move_cards
from distribution.paper_tables import claim
from distribution.parties import party_by_code, require_scope
from distribution.ranges import Ranges, covers, without
from distribution.receipts import close_if_done, receive_ranges
from distribution.requests import MoveRequest
from staff import approvals
from staff.approvals import ContentChanged, Decision
from staff.permissions import Actor, Permission, require
from vouchers.lots import Lot, load_lots
from vouchers.movements import Cause, last_movements, move_lots
from vouchers.moves import Terms
from vouchers.queries import batch_terms
from vouchers.serials import SerialRange, batch_of, parse_range, serial_text

APPROVAL = "claim"
"""The kind of approval that making the cards of a claim void waits for."""


def answer_received(
    db: Database,
    actor: Actor,
    number: str,
    reason: str,
    found: tuple[str, str] | None = None,
) -> Claim:
    """Take the cards of a claim, or those of a range within it, into the receiver's stock.

    What was not found goes on in a claim of its own. Releases the holds that claims put on cards,
    no other: LotOnHold. Raises PaperUnknown, PaperStateWrong, InvalidInput, NotHolder.
    """
    require(actor, Permission.RESOLVE_CLAIMS)
    require(actor, Permission.RECEIVE)
    why = clean(reason, "the reason", 500)

    def work(session: Session) -> Claim:
        of, row = lock_claim(session, actor, number)
        _check_on_the_way(session, of, row)
        whole = SerialRange(row.first_serial, row.last_serial)
        cards = whole if found is None else parse_range(*found)
        if not covers([whole], cards):
            raise InvalidInput("the cards are not those of the claim")
        cause = Cause(member_id=actor.member_id, document=of.number, reason=why[:200])
        for held in _held_by_claims(session, of.number, cards):
            move_lots(session, held, "release", Terms(), cause, only=_is_held)
        movement_ids = receive_ranges(session, actor, of.number, [cards])
        issue_credit_notes(session, of, movement_ids)
        for rest in without([whole], [cards]):
            _go_on(session, actor, row, rest)
        part = {"first_serial": cards.first, "last_serial": cards.last}
        change_claim(session, actor, row.id, why, state="received", closed_at=session.now, **part)
        close_if_done(session, of.id, of.number)
        return read_claim(session, actor, number)

    return db.transact(work)


def hold_as_lost(db: Database, actor: Actor, number: str, reason: str) -> Claim:
    """Put the cards of a claim on hold as lost, so that nobody can use them; it stays open.

    Raises PaperUnknown, PaperStateWrong, NotHolder.
    """
    require(actor, Permission.RESOLVE_CLAIMS)
    require(actor, Permission.HOLD)
    why = clean(reason, "the reason", 500)

    def work(session: Session) -> Claim:
        of, row = lock_claim(session, actor, number)
        _check_on_the_way(session, of, row)
        cards = SerialRange(row.first_serial, row.last_serial)
        cause = Cause(member_id=actor.member_id, document=of.number, reason=why[:200])
        terms = Terms(hold="lost")
        move_lots(session, cards, "hold", terms, cause, only=lambda lot: lot.hold is None)
        note_change(session, actor, row.id, f"held as lost: {why}"[:500])
        return read_claim(session, actor, number)

    return db.transact(work)


def dismiss(db: Database, actor: Actor, number: str, reason: str) -> Claim:
    """Close the claim of unexpected cards, which stay where the books have them.

    Raises PaperUnknown, PaperStateWrong (also for cards that are missing), NotHolder.
    """
    require(actor, Permission.RESOLVE_CLAIMS)
    why = clean(reason, "the reason", 500)

    def work(session: Session) -> Claim:
        _, row = lock_claim(session, actor, number)
        if row.kind != "unexpected":
            raise PaperStateWrong("cards that were sent are received or made void", kind=row.kind)
        change_claim(session, actor, row.id, why, state="dismissed", closed_at=session.now)
        return read_claim(session, actor, number)

    return db.transact(work)


def request_void(
    db: Database, actor: Actor, number: str, reason: str, charged_to: str
) -> PendingApproval:
    """Ask a second person to make the cards of a claim void, at the cost of a party.

    Raises PaperUnknown, PaperStateWrong, PartyUnknown, NotHolder, and as the move does.
    """
    require(actor, Permission.RESOLVE_CLAIMS)
    why = clean(reason, "the reason", 500)

    def work(session: Session) -> PendingApproval:
        of, row = lock_claim(session, actor, number)
        _check_on_the_way(session, of, row)
        lots = check_move(session, actor, _void(of, row, why), Consigned(of.number)).lots
        content = {
            "number": row.number,
            "consignment": of.number,
            "claim_kind": row.kind,
            "first_serial": serial_text(row.first_serial),
            "last_serial": serial_text(row.last_serial),
            "cards": row.last_serial - row.first_serial + 1,
            "face_fen": batch_terms(session, batch_of(row.first_serial)).face_fen,
            "charged_to": party_by_code(session, charged_to).code,
            "reason": why,
            "lots_digest": lots_digest(lots),
        }
        return PendingApproval(approvals.request(session, actor, APPROVAL, content))

    return db.transact(work)


def void_agreed(session: Session, decision: Decision) -> Claim:
    """Make the cards void that two persons want to be void; ContentChanged where they moved."""
    content, asked_by = decision.content, decision.requester
    try:
        of, row = lock_claim(session, asked_by, content["number"])
        _check_on_the_way(session, of, row)
    except PaperStateWrong as error:
        raise ContentChanged(error.message) from error
    require_scope(session, decision.decider, {of.sender_id, of.receiver_id})
    asked_for = (content["first_serial"], content["last_serial"])
    if asked_for != (serial_text(row.first_serial), serial_text(row.last_serial)):
        raise ContentChanged("the claim holds other cards meanwhile")
    request = _void(of, row, content["reason"])
    consigned = Consigned(of.number, decision.approval_id)
    if (
        lots_digest(check_move(session, asked_by, request, consigned).lots)
        != content["lots_digest"]
    ):
        raise ContentChanged("the cards have changed since; ask again")
    move_cards(session, asked_by, request, consigned)
    change_claim(
        session,
        asked_by,
        row.id,
        content["reason"],
        state="void",
        closed_at=session.now,
        charged_party_id=party_by_code(session, content["charged_to"]).id,
        approval_id=decision.approval_id,
    )
    close_if_done(session, of.id, of.number)
    return read_claim(session, asked_by, row.number)


def _held_by_claims(session: Session, number: str, cards: SerialRange) -> Ranges:
    """Lock the cards; return those whose last hold was put by the papers of a consignment."""
    load_lots(session, cards)
    holds = last_movements(session, cards, "hold")
    return [held for held, movement in holds if movement.document == number]


def _is_held(lot: Lot) -> bool:
    return lot.hold is not None


def _void(of: Row[Any], row: Row[Any], reason: str) -> MoveRequest:
    return MoveRequest(
        move="void",
        first_serial=serial_text(row.first_serial),
        last_serial=serial_text(row.last_serial),
        document=of.number,
        reason=reason[:200],
    )


def _check_on_the_way(session: Session, of: Row[Any], row: Row[Any]) -> None:
    cards = SerialRange(row.first_serial, row.last_serial)
    if row.kind == "unexpected":
        raise PaperStateWrong("cards that were not sent are dismissed, or moved by themselves")
    if not covers(outstanding(session, of.number, lines_of(session, of.id)), cards):
        raise PaperStateWrong("the cards are no longer on the way")


def _go_on(session: Session, actor: Actor, row: Row[Any], cards: SerialRange) -> None:
    names = ("receipt_id", "consignment_id", "kind", "owner_party_id", "owner_member_id")
    rest = {name: row._mapping[name] for name in names} | {
        "id": session.new_id(),
        "number": paper_number(session, "CL"),
        "first_serial": cards.first,
        "last_serial": cards.last,
        "state": "open",
        "opened_at": row.opened_at,
    }
    session.execute(claim.insert(), rest)
    note_change(session, actor, rest["id"], f"what is left of {row.number}")
