"""One turn of a phone call: the state in Redis, each turn carried out once."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

import msgspec
import structlog
from redis import RedisError
from sqlalchemy.exc import OperationalError

from core.errors import DomainError, InvalidInput, NotFound
from core.text import clean
from redemption.dialogue import callers
from redemption.dialogue.call_records import (
    VOICE,
    CallReceipt,
    CallReply,
    Medium,
    Record,
    Said,
    Shelf,
)
from redemption.dialogue.deps import DialogueDeps
from redemption.dialogue.effects import Line, perform
from redemption.dialogue.menu import step
from redemption.dialogue.moves import again
from redemption.dialogue.phones import Phone, parse_phone
from redemption.dialogue.state import (
    CardAnswered,
    CheckCard,
    Digits,
    Event,
    Hangup,
    MenuRules,
    MenuState,
    Node,
    Pending,
    Recharge,
    Result,
    Silence,
    Start,
    Step,
)
from redemption.dialogue.words import Place, Prompt, prompt_text, screen_text
from redemption.requests import Code
from redemption.rules import NOT_STORED

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


@dataclass(frozen=True, slots=True)
class _Turn:
    """One turn as a gateway brought it."""

    deps: DialogueDeps
    medium: Medium
    gateway: str
    caller: str
    phone: Phone | None
    digits: str = field(repr=False)  # they may be a PIN
    call_id: str
    turn: int
    now: datetime
    rebuild: Callable[[], MenuState] | None

    @property
    def shelf(self) -> Shelf:
        return Shelf.of(self.deps.redis, self.medium, self.gateway, self.call_id)

    @property
    def rules(self) -> MenuRules:
        settings = self.deps.db.settings
        return MenuRules(settings.account_lengths, Place.of(settings, self.now))

    @property
    def event(self) -> Event:
        return Digits(self.digits) if self.digits else Silence()

    def line(self, language: str) -> Line:
        key = f"{self.call_id}:{self.turn}"
        return Line(self.deps, self.gateway, self.phone, key, language, self.medium.channel)

    def content(self, before: MenuState) -> str:
        """The keys, for telling a repeat; only their number where they may be secret."""
        secret = before.node in (Node.PIN, Node.CODE) and len(self.digits) > 1
        if secret or _KEYS.fullmatch(self.digits) is None:
            return f"{len(self.digits)} keys"
        return self.digits


def answer_call(
    deps: DialogueDeps,
    gateway: str,
    caller_number: str,
    digits: str,
    call_id: str,
    turn: int,
    medium: Medium = VOICE,
    rebuild: Callable[[], MenuState] | None = None,
) -> CallReply:
    """Carry out one turn of a call; the same turn again gives the same reply and no effect.

    Turn 1 begins; empty `digits` are silence; `rebuild` gives the state of a call that is not
    kept any more. Raises DialogueConflict, DialogueUnknown, DialogueEnded, InvalidInput. Without
    Redis the caller is told to call later, and nothing happened.
    """
    if not 1 <= turn <= MAX_TURN:
        raise InvalidInput("turns are counted from 1")
    call_id = clean(call_id, "the call id", LONGEST_ID)
    phone = parse_phone(caller_number)
    caller = "withheld" if phone is None else phone.number
    this = _Turn(
        deps, medium, gateway, caller, phone, digits, call_id, turn, deps.db.clock(), rebuild
    )
    try:
        return _take(this)
    except RedisError as error:
        _log.warning("call_state_unreachable", error=type(error).__name__)
        language = "zh" if phone is None else phone.language
        return _apology(this, MenuState(node=Node.ENDED, language=language))


def call_now(
    deps: DialogueDeps, gateway: str, call_id: str, medium: Medium = VOICE
) -> CallReply | None:
    """Return what was said last in a call, or its question again while a turn is under way.

    None for a call that is not kept. Raises RedisError, InvalidInput.
    """
    shelf = Shelf.of(deps.redis, medium, gateway, clean(call_id, "the call id", LONGEST_ID))
    record = shelf.last()[1]
    if record is None or record.reply is not None:
        return None if record is None else record.reply
    asked = again(record.before)
    return _reply(medium, call_id, record.turn - 1, asked, list(asked.prompts), None)


def is_under_way(
    deps: DialogueDeps, gateway: str, call_id: str, turn: int, medium: Medium = VOICE
) -> bool:
    """Tell whether a turn was begun and is not yet answered; raises RedisError, InvalidInput."""
    shelf = Shelf.of(deps.redis, medium, gateway, clean(call_id, "the call id", LONGEST_ID))
    record = shelf.last()[1]
    return record is not None and record.turn == turn and record.reply is None


def hang_up(
    deps: DialogueDeps,
    gateway: str,
    call_id: str,
    medium: Medium = VOICE,
    *,
    late_keys: bool = False,
) -> None:
    """End a call whose caller is gone; a turn that is under way is carried out none the less.

    `late_keys`: the end may be told before the confirming `#`, which then still counts. Raises
    InvalidInput. Without Redis the call ends by itself in time.
    """
    shelf = Shelf.of(deps.redis, medium, gateway, clean(call_id, "the call id", LONGEST_ID))
    rules = MenuRules(deps.db.settings.account_lengths, Place.of(deps.db.settings, deps.db.clock()))
    try:
        raw, record = shelf.last()
        if record is None or record.after is None:
            return
        if late_keys and record.after.node is Node.CONFIRM:
            return  # nothing happens without the key, and the call ends by itself in time
        ended = step(record.after, Hangup(), rules).state
        shelf.put(raw, msgspec.structs.replace(record, after=ended))
    except RedisError as error:
        _log.warning("call_state_unreachable", error=type(error).__name__)


def _take(this: _Turn) -> CallReply:
    """Claim the turn before anything is done, so that no two contents of it take effect."""
    shelf = this.shelf
    for _ in range(_ROUNDS):
        raw, record = shelf.last()
        if record is not None and this.turn < record.turn:
            record = shelf.earlier(this.turn) or record
        if record is not None and record.turn == this.turn:
            return _repeated(this, raw, record)
        before = _before(this, record)
        if raw is not None and record is not None:
            shelf.set_aside(record.turn, raw)
        claim = Record(this.turn, this.caller, this.content(before), before)
        claimed = shelf.put(raw, claim)
        if claimed is not None:
            return _play(this, claimed, claim)
    raise DialogueConflict("this turn is being sent by many at once", expected=this.turn)


def _before(this: _Turn, record: Record | None) -> MenuState:
    """Return the state that this turn starts from, if it is the one that comes next."""
    if record is None:
        if this.turn != 1 and this.rebuild is not None:
            return this.rebuild()
        if this.turn != 1:
            raise DialogueUnknown("no such call is under way; begin with turn 1")
        return MenuState()
    if record.after is not None and record.after.node is Node.ENDED:
        raise DialogueEnded("the call has ended")
    expected = record.turn if record.after is None else record.turn + 1
    if this.turn != expected or record.after is None or this.caller != record.caller:
        raise DialogueConflict("this is not the turn that comes next", expected=expected)
    return record.after


def _repeated(this: _Turn, raw: bytes | None, record: Record) -> CallReply:
    if (record.caller, record.content) != (this.caller, this.content(record.before)):
        raise DialogueConflict("this turn came with other content", expected=this.turn + 1)
    if record.reply is None:
        # Under way elsewhere, or cut off: its effects may run again, they happen once.
        return _play(this, raw, record)
    _refuse_other_pin(this, record)
    return record.reply


def _refuse_other_pin(this: _Turn, record: Record) -> None:
    """Only the engine can tell another PIN of the same length under this turn's key.

    Where it keeps no answer (a locked caller, an outage) to ask it would be a try behind the
    caller's back: he was told that nothing was done.
    """
    if record.before.node is not Node.PIN or not record.is_settled:
        return
    wanted = step(record.before, this.event, this.rules).effect
    if not isinstance(wanted, CheckCard | Recharge):
        return
    answered = perform(this.line(record.before.language), wanted)
    if isinstance(answered, CardAnswered) and answered.answer.code is Code.REQUEST_CONFLICT:
        raise DialogueConflict("this turn came with other content", expected=this.turn + 1)


def _play(this: _Turn, claimed: bytes | None, claim: Record) -> CallReply:
    reply, after, is_settled = _run(this, claim.before)
    done = msgspec.structs.replace(claim, after=after, reply=reply, is_settled=is_settled)
    shelf = this.shelf
    try:
        if shelf.put(claimed, done) is not None:
            return reply
        other = shelf.last()[1]
        if other is not None and other.turn != this.turn:
            other = shelf.earlier(this.turn)
    except RedisError as error:
        # What was done is done: it must be told, even if the call cannot go on.
        _log.warning("call_state_not_kept", error=type(error).__name__)
        return reply
    if other is not None and other.turn == this.turn and other.reply is not None:
        return other.reply
    return reply


def _run(this: _Turn, before: MenuState) -> tuple[CallReply, MenuState, bool]:
    """Step until nothing is left to do; tell what was said, and whether the engine keeps it."""
    event = start_of(this.deps, this.phone, this.medium) if this.turn == 1 else this.event
    done = step(before, event, this.rules)
    prompts, receipt, is_settled = list(done.prompts), None, False
    while done.effect is not None:
        result = perform(this.line(done.state.language), done.effect)
        if result is None:
            break
        if isinstance(result, CardAnswered):
            receipt = _receipt(result)
        is_settled = is_settled or _is_settled(result)
        done = step(done.state, result, this.rules)
        prompts += done.prompts
    reply = _reply(this.medium, this.call_id, this.turn, done, prompts, receipt)
    return reply, done.state, is_settled


def _is_settled(result: Result) -> bool:
    if isinstance(result, CardAnswered):
        return result.answer.code not in NOT_STORED and not result.answer.silent
    return isinstance(result, Pending)


def start_of(deps: DialogueDeps, phone: Phone | None, medium: Medium) -> Start:
    """Return the event with which a caller's call begins."""
    if phone is None:
        return Start(at_once=medium.at_once)
    try:
        with deps.db.read() as session:
            own = callers.own_accounts(session, phone)
    except OperationalError:
        own = []  # he can still hear the menu, which tells of the outage where it matters
    return Start(next(iter(own), None), True, phone.takes_texts, medium.at_once)


def _reply(
    medium: Medium,
    call_id: str,
    turn: int,
    done: Step,
    prompts: list[Prompt],
    receipt: CallReceipt | None,
) -> CallReply:
    language = done.state.language
    words = screen_text if medium.at_once else prompt_text
    said = [Said(one.id, one.params, words(one, language)) for one in prompts]
    return CallReply(
        call_id=call_id,
        turn=turn,
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
    said = [Prompt("try_later"), Prompt("goodbye")]
    return _reply(this.medium, this.call_id, this.turn, last, said, None)
