"""One turn of a phone call: the state in Redis, each turn carried out once."""

import hashlib
import re
from dataclasses import dataclass, field
from datetime import datetime

import msgspec
import structlog
from msgspec import Struct
from redis import RedisError
from sqlalchemy.exc import OperationalError

from core.errors import DomainError, InvalidInput, NotFound
from core.text import clean
from redemption.dialogue import callers, slots
from redemption.dialogue.deps import DialogueDeps
from redemption.dialogue.effects import Line, perform
from redemption.dialogue.menu import step
from redemption.dialogue.phones import Phone, parse_phone
from redemption.dialogue.state import (
    CardAnswered,
    CheckCard,
    Digits,
    Event,
    Expect,
    MenuRules,
    MenuState,
    Node,
    Silence,
    Start,
    Step,
)
from redemption.dialogue.words import Place, Prompt, prompt_text
from redemption.requests import Code

KEPT_S = 900
"""A call that stands still for 15 minutes is over."""
LONGEST_ID = 128
MAX_TURN = 100_000

_ROUNDS = 20
_KEYS = re.compile(r"[0-9*#]{0,14}")

_log = structlog.get_logger(__name__)


class DialogueConflict(DomainError):
    """Not the turn that comes next, or another content under a turn; `expected` is the next."""

    code = "turn_conflict"


class DialogueUnknown(NotFound):
    """No such call is under way: it must begin with turn 1."""

    code = "dialogue_unknown"


class DialogueEnded(DomainError):
    """The call has ended; nothing more can happen in it."""

    code = "dialogue_ended"


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


class _Record(Struct, frozen=True, omit_defaults=True):
    """A call as kept: the last turn, from where it started, and, when done, where it led.

    `content` tells repeats from conflicts; of a PIN or a code it holds the length only.
    """

    turn: int
    caller: str
    content: str
    before: MenuState
    after: MenuState | None = None
    reply: CallReply | None = None


@dataclass(frozen=True, slots=True)
class _Turn:
    """One turn as a gateway brought it."""

    deps: DialogueDeps
    gateway: str
    caller: str
    phone: Phone | None
    digits: str = field(repr=False)  # they may be a PIN
    call_id: str
    turn: int
    now: datetime

    @property
    def slot(self) -> str:
        name = f"{self.gateway}\0{self.call_id}"
        return "wanneng:call:" + hashlib.sha256(name.encode()).hexdigest()

    @property
    def rules(self) -> MenuRules:
        settings = self.deps.db.settings
        return MenuRules(settings.account_lengths, Place.of(settings, self.now))

    @property
    def event(self) -> Event:
        return Digits(self.digits) if self.digits else Silence()

    def line(self, language: str) -> Line:
        key = f"{self.call_id}:{self.turn}"
        return Line(self.deps, self.gateway, self.phone, key, language)

    def content(self, before: MenuState) -> str:
        """The keys, for telling a repeat; only their number where they may be secret."""
        secret = before.node in (Node.PIN, Node.CODE) and len(self.digits) > 1
        if secret or _KEYS.fullmatch(self.digits) is None:
            return f"{len(self.digits)} keys"
        return self.digits


def answer_call(
    deps: DialogueDeps, gateway: str, caller_number: str, digits: str, call_id: str, turn: int
) -> CallReply:
    """Carry out one turn of a call; the same turn again gives the same reply and no effect.

    Turn 1 begins; empty `digits` are silence. Raises DialogueConflict, DialogueUnknown,
    DialogueEnded, InvalidInput. Without Redis the caller is told to call later, and nothing
    happened.
    """
    if not 1 <= turn <= MAX_TURN:
        raise InvalidInput("turns are counted from 1")
    call_id = clean(call_id, "the call id", LONGEST_ID)
    phone = parse_phone(caller_number)
    caller = "withheld" if phone is None else phone.number
    this = _Turn(deps, gateway, caller, phone, digits, call_id, turn, deps.db.clock())
    try:
        return _take(this)
    except RedisError as error:
        _log.warning("call_state_unreachable", error=type(error).__name__)
        language = "zh" if phone is None else phone.language
        return _apology(this, MenuState(node=Node.ENDED, language=language))


def _take(this: _Turn) -> CallReply:
    """Claim the turn before anything is done, so that no two contents of it take effect."""
    for _ in range(_ROUNDS):
        raw = slots.read(this.deps.redis, this.slot)
        record = None if raw is None else msgspec.json.decode(raw, type=_Record)
        if record is not None and record.turn == this.turn:
            return _repeated(this, raw, record)
        before = _before(this, record)
        claim = _Record(this.turn, this.caller, this.content(before), before)
        claimed = msgspec.json.encode(claim)
        if slots.swap(this.deps.redis, this.slot, raw, claimed, KEPT_S):
            return _play(this, claimed, claim)
    raise DialogueConflict("this turn is being sent by many at once", expected=this.turn)


def _before(this: _Turn, record: _Record | None) -> MenuState:
    """Return the state that this turn starts from, if it is the one that comes next."""
    if record is None:
        if this.turn != 1:
            raise DialogueUnknown("no such call is under way; begin with turn 1")
        return MenuState()
    if record.after is not None and record.after.node is Node.ENDED:
        raise DialogueEnded("the call has ended")
    expected = record.turn if record.after is None else record.turn + 1
    if this.turn != expected or record.after is None or this.caller != record.caller:
        raise DialogueConflict("this is not the turn that comes next", expected=expected)
    return record.after


def _repeated(this: _Turn, raw: bytes | None, record: _Record) -> CallReply:
    if (record.caller, record.content) != (this.caller, this.content(record.before)):
        raise DialogueConflict("this turn came with other content", expected=this.turn + 1)
    if record.reply is None:
        # Under way elsewhere, or cut off: its effects may run again, they happen once.
        return _play(this, raw, record)
    _refuse_other_pin(this, record)
    return record.reply


def _refuse_other_pin(this: _Turn, record: _Record) -> None:
    """Only the engine can tell another PIN of the same length under this turn's key."""
    if record.before.node is not Node.PIN:
        return
    wanted = step(record.before, this.event, this.rules).effect
    if not isinstance(wanted, CheckCard):
        return
    answered = perform(this.line(record.before.language), wanted)
    if isinstance(answered, CardAnswered) and answered.answer.code is Code.REQUEST_CONFLICT:
        raise DialogueConflict("this turn came with other content", expected=this.turn + 1)


def _play(this: _Turn, claimed: bytes | None, claim: _Record) -> CallReply:
    reply, after = _run(this, claim.before)
    done = msgspec.structs.replace(claim, after=after, reply=reply)
    try:
        if slots.swap(this.deps.redis, this.slot, claimed, msgspec.json.encode(done), KEPT_S):
            return reply
        kept = slots.read(this.deps.redis, this.slot)
    except RedisError as error:
        # What was done is done: it must be told, even if the call cannot go on.
        _log.warning("call_state_not_kept", error=type(error).__name__)
        return reply
    other = None if kept is None else msgspec.json.decode(kept, type=_Record)
    if other is not None and other.turn == this.turn and other.reply is not None:
        return other.reply
    return reply


def _run(this: _Turn, before: MenuState) -> tuple[CallReply, MenuState]:
    """Step until nothing is left to do; tell what was said on the way."""
    event = _start(this) if this.turn == 1 else this.event
    done = step(before, event, this.rules)
    prompts, receipt = list(done.prompts), None
    while done.effect is not None:
        result = perform(this.line(done.state.language), done.effect)
        if result is None:
            break
        if isinstance(result, CardAnswered):
            receipt = _receipt(result)
        done = step(done.state, result, this.rules)
        prompts += done.prompts
    return _reply(this, done, prompts, receipt), done.state


def _start(this: _Turn) -> Start:
    if this.phone is None:
        return Start()
    try:
        with this.deps.db.read() as session:
            own = callers.own_accounts(session, this.phone)
    except OperationalError:
        own = []  # he can still hear the menu, which tells of the outage where it matters
    return Start(next(iter(own), None), known=True, texted=this.phone.takes_texts)


def _reply(
    this: _Turn, done: Step, prompts: list[Prompt], receipt: CallReceipt | None
) -> CallReply:
    language = done.state.language
    said = [Said(one.id, one.params, prompt_text(one, language)) for one in prompts]
    return CallReply(
        call_id=this.call_id,
        turn=this.turn,
        state=done.state.node.value,
        language=language,
        prompts=tuple(said),
        expect=done.expect,
        end=done.end,
        result=receipt,
    )


def _receipt(result: CardAnswered) -> CallReceipt | None:
    answer = result.answer
    if answer.code is not Code.REDEEMED:
        return None
    return CallReceipt(
        receipt_number=answer.receipt_number or "",
        amount_fen=answer.face_fen or 0,
        balance_fen=answer.balance_fen or 0,
        account_tail=answer.account_tail or "",
    )


def _apology(this: _Turn, state: MenuState) -> CallReply:
    last = Step(state, end=True)
    return _reply(this, last, [Prompt("try_later"), Prompt("goodbye")], None)
