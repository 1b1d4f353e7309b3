"""Before the transaction: find each PIN's card, digest each content, set receipts aside."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec
from sqlalchemy import bindparam, or_, select

from core.db import Database, Session, UtcDateTime
from core.keyfile import KeyFile
from core.sets import among
from redemption.requests import RedeemRequest
from redemption.tables import caller
from vouchers.lookup import ArgonPool, Busy, Found, find_vouchers
from vouchers.pins import short_tag


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request with what is known of its PIN; voucher rows never change, so it stays true.

    `looked_up` is False where the caller was locked and no work was spent on his PIN; `busy` where
    too many slow checks were waiting. `digests` holds the content's digest for each key version.
    """

    request: RedeemRequest
    found: Found | None
    digests: Mapping[int, bytes]
    key_version: int
    receipt_number: str
    looked_up: bool = True
    busy: bool = False

    @property
    def serial(self) -> int | None:
        """The serial of the card that the request names, if there is such a card."""
        return self.request.serial if self.request.pin is None else self._serial_of_pin()

    def _serial_of_pin(self) -> int | None:
        if self.found is None:
            return None
        # A serial that is not the PIN's own is answered like an unknown PIN.
        if self.request.serial is not None and self.request.serial != self.found.serial:
            return None
        return self.found.serial


def prepare(
    db: Database,
    keyfile: KeyFile,
    argon: ArgonPool,
    requests: Sequence[RedeemRequest],
    receipt_numbers: Sequence[str],
) -> list[Prepared]:
    """Return the requests with their cards looked up by PIN, in the same order."""
    with db.read() as session:
        locked = _locked_callers(session, requests)
        pins = [None if r.caller.identity in locked else r.pin for r in requests]
        found = find_vouchers(session, keyfile, argon, pins)
    return [
        _prepared(keyfile, request, card, number, request.caller.identity not in locked)
        for request, card, number in zip(requests, found, receipt_numbers, strict=True)
    ]


def _prepared(
    keyfile: KeyFile,
    request: RedeemRequest,
    card: Found | Busy | None,
    receipt_number: str,
    looked_up: bool,
) -> Prepared:
    found = card if isinstance(card, Found) else None
    return Prepared(
        request=request,
        found=found,
        digests={v: _digest(keyfile, v, request) for v in keyfile.pin_keys},
        # Under the card's own version, never another: two independent 28-bit functions of one
        # PIN would together tell it apart from all others without the slow hash.
        key_version=keyfile.current.version if found is None else found.key_version,
        receipt_number=receipt_number,
        looked_up=looked_up,
        busy=isinstance(card, Busy),
    )


def _digest(keyfile: KeyFile, version: int, request: RedeemRequest) -> bytes:
    tag = None if request.pin is None else short_tag(keyfile.pin_keys[version], request.pin)
    content = (
        request.purpose,
        request.caller.identity,
        request.account_number,
        request.serial,
        tag,
        request.is_malformed,
    )
    return hashlib.sha256(msgspec.json.encode(content)).digest()


_LOCKED = select(caller.c.identity).where(
    among(caller.c.identity, "identities"),
    caller.c.locked_rule.is_not(None),
    or_(
        caller.c.locked_until.is_(None),
        caller.c.locked_until > bindparam("now", type_=UtcDateTime),
    ),
)


def _locked_callers(session: Session, requests: Sequence[RedeemRequest]) -> set[str]:
    identities = sorted({r.caller.identity for r in requests})
    rows = session.execute(_LOCKED, {"identities": identities, "now": session.now})
    return {row.identity for row in rows}
