"""What agreeing to moves of cards will do, in one sentence of each language. Pure."""

from collections.abc import Callable, Mapping
from typing import Any

from core.money import format_yuan
from staff.approvals import Summary

_WORDS = {
    "deactivate": ("返销", "Take back the activation of"),
    "return": ("返库", "Return"),
    "transfer": ("同级调拨", "Transfer"),
    "void": ("作废", "Make void for ever"),
}


def of_move(move: str) -> Callable[[Mapping[str, Any]], Summary]:
    """Return what says of one kind of move which cards it moves, and where to."""
    zh, en = _WORDS[move]

    def say(content: Mapping[str, Any]) -> Summary:
        count, face = content["cards"], format_yuan(content["face_fen"])
        first, last = content["first_serial"], content["last_serial"]
        to, why = content["to"], content["reason"]
        return Summary(
            f"{zh}{count}张面值{face}元的卡：{first}至{last}"
            + (f"，调往{to}" if to else "")
            + (f"。原因：{why}" if why else "。"),
            f"{en} {count} cards of {face} yuan, {first} to {last}"
            + (f", to {to}" if to else "")
            + (f". Reason: {why}" if why else "."),
        )

    return say
