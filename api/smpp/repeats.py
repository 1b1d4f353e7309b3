"""Texts that a centre delivers again: SMPP gives them no id of their own, so they get one here."""

import hashlib
import secrets
from dataclasses import dataclass

import msgspec
import structlog
from redis import RedisError

from redemption.dialogue import slots
from redemption.dialogue.deps import DialogueDeps
from redemption.dialogue.grammar import TopUp, parse_text
from vouchers.pins import short_tag

WINDOW_S = 600
"""The same text of the same sender within this time may be taken for the same message."""

_HEX_OF_28_BITS = 7

_log = structlog.get_logger("wanneng.smpp")


@dataclass(frozen=True, slots=True)
class Arrived:
    """One whole text as it came."""

    source: str
    destination: str
    text: str
    parts: tuple[int, int] = (0, 0)

    def __repr__(self) -> str:
        return "Arrived(hidden)"


class Known(msgspec.Struct, frozen=True):
    """The id that a message was given, and whether its reply is on its way."""

    id: str
    replied: bool = False


def recall(deps: DialogueDeps, arrived: Arrived) -> Known:
    """Return what a message is known by, a fresh id where it is new or Redis is away.

    Then the card itself is the guard: it is redeemed once.
    """
    fresh = Known(f"smpp-{secrets.token_hex(12)}")
    key = _key(deps, arrived)
    try:
        if slots.swap(deps.redis, key, None, msgspec.json.encode(fresh), WINDOW_S):
            return fresh
        kept = slots.read(deps.redis, key)
    except RedisError as error:
        _log.warning("repeats_not_seen", error=type(error).__name__)
        return fresh
    return fresh if kept is None else msgspec.json.decode(kept, type=Known)


def mark_replied(deps: DialogueDeps, arrived: Arrived, known: Known) -> None:
    """Remember that the reply is on its way, so that a repeat sends no second one."""
    replied = msgspec.json.encode(Known(known.id, replied=True))
    try:
        deps.redis.set(_key(deps, arrived), replied, ex=WINDOW_S)
    except RedisError as error:
        _log.warning("reply_not_marked", error=type(error).__name__)


def forget(deps: DialogueDeps, arrived: Arrived) -> None:
    """Take the same text for a new message from now on."""
    try:
        deps.redis.delete(_key(deps, arrived))
    except RedisError as error:
        _log.warning("repeat_not_forgotten", error=type(error).__name__)


def _key(deps: DialogueDeps, arrived: Arrived) -> str:
    """Name a message by who sent it to whom, and 28 keyed bits of what it says.

    A PIN enters by its short tag alone, so that no second function of it exists anywhere.
    """
    keyfile = deps.keys.get()
    content: object = arrived.text
    command = parse_text(arrived.text, deps.db.settings.account_lengths)
    if isinstance(command, TopUp) and command.pin is not None:
        tag = short_tag(keyfile.current, command.pin)
        content = (command.account_number, command.serial, tag)
    said = msgspec.json.encode((arrived.source, arrived.destination, arrived.parts, content))
    bits = hashlib.sha256(keyfile.sign(b"wanneng text " + said)).hexdigest()[:_HEX_OF_28_BITS]
    who = hashlib.sha256(f"{arrived.source}\0{arrived.destination}".encode()).hexdigest()[:32]
    return f"wanneng:smpp:{who}:{bits}"
