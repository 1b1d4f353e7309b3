"""How consignments, receipts, claims and credit notes look in JSON."""

from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct

from api.fields import Key, PartyCode, Reason, SerialText
from api.refusals import Fen
from distribution.claims import Claim
from distribution.consignments import Consignment
from distribution.credit_notes import CreditNote
from distribution.overdue import Overdue
from distribution.receipts import GoodsReceipt
from vouchers.serials import SerialRange, serial_text

ScanText = Annotated[
    str,
    Meta(
        max_length=40,
        description="A card (17 digits), a pack (14), a carton (13), or a range `first-last`.",
        examples=["42251010007001"],
    ),
]


class Range(Struct, frozen=True, kw_only=True):
    """Cards from one serial number to another, both included."""

    first_serial: str
    last_serial: str
    cards: int


class RangeBody(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Cards from one serial number to another, both included, within one batch."""

    first_serial: SerialText
    last_serial: SerialText


class DrawUpBody(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Cards to send: `kind` is dispatch (to a child), transfer (to a sibling) or return.

    `reference` is your own, and makes it once only; without `sender` it is your party.
    """

    kind: Annotated[str, Meta(max_length=20, examples=["return"])]
    ranges: Annotated[list[RangeBody], Meta(min_length=1, max_length=1_000)]
    reference: Key
    sender: PartyCode | None = None
    receiver: PartyCode | None = None
    reason: Reason | None = None


class ReceiptBody(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What was scanned; `reference` names this scanning and counts once in the consignment.

    `complete`: nothing more will come, and what is missing becomes claims.
    """

    reference: Key
    scans: Annotated[list[ScanText], Meta(max_length=2_000)] = []
    damaged: Annotated[list[ScanText], Meta(max_length=2_000)] = []
    complete: bool = False


class LineShown(Struct, frozen=True, kw_only=True):
    """A range of a consignment."""

    first_serial: str
    last_serial: str
    cards: int
    face_fen: Fen


class ConsignmentShown(Struct, frozen=True, kw_only=True):
    """A consignment; `state` is draft, sent, closed or cancelled.

    `outstanding_cards` are still on the way.
    """

    id: str
    number: str
    kind: str
    sender: str
    receiver: str
    state: str
    order: str | None
    reference: str | None
    reason: str | None
    created_at: datetime
    sent_at: datetime | None
    closed_at: datetime | None
    cards: int
    face_value_fen: Fen
    outstanding_cards: int
    lines: list[LineShown]


class ReceiptShown(Struct, frozen=True, kw_only=True):
    """What became of scanned cards, as ranges by outcome; `claims` are numbers."""

    number: str
    consignment: str
    at: datetime
    received: list[Range]
    damaged: list[Range]
    held: list[Range]
    short: list[Range]
    unexpected: list[Range]
    repeated: list[Range]
    claimed: list[Range]
    claims: list[str]


class ClaimChange(Struct, frozen=True, kw_only=True):
    """One change of a claim, as it was after it."""

    at: datetime
    by: str
    state: str
    owner: str | None
    first_serial: str
    last_serial: str
    reason: str


class ClaimShown(Struct, frozen=True, kw_only=True):
    """A difference; `kind` is short, damaged, held or unexpected.

    `state` is open, received, void or dismissed. `owner_party` must answer for it.
    """

    id: str
    number: str
    consignment: str
    kind: str
    first_serial: str
    last_serial: str
    cards: int
    state: str
    owner_party: str
    owner: str | None
    charged_to: str | None
    opened_at: datetime
    closed_at: datetime | None
    age_days: int
    history: list[ClaimChange]


class CreditLineShown(Struct, frozen=True, kw_only=True):
    """Returned cards of one price; `entry_id` is the journal entry that credited them."""

    first_serial: str
    last_serial: str
    cards: int
    price_fen: Fen
    commission_fen: Fen
    entry_id: str


class CreditNoteShown(Struct, frozen=True, kw_only=True):
    """What a party was credited: the face value less the commission clawed back."""

    id: str
    number: str
    consignment: str
    party: str
    cards: int
    face_value_fen: Fen
    commission_fen: Fen
    credit_fen: Fen
    at: datetime
    lines: list[CreditLineShown]


class OverdueShown(Struct, frozen=True, kw_only=True):
    """Cards sent under one document (a consignment's number) that have not arrived."""

    document: str | None
    sender: str
    receiver: str
    sent_at: datetime
    days: int
    cards: int
    face_value_fen: Fen
    ranges: list[Range]


def range_shown(cards: SerialRange) -> Range:
    """Return a range as it goes out."""
    return Range(
        first_serial=serial_text(cards.first),
        last_serial=serial_text(cards.last),
        cards=cards.count,
    )


def consignment_shown(item: Consignment) -> ConsignmentShown:
    """Return a consignment as it goes out."""
    return ConsignmentShown(
        id=str(item.id),
        number=item.number,
        kind=item.kind,
        sender=item.sender,
        receiver=item.receiver,
        state=item.state,
        order=item.order,
        reference=item.reference,
        reason=item.reason,
        created_at=item.created_at,
        sent_at=item.sent_at,
        closed_at=item.closed_at,
        cards=item.cards,
        face_value_fen=item.face_value_fen,
        outstanding_cards=item.outstanding,
        lines=[
            LineShown(
                first_serial=serial_text(line.cards.first),
                last_serial=serial_text(line.cards.last),
                cards=line.cards.count,
                face_fen=line.face_fen,
            )
            for line in item.lines
        ],
    )


def receipt_shown(item: GoodsReceipt) -> ReceiptShown:
    """Return a receipt as it goes out."""
    outcomes = {
        name: [range_shown(each) for each in found] for name, found in item.outcomes.items()
    }
    return ReceiptShown(
        number=item.number,
        consignment=item.consignment,
        at=item.at,
        claims=list(item.claims),
        **outcomes,
    )


def claim_shown(item: Claim) -> ClaimShown:
    """Return a claim as it goes out; in lists without its history."""
    return ClaimShown(
        id=str(item.id),
        number=item.number,
        consignment=item.consignment,
        kind=item.kind,
        first_serial=serial_text(item.cards.first),
        last_serial=serial_text(item.cards.last),
        cards=item.cards.count,
        state=item.state,
        owner_party=item.owner_party,
        owner=item.owner,
        charged_to=item.charged_to,
        opened_at=item.opened_at,
        closed_at=item.closed_at,
        age_days=item.age_days,
        history=[
            ClaimChange(
                at=each.at,
                by=each.by,
                state=each.state,
                owner=each.owner,
                first_serial=serial_text(each.cards.first),
                last_serial=serial_text(each.cards.last),
                reason=each.reason,
            )
            for each in item.history
        ],
    )


def credit_note_shown(item: CreditNote) -> CreditNoteShown:
    """Return a credit note as it goes out."""
    return CreditNoteShown(
        id=str(item.id),
        number=item.number,
        consignment=item.consignment,
        party=item.party,
        cards=item.cards,
        face_value_fen=item.face_value_fen,
        commission_fen=item.commission_fen,
        credit_fen=item.credit_fen,
        at=item.at,
        lines=[
            CreditLineShown(
                first_serial=serial_text(line.cards.first),
                last_serial=serial_text(line.cards.last),
                cards=line.cards.count,
                price_fen=line.price_fen,
                commission_fen=line.commission_fen,
                entry_id=str(line.entry_id),
            )
            for line in item.lines
        ],
    )


def overdue_shown(item: Overdue) -> OverdueShown:
    """Return what is overdue as it goes out."""
    return OverdueShown(
        document=item.document,
        sender=item.sender,
        receiver=item.receiver,
        sent_at=item.sent_at,
        days=item.days,
        cards=item.cards,
        face_value_fen=item.face_value_fen,
        ranges=[range_shown(each) for each in item.ranges],
    )
