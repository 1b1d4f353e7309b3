"""New cards: draw their PINs, tag them, and store only those whose PIN no other card has."""

import secrets
import struct
import uuid
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from operator import itemgetter
from types import TracebackType

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from core.copying import copy_rows
from core.db import Session, chunks
from core.db_errors import is_unique_violation
from core.errors import DomainError
from core.keyfile import KeyFile
from core.sets import among
from core.settings import Settings
from vouchers import pins
from vouchers.pin_list import Pins, draw_pins, full_tags, hybrid_tags
from vouchers.pins import SALT_BYTES, Argon2Cost, Pin
from vouchers.serials import batch_of
from vouchers.tables import batch, denomination, pin_key, voucher

MAX_ROUNDS = 50
"""With a full key version 2 % of draws clash; so many rounds in a row mean a broken source."""

_TAGS_IN_ONE_SELECT = 8192
_COPIED_COLUMNS = ("serial", "batch_id", "pin_tag")
_COPIED_ROW = struct.Struct(">h iq iq i16s")
"""How many fields, then the length and the value of each."""


class NoFreePin(DomainError):
    """Again and again only PINs of other cards were drawn."""

    code = "no_free_pin"


@dataclass(frozen=True, slots=True)
class Shape:
    """Under what key and in what form a card's PIN is kept."""

    key_version: int
    is_hybrid: bool

    def tags(self, keyfile: KeyFile, pins: Pins) -> list[bytes]:
        """Return the tags of PINs in this shape."""
        key = keyfile.pin_keys[self.key_version]
        return hybrid_tags(key, pins) if self.is_hybrid else full_tags(key, pins)


@dataclass(frozen=True, slots=True)
class NewCards:
    """Cards to be stored, in columns; the repr hides all but the serials.

    `slow` holds salt and verifier of each card behind argon2id; `copied` the rows for a COPY, where
    they may be stored by one.
    """

    serials: range | list[int]
    pins: Pins
    tags: Sequence[bytes] = field(repr=False)
    slow: Sequence[tuple[bytes, bytes] | tuple[None, None]] = field(default=(), repr=False)
    copied: bytes = field(default=b"", repr=False)

    def rows(self, without: Collection[int] = ()) -> list[dict[str, object]]:
        """Return the rows of table voucher, in the order of the index of tags.

        So it grows quickly, and two writers cannot wait for each other.
        """
        slow = self.slow or [(None, None)] * len(self.tags)
        cards = zip(self.tags, self.serials, slow, strict=True)
        return [
            {
                "serial": serial,
                "batch_id": batch_of(serial),
                "pin_tag": uuid.UUID(bytes=tag),
                "salt": salt,
                "verifier": verifier,
            }
            for tag, serial, (salt, verifier) in sorted(cards, key=itemgetter(0))
            if serial not in without
        ]


class CardMaker:
    """Makes the cards of one batch; use it in a `with`, which ends the threads of argon2id."""

    def __init__(
        self,
        settings: Settings,
        keyfile: KeyFile,
        shape: Shape,
        face_fen: int,
        draw: Callable[[int], Pins] = draw_pins,
    ) -> None:
        self.keyfile = keyfile
        self.shape = shape
        self._face_fen = face_fen
        self._is_sqlite = settings.is_sqlite
        self._draw = draw
        self._key = keyfile.pin_keys[shape.key_version]
        self._cost = Argon2Cost.of(settings)
        self._threads = ThreadPoolExecutor(max(1, settings.argon2_threads), "argon2-new")

    def make(self, serials: range | list[int]) -> NewCards:
        """Draw a PIN for each serial; behind argon2id that takes 5 ms a card and thread."""
        drawn = self._draw(len(serials))
        tags = self.shape.tags(self.keyfile, drawn)
        if self.shape.is_hybrid:
            slow = list(self._threads.map(self._slow, serials, drawn.digits))
            return NewCards(serials, drawn, tags, slow)
        copied = b"" if self._is_sqlite else _copied(serials, tags)
        return NewCards(serials, drawn, tags, copied=copied)

    def __enter__(self) -> "CardMaker":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._threads.shutdown(wait=True, cancel_futures=True)

    def _slow(self, serial: int, digits: str) -> tuple[bytes, bytes]:
        salt = secrets.token_bytes(SALT_BYTES)
        message = pins.verifier_message(serial, self._face_fen, Pin(digits))
        return salt, pins.verifier(self._key, self._cost, salt, message)


def store_cards(session: Session, maker: CardMaker, cards: NewCards) -> Pins:
    """Insert the cards, drawing again where another card has the PIN; return the PINs stored.

    Guarantee: no card of a live key version, in either form, has one of these PINs, and no two
    have the same tag. Raises NoFreePin.
    """
    # Tags of 28 bits clash so often that it is not worth trying all at once.
    if not maker.shape.is_hybrid and _insert_all(session, maker, cards):
        return cards.pins
    return _insert_drawing_again(session, maker, cards)


def _insert_all(session: Session, maker: CardMaker, cards: NewCards) -> bool:
    """Insert all the cards or, where a PIN or a serial is another card's, none of them."""
    try:
        with session.connection.begin_nested() as attempt:
            # First what takes the database long: meanwhile this process makes other cards.
            if cards.copied:
                copy_rows(session, voucher, _COPIED_COLUMNS, cards.copied)
            else:
                session.execute(voucher.insert(), cards.rows())
            if _taken(session, maker.keyfile, _other_shapes(session, maker), cards):
                attempt.rollback()
            return attempt.is_active
    except IntegrityError as error:
        if not is_unique_violation(error):
            raise
        return False


def _insert_drawing_again(session: Session, maker: CardMaker, cards: NewCards) -> Pins:
    others = _other_shapes(session, maker)
    stored: dict[int, str] = {}
    todo = cards
    for _ in range(MAX_ROUNDS):
        taken = _taken(session, maker.keyfile, others, todo)
        inserted = _insert_new(session, todo.rows(without=taken))
        drawn = zip(todo.serials, todo.pins.digits, strict=True)
        stored.update((serial, digits) for serial, digits in drawn if serial in inserted)
        if len(stored) == len(cards.serials):
            return Pins(stored[serial] for serial in cards.serials)
        todo = maker.make([serial for serial in todo.serials if serial not in inserted])
    raise NoFreePin("no PIN could be drawn that no other card has")


def _insert_new(session: Session, rows: Sequence[dict[str, object]]) -> set[int]:
    if not rows:
        return set()
    statement = session.insert_new(voucher).returning(voucher.c.serial)
    return set(session.execute(statement, rows).scalars())


def _copied(serials: range | list[int], tags: Sequence[bytes]) -> bytes:
    """Return rows of cards with a quick tag only, in the order of `NewCards.rows`."""
    pack = _COPIED_ROW.pack
    cards = sorted(zip(tags, serials, strict=True))
    return b"".join([pack(3, 8, serial, 8, batch_of(serial), 16, tag) for tag, serial in cards])


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
    session: Session, keyfile: KeyFile, shapes: Sequence[Shape], cards: NewCards
) -> set[int]:
    """Return the serials whose PIN may be another card's of one of the shapes."""
    serials: dict[uuid.UUID, list[int]] = defaultdict(list)
    for shape in shapes:
        for tag, serial in zip(shape.tags(keyfile, cards.pins), cards.serials, strict=True):
            serials[uuid.UUID(bytes=tag)].append(serial)
    found: set[int] = set()
    query = select(voucher.c.pin_tag).where(among(voucher.c.pin_tag, "tags"))
    for tags in chunks(sorted(serials), _TAGS_IN_ONE_SELECT):
        for tag in session.execute(query, {"tags": list(tags)}).scalars():
            found.update(serials[tag])
    return found
