"""Sales at a till: a card, a pack, or an electronic card becomes active as it is paid for.

One transaction: the sale, the move with its money, the answer under the till's own key. The same
key gives the same sale again, so a lost answer is asked for and never drawn anew.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from functools import partial
from typing import Any

from sqlalchemy import Row, select

from core import answers
from core.answers import Given, Reference
from core.db import Database, Session
from core.errors import InvalidInput, NotFound
from core.keyfile import Keys
from core.settings import Settings
from distribution.electronic import CardMaking, sell_electronic
from distribution.moves import activate_at
from distribution.pin_texts import PinText, PinTexter, PinTextsOff, check_phone, text_pin
from distribution.sealed_pins import Reveal, confirm_reveal, reveal_of, seal_pin
from distribution.till_receipt import LANGUAGES, SoldCards, receipt_text
from distribution.till_tables import till_sale
from distribution.tills import Till, lock_till
from staff import events
from vouchers.movements import Cause
from vouchers.moves import three_years_on
from vouchers.pin_list import Pins, draw_pins
from vouchers.queries import BatchTerms, batch_terms, clip_to_batch
from vouchers.serials import SerialRange, parse_pack, parse_serial, serial_text

REALM = "till"
"""Under which the answers given to tills are kept."""


class SaleUnknown(NotFound):
    """This till made no such sale."""

    code = "sale_unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class SaleRequest:
    """What is sold: a card (17 digits), a pack (14), or an electronic card of a face in fen.

    `phone` (+86…) also gets the PIN of an electronic card as a text message.
    """

    serial: str | None = None
    pack: str | None = None
    face_fen: int | None = None
    language: str = "zh"
    phone: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sale:
    """A sale as its till is told of it.

    `reveal` is how far the PIN of an electronic card is; `texted` whether the gateway took its text
    just now, None where nothing was to be sent now.
    """

    answer: dict[str, Any]
    replayed: bool
    reveal: Reveal | None = None
    texted: bool | None = None

    @property
    def id(self) -> int:
        """Its number."""
        return int(self.answer["sale_id"])


@dataclass(frozen=True, kw_only=True)
class Counter:
    """What selling takes in this process: key file, text gateway if any, where PINs come from."""

    keys: Keys
    texter: PinTexter | None = None
    draw: Callable[[int], Pins] = draw_pins


@dataclass(frozen=True, kw_only=True)
class _Asked:
    """A request whose form is good, and the text that leaves after the commit, if any."""

    settings: Settings
    counter: Counter
    key: str
    request: SaleRequest
    cards: SerialRange | None
    texts: list[PinText] = field(default_factory=list, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sold:
    """One sale in the making."""

    id: int
    kind: str
    cards: SerialRange
    terms: BatchTerms
    entry_id: int | None


def sell(db: Database, counter: Counter, till: Till, key: str, request: SaleRequest) -> Sale:
    """Sell under the till's own key; the same key gives the same sale again.

    Raises RequestConflict, StoredRefusal (with the code the sale was refused with), InvalidInput,
    SerialInvalid, PinTextsOff, TillNotKnown.
    """
    cards = _parse(request)
    if request.phone is not None and counter.texter is None:
        raise PinTextsOff("this server sends no PINs by text; reveal it at the till")
    asked = _Asked(settings=db.settings, counter=counter, key=key, request=request, cards=cards)

    def work(session: Session) -> tuple[Given, Reveal | None]:
        asked.texts.clear()  # of an attempt that lost against another transaction
        now = lock_till(session, till)
        given = answers.once(
            session, _reference(till, key), asdict(request), partial(_sell, till=now, asked=asked)
        )
        return given, _reveal(session, db.settings, given)

    given, reveal = db.transact(work)
    answer = given.unwrap()
    texted = None
    for text in asked.texts:  # from memory, after the commit, and nowhere written
        texted = text_pin(counter.texter, text)
    return Sale(answer=answer, replayed=given.replayed, reveal=reveal, texted=texted)


def find_sale(session: Session, settings: Settings, till: Till, sale_id: int) -> Sale:
    """Return a sale of this till; SaleUnknown for another's, as for none."""
    row = _row(session, till, sale_id)
    found = answers.find(session, _reference(till, row.request_key))
    if found is None:
        raise SaleUnknown("this till made no such sale")
    return Sale(answer=found.unwrap(), replayed=True, reveal=_reveal(session, settings, found))


def confirm_sale(session: Session, settings: Settings, till: Till, sale_id: int) -> Sale:
    """The buyer has the PIN: delete it here. Repeating it is harmless.

    Raises SaleUnknown, NoSealedPin, PinGone.
    """
    _row(session, till, sale_id)
    confirm_reveal(session, sale_id, settings.sealed_pin_hours)
    return find_sale(session, settings, till, sale_id)


def _sell(session: Session, till: Till, asked: _Asked) -> dict[str, Any]:
    sale_id = session.new_id()
    cause = Cause(member_id=None, document=f"till {till.code}, sale {sale_id}")
    if asked.cards is None:
        sold = _sell_electronic(session, till, asked, sale_id, cause)
    else:
        kind = "card" if asked.request.pack is None else "pack"
        cards = clip_to_batch(session, asked.cards)
        moved = activate_at(session, till.party_id, cards, cause)
        terms = batch_terms(session, cards.batch_id)
        sold = _Sold(id=sale_id, kind=kind, cards=cards, terms=terms, entry_id=moved.entry_id)
        _write(session, till, asked.key, sold)
    return _answer(session, till, asked, sold)


def _sell_electronic(
    session: Session, till: Till, asked: _Asked, sale_id: int, cause: Cause
) -> _Sold:
    making = CardMaking(asked.settings, asked.counter.keys.get(), asked.counter.draw)
    face_fen, phone = asked.request.face_fen or 0, asked.request.phone
    made = sell_electronic(session, making, till.party_id, face_fen, cause)
    sold = _Sold(
        id=sale_id,
        kind="electronic",
        cards=made.cards,
        terms=made.terms,
        entry_id=made.entry_id,
    )
    _write(session, till, asked.key, sold)
    seal_pin(session, sale_id, till, made.cards.first, face_fen, made.pin)
    if phone is not None:
        text = PinText(
            phone=phone,
            language=asked.request.language,
            serial=made.cards.first,
            face_fen=face_fen,
            expires_on=_expires_on(session, made.terms),
            hotline=asked.settings.hotline,
            pin=made.pin,
        )
        asked.texts.append(text)
    return sold


def _write(session: Session, till: Till, key: str, sold: _Sold) -> None:
    row = {
        "id": sold.id,
        "till_id": till.id,
        "party_id": till.party_id,
        "kind": sold.kind,
        "first_serial": sold.cards.first,
        "last_serial": sold.cards.last,
        "face_fen": sold.terms.face_fen,
        "entry_id": sold.entry_id,
        "request_key": key,
        "at": session.now,
    }
    session.execute(till_sale.insert(), row)
    events.record(
        session,
        None,
        "till.sold",
        f"till:{till.code}",
        sale_id=str(sold.id),
        first_serial=serial_text(sold.cards.first),
        cards=sold.cards.count,
    )


def _answer(session: Session, till: Till, asked: _Asked, sold: _Sold) -> dict[str, Any]:
    cards, terms = sold.cards, sold.terms
    shown = SoldCards(
        shop=till.party_name,
        till=till.code,
        sale=str(sold.id),
        at=session.now.astimezone(session.zone),
        cards=cards,
        face_fen=terms.face_fen,
        expires_on=_expires_on(session, terms),
        electronic=sold.kind == "electronic",
        hotline=asked.settings.hotline,
    )
    return {
        "sale_id": str(sold.id),
        "kind": sold.kind,
        "first_serial": serial_text(cards.first),
        "last_serial": serial_text(cards.last),
        "cards": cards.count,
        "face_fen": terms.face_fen,
        "amount_fen": terms.face_fen * cards.count,
        "expires_on": shown.expires_on.isoformat(),
        "sold_at": _instant(session.now),
        "receipt_text": receipt_text(shown, asked.request.language),
    }


def _expires_on(session: Session, terms: BatchTerms) -> date:
    return max(terms.printed_expires_on, three_years_on(session.today))


def _parse(request: SaleRequest) -> SerialRange | None:
    """Return the cards that are named; None where the next electronic card is asked for."""
    if request.language not in LANGUAGES:
        raise InvalidInput(f"the language is one of {', '.join(LANGUAGES)}")
    named = [item for item in (request.serial, request.pack, request.face_fen) if item is not None]
    if len(named) != 1:
        raise InvalidInput("say one of: a card's serial number, a pack's number, a face value")
    if request.phone is not None:
        check_phone(request.phone)
        if request.face_fen is None:
            raise InvalidInput("only the PIN of an electronic card can be texted")
    if request.pack is not None:
        return parse_pack(request.pack)
    if request.serial is not None:
        serial = parse_serial(request.serial)
        return SerialRange(serial, serial)
    return None


def _reveal(session: Session, settings: Settings, given: Given) -> Reveal | None:
    if given.code != answers.DONE or given.answer["kind"] != "electronic":
        return None
    return reveal_of(session, int(given.answer["sale_id"]), settings.sealed_pin_hours)


def _row(session: Session, till: Till, sale_id: int) -> Row[Any]:
    query = select(till_sale).where(till_sale.c.id == sale_id, till_sale.c.till_id == till.id)
    row = session.execute(query).one_or_none()
    if row is None:
        raise SaleUnknown("this till made no such sale")
    return row


def _reference(till: Till, key: str) -> Reference:
    return Reference(REALM, str(till.id), key)


def _instant(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
