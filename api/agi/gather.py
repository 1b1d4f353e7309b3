"""Saying prompts and collecting keys: the next question's keys interrupt it and count."""

from collections.abc import Sequence

from api.agi.peer import Peer
from redemption.dialogue.state import Expect

CLEAR = "*"
MOST_KEYS = 40


async def say(peer: Peer, sounds: Sequence[str]) -> None:
    """Play sounds to their ends."""
    for sound in sounds:
        await peer.play(sound, keys="")


async def gather(peer: Peer, sounds: Sequence[str], expect: Expect) -> str:
    """Play sounds until a key, then collect what is expected; empty where no key came.

    The number of keys never ends it: a `#` left over would answer the next question, and at the
    last question that redeems. `*` ends it at once, to clear or go back; the finishing key ends it
    behind a digit and is not returned. Raises HungUp: then no key counts.
    """
    key = await _interrupted(peer, sounds)
    if expect.kind == "key":
        return key or await peer.wait_for_key(expect.timeout_s) or ""
    keys = ""
    while True:
        if key is None:
            key = await peer.wait_for_key(expect.interdigit_s if keys else expect.timeout_s)
        if key is None:
            return keys
        if key == expect.finish_key:
            if keys:
                return keys
        else:
            keys += key
            if key == CLEAR or len(keys) >= MOST_KEYS:
                return keys
        key = None


async def _interrupted(peer: Peer, sounds: Sequence[str]) -> str | None:
    for sound in sounds:
        key = await peer.play(sound)
        if key is not None:
            return key
    return None
