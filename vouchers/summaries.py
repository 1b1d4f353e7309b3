"""What agreeing to approvals about cards will do, in one sentence of each language. Pure."""

from collections.abc import Mapping
from typing import Any

from core.money import format_yuan
from staff.approvals import Summary

_GROUNDS = {"expired": "已过期", "damaged": "已损坏", "lost": "已挂失"}


def of_printer(content: Mapping[str, Any]) -> Summary:
    """A printer's key is registered."""
    name, code, print_ = content["name"], content["code"], content["fingerprint"]
    return Summary(
        f"登记印刷厂“{name}”（代码{code}）的公钥，指纹{print_}。",
        f"Register the key of the printer {name} (code {code}), fingerprint {print_}.",
    )


def of_batch_order(content: Mapping[str, Any]) -> Summary:
    """Batches may be made."""
    count, face = content["count"], format_yuan(content["face_fen"])
    return Summary(
        f"允许制作{count}张面值{face}元的卡，由“{content['printer']}”印制。",
        f"Allow {count} cards of {face} yuan to be made, printed by {content['printer']}.",
    )


def of_export(content: Mapping[str, Any]) -> Summary:
    """A print file is handed out, once."""
    batch = content["batch_id"]
    return Summary(
        f"允许导出批次{batch}的加密印制文件，仅此一次。",
        f"Allow the encrypted print file of batch {batch} to be handed out, once.",
    )


def of_replacement(content: Mapping[str, Any]) -> Summary:
    """A card takes the place of another."""
    old, new, ground = content["old_serial"], content["new_serial"], content["ground"]
    face = format_yuan(content["face_fen"])
    return Summary(
        f"换卡：旧卡{old}（{_GROUNDS[ground]}）永久失效，新卡{new}激活，面值{face}元，不收费。"
        f"原因：{content['reason']}",
        f"Replace the {ground} card {old}, which ends for ever, by card {new}, which becomes active"
        f" with {face} yuan, free of charge. Reason: {content['reason']}",
    )
