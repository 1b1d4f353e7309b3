"""What agreeing to moves, consignments and claims will do, a sentence of each language. Pure."""

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


def of_consignment(content: Mapping[str, Any]) -> Summary:
    """Say which cards a consignment sends, from whom to whom."""
    zh, en = _WORDS[content["consignment_kind"]]
    count, value = content["cards"], format_yuan(content["face_value_fen"])
    number, sender, receiver = content["number"], content["from"], content["to"]
    ranges, why = ", ".join(content["ranges"]), content["reason"]
    return Summary(
        f"{zh}发货单{number}：{count}张卡，面值共{value}元，由{sender}发往{receiver}：{ranges}"
        + (f"。原因：{why}" if why else "。"),
        f"{en} consignment {number}: {count} cards worth {value} yuan from {sender} to {receiver},"
        f" {ranges}" + (f". Reason: {why}" if why else "."),
    )


def of_claim(content: Mapping[str, Any]) -> Summary:
    """Say which cards of a claim become void, and at whose cost."""
    count, face = content["cards"], format_yuan(content["face_fen"])
    first, last = content["first_serial"], content["last_serial"]
    number, paper = content["number"], content["consignment"]
    charged, why = content["charged_to"], content["reason"]
    return Summary(
        f"作废差异单{number}（发货单{paper}）的{count}张面值{face}元的卡：{first}至{last}，"
        f"损失由{charged}承担。原因：{why}",
        f"Make void for ever {count} cards of {face} yuan, {first} to {last}, of claim {number}"
        f" (consignment {paper}), at the cost of {charged}. Reason: {why}",
    )
