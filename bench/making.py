"""Batches of a world: all their rows come from the product's use cases, but for the cards' own.

Cards are written from the deck by COPY instead of drawn, since the load must know their PINs.
"""

import hashlib
import multiprocessing
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from uuid import UUID

from bench.deck import COPY_END, COPY_HEAD, Deck
from bench.errors import expect
from bench.people import FACE_FEN, PRINTER, PROVINCE, People
from cli.actions import ACTIONS
from core.db import Database, Session, chunks
from core.keyfile import Keys, PinKey
from distribution.moves import Moved, request_move
from distribution.requests import MoveRequest
from staff import approvals
from staff.permissions import Actor
from vouchers.batches import Batch, get_batch
from vouchers.export import export_batch, request_export
from vouchers.key_rotation import pin_to_batch
from vouchers.movements import Cause
from vouchers.orders import Ordered, order_batches
from vouchers.serials import SerialRange, serial_text
from vouchers.tables import batch, print_file_part, voucher
from vouchers.unfinished import add_first_lot

Progress = Callable[[int, int], None]
_WORTH_PROCESSES = 50_000
_PROCESSES = 2
_ROWS_IN_ONE_PIECE = 20_000
_CIPHERTEXT = b"the cards of the benchmark are not printed"


@dataclass(frozen=True, slots=True)
class MadeBatch:
    """A batch, and the number in the deck of its first card."""

    first_number: int
    cards: SerialRange


def order(db: Database, people: People, size: int) -> int:
    """Order one batch and let the second person agree; return its id."""

    def work(session: Session) -> Ordered:
        return order_batches(session, db.settings, people.issuer, FACE_FEN, size, PRINTER)

    ordered = db.transact(work)
    approvals.agree(db, people.second, ordered.approval_id, ACTIONS)
    return ordered.batch_ids[0]


def make_batches(
    db: Database, keys: Keys, people: People, sizes: Sequence[int], first_number: int = 0
) -> list[MadeBatch]:
    """Order batches and set them down as generated, still without their cards."""
    made, number = [], first_number
    for size in sizes:
        batch_id = order(db, people, size)
        cards = db.transact(partial(_generated, keys=keys, people=people, batch_id=batch_id))
        made.append(MadeBatch(number, cards))
        number += size
    return made


def write_cards(
    db: Database, keys: Keys, deck: Deck, batches: Sequence[MadeBatch], progress: Progress
) -> None:
    """Write the voucher rows of the batches; on PostgreSQL by COPY."""
    done, total = 0, sum(made.cards.count for made in batches)
    for made, rows in _rows(deck, keys.get().current, batches):
        _copy(db, rows) if not db.is_sqlite else _insert(db, keys, deck, made)
        done += made.cards.count
        progress(done, total)


def ship(db: Database, keys: Keys, people: People, made: MadeBatch) -> None:
    """Export a batch, take it into stock, and bring it to the province."""
    batch_id = made.cards.batch_id
    asked = db.transact(lambda session: request_export(session, people.issuer, batch_id))
    approvals.agree(db, people.second, asked, ACTIONS)
    export_batch(db, keys, people.issuer, batch_id)
    move(db, people.warehouse, "take_into_stock", made.cards)
    move(db, people.warehouse, "dispatch", made.cards, PROVINCE)
    move(db, people.distributor, "receive", made.cards)


def sell(db: Database, people: People, made: MadeBatch, outlets: Sequence[str]) -> None:
    """Spread a shipped batch over outlets, and activate its cards there."""
    for outlet, piece in zip(outlets, pieces(made.cards, len(outlets)), strict=False):
        for name, to in (("dispatch", outlet), ("receive", None), ("activate", None)):
            move(db, people.distributor, name, piece, to)


def shelve(db: Database, people: People, made: MadeBatch, outlet: str) -> None:
    """Bring a whole shipped batch to one outlet, where it waits for its activation."""
    move(db, people.distributor, "dispatch", made.cards, outlet)
    move(db, people.distributor, "receive", made.cards)


def move(db: Database, actor: Actor, name: str, cards: SerialRange, to: str | None = None) -> None:
    """Make one move by the product's use case."""
    request = MoveRequest(
        move=name,
        first_serial=serial_text(cards.first),
        last_serial=serial_text(cards.last),
        to=to,
    )
    done = request_move(db, actor, request)
    expect(isinstance(done, Moved) and done.cards == cards.count, f"the move {name} failed")


def pieces(cards: SerialRange, count: int) -> list[SerialRange]:
    """Cut a range into at most `count` pieces as equal as can be."""
    size = -(-cards.count // count)
    starts = range(cards.first, cards.last + 1, size)
    return [SerialRange(start, min(start + size - 1, cards.last)) for start in starts]


def _generated(session: Session, keys: Keys, people: People, batch_id: int) -> SerialRange:
    item: Batch = get_batch(session, batch_id)
    values = {
        "state": "generated",
        "key_version": pin_to_batch(session, keys.get(), 0),
        "generated_count": item.size,
        "ciphertext_sha256": hashlib.sha256(_CIPHERTEXT).hexdigest(),
    }
    session.execute(batch.update().where(batch.c.id == batch_id).values(values))
    part = {"batch_id": batch_id, "part": 0, "ciphertext": _CIPHERTEXT}
    session.execute(print_file_part.insert(), part)
    cause = Cause(member_id=people.issuer.member_id, approval_id=item.order_approval_id)
    add_first_lot(session, item, "generated", people.warehouse_id, cause)
    return item.cards


def _rows(
    deck: Deck, key: PinKey, batches: Sequence[MadeBatch]
) -> Iterator[tuple[MadeBatch, bytes]]:
    """Make the rows of all batches, in other processes where they are many, a few ahead."""
    if sum(made.cards.count for made in batches) < _WORTH_PROCESSES:
        for made in batches:
            yield made, deck.rows(key, made.first_number, made.cards.first, made.cards.count)
        return
    waiting: deque[tuple[MadeBatch, Future[bytes]]] = deque()
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(_PROCESSES, mp_context=context) as pool:
        for made in batches:
            at = (made.first_number, made.cards.first, made.cards.count)
            waiting.append((made, pool.submit(deck.rows, key, *at)))
            if len(waiting) > 2 * _PROCESSES:
                first, future = waiting.popleft()
                yield first, future.result()
        while waiting:
            first, future = waiting.popleft()
            yield first, future.result()


def _copy(db: Database, rows: bytes) -> None:
    with closing(db.engine.raw_connection()) as connection:
        cursor = connection.cursor()
        with cursor.copy(
            "COPY voucher (serial, batch_id, pin_tag) FROM STDIN (FORMAT BINARY)"
        ) as copy:
            copy.write(COPY_HEAD)
            copy.write(rows)
            copy.write(COPY_END)
        connection.commit()


def _insert(db: Database, keys: Keys, deck: Deck, made: MadeBatch) -> None:
    key = keys.get().current
    rows = [
        {
            "serial": serial,
            "batch_id": made.cards.batch_id,
            "pin_tag": UUID(bytes=deck.tag(key, made.first_number + i)),
        }
        for i, serial in enumerate(made.cards)
    ]
    for piece in chunks(rows, _ROWS_IN_ONE_PIECE):
        with db.write() as session:
            session.execute(voucher.insert(), piece)
