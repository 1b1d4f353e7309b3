"""Three telephones: one that calls, one that texts, one that shows menus (USSD)."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import msgspec

from cli.simulator.door import Door

SILENCE = ""
"""What is typed by who lets the time pass."""

_HUNG_UP = "(hang up)"


@dataclass(frozen=True)
class Heard:
    """What a telephone said or showed; `is_secret`: what is typed next must not be seen."""

    words: Sequence[str]
    is_over: bool = False
    is_secret: bool = False
    result: Any = None


class Telephone(Protocol):
    """A telephone in somebody's hand."""

    def start(self) -> Heard:
        """Begin; nothing is heard yet where one only texts."""

    def send(self, typed: str) -> Heard:
        """Type keys or a text; return what comes back."""

    def hang_up(self) -> str:
        """End it; return what that looks like, if like anything."""


class _Prompt(msgspec.Struct):
    text: str


class _Expect(msgspec.Struct):
    sensitive: bool = False


class _Turn(msgspec.Struct):
    prompts: list[_Prompt]
    end: bool
    expect: _Expect | None = None
    result: dict[str, Any] | None = None


@dataclass
class Caller:
    """Calls the phone menu over POST /api/v1/dialogues."""

    door: Door
    number: str
    call_id: str = field(default_factory=lambda: f"sim-{secrets.token_hex(8)}")
    turn: int = 0

    def start(self) -> Heard:
        """Ring, and be greeted."""
        return self._take("start")

    def send(self, typed: str) -> Heard:
        """Press keys; nothing is silence."""
        return self._take("no_input") if typed == SILENCE else self._take("input", typed)

    def hang_up(self) -> str:
        """Put the receiver down."""
        self._take("hangup")
        return _HUNG_UP

    def _take(self, kind: str, keys: str = "") -> Heard:
        self.turn += 1
        event = {"kind": kind} | ({"value": keys} if keys else {})
        body = {"turn": self.turn, "channel": "ivr", "from": self.number, "event": event}
        answer = self.door.post_json(f"/api/v1/dialogues/{self.call_id}/turns", body)
        turn = msgspec.json.decode(answer, type=_Turn)
        return Heard(
            [prompt.text for prompt in turn.prompts],
            is_over=turn.end,
            is_secret=turn.expect is not None and turn.expect.sensitive,
            result=turn.result,
        )


class _Reply(msgspec.Struct):
    reply: str


@dataclass
class Texter:
    """Sends texts over POST /channels/sms/plain, each under an id of its own."""

    door: Door
    number: str

    def start(self) -> Heard:
        """Take the telephone in hand."""
        return Heard([])

    def send(self, typed: str) -> Heard:
        """Send a text; return the reply, if there is one."""
        body = {"from": self.number, "text": typed, "message_id": f"sim-{secrets.token_hex(8)}"}
        answer = self.door.post_json("/channels/sms/plain", body)
        reply = msgspec.json.decode(answer, type=_Reply).reply
        return Heard([reply] if reply else [])

    def hang_up(self) -> str:
        """Put the telephone away."""
        return ""


@dataclass
class Dialler:
    """Goes through the menu over POST /channels/ussd, as Africa's Talking brings it."""

    door: Door
    number: str
    session_id: str = field(default_factory=lambda: f"sim-{secrets.token_hex(8)}")
    typed: list[str] = field(default_factory=list, repr=False)

    def start(self) -> Heard:
        """Dial the service's code."""
        return self._show()

    def send(self, typed: str) -> Heard:
        """Type an answer; all that was typed goes along, as in this protocol it does."""
        self.typed.append(typed)
        return self._show()

    def hang_up(self) -> str:
        """Let the session end."""
        self.door.post_form("/channels/ussd/events", {"sessionId": self.session_id})
        return _HUNG_UP

    def _show(self) -> Heard:
        fields = {
            "sessionId": self.session_id,
            "serviceCode": "*384*95598#",
            "phoneNumber": self.number,
            "text": "*".join(self.typed),
        }
        answer = self.door.post_form("/channels/ussd", fields).decode()
        verb, _, words = answer.partition(" ")
        # The PIN is the only question of 18 digits.
        return Heard([words], is_over=verb != "CON", is_secret="18" in words)
