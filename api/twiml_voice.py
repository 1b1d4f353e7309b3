"""/channels/voice/twiml: telephone calls of providers that speak TwiML.

During a call every answer is 200 with something to say: an error page would make the provider hang
up on a caller whose card may just have been redeemed.
"""

import asyncio
import time
from functools import partial

from litestar import HttpMethod, Response, route
from redis import RedisError

from api.forms import Fields, read_fields, value_of
from api.gateway_manners import AnyRequest, empty, log_fault, manners, query_of, swallow
from api.guards import runtime_of
from api.recordings import clips_of
from api.runtime import Runtime
from api.twiml import Voice, document, redirect, reply_document, say
from api.twiml_gate import DEADLINE_S, markup, signed
from core.errors import InvalidInput
from redemption.dialogue.call_records import CallReply
from redemption.dialogue.calls import (
    MAX_TURN,
    DialogueConflict,
    DialogueEnded,
    DialogueUnknown,
    answer_call,
    call_now,
    hang_up,
    is_under_way,
)
from redemption.dialogue.loops import is_ours
from redemption.dialogue.phones import parse_phone
from redemption.dialogue.words import Prompt, prompt_text

PATH = "/channels/voice/twiml"
STATUS_PATH = PATH + "/status"
GATEWAY = "twiml"
MOST_WAITS = 3

_POLL_S = 0.2
_OVER = {"completed", "busy", "failed", "no-answer", "canceled"}
_METHODS = [HttpMethod.GET, HttpMethod.POST, HttpMethod.HEAD]


def on_fault(request: AnyRequest, error: Exception) -> Response[bytes]:
    """Apologise, whatever happened; a redemption that was confirmed is not said to have failed."""
    log_fault(error, PATH)
    return markup(_last_words(runtime_of(request), "fault", "goodbye"))


@route(
    PATH,
    http_method=_METHODS,
    include_in_schema=False,
    exception_handlers=manners(on_fault),
)
async def twiml_voice(request: AnyRequest) -> Response[bytes]:
    """Take one turn of a call; the same request again gets the same bytes and has no effect."""
    return await signed(request, PATH, _answer)


@route(
    STATUS_PATH,
    http_method=_METHODS,
    include_in_schema=False,
    exception_handlers=manners(on_fault),
)
async def twiml_voice_status(request: AnyRequest) -> Response[bytes]:
    """Take note that a call is over; it may be told before the last keys are."""
    return await signed(request, STATUS_PATH, _note_status)


async def _note_status(runtime: Runtime, _request: AnyRequest, fields: Fields) -> Response[bytes]:
    if value_of(fields, "CallStatus") in _OVER:
        call_id = value_of(fields, "CallSid")
        try:
            await asyncio.to_thread(hang_up, runtime.dialogue, GATEWAY, call_id, late_keys=True)
        except InvalidInput:
            return empty(204)
    return empty(204)


async def _answer(runtime: Runtime, request: AnyRequest, fields: Fields) -> Response[bytes]:
    query = read_fields(query_of(request))
    turn, event = _turn(value_of(query, "turn")), value_of(query, "ev")
    if turn == 1 and _is_loop(runtime, fields):
        return markup(document("<Reject/>"))
    call_id = value_of(fields, "CallSid")
    if event.startswith("wait"):
        return markup(await _waited(runtime, call_id, turn, event))
    keys = "" if event == "silence" else value_of(fields, "Digits")
    played = partial(_play, runtime, value_of(fields, "From"), keys, call_id, turn)
    playing = asyncio.ensure_future(asyncio.to_thread(played))
    done, _ = await asyncio.wait({playing}, timeout=DEADLINE_S)
    if not done:
        playing.add_done_callback(swallow)
        return markup(_wait(runtime, turn, 1))
    return markup(_document(runtime, playing.result()))


def _play(runtime: Runtime, caller: str, keys: str, call_id: str, turn: int) -> CallReply | None:
    """Take the turn, or say again where the call stands; None where it has ended.

    A call that is not kept any more begins anew.
    """
    try:
        return answer_call(runtime.dialogue, GATEWAY, caller, keys, call_id, turn)
    except DialogueUnknown:
        return answer_call(runtime.dialogue, GATEWAY, caller, "", call_id, 1)
    except DialogueConflict:
        return call_now(runtime.dialogue, GATEWAY, call_id)
    except DialogueEnded:
        return None


async def _waited(runtime: Runtime, call_id: str, turn: int, event: str) -> bytes:
    """Wait for a turn that takes long; in the end the caller is told that it goes on."""
    until = time.monotonic() + DEADLINE_S
    while await asyncio.to_thread(is_under_way, runtime.dialogue, GATEWAY, call_id, turn):
        if time.monotonic() > until:
            waits = int(event[4:]) if event[4:].isdecimal() else MOST_WAITS
            if waits < MOST_WAITS:
                return _wait(runtime, turn, waits + 1)
            return _last_words(runtime, "fault", "goodbye")
        await asyncio.sleep(_POLL_S)
    return _document(runtime, await asyncio.to_thread(_now, runtime, call_id))


def _now(runtime: Runtime, call_id: str) -> CallReply | None:
    try:
        return call_now(runtime.dialogue, GATEWAY, call_id)
    except RedisError:
        return None


def _document(runtime: Runtime, reply: CallReply | None) -> bytes:
    if reply is None:
        return document("<Hangup/>")
    return reply_document(reply, Voice(runtime.settings.voices, clips_of(runtime), _url(runtime)))


def _url(runtime: Runtime) -> str:
    return runtime.settings.public_url.rstrip("/") + PATH


def _wait(runtime: Runtime, turn: int, count: int) -> bytes:
    again = redirect(f"{_url(runtime)}?turn={turn}&ev=wait{count}")
    return document(*_spoken(runtime, "wait"), again)


def _last_words(runtime: Runtime, *ids: str) -> bytes:
    return document(*_spoken(runtime, *ids), "<Hangup/>")


def _spoken(runtime: Runtime, *ids: str) -> list[str]:
    """Say it in both languages: which one is the caller's is not known here."""
    voices = runtime.settings.voices
    return [
        say(prompt_text(Prompt(one), language), voices[language])
        for language in ("zh", "en")
        for one in ids
    ]


def _turn(text: str) -> int:
    turn = int(text) if text.isascii() and text.isdecimal() and len(text) < 8 else 1
    return min(max(turn, 1), MAX_TURN)


def _is_loop(runtime: Runtime, fields: Fields) -> bool:
    phone = parse_phone(value_of(fields, "From"))
    ours = (*runtime.settings.numbers, value_of(fields, "To"))
    return phone is not None and is_ours(phone, ours)
