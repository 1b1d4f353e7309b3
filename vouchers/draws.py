"""New cards: draw their PINs, tag them, and store only those whose PIN no other card has."""

import secrets
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from types import TracebackType

from sqlalchemy import select

from core.db import Session, chunks
from core.errors import DomainError
from core.keyfile import KeyFile, PinKey
from core.settings import Settings
from vouchers import pins
from vouchers.pins import SALT_BYTES, Argon2Cost, Pin, full_tag, hybrid_tag, short_tag
from vouchers.serials import batch_of
from vouchers.tables import batch, denomination, pin_key, voucher

MAX_ROUNDS = 50
"""With a full key version 2 % of draws clash; so many rounds in a row mean a broken source."""

_TAGS_IN_ONE_SELECT = 8192


class NoFreePin(DomainError):
    """Again and again only PINs of other cards were drawn."""

    code = "no_free_pin"


@dataclass(frozen=True, slots=True)
class Shape:
    """Under what key and in what form a card's PIN is kept."""

    key_version: int
    is_hybrid: bool

    def tag(self, key: PinKey, pin: Pin) -> uuid.UUID:
        """Return the tag of a PIN in this shape."""
        if self.is_hybrid:
            return hybrid_tag(self.key_version, short_tag(key, pin))
        return full_tag(key, pin)


@dataclass(frozen=True, slots=True)
class NewCard:
    """A card to be stored; its repr hides the PIN."""

    serial: int
    pin: Pin
    tag: uuid.UUID = field(repr=False)
    salt: bytes | None = field(default=None, repr=False)
    verifier: bytes | None = field(default=None, repr=False)

    def row(self) -> dict[str, object]:
        """Return the row of table voucher."""
        return {
            "serial": self.serial,
            "batch_id": batch_of(self.serial),
            "pin_tag": self.tag,
            "salt": self.salt,
            "verifier": self.verifier,
        }


class CardMaker:
    """Makes the cards of one batch; use it in a `with`, which ends the threads of argon2id."""

    def __init__(
        self,
        settings: Settings,
        keyfile: KeyFile,
        shape: Shape,
        face_fen: int,
        draw: Callable[[], Pin] = pins.draw,
    ) -> None:
        self.keyfile = keyfile
        self.shape = shape
        self._face_fen = face_fen
        self._draw = draw
        self._key = keyfile.pin_keys[shape.key_version]
        self._cost = Argon2Cost.of(settings)
        self._threads = ThreadPoolExecutor(max(1, settings.argon2_threads), "argon2-new")

    def make(self, serials: Iterable[int]) -> list[NewCard]:
        """Draw a PIN for each serial; behind argon2id that takes 5 ms a card and thread."""
        cards = [self._fast(serial) for serial in serials]
        return list(self._threads.map(self._slow, cards)) if self.shape.is_hybrid else cards

    def __enter__(self) -> "CardMaker":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._threads.shutdown(wait=True, cancel_futures=True)

    def _fast(self, serial: int) -> NewCard:
        pin = self._draw()
        return NewCard(serial, pin, self.shape.tag(self._key, pin))

    def _slow(self, card: NewCard) -> NewCard:
        salt = secrets.token_bytes(SALT_BYTES)
        message = pins.verifier_message(card.serial, self._face_fen, card.pin)
        made = pins.verifier(self._key, self._cost, salt, message)
        return NewCard(card.serial, card.pin, card.tag, salt, made)


def store_cards(session: Session, maker: CardMaker, cards: Sequence[NewCard]) -> list[NewCard]:
    """Insert the cards, drawing again where another card has the PIN; return them as stored.

    Guarantee: no card of a live key version, in either form, has one of these PINs, and no two
    have the same tag. Raises NoFreePin.
    """
    others = _other_shapes(session, maker)
    stored: list[NewCard] = []
    todo = list(cards)
    for _ in range(MAX_ROUNDS):
        taken = _taken(session, maker.keyfile, others, todo)
        inserted = _insert(session, [card for card in todo if card.serial not in taken])
        stored += (card for card in todo if card.serial in inserted)
        if len(stored) == len(cards):
            return sorted(stored, key=lambda card: card.serial)
        todo = maker.make(card.serial for card in todo if card.serial not in inserted)
    raise NoFreePin("no PIN could be drawn that no other card has")


def _insert(session: Session, cards: Sequence[NewCard]) -> set[int]:
    if not cards:
        return set()
    # In the order of the unique index: quick, and two writers cannot wait for each other.
    rows = [card.row() for card in sorted(cards, key=lambda card: card.tag.int)]
    statement = session.insert_new(voucher).returning(voucher.c.serial)
    return set(session.execute(statement, rows).scalars())


def _other_shapes(session: Session, maker: CardMaker) -> list[Shape]:
    """Return the shapes that cards may have beside the maker's own, which the index guards.

    Where there are any, writers of different shapes must not pass each other unseen: they lock
    the key versions and so go one after the other.
    """
    rows = session.execute(
        select(batch.c.key_version, denomination.c.protection)
        .join(denomination, denomination.c.id == batch.c.denomination_id)
        .where(batch.c.key_version.in_([key.version for key in maker.keyfile.live]))
        .distinct()
    )
    shapes = {Shape(row.key_version, row.protection == "hmac_argon2id") for row in rows}
    others = sorted(shapes - {maker.shape}, key=lambda shape: (shape.key_version, shape.is_hybrid))
    if others:
        versions = select(pin_key.c.version).order_by(pin_key.c.version)
        session.execute(versions.with_for_update(key_share=True))
    return others


def _taken(
    session: Session, keyfile: KeyFile, shapes: Sequence[Shape], cards: Sequence[NewCard]
) -> set[int]:
    """Return the serials whose PIN may be another card's of one of the shapes."""
    serials: dict[uuid.UUID, list[int]] = defaultdict(list)
    for shape in shapes:
        key = keyfile.pin_keys[shape.key_version]
        for card in cards:
            serials[shape.tag(key, card.pin)].append(card.serial)
    found: set[int] = set()
    for tags in chunks(list(serials), _TAGS_IN_ONE_SELECT):
        query = select(voucher.c.pin_tag).where(voucher.c.pin_tag.in_(tags))
        for tag in session.execute(query).scalars():
            found.update(serials[tag])
    return found
