"""Calls as they are kept in Redis between two turns; never a PIN, nor a code."""

import hashlib
from dataclasses import dataclass

import msgspec
from msgspec import Struct
from redis import Redis

from redemption.dialogue import slots
from redemption.dialogue.state import Expect, MenuState


@dataclass(frozen=True, slots=True)
class Medium:
    """How a call is brought: the engine's channel, how long it may stand still, and whether the
    PIN is the last thing asked for (`at_once`), which then redeems without a confirmation."""

    channel: str
    kept_s: int
    at_once: bool = False


VOICE = Medium("ivr", 900)
"""A telephone menu."""
USSD = Medium("ussd", 180, at_once=True)
"""A menu on the display of a telephone, whose every later message repeats what was typed before."""
WEB = Medium("web", 900)
"""A page or a programme that shows the menu."""
KIOSK = Medium("kiosk", 900)
"""A machine in a hall."""


class Said(Struct, frozen=True):
    """One prompt: its id and parameters for recorded audio, its text for everybody else."""

    id: str
    params: dict[str, str | int]
    text: str


class CallReceipt(Struct, frozen=True):
    """What a redemption did; sums in fen."""

    receipt_number: str
    amount_fen: int
    balance_fen: int
    account_tail: str


class CallReply(Struct, frozen=True):
    """What to say and to collect next; JSON of it is the same for the same turn."""

    call_id: str
    turn: int
    state: str
    language: str
    prompts: tuple[Said, ...]
    expect: Expect | None
    end: bool
    result: CallReceipt | None = None


class Record(Struct, frozen=True, omit_defaults=True):
    """A call as kept: the last turn, from where it started, and, when done, where it led.

    `content` tells repeats from conflicts; of a PIN or a code it holds the length only.
    `is_settled`: the engine keeps an answer under this turn's key, so that asking it again is safe.
    """

    turn: int
    caller: str
    content: str
    before: MenuState
    after: MenuState | None = None
    reply: CallReply | None = None
    is_settled: bool = False


@dataclass(frozen=True, slots=True)
class Shelf:
    """Where one call is kept, for `kept_s` after its last turn."""

    redis: Redis
    slot: str
    kept_s: int

    @classmethod
    def of(cls, redis: Redis, medium: Medium, gateway: str, call_id: str) -> "Shelf":
        """Return the place of a call of one gateway."""
        name = f"{medium.channel}\0{gateway}\0{call_id}"
        slot = "wanneng:call:" + hashlib.sha256(name.encode()).hexdigest()
        return cls(redis, slot, medium.kept_s)

    def last(self) -> tuple[bytes | None, Record | None]:
        """Return the last turn as it stands there, and read; raises RedisError."""
        raw = slots.read(self.redis, self.slot)
        return raw, None if raw is None else msgspec.json.decode(raw, type=Record)

    def earlier(self, turn: int) -> Record | None:
        """Return a turn before the last, for a gateway that delivers it late."""
        raw = slots.read(self.redis, f"{self.slot}:{turn}")
        return None if raw is None else msgspec.json.decode(raw, type=Record)

    def put(self, old: bytes | None, new: Record) -> bytes | None:
        """Write a turn over the one that stood there; None where another was quicker."""
        raw = msgspec.json.encode(new)
        return raw if slots.swap(self.redis, self.slot, old, raw, self.kept_s) else None

    def set_aside(self, turn: int, raw: bytes) -> None:
        """Keep a finished turn beside the one that comes next."""
        self.redis.set(f"{self.slot}:{turn}", raw, ex=self.kept_s)
