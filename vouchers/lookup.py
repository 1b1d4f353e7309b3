"""From PINs to cards. Voucher rows never change, so this stands before the transaction."""

import threading
from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol

from msgspec import Struct
from sqlalchemy import select

from core.db import Session
from core.keyfile import KeyFile
from core.sets import among
from core.settings import Settings
from core.trips import ask
from vouchers.pins import Candidate, Pin, candidate_tags, verifier_message, verifies
from vouchers.tables import batch, denomination, voucher


class Found(Struct, frozen=True, gc=False):
    """The card that a PIN belongs to, and the key version it was made under."""

    serial: int
    batch_id: int
    face_fen: int
    key_version: int


@dataclass(frozen=True, slots=True)
class Busy:
    """Too many slow checks were waiting; nothing is known of this PIN, the same may come again."""


class SlowCheck(Protocol):
    """What the pool runs."""

    def run(self) -> bool:
        """Tell whether it fits; slow."""


class ArgonPool:
    """Runs argon2id in few threads with a bounded queue; what comes above it is turned away."""

    def __init__(self, settings: Settings) -> None:
        self._threads = ThreadPoolExecutor(max(1, settings.argon2_threads), "argon2")
        self._places = threading.BoundedSemaphore(
            max(1, settings.argon2_threads) + settings.argon2_queue
        )

    def submit(self, work: "SlowCheck") -> "Future[bool] | None":
        """Begin a check; None when the queue is full."""
        if not self._places.acquire(blocking=False):
            return None
        try:
            future = self._threads.submit(work.run)
        except BaseException:
            self._places.release()
            raise
        future.add_done_callback(lambda _: self._places.release())
        return future

    def close(self) -> None:
        """Finish what runs and end the threads."""
        self._threads.shutdown(wait=True, cancel_futures=True)


@dataclass(frozen=True, slots=True)
class Check:
    """One comparison of a PIN with the verifier of one card."""

    keyfile: KeyFile
    found: Found
    salt: bytes
    verifier: bytes
    pin: Pin

    def run(self) -> bool:
        """Tell whether the PIN is the card's. Slow: 5 ms."""
        message = verifier_message(self.found.serial, self.found.face_fen, self.pin)
        key = self.keyfile.pin_keys[self.found.key_version]
        return verifies(key, self.verifier, self.salt, message)


@dataclass(frozen=True, slots=True)
class LookedUp:
    """The tags under which the cards of some PINs may be kept, and the rows that have one."""

    keyfile: KeyFile
    tags: Mapping[Pin, Sequence[Candidate]]
    rows: Mapping[bytes, Any]

    def find(self, argon: ArgonPool, pins: Sequence[Pin | None]) -> list[Found | Busy | None]:
        """Return the card of each PIN, in order; None where there is none or no PIN was given.

        argon2id only for cards that ask for it and share 28 bits with the PIN. Busy where the pool
        had no place.
        """
        quick = [None if pin is None else _by_full_tag(self.tags[pin], self.rows) for pin in pins]
        asked = zip(pins, quick, strict=True)
        left = dict.fromkeys(pin for pin, card in asked if pin is not None and card is None)
        slow = _verified(argon, {pin: checks for pin in left if (checks := self._checks(pin))})
        return [
            card if pin is None or card is not None else slow.get(pin)
            for pin, card in zip(pins, quick, strict=True)
        ]

    def _checks(self, pin: Pin) -> list[Check]:
        rows = (self.rows.get(each.hybrid) for each in self.tags[pin])
        return [_check(self.keyfile, row, pin) for row in rows if row is not None and row.verifier]

    def key_versions(self, pin: Pin) -> frozenset[int]:
        """Return under which keys the card of a PIN may be kept; none where it has none.

        Nothing slow: behind argon2id what is found may be another card's.
        """
        both = (tag for candidate in self.tags[pin] for tag in candidate.both)
        return frozenset(self.rows[tag].key_version for tag in both if tag in self.rows)


def look_up(session: Session, keyfile: KeyFile, pins: Sequence[Pin | None]) -> LookedUp:
    """Seek the rows of all PINs by one SELECT, under every live key and in both forms."""
    tags = candidate_tags(keyfile.live, [pin for pin in pins if pin is not None])
    if not tags:
        return LookedUp(keyfile, tags, {})
    both = [tag for many in tags.values() for candidate in many for tag in candidate.both]
    found = ask(session, _BY_TAG, {"tags": both}, _by_tag)
    return LookedUp(keyfile, tags, found.value)


def _by_tag(rows: Sequence[Any]) -> dict[bytes, Any]:
    return {row.pin_tag.bytes: row for row in rows}


_BY_TAG = (
    select(
        voucher.c.pin_tag,
        voucher.c.serial,
        voucher.c.batch_id,
        voucher.c.salt,
        voucher.c.verifier,
        batch.c.key_version,
        denomination.c.face_fen,
    )
    .join(batch, batch.c.id == voucher.c.batch_id)
    .join(denomination, denomination.c.id == batch.c.denomination_id)
    .where(among(voucher.c.pin_tag, "tags"))
)


def _by_full_tag(candidates: Sequence[Candidate], rows: Mapping[bytes, Any]) -> Found | None:
    for each in candidates:
        row = rows.get(each.full)
        if row is not None and row.verifier is None and row.key_version == each.key_version:
            return _found(row)
    return None


def _found(row: Any) -> Found:
    return Found(row.serial, row.batch_id, row.face_fen, row.key_version)


def _check(keyfile: KeyFile, row: Any, pin: Pin) -> Check:
    return Check(keyfile, _found(row), row.salt, row.verifier, pin)


def _verified(
    argon: ArgonPool, checks: Mapping[Pin, Sequence[Check]]
) -> dict[Pin, Found | Busy | None]:
    running: dict[Pin, list[tuple[Check, Future[bool] | None]]] = defaultdict(list)
    for pin, many in checks.items():
        running[pin] = [(check, argon.submit(check)) for check in many]
    return {pin: _outcome(begun) for pin, begun in running.items()}


def _outcome(begun: Sequence[tuple[Check, "Future[bool] | None"]]) -> Found | Busy | None:
    for check, future in begun:
        if future is not None and future.result():
            return check.found
    # A card that was not compared might have been the one.
    return Busy() if any(future is None for _, future in begun) else None
