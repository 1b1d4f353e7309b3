"""Generation: an approved batch becomes voucher rows and an encrypted print file.

One short transaction claims the batch; one for each few thousand cards writes their rows and the
ciphertext that came out so far; the last one writes the rest, and the lot. So memory does not grow
with the batch, and what has a lot is complete. A PIN is in memory from its draw until its line
went into the age stream, and nowhere else.

While the database stores a piece, a thread encrypts the one before and draws the one after.
PostgreSQL stores two pieces at once, each in its own transaction: one computes while the other
waits for its disk.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from sqlalchemy import column, select, table
from sqlalchemy.exc import DBAPIError

from core import jobs
from core.db import Database, Session
from core.errors import DomainError, InvalidInput, TryLater
from core.jobs import JobLost
from core.keyfile import KeyFile, Keys
from staff import events
from staff.permissions import Actor, Permission, require
from vouchers.batches import Batch, get_batch
from vouchers.draws import CardMaker, NewCards, Shape, store_cards
from vouchers.key_rotation import pin_to_batch
from vouchers.movements import Cause
from vouchers.pin_list import Pins, draw_pins
from vouchers.pins import Argon2Cost
from vouchers.print_file import HEADER, LineMaker, page_url
from vouchers.print_stream import PrintStream
from vouchers.shares import BATCHES_AT_ONCE, WRITERS
from vouchers.tables import batch, print_file_part
from vouchers.unfinished import JOB_KIND, add_first_lot, void_unfinished
from vouchers.unfinished import recover_unfinished as recover_unfinished

CARDS_IN_ONE_TRANSACTION = 10_000
SLOW_CARDS_IN_ONE_TRANSACTION = 200
"""With argon2id, so that a job still shows a sign of life every few seconds."""

Progress = Callable[[int, int], None]
"""Is told (cards done, cards in all) after each transaction, in the order of the cards.

The next piece may be stored already.
"""

T = TypeVar("T")

_log = logging.getLogger(__name__)
_party = table("party", column("id"))  # the upper floor's, known here by its name
_background: set[threading.Thread] = set()
_places = threading.BoundedSemaphore(BATCHES_AT_ONCE)


class BatchNotApproved(DomainError):
    """No second person has agreed to this batch, or one has refused."""

    code = "batch_not_approved"


class BatchAlreadyGenerated(DomainError):
    """The batch is made, is being made, or failed; it is never made twice."""

    code = "batch_already_generated"


class GenerationFailed(DomainError):
    """The batch could not be finished; it is void, and its serials are never used again."""

    code = "generation_failed"


@dataclass(frozen=True)
class _Work:
    """A claimed batch: only who holds this makes its cards."""

    batch: Batch
    keyfile: KeyFile
    key_version: int
    job_id: int
    holder_id: int
    member_id: int


def generate(
    db: Database,
    keys: Keys,
    actor: Actor,
    batch_id: int,
    holder_id: int,
    progress: Progress = lambda _done, _total: None,
    draw: Callable[[int], Pins] = draw_pins,
) -> None:
    """Make the cards of an approved batch here and now; `holder_id` is the warehouse.

    Raises BatchUnknown, BatchNotApproved, BatchAlreadyGenerated, KeyFull with nothing changed;
    GenerationFailed when it ended on the way.
    """
    _run(db, _claim(db, keys, actor, batch_id, holder_id), progress, draw)


def start_generation(db: Database, keys: Keys, actor: Actor, batch_id: int, holder_id: int) -> int:
    """Begin as `generate` does, in a thread of its own; return the job's id to look after.

    TryLater, with nothing changed, while this process makes BATCHES_AT_ONCE others.
    """
    if not _places.acquire(blocking=False):
        raise TryLater(
            f"{BATCHES_AT_ONCE} batches are being made here; begin this one when one is done"
        )
    try:
        return _begin(db, _claim(db, keys, actor, batch_id, holder_id))
    except BaseException:
        _places.release()
        raise


def _begin(db: Database, work: _Work) -> int:
    thread = threading.Thread(
        target=_run_in_background, args=(db, work), name=f"generate-{work.batch.id}", daemon=True
    )
    _background.add(thread)
    try:
        thread.start()
    except RuntimeError:  # there are no threads to be had; recover_unfinished makes it void
        _background.discard(thread)
        jobs.forget(work.job_id)
        raise
    return work.job_id


def wait_for_generations(timeout_s: float) -> bool:
    """Wait for the batches this process makes in the background; False if any still runs.

    For an orderly end: a batch cut off by the end of its process becomes void.
    """
    deadline = time.monotonic() + timeout_s
    for thread in list(_background):
        thread.join(max(0, deadline - time.monotonic()))
    return not any(thread.is_alive() for thread in _background)


def _claim(db: Database, keys: Keys, actor: Actor, batch_id: int, holder_id: int) -> _Work:
    require(actor, Permission.GENERATE)
    keyfile = keys.get()
    # Wrong settings must not cost a batch.
    page_url(db.settings.public_url)
    Argon2Cost.of(db.settings)

    def work(session: Session) -> _Work:
        item = get_batch(session, batch_id)
        item.require_printer()
        _check_holder(session, holder_id)
        version = pin_to_batch(session, keyfile, item.size if item.is_hybrid else 0)
        claimed = session.execute(
            batch.update()
            .where(batch.c.id == batch_id, batch.c.state == "approved")
            .values(state="generating", key_version=version)
        )
        if claimed.rowcount != 1:
            raise _refusal(item)
        job_id = jobs.start(session, JOB_KIND, batch_id, item.size)
        events.record(session, actor, "batch.generating", f"batch:{batch_id}", job=job_id)
        return _Work(item, keyfile, version, job_id, holder_id, actor.member_id)

    return db.transact(work)


def _check_holder(session: Session, holder_id: int) -> None:
    if session.execute(select(_party.c.id).where(_party.c.id == holder_id)).first() is None:
        raise InvalidInput("there is no warehouse to hold the cards")


def _refusal(item: Batch) -> DomainError:
    if item.state in ("requested", "refused"):
        return BatchNotApproved(f"batch {item.id} is {item.state}", state=item.state)
    state = "generating" if item.state == "approved" else item.state
    return BatchAlreadyGenerated(f"batch {item.id} is {state} already", state=state)


def _run_in_background(db: Database, work: _Work) -> None:
    try:
        _run(db, work, lambda _done, _total: None, draw_pins)
    except GenerationFailed as error:
        _log.error("batch %s: %s", work.batch.id, error.message)
    finally:
        _places.release()
        _background.discard(threading.current_thread())


def _run(db: Database, work: _Work, progress: Progress, draw: Callable[[int], Pins]) -> None:
    try:
        _make(db, work, progress, draw)
    except JobLost as error:
        raise GenerationFailed(f"batch {work.batch.id} was given up meanwhile") from error
    except BaseException as error:
        why = _reason(error)
        _give_up(db, work, why)
        if not isinstance(error, Exception):
            raise
        raise GenerationFailed(f"batch {work.batch.id} is void: {why}", reason=why) from error
    finally:
        jobs.forget(work.job_id)


def _make(db: Database, work: _Work, progress: Progress, draw: Callable[[int], Pins]) -> None:
    item = work.batch
    shape = Shape(work.key_version, item.is_hybrid)
    lines = LineMaker(item.face_fen, item.expires_on, page_url(db.settings.public_url))
    count = 1 if item.is_hybrid or db.is_sqlite else WRITERS
    with (
        PrintStream(item.require_printer().public_key) as stream,
        CardMaker(db.settings, work.keyfile, shape, item.face_fen, draw) as maker,
        ThreadPoolExecutor(1, "generate-beside") as beside,
        ThreadPoolExecutor(count, "generate-store") as writers,
    ):
        encrypted = deque([beside.submit(stream.feed, HEADER)])
        made = _in_order((beside.submit(maker.make, piece) for piece in _pieces(item)), ahead=1)
        store = partial(_store, work=work, maker=maker)
        storing = (
            writers.submit(db.transact, partial(store, piece=piece, ciphertext=_out(encrypted)))
            for piece in enumerate(made)
        )
        for first, pins in _in_order(storing, ahead=count - 1):
            progress(first + len(pins) - item.cards.first, item.size)
            encrypted.append(beside.submit(_encrypt, stream, lines, first, pins))
        ciphertext = b"".join(future.result() for future in encrypted) + stream.finish()
        db.transact(partial(_finish, work=work, ciphertext=ciphertext, sha256=stream.sha256))


def _in_order(begun: Iterable[Future[T]], ahead: int) -> Iterator[T]:
    """Yield the results in order; so many more are at work while one is in use."""
    waiting: deque[Future[T]] = deque()
    for future in begun:
        waiting.append(future)
        if len(waiting) > ahead:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def _out(encrypted: deque[Future[bytes]]) -> bytes:
    """Return the ciphertext that came out, but for the last piece, which would be waited for."""
    return b"".join(encrypted.popleft().result() for _ in range(len(encrypted) - 1))


def _encrypt(stream: PrintStream, lines: LineMaker, first_serial: int, pins: Pins) -> bytes:
    return stream.feed(lines.lines(first_serial, pins))


def _pieces(item: Batch) -> Iterator[range]:
    step = SLOW_CARDS_IN_ONE_TRANSACTION if item.is_hybrid else CARDS_IN_ONE_TRANSACTION
    end = item.cards.last + 1
    return (range(first, min(first + step, end)) for first in range(item.cards.first, end, step))


def _store(
    session: Session, work: _Work, maker: CardMaker, piece: tuple[int, NewCards], ciphertext: bytes
) -> tuple[int, Pins]:
    part, cards = piece
    stored = store_cards(session, maker, cards)
    _add_part(session, work, part, ciphertext)
    # Tells whether the job is still ours: a batch given up must not grow. All pieces change this
    # row, so it comes last, or they would wait for each other.
    jobs.beat(session, work.job_id, cards.serials[-1] + 1 - work.batch.cards.first)
    return cards.serials[0], stored


def _finish(session: Session, work: _Work, ciphertext: bytes, sha256: str) -> None:
    item = work.batch
    jobs.finish(session, work.job_id, item.size)
    _add_part(session, work, item.size, ciphertext)
    done = session.execute(
        batch.update()
        .where(batch.c.id == item.id, batch.c.state == "generating")
        .values(state="generated", generated_count=item.size, ciphertext_sha256=sha256)
    )
    if done.rowcount != 1:
        raise JobLost(f"batch {item.id} is not being generated")
    events.record(session, None, "batch.generated", f"batch:{item.id}", sha256=sha256)
    cause = Cause(member_id=work.member_id, approval_id=item.order_approval_id)
    add_first_lot(session, item, "generated", work.holder_id, cause)


def _add_part(session: Session, work: _Work, part: int, ciphertext: bytes) -> None:
    if ciphertext:
        row = {"batch_id": work.batch.id, "part": part, "ciphertext": ciphertext}
        session.execute(print_file_part.insert(), row)


def _give_up(db: Database, work: _Work, why: str) -> None:
    void = partial(
        void_unfinished,
        item=work.batch,
        job_id=work.job_id,
        holder_id=work.holder_id,
        why=why,
    )
    try:
        db.transact(void)
    except Exception:
        # Often the cause itself: no room, no server. recover_unfinished does it later.
        _log.exception("batch %s stays unfinished until the next start", work.batch.id)


def _reason(error: BaseException) -> str:
    """Say why in one line; only messages that cannot hold a PIN are repeated."""
    if isinstance(error, DBAPIError):
        return f"the database refused: {str(error.orig).splitlines()[0]}"
    if isinstance(error, DomainError):
        return error.message
    return f"it was interrupted ({type(error).__name__})"
