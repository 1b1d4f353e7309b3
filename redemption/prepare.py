"""Before the transaction: find each PIN's card, digest each content, set receipts aside."""

import hashlib
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Final

import msgspec
from sqlalchemy import bindparam, or_, select

from accounts.balances import open_accounts
from core.db import Database, Session, UtcDateTime
from core.keyfile import KeyFile
from core.sets import among
from redemption.requests import Purpose, RedeemRequest
from redemption.tables import caller
from vouchers.lookup import ArgonPool, Busy, Found, find_vouchers, key_versions
from vouchers.pins import Pin, short_tag

_NO_KEY: Final = 0  # no version of a key file is


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request with what is known of its PIN; voucher rows never change, so it stays true.

    `looked_up` is False where the caller was locked and no work was spent on his PIN; `has_account`
    where the card could be credited, else its PIN is compared with none; `busy` where too many slow
    checks were waiting. `digests` holds the content's digest for each key version.
    """

    request: RedeemRequest
    found: Found | None
    digests: Mapping[int, bytes]
    key_version: int
    receipt_number: str
    looked_up: bool = True
    has_account: bool = True
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
    """Return the requests with their cards looked up by PIN, in the same order.

    Domain rule: for an account that cannot be credited the PIN is not looked up; such an answer is
    no try, so neither its kind nor its time may tell whether there is a card.
    """
    with db.read() as session:
        asked = _asked(session, requests)
        found = find_vouchers(session, keyfile, argon, [a.pin_to_find for a in asked])
        versions = key_versions(session, keyfile, [a.pin_to_pass_over for a in asked])
    return [
        _prepared(keyfile, *each)
        for each in zip(asked, found, versions, receipt_numbers, strict=True)
    ]


def without_pin(request: RedeemRequest, receipt_number: str) -> Prepared:
    """Return a request that names its card by serial, for a card proven otherwise."""
    return Prepared(
        request=request,
        found=None,
        digests={_NO_KEY: _digest_of(request, None)},
        key_version=_NO_KEY,
        receipt_number=receipt_number,
    )


@dataclass(frozen=True, slots=True)
class _Asked:
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
    locked = _locked_callers(session, requests)
    numbers = open_accounts(session, [r.account_number for r in requests if r.account_number])
    return [
        _Asked(
            request,
            looked_up=request.caller.identity not in locked,
            has_account=request.purpose is Purpose.CHECK or request.account_number in numbers,
        )
        for request in requests
    ]


def _prepared(
    keyfile: KeyFile,
    asked: _Asked,
    card: Found | Busy | None,
    versions: frozenset[int],
    receipt_number: str,
) -> Prepared:
    found = card if isinstance(card, Found) else None
    return Prepared(
        request=asked.request,
        found=found,
        digests={v: _digest(keyfile, v, asked.request) for v in (_NO_KEY, *keyfile.pin_keys)},
        key_version=_version(keyfile, versions if found is None else {found.key_version}),
        receipt_number=receipt_number,
        looked_up=asked.looked_up,
        has_account=asked.has_account,
        busy=isinstance(card, Busy),
    )


def _version(keyfile: KeyFile, versions: Set[int]) -> int:
    """Return under which key the PIN enters the digest that is stored.

    Under the card's own, never another: two independent 28-bit functions of one PIN would together
    tell it apart from all others without the slow hash. Where several may be the card's own, none.
    """
    if not versions:
        return keyfile.current.version
    return min(versions) if len(versions) == 1 else _NO_KEY


def _digest(keyfile: KeyFile, version: int, request: RedeemRequest) -> bytes:
    tag = None
    if request.pin is not None and version != _NO_KEY:
        tag = short_tag(keyfile.pin_keys[version], request.pin)
    return _digest_of(request, tag)


def _digest_of(request: RedeemRequest, tag: int | None) -> bytes:
    content = (
        request.purpose,
        request.caller.identity,
        None if request.is_own_account else request.account_number,
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
