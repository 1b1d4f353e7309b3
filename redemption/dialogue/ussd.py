"""Menus on the display of a telephone (USSD): each message repeats all that was typed before.

What is new in a message is what stands behind the part that was heard before: inputs may hold the
sign that joins them. The PIN is asked last, and after it the session is over.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec
import structlog
from msgspec import Struct
from redis import RedisError

from core.text import clean
from redemption.dialogue import slots
from redemption.dialogue.call_records import USSD, CallReply
from redemption.dialogue.calls import (
    LONGEST_ID,
    DialogueConflict,
    DialogueEnded,
    answer_call,
    call_now,
    start_of,
)
from redemption.dialogue.deps import DialogueDeps
from redemption.dialogue.effects import Line, perform
from redemption.dialogue.menu import step
from redemption.dialogue.phones import parse_phone
from redemption.dialogue.state import (
    CheckSerial,
    CodeSent,
    Digits,
    Effect,
    FindAccount,
    MenuRules,
    MenuState,
    RecentRecharges,
    RememberLanguage,
    Result,
    SendCode,
    Silence,
    Unavailable,
)
from redemption.dialogue.words import Place, known_language, screen_words

LONGEST_TEXT = 1000
MOST_INPUTS = 40

_JOINER = "*"
_PLAIN = re.compile(r"[0-9*#]{0,14}")
_READING = (FindAccount, RecentRecharges, CheckSerial)
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class UssdReply:
    """What the display shows, and whether the session is over."""

    text: str
    end: bool


class _Heard(Struct, frozen=True, omit_defaults=True):
    """What was typed: up to where it stood after each turn, plain only as far as it may be known.

    From the first PIN or code on only lengths are kept. `again` counts how often the session began
    anew, `secret` tells whether the next input is one.
    """

    known: str = ""
    marks: tuple[int, ...] = ()
    secret: bool = False
    is_known: bool = True
    again: int = 0


@dataclass(frozen=True, slots=True)
class _Session:
    """One message of a session as a gateway brought it; `text` may end in a PIN."""

    deps: DialogueDeps
    gateway: str
    caller: str
    session_id: str
    text: str = field(repr=False)

    @property
    def slot(self) -> str:
        name = f"{self.gateway}\0{self.session_id}"
        return "wanneng:ussd:" + hashlib.sha256(name.encode()).hexdigest()


def answer_ussd(
    deps: DialogueDeps, gateway: str, caller: str, session_id: str, text: str
) -> UssdReply:
    """Show what comes next in a session; the same text again is shown the same, with no effect.

    A text that does not go on from what was heard begins anew: what it holds is played through
    without effect, up to its last input. Raises InvalidInput for a session id that cannot be kept.
    """
    this = _Session(deps, gateway, caller, clean(session_id, "the session id", LONGEST_ID), text)
    try:
        raw = slots.read(deps.redis, this.slot)
        heard = _Heard() if raw is None else msgspec.json.decode(raw, type=_Heard)
        turn = _turn_of(heard, text)
        if turn is None:
            heard = _Heard(again=heard.again + 1) if heard.marks else heard
            return _shown(_begin_anew(this, raw, heard))
        start = _start_of(heard, turn)
        return _shown(_play(this, raw, heard, turn, text[start:]))
    except RedisError as error:
        _log.warning("ussd_state_unreachable", error=type(error).__name__)
        return _shown(_take(this, 0, 1, "", None))


def _turn_of(heard: _Heard, text: str) -> int | None:
    """Return the turn that a text belongs to, heard before or the next; None if it fits nowhere."""
    if not heard.marks:
        return 1 if text == "" else None
    known = heard.known
    if text[: len(known)] != known[: len(text)]:
        return None
    if len(text) in heard.marks:
        return heard.marks.index(len(text)) + 1
    last = heard.marks[-1]
    is_next = len(text) > last and (last == 0 or text[last] == _JOINER)
    return len(heard.marks) + 1 if is_next else None


def _start_of(heard: _Heard, turn: int) -> int:
    """Return where the input of a turn begins in the text."""
    if turn <= 2:
        return 0
    return heard.marks[turn - 2] + len(_JOINER)


def _play(this: _Session, raw: bytes | None, heard: _Heard, turn: int, typed: str) -> CallReply:
    reply = _take(this, heard.again, turn, "" if turn == 1 else typed, None)
    if turn == len(heard.marks) + 1:
        _remember(this, raw, heard, typed, reply)
    return reply


def _begin_anew(this: _Session, raw: bytes | None, heard: _Heard) -> CallReply:
    """Play a text through whose session is not kept, each input between two joiners."""
    inputs = this.text[:LONGEST_TEXT].split(_JOINER)[:MOST_INPUTS] if this.text else []
    turn = len(inputs) + 1
    last = inputs[-1] if inputs else ""
    reply = _take(this, heard.again, turn, last, inputs[:-1])
    marks, end = [0], -len(_JOINER)
    for each in inputs:
        end += len(_JOINER) + len(each)
        marks.append(end)
    # How much of it may be known is not known here.
    kept = _Heard(marks=tuple(marks), secret=_is_secret(reply), is_known=False, again=heard.again)
    _write(this, raw, kept)
    return reply


def _take(
    this: _Session, again: int, turn: int, typed: str, before: Sequence[str] | None
) -> CallReply:
    call_id = f"{this.session_id}~{again}" if again else this.session_id
    rebuild = (lambda: _rebuilt(this, before or ())) if before is not None else None
    keys = typed[:LONGEST_TEXT]
    try:
        return answer_call(this.deps, this.gateway, this.caller, keys, call_id, turn, USSD, rebuild)
    except DialogueConflict:
        now = call_now(this.deps, this.gateway, call_id, USSD)
    except DialogueEnded:
        now = None
    return now or CallReply(call_id, turn, "ended", "zh", (), None, end=True)


def _remember(
    this: _Session, raw: bytes | None, heard: _Heard, typed: str, reply: CallReply
) -> None:
    is_known = heard.is_known and not heard.secret and _PLAIN.fullmatch(typed) is not None
    _write(
        this,
        raw,
        _Heard(
            known=this.text if is_known else heard.known,
            marks=(*heard.marks, len(this.text)),
            secret=_is_secret(reply),
            is_known=is_known,
            again=heard.again,
        ),
    )


def _write(this: _Session, raw: bytes | None, heard: _Heard) -> None:
    # Of several that bring the same message one writes it, and all would write the same.
    slots.swap(this.deps.redis, this.slot, raw, msgspec.json.encode(heard), USSD.kept_s)


def _is_secret(reply: CallReply) -> bool:
    return reply.expect is not None and reply.expect.sensitive


def _rebuilt(this: _Session, inputs: Sequence[str]) -> MenuState:
    """Return the state after these inputs, having read only."""
    phone = parse_phone(this.caller)
    settings = this.deps.db.settings
    rules = MenuRules(settings.account_lengths, Place.of(settings, this.deps.db.clock()))
    done = step(MenuState(), start_of(this.deps, phone, USSD), rules)
    line = Line(this.deps, this.gateway, phone, "replay", done.state.language, USSD.channel)
    for each in inputs:
        done = step(done.state, Digits(each) if each else Silence(), rules)
        while done.effect is not None:
            result = _read(line, done.effect)
            if result is None:
                break
            done = step(done.state, result, rules)
    return done.state


def _read(line: Line, effect: Effect) -> Result | None:
    if isinstance(effect, _READING):
        return perform(line, effect)
    if isinstance(effect, RememberLanguage):
        return None
    return CodeSent() if isinstance(effect, SendCode) else Unavailable()


def _shown(reply: CallReply) -> UssdReply:
    said = [one.text for one in reply.prompts]
    return UssdReply(screen_words(said, known_language(reply.language), reply.end), reply.end)
