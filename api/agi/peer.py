"""The Asterisk at the other end of one FastAGI connection: commands to it, answers from it."""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import structlog

ALL_KEYS = "0123456789*#"

_MOST_VARIABLES = 100
_GREETING_S = 5
_ANSWER_S = 15
"""Beyond what a command itself takes."""
_LONGEST_CLIP_S = 60

_ANSWER = re.compile(r"(\d{3})[ -](?:result=(-?\d+))?")
_SOUND = re.compile(r"[A-Za-z0-9_./-]+")

_log = structlog.get_logger("wanneng.agi")


class HungUp(Exception):
    """The caller is gone, or the exchange is."""


@dataclass
class Peer:
    """One call's line to its exchange. Every method raises HungUp once the caller is gone."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    is_gone: bool = field(default=False, init=False)

    async def variables(self) -> Mapping[str, str]:
        """Return what the exchange tells first, up to its empty line."""
        found: dict[str, str] = {}
        async with asyncio.timeout(_GREETING_S):
            for _ in range(_MOST_VARIABLES):
                line = await self._line()
                if not line:
                    return found
                name, _, value = line.partition(":")
                found[name.strip()] = value.strip()
        raise HungUp

    async def answer(self) -> None:
        """Take the call up; it may have been before."""
        await self._command("ANSWER")

    async def play(self, sound: str, keys: str = ALL_KEYS) -> str | None:
        """Play a file; return the key that interrupted it. A missing file is passed over."""
        if _SOUND.fullmatch(sound) is None:
            raise ValueError("a sound has a plain name")
        result = await self._command(f'STREAM FILE {sound} "{keys}"', _LONGEST_CLIP_S)
        if result >= 0:
            return _key(result)
        # The exchange answers alike to a hang-up and to a file it does not have.
        await self._check_line()
        _log.error("prompt_missing", sound=sound)
        return None

    async def wait_for_key(self, seconds: float) -> str | None:
        """Return the next key, or None after so long without one."""
        result = await self._command(f"WAIT FOR DIGIT {int(seconds * 1000)}", seconds)
        if result < 0:
            raise HungUp
        return _key(result)

    async def set_variable(self, name: str, value: str) -> None:
        """Tell the dialplan something."""
        await self._command(f"SET VARIABLE {name} {value}")

    async def _check_line(self) -> None:
        """Raise HungUp unless the channel still is up."""
        if await self._command("CHANNEL STATUS") < 0:
            raise HungUp

    async def _command(self, text: str, takes_s: float = 0) -> int:
        """Send one command; return its result.

        A key that was pressed before the caller hung up still counts, so that an answer with a
        result is returned even behind the line that tells of the end.
        """
        if self.is_gone:
            raise HungUp
        try:
            async with asyncio.timeout(takes_s + _ANSWER_S):
                self.writer.write(f"{text}\n".encode("ascii"))
                await self.writer.drain()
                return await self._result()
        except (TimeoutError, OSError) as error:
            self.is_gone = True
            raise HungUp from error

    async def _result(self) -> int:
        """Read lines up to the one that answers the command."""
        while True:
            line = await self._line()
            if line == "HANGUP":
                self.is_gone = True
                continue
            found = _ANSWER.match(line)
            if found is None:
                continue  # the usage that follows a 520, or what we do not know
            if found[1] == "200" and found[2] is not None:
                return int(found[2])
            if found[1] == "511":
                raise HungUp
            _log.error("command_refused", status=found[1])
            return -1

    async def _line(self) -> str:
        try:
            raw = await self.reader.readuntil(b"\n")
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError) as error:
            self.is_gone = True
            raise HungUp from error
        return raw.decode("utf-8", "replace").rstrip("\r\n")


def _key(result: int) -> str | None:
    sign = chr(result) if 0 < result < 128 else ""
    return sign if sign and sign in ALL_KEYS else None


LONGEST_LINE = 2_000
"""The limit of the connection's reader; a longer line ends the call."""
