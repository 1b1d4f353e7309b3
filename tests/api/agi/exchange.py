"""An exchange of its own at the other end of FastAGI: it speaks as Asterisk 22 was heard to.

Nothing of it is shared with the product. Its caller presses keys by a plan: a key interrupts the
prompt that is being played, `~5` is pressed only once all is heard, `_5` comes `LATE_S` behind
the key before it, `.` is a silence, `!` hangs up.
"""

import socket
from collections.abc import Sequence
from dataclasses import dataclass, field

ALL_KEYS = '"0123456789*#"'
LATE_S = 2


@dataclass
class Exchange:
    """One call; `heard` are the sounds that were begun, `transcript` all that was said."""

    port: int
    plan: Sequence[str]
    number: str = "8613800000001"
    script: str = "ivr?lang=zh"
    presentation: str = "0"
    missing: frozenset[str] = frozenset()
    heard: list[str] = field(default_factory=list)
    transcript: list[str] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)
    was_cut: bool = False

    def call(self) -> "Exchange":
        """Make the call, to its end."""
        self._keys = [key for step in self.plan for key in _keys(step)]
        self._is_up = True
        with socket.create_connection(("127.0.0.1", self.port), 20) as line:
            line.settimeout(60)
            self._line = line
            try:
                self._greet()
                with line.makefile("rb") as lines:
                    for raw in lines:
                        self._obey(raw.decode().rstrip("\n"))
            except ConnectionError:
                self.transcript.append("cut")
        self.was_cut = self.transcript in ([], ["cut"])
        return self

    def _greet(self) -> None:
        told = {
            "agi_network": "yes",
            "agi_network_script": self.script,
            "agi_request": f"agi://127.0.0.1:{self.port}/{self.script}",
            "agi_channel": "PJSIP/caller-00000015",
            "agi_language": "en",
            "agi_type": "PJSIP",
            "agi_uniqueid": "1795487495.37",
            "agi_version": "22.10.1",
            "agi_callerid": self.number,
            "agi_calleridname": "unknown",
            "agi_callingpres": self.presentation,
            "agi_dnid": "95598",
            "agi_context": "ivr",
            "agi_extension": "95598",
            "agi_priority": "3",
            "agi_enhanced": "0.0",
            "agi_accountcode": "",
        }
        self._send("".join(f"{name}: {value}\n" for name, value in told.items()) + "\n")

    def _obey(self, command: str) -> None:
        self.transcript.append(f"< {command}")
        verb, _, rest = command.partition(" ")
        if not self._is_up:
            self._say("511 Command Not Permitted on a dead channel or intercept routine")
        elif verb == "ANSWER":
            self._say("200 result=0")
        elif verb == "STREAM":
            self._play(rest.split(" ", 1)[1])
        elif verb == "WAIT":
            self._wait(int(rest.split(" ")[-1]) / 1000)
        elif verb == "CHANNEL":
            self._say("200 result=6")
        elif verb == "SET":
            _, name, value = rest.split(" ", 2)
            self.variables[name] = value
            self._say("200 result=1")
        else:
            self._say("510 Invalid or unknown command")

    def _play(self, rest: str) -> None:
        sound, keys = rest.split(" ", 1)
        self.heard.append(sound)
        if sound in self.missing:
            self._say("200 result=-1 endpos=0")
        elif self._keys and self._keys[0] == "!":
            self._hang_up()
        elif keys == ALL_KEYS and self._keys and self._keys[0] not in (".",) and self._is_quick():
            self._press(self._keys.pop(0), " endpos=19040")
        else:
            self._say("200 result=0 endpos=40000")

    def _is_quick(self) -> bool:
        return self._keys[0][0] not in "~_"

    def _wait(self, patience_s: float) -> None:
        if not self._keys:
            self._say("200 result=0")
            return
        if self._keys[0].startswith("_") and patience_s < LATE_S:
            self._keys[0] = self._keys[0].removeprefix("_")  # by the next command it is pressed
            self._say("200 result=0")
            return
        key = self._keys.pop(0)
        if key == "!":
            self._hang_up()
        elif key == ".":
            self._say("200 result=0")
        else:
            self._press(key.lstrip("~_"))

    def _press(self, key: str, more: str = "") -> None:
        if self._keys and self._keys[0] == "?":
            # The key, and the receiver put down at the same moment: the end is told first.
            self._is_up = False
            self._say("HANGUP")
        self._say(f"200 result={ord(key)}{more}")

    def _hang_up(self) -> None:
        self._is_up = False
        self._say("HANGUP")
        self._say("200 result=-1 endpos=0")

    def _say(self, answer: str) -> None:
        self.transcript.append(f"> {answer}")
        self._send(f"{answer}\n")

    def _send(self, text: str) -> None:
        self._line.sendall(text.encode())


def _keys(step: str) -> list[str]:
    """Cut a step like `~12#` into keys; only its first is pressed late."""
    if step[0] in "~_":
        return [step[:2], *step[2:]]
    return list(step)
