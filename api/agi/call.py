"""One call: who rings, and turn after turn of the menu until one side ends it."""

import asyncio
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

import structlog

from api.agi.gather import gather, say
from api.agi.peer import HungUp, Peer
from core.settings import Settings
from redemption.dialogue.call_records import CallReply
from redemption.dialogue.calls import answer_call, hang_up
from redemption.dialogue.clips import clips_of
from redemption.dialogue.deps import DialogueDeps
from redemption.dialogue.words import Prompt, known_language

GATEWAY = "agi"
"""What names this gateway in stored requests."""

OPERATOR_VARIABLE = "WANNENG_OPERATOR"
"""Is 1 for the dialplan where the caller asked for a person."""

_WITHHELD_FROM = 32
"""Asterisk's presentation values from here on mean that the number must not be shown."""

_log = structlog.get_logger("wanneng.agi")


@dataclass(frozen=True)
class Menu:
    """What every call of a process works with."""

    deps: DialogueDeps
    settings: Settings


async def lead(menu: Menu, peer: Peer) -> None:
    """Lead a call to its end; ends quietly when the caller hangs up, at whatever point.

    What was confirmed before is redeemed, and the receipt is texted.
    """
    try:
        variables = await peer.variables()
        if not _is_admitted(variables, menu.settings.agi_secret):
            _log.warning("call_refused")
            return
        await peer.answer()
        await _talk(menu, peer, caller_of(variables))
    except HungUp:
        return
    except TimeoutError:
        _log.warning("exchange_silent")


async def _talk(menu: Menu, peer: Peer, caller: str) -> None:
    # One connection is one call, and nothing in it is delivered twice: so its id may be made here.
    call_id = f"{GATEWAY}-{secrets.token_hex(12)}"
    try:
        await _take_turns(menu, peer, caller, call_id)
    finally:
        await asyncio.to_thread(hang_up, menu.deps, GATEWAY, call_id)


async def _take_turns(menu: Menu, peer: Peer, caller: str, call_id: str) -> None:
    keys, turn, language = "", 0, "zh"
    while True:
        turn += 1
        try:
            reply = await asyncio.to_thread(
                answer_call, menu.deps, GATEWAY, caller, keys, call_id, turn
            )
        except Exception as error:
            _log.error("turn_failed", error=type(error).__name__)
            # What was confirmed may be done: nothing that is said may deny it.
            await say(peer, _sounds(menu, [Prompt("fault"), Prompt("goodbye")], language))
            return
        language = reply.language
        sounds = _sounds(menu, [Prompt(said.id, said.params) for said in reply.prompts], language)
        if reply.end or reply.expect is None:
            await say(peer, sounds)
            await _tell_dialplan(peer, reply)
            return
        keys = await gather(peer, sounds, reply.expect)


async def _tell_dialplan(peer: Peer, reply: CallReply) -> None:
    if any(said.id == "operator" for said in reply.prompts):
        await peer.set_variable(OPERATOR_VARIABLE, "1")


def _sounds(menu: Menu, prompts: list[Prompt], language: str) -> list[str]:
    directory = menu.settings.agi_sounds.strip("/")
    spoken = known_language(language)
    return [
        f"{directory}/{spoken}/{clip}" for prompt in prompts for clip in clips_of(prompt, spoken)
    ]


def caller_of(variables: Mapping[str, str]) -> str:
    """Return the number of who rings as the exchange tells it; empty where it is withheld."""
    number = variables.get("agi_callerid", "")
    presentation = variables.get("agi_callingpres", "0")
    is_hidden = presentation.isdigit() and int(presentation) >= _WITHHELD_FROM
    return "" if is_hidden or number == "unknown" else number


def _is_admitted(variables: Mapping[str, str], secret: str) -> bool:
    """Tell whether the script's `?k=` is the secret, where one is configured."""
    script = variables.get("agi_network_script", "")
    given = parse_qs(urlsplit(script).query).get("k", [""])[0]
    return not secret or hmac.compare_digest(given.encode(), secret.encode())
