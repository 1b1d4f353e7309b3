"""Before the transaction: find each PIN's card, digest each content, set receipts aside."""

import hashlib
from collections.abc import Mapping, Sequence, Set
from typing import Final

import msgspec
from msgspec import Struct
from sqlalchemy import bindparam, or_, select

from accounts.balances import ask_for_open_accounts, well_formed
from core.db import Database, Session, UtcDateTime
from core.keyfile import KeyFile
from core.sets import among
from core.trips import Asked, ask, one_trip
from redemption.requests import Purpose, RedeemRequest
from redemption.tables import caller
from vouchers.lookup import ArgonPool, Busy, Found, LookedUp, look_up
from vouchers.pins import Pin, short_tag

NO_KEY: Final = 0
"""No version of a key file: the digest then leaves the PIN out."""


class Prepared(Struct, frozen=True, gc=False):
    """A request with what is known of its PIN; voucher rows never change, so it stays true.

    `serial` is that of the card which the request names, if there is one (`serial_named`); it is
    kept, since it is asked for half a dozen times.
    `looked_up` is False where the caller was locked and no work was spent on his PIN; `has_account`
    where the card could be credited, else its PIN is compared with none; `busy` where too many slow
    checks were waiting. `content` is the request's without its PIN, and `tags` the PIN's 28 bits
    under each key.
    """

    request: RedeemRequest
    found: Found | None
    serial: int | None
    content: bytes
    tags: Mapping[int, int]
    key_version: int
    receipt_number: str
    looked_up: bool = True
    has_account: bool = True
    busy: bool = False

    def digest(self, key_version: int) -> bytes | None:
        """Return the digest of the content under one key; None for a key that nobody has."""
        if key_version == NO_KEY or self.request.pin is None:
            return hashlib.sha256(self.content).digest()
        tag = self.tags.get(key_version)
        if tag is None:
            return None
        return hashlib.sha256(self.content + tag.to_bytes(4, "big")).digest()


def prepare(
    db: Database,
    keyfile: KeyFile,
    argon: ArgonPool,
    requests: Sequence[RedeemRequest],
    receipt_numbers: Sequence[str],
) -> list[Prepared]:
    """Return the requests with their cards looked up by PIN, in the same order.

    Domain rule: for an account that cannot be credited the PIN is not looked up; such an answer is
    no try, so neither its kind nor its time may tell whether there is a card. Its row is sought all
    the same, for the key of its digest (`_version`), and compared with nothing: what that may tell
    is some 20 us of a SELECT for all. The PIN of a locked caller is not even sought.
    """
    with db.read(one_snapshot=False) as session:
        asked = _asked(session, requests)
        pins = [each.request.pin for each in asked if each.looked_up]
        vouchers = look_up(session, keyfile, pins)
    found = vouchers.find(argon, [each.pin_to_find for each in asked])
    return [
        _prepared(keyfile, vouchers, *each)
        for each in zip(asked, found, receipt_numbers, strict=True)
    ]


def without_pin(request: RedeemRequest, receipt_number: str) -> Prepared:
    """Return a request that names its card by serial, for a card proven otherwise."""
    return Prepared(
        request=request,
        found=None,
        serial=serial_named(request, None),
        content=_content(request),
        tags={},
        key_version=NO_KEY,
        receipt_number=receipt_number,
    )


def serial_named(request: RedeemRequest, found: Found | None) -> int | None:
    """Return the serial of the card that a request names; `found` is what its PIN belongs to.

    A serial that is not the PIN's own names no card, and is answered like an unknown PIN.
    """
    if request.pin is None:
        return request.serial
    if found is None or request.serial not in (None, found.serial):
        return None
    return found.serial


class _Asked(Struct, frozen=True, gc=False):
    """A request, and what decides whether its PIN may be looked up."""

    request: RedeemRequest
    looked_up: bool
    has_account: bool

    @property
    def pin_to_find(self) -> Pin | None:
        return self.request.pin if self.looked_up and self.has_account else None

    @property
    def pin_to_pass_over(self) -> Pin | None:
        """The PIN that is only digested; `_version` says why its keys matter."""
        return self.request.pin if self.looked_up and not self.has_account else None


def _asked(session: Session, requests: Sequence[RedeemRequest]) -> list[_Asked]:
    with one_trip(session):
        callers = _locked_callers(session, requests)
        numbers = ask_for_open_accounts(
            session, well_formed(r.account_number for r in requests if r.account_number)
        )
    locked, open_numbers = callers.value, numbers.value
    return [
        _Asked(
            request,
            looked_up=request.caller.identity not in locked,
            has_account=request.purpose is Purpose.CHECK or request.account_number in open_numbers,
        )
        for request in requests
    ]


def _prepared(
    keyfile: KeyFile,
    vouchers: LookedUp,
    asked: _Asked,
    card: Found | Busy | None,
    receipt_number: str,
) -> Prepared:
    request, found = asked.request, card if isinstance(card, Found) else None
    return Prepared(
        request=request,
        found=found,
        serial=serial_named(request, found),
        content=_content(request),
        tags=_tags(keyfile, vouchers, request.pin),
        key_version=_version(keyfile, _versions(vouchers, asked, card)),
        receipt_number=receipt_number,
        looked_up=asked.looked_up,
        has_account=asked.has_account,
        busy=isinstance(card, Busy),
    )


def _versions(vouchers: LookedUp, asked: _Asked, card: Found | Busy | None) -> Set[int]:
    """Return the versions of the keys under which the PIN's card is, or may be, kept."""
    if isinstance(card, Found):
        return {card.key_version}
    pin = asked.pin_to_pass_over
    return frozenset() if pin is None else vouchers.key_versions(pin)


def _version(keyfile: KeyFile, versions: Set[int]) -> int:
    """Return under which key the PIN enters the digest that is stored.

    Under the card's own, never another: two independent 28-bit functions of one PIN would together
    tell it apart from all others without the slow hash. Where several may be the card's own, none.
    """
    if not versions:
        return keyfile.current.version
    return min(versions) if len(versions) == 1 else NO_KEY


def _content(request: RedeemRequest) -> bytes:
    return msgspec.json.encode(
        (
            request.purpose,
            request.caller.identity,
            None if request.is_own_account else request.account_number,
            request.serial,
            request.is_malformed,
        )
    )


def _tags(keyfile: KeyFile, vouchers: LookedUp, pin: Pin | None) -> dict[int, int]:
    if pin is None:
        return {}
    tags = {candidate.key_version: candidate.short for candidate in vouchers.tags.get(pin, ())}
    for version, key in keyfile.pin_keys.items():
        if version not in tags:
            tags[version] = short_tag(key, pin)
    return tags


_LOCKED = select(caller.c.identity).where(
    among(caller.c.identity, "identities"),
    caller.c.locked_rule.is_not(None),
    or_(
        caller.c.locked_until.is_(None),
        caller.c.locked_until > bindparam("now", type_=UtcDateTime),
    ),
)


def _locked_callers(session: Session, requests: Sequence[RedeemRequest]) -> Asked[set[str]]:
    identities = sorted({r.caller.identity for r in requests})
    return ask(
        session,
        _LOCKED,
        {"identities": identities, "now": session.now},
        lambda rows: {row.identity for row in rows},
    )
