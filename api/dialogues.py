"""POST /api/v1/dialogues/…/turns: the menu as JSON, for whatever is not listed elsewhere."""

from typing import Annotated, Literal

import structlog
from litestar import Router, post
from litestar.openapi.spec import Example
from litestar.params import Body
from msgspec import Meta, Struct
from redis import RedisError

from api.fields import Digits, Phone
from api.guards import WithChannel, WithRuntime, gateway
from api.parameters import DialoguePath
from api.runtime import Runtime
from core.errors import DomainError
from redemption.dialogue import slots
from redemption.dialogue.audio import audio_paths
from redemption.dialogue.call_records import (
    KIOSK,
    USSD,
    VOICE,
    WEB,
    CallReceipt,
    CallReply,
    Medium,
)
from redemption.dialogue.calls import MAX_TURN, answer_call, hang_up
from redemption.dialogue.state import Expect
from redemption.dialogue.words import Lang, Prompt, known_language

_MEDIA = {medium.channel: medium for medium in (VOICE, USSD, WEB, KIOSK)}
_LOCALES: dict[Lang, str] = {"zh": "zh-CN", "en": "en-US"}
_MINUTE_S = 60
_BEGIN = Example(
    summary="A call begins",
    value={
        "turn": 1,
        "channel": "ivr",
        "from": "+8613800138000",
        "event": {"kind": "start"},
    },
)
_PRESSED = Example(
    summary="2 for English",
    value={
        "turn": 2,
        "channel": "ivr",
        "from": "+8613800138000",
        "event": {"kind": "input", "value": "2"},
    },
)
_log = structlog.get_logger("wanneng.gateways")


class TooManyTurns(DomainError):
    """This caller goes through menus faster than anybody can; `retry_after_s` says when again."""

    code = "too_many_turns"


class EventItem(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the caller did: began, pressed keys (`value`), let the time pass, or hung up."""

    kind: Literal["start", "input", "no_input", "hangup"]
    value: Digits = ""

    def __repr__(self) -> str:
        return "EventItem(hidden)"


class TurnBody(
    Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, rename={"caller": "from"}
):
    """One turn of a dialogue. On `ussd` the PIN is the last question and redeems at once."""

    turn: Annotated[int, Meta(ge=1, le=MAX_TURN)]
    channel: Literal["ivr", "ussd", "web", "kiosk"] = "ivr"
    caller: Phone
    event: EventItem

    def __repr__(self) -> str:
        return "TurnBody(hidden)"


class SaidItem(Struct, frozen=True):
    """One prompt: its words, and the recorded clips that say it (GET), to be played in order.

    `id` and `params` are for who has recordings of his own. A display gets no clips.
    """

    id: str
    params: dict[str, str | int]
    text: str
    audio: list[str]


class TurnReply(Struct, frozen=True):
    """What to say and to collect next; the same turn again has the same reply.

    `locale` is the language of the words as voices and pages name it (BCP 47).
    """

    call_id: str
    turn: int
    state: str
    language: str
    locale: str
    prompts: list[SaidItem]
    expect: Expect | None
    end: bool
    result: CallReceipt | None = None


@post(
    "/dialogues/{dialogue_id:str}/turns",
    status_code=200,
    guards=[gateway],
    sync_to_thread=True,
    summary="A turn of a dialogue",
    operation_id="takeTurn",
)
def take_turn(
    dialogue_id: DialoguePath,
    data: Annotated[TurnBody, Body(examples=[_BEGIN, _PRESSED])],
    runtime: WithRuntime,
    channel: WithChannel,
) -> TurnReply:
    """Carry out one turn and return what to say and to collect next.

    Turn 1 begins the dialogue; the same turn again has the same reply and no second effect. Another
    content under a turn, or a turn that is not the next, is a conflict (409); a dialogue that has
    ended is gone (410), one that is not known begins with turn 1 (404).
    """
    medium = _MEDIA[data.channel]
    if data.event.kind == "hangup":
        hang_up(runtime.dialogue, channel.name, dialogue_id, medium)
        return _reply(CallReply(dialogue_id, data.turn, "ended", "zh", (), None, True), medium)
    _slow_down(runtime, channel.name, data.caller or dialogue_id)
    keys = data.event.value if data.event.kind == "input" else ""
    reply = answer_call(
        runtime.dialogue, channel.name, data.caller, keys, dialogue_id, data.turn, medium
    )
    return _reply(reply, medium)


def _reply(reply: CallReply, medium: Medium) -> TurnReply:
    language = known_language(reply.language)
    prompts = [
        SaidItem(
            said.id,
            said.params,
            said.text,
            [] if medium is USSD else audio_paths(Prompt(said.id, said.params), language),
        )
        for said in reply.prompts
    ]
    return TurnReply(
        call_id=reply.call_id,
        turn=reply.turn,
        state=reply.state,
        language=language,
        locale=_LOCALES[language],
        prompts=prompts,
        expect=reply.expect,
        end=reply.end,
        result=reply.result,
    )


def _slow_down(runtime: Runtime, gateway_name: str, who: str) -> None:
    """Refuse a machine that presses keys for somebody; without Redis nobody is refused here."""
    limit = runtime.settings.turns_per_minute
    if not limit:
        return
    minute = int(runtime.db.clock().timestamp()) // _MINUTE_S
    key = f"wanneng:turns:{gateway_name}:{who}:{minute}"
    try:
        count = slots.count(runtime.redis, key, _MINUTE_S)
    except RedisError as error:
        _log.warning("turns_not_counted", error=type(error).__name__)
        return
    if count > limit:
        raise TooManyTurns("too many turns of this caller in a minute", retry_after_s=_MINUTE_S)


router = Router("/", route_handlers=[take_turn], tags=["channels"])
