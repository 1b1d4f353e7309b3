"""Registering an account by a code that is texted to the phone on the account's file."""

import hashlib
import secrets
from typing import Literal

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from accounts.balances import read_account
from core.errors import TryLater
from core.outbox import put
from redemption.dialogue import slots
from redemption.dialogue.callers import bind, language_of
from redemption.dialogue.deps import DialogueDeps
from redemption.dialogue.phones import Phone, parse_phone
from redemption.dialogue.state import Bound, CodeGone, CodeRefused, CodeSent, CodeWrong
from redemption.dialogue.words import Lang, message

VALID_S = 600
TRIES = 3
CODES_PER_DAY = 5
"""Codes a day for one account, and for one caller: nobody's phone is flooded, nobody guesses."""

_DAY_S = 86_400
_ROUNDS = 20
_TAKEN, _REFUSED = b"taken", b"refused"
"""What stands in the place of a request, so that its repeats are told the same."""


class _Waiting(Struct, frozen=True, omit_defaults=True):
    """A code that waits: its keyed hash, and what was said to the message that last tried it.

    A message that is delivered again is told the same and counts as one try. `until` is a Unix
    time: a try must not make the code valid for longer.
    """

    account: str
    hash: str
    until: float
    tries_left: int = TRIES
    tried_by: str = ""
    said: Literal["", "bound", "wrong"] = ""


def send_code(
    deps: DialogueDeps, phone: Phone, account_number: str, request_key: str
) -> CodeSent | CodeRefused:
    """Text a code to the phone on the account's file, once however often the request is delivered.

    Raises AccountUnknown; RedisError, TryLater: then nothing was sent.
    """
    with deps.db.read() as session:
        account = read_account(session, account_number)
        holder = parse_phone(account.phone or "")
        language = "zh" if holder is None else language_of(session, holder)
    if holder is None or not holder.takes_texts:
        return CodeRefused("no_phone")
    slot = _slot_of_request(request_key)
    # The request is taken first: of many that bring it one counts it and sends.
    if not slots.swap(deps.redis, slot, None, _TAKEN, VALID_S):
        return _answer_of_taken(slots.read(deps.redis, slot))
    try:
        if _is_too_many(deps, phone, account_number):
            slots.swap(deps.redis, slot, _TAKEN, _REFUSED, VALID_S)
            return CodeRefused("code_too_many")
        _send_new(deps, phone, account_number, holder, language)
    except Exception:
        deps.redis.delete(slot)  # nothing was sent: the same request may try again
        raise
    return CodeSent()


def _answer_of_taken(kept: bytes | None) -> CodeSent | CodeRefused:
    """Return what a request is told that was taken before."""
    if kept is None:
        raise TryLater("this request failed a moment ago")
    return CodeRefused("code_too_many") if kept == _REFUSED else CodeSent()


def _send_new(
    deps: DialogueDeps, phone: Phone, account_number: str, holder: Phone, language: Lang
) -> None:
    code = f"{secrets.randbelow(10**6):06d}"
    waiting = _Waiting(account_number, _hash(deps, phone, code), _now(deps) + VALID_S)
    deps.redis.set(_key(phone), msgspec.json.encode(waiting), ex=VALID_S)
    facts = {"code": code, "tail": account_number[-4:], "caller": phone.number[-4:]}
    body = message("code", language, facts)
    deps.db.transact(lambda session: put(session, "code", holder.number, body))


def enter_code(
    deps: DialogueDeps, phone: Phone, code: str, request_key: str
) -> Bound | CodeWrong | CodeGone:
    """Register the account if this is the code that waits for the phone; 3 tries.

    The same request again is answered the same and counts once. Raises RedisError, TryLater.
    """
    for _ in range(_ROUNDS):
        raw = slots.read(deps.redis, _key(phone))
        if raw is None:
            return CodeGone()
        waiting = msgspec.json.decode(raw, type=_Waiting)
        if waiting.tried_by == request_key:
            return _carry_out(deps, phone, waiting)
        seconds = int(waiting.until - _now(deps))
        if waiting.said == "bound" or waiting.tries_left == 0 or seconds <= 0:
            return CodeGone()
        tried = _tried(deps, phone, waiting, code, request_key)
        marked = msgspec.json.encode(tried)
        # The try first: of many at once no more than TRIES may do anything.
        if not slots.swap(deps.redis, _key(phone), raw, marked, seconds):
            continue
        try:
            return _carry_out(deps, phone, tried)
        except Exception:
            slots.swap(deps.redis, _key(phone), marked, raw, seconds)  # nothing came of it
            raise
    raise TryLater("this code is being tried by many at once")


def _tried(
    deps: DialogueDeps, phone: Phone, waiting: _Waiting, code: str, request_key: str
) -> _Waiting:
    if not secrets.compare_digest(waiting.hash, _hash(deps, phone, code)):
        left = waiting.tries_left - 1
        return replace(waiting, tries_left=left, tried_by=request_key, said="wrong")
    return replace(waiting, tried_by=request_key, said="bound")


def _carry_out(deps: DialogueDeps, phone: Phone, tried: _Waiting) -> Bound | CodeWrong:
    """Do what the try decided; for a right code again, should we have been cut off before."""
    if tried.said != "bound":
        return CodeWrong(tried.tries_left)
    deps.db.transact(lambda session: bind(session, phone, tried.account))
    return Bound(tried.account)


def _now(deps: DialogueDeps) -> float:
    return deps.db.clock().timestamp()


def _is_too_many(deps: DialogueDeps, phone: Phone, account_number: str) -> bool:
    counts = [
        slots.count(deps.redis, f"wanneng:codes:{who}", _DAY_S)
        for who in (account_number, phone.number)
    ]
    return max(counts) > CODES_PER_DAY


def _slot_of_request(request_key: str) -> str:
    return "wanneng:code-asked:" + hashlib.sha256(request_key.encode()).hexdigest()


def _key(phone: Phone) -> str:
    return f"wanneng:code:{phone.number}"


def _hash(deps: DialogueDeps, phone: Phone, code: str) -> str:
    # Ed25519 signatures do not vary, so one serves as a keyed function: without the key file a
    # million codes cannot simply be tried against the hash.
    signed = deps.keys.get().sign(f"wanneng code {phone.number} {code}".encode())
    return hashlib.sha256(signed).hexdigest()
