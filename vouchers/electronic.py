"""Electronic batches: ordered and agreed to like others, never printed, made card by card at sale.

An open batch is a lane: who makes its next card holds its row until the commit. Of several open
batches of a face the next free one is taken, so more lanes let more tills sell at once.
"""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date

from sqlalchemy import Row, Select, select

from core.db import Database, Session
from core.errors import ConfigurationError, DomainError
from core.keyfile import KeyFile, Keys
from core.settings import Settings
from staff import events
from staff.permissions import Actor, Permission, require
from vouchers.batches import get_batch
from vouchers.denominations import by_face
from vouchers.draws import CardMaker, NewCards, Shape, store_cards
from vouchers.generation import BatchAlreadyGenerated, BatchNotApproved
from vouchers.key_rotation import pin_to_batch
from vouchers.lots import Lot, load_neighbour
from vouchers.pin_list import Pins, draw_pins
from vouchers.pins import Argon2Cost, Pin
from vouchers.tables import batch, batch_order


class NotElectronic(DomainError):
    """The batch is printed: it is generated, not opened."""

    code = "not_electronic"


class ElectronicSoldOut(DomainError):
    """No open electronic batch of this face has a card left; order and open another."""

    code = "electronic_sold_out"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The next card of an open batch, locked: nobody else makes it. `neighbour` ends before it."""

    serial: int
    batch_id: int
    denomination_id: int
    face_fen: int
    expires_on: date
    approval_id: int
    shape: Shape
    neighbour: list[Lot]


def open_batch(db: Database, keys: Keys, actor: Actor, batch_id: int) -> int:
    """Let tills sell the cards of an approved electronic batch; return the key version they get.

    Raises BatchUnknown, NotElectronic, BatchNotApproved, BatchAlreadyGenerated, KeyFull.
    """
    require(actor, Permission.GENERATE)
    keyfile = keys.get()
    Argon2Cost.of(db.settings)  # wrong settings are told now, not at the counter

    def work(session: Session) -> int:
        item = get_batch(session, batch_id)
        if not item.is_electronic:
            raise NotElectronic(f"batch {batch_id} is printed: generate it")
        version = pin_to_batch(session, keyfile, item.size if item.is_hybrid else 0)
        _change(session, batch_id, "approved", {"state": "open", "key_version": version})
        events.record(session, actor, "batch.opened", f"batch:{batch_id}", key_version=version)
        return version

    return db.transact(work)


def close_batch(db: Database, actor: Actor, batch_id: int) -> None:
    """Stop the sale of an open electronic batch for ever; cards sold stay as they are.

    Needed before the key version it was opened under can be retired.
    """
    require(actor, Permission.GENERATE)

    def work(session: Session) -> None:
        if not get_batch(session, batch_id).is_electronic:
            raise NotElectronic(f"batch {batch_id} is printed")
        _change(session, batch_id, "open", {"state": "closed"})
        events.record(session, actor, "batch.closed", f"batch:{batch_id}")

    db.transact(work)


def take_place(session: Session, face_fen: int) -> Place:
    """Lock the next card of an open batch of this face. Raises FaceUnknown, ElectronicSoldOut."""
    denomination = by_face(session, face_fen)
    lanes = _lanes(denomination.id)
    row = session.execute(lanes.with_for_update(key_share=True, of=batch, skip_locked=True)).first()
    if row is None:
        row = session.execute(lanes.with_for_update(key_share=True, of=batch)).first()
    if row is None:
        raise ElectronicSoldOut("no electronic card of this face is left", face_fen=face_fen)
    serial = row.first_serial + row.generated_count
    return Place(
        serial=serial,
        batch_id=row.id,
        denomination_id=denomination.id,
        face_fen=face_fen,
        expires_on=row.expires_on,
        approval_id=row.approval_id,
        shape=Shape(row.key_version, denomination.is_hybrid),
        neighbour=_neighbour(session, row, serial),
    )


@dataclass(frozen=True)
class CardAtSale:
    """One card in the making, drawn and not yet stored; its repr shows no PIN."""

    place: Place
    maker: CardMaker = field(repr=False)
    drawn: NewCards = field(repr=False)

    def store(self, session: Session) -> Pin:
        """Write the card's row and count it; return its PIN, which nothing keeps.

        Writers of different forms of PINs wait for each other here, so call it late.
        """
        stored = store_cards(session, self.maker, self.drawn)
        session.execute(
            batch.update()
            .where(batch.c.id == self.place.batch_id)
            .values(generated_count=batch.c.generated_count + 1)
        )
        return Pin(stored.digits[0])


@contextmanager
def card_at_sale(
    settings: Settings,
    keyfile: KeyFile,
    place: Place,
    draw: Callable[[int], Pins] = draw_pins,
) -> Generator[CardAtSale]:
    """Draw the PIN of the next card; argon2id takes 5 ms, so before the wallet is locked."""
    key = keyfile.pin_keys.get(place.shape.key_version)
    if key is None or not key.live:
        raise ConfigurationError(f"the key file lacks version {place.shape.key_version}")
    with CardMaker(settings, keyfile, place.shape, place.face_fen, draw) as maker:
        yield CardAtSale(place, maker, maker.make([place.serial]))


def _lanes(denomination_id: int) -> Select[tuple[object, ...]]:
    return (
        select(batch, batch_order.c.approval_id)
        .join(batch_order, batch_order.c.id == batch.c.order_id)
        .where(
            batch.c.denomination_id == denomination_id,
            batch.c.state == "open",
            batch.c.generated_count < batch.c.size,
        )
        .order_by(batch.c.id)
        .limit(1)
    )


def _neighbour(session: Session, row: Row[tuple[object, ...]], serial: int) -> list[Lot]:
    return load_neighbour(session, serial) if row.generated_count else []


def _change(session: Session, batch_id: int, state: str, values: dict[str, object]) -> None:
    done = session.execute(
        batch.update().where(batch.c.id == batch_id, batch.c.state == state).values(**values)
    )
    if done.rowcount != 1:
        now = get_batch(session, batch_id).state
        error = BatchNotApproved if now in ("requested", "refused") else BatchAlreadyGenerated
        raise error(f"batch {batch_id} is {now}", state=now)
