"""What agreeing to approvals about redemptions will do, in one sentence of each language. Pure."""

from collections.abc import Mapping
from typing import Any

from core.money import format_yuan
from staff.approvals import Summary


def of_proven_redemption(content: Mapping[str, Any]) -> Summary:
    """A damaged card's value goes to an account."""
    serial, account = content["serial_number"], content["account_number"]
    face, by = format_yuan(content["face_fen"]), content["proof"]["by"]
    return Summary(
        f"残卡{serial}经{by}验证，将{face}元充入户号{account}。原因：{content['reason']}",
        f"Redeem the damaged card {serial}, proven by {by}: {face} yuan to account {account}."
        f" Reason: {content['reason']}",
    )


def of_reversal(content: Mapping[str, Any]) -> Summary:
    """A redemption is taken back."""
    receipt, account = content["receipt_number"], content["account_number"]
    amount, bills = format_yuan(content["amount_fen"]), content["bills"]
    back = format_yuan(sum(item["paid_fen"] for item in bills))
    return Summary(
        f"冲正流水{receipt}：{len(bills)}张账单恢复欠费{back}元，再从户号{account}转出{amount}元到"
        f"待处理款项，卡{content['serial_number']}仍为已用。原因：{content['reason']}",
        f"Take back receipt {receipt}: {len(bills)} bills are open again by {back} yuan, then"
        f" {amount} yuan leave account {account} into suspense; card {content['serial_number']}"
        f" stays used. Reason: {content['reason']}",
    )


def of_reissue(content: Mapping[str, Any]) -> Summary:
    """A card is handed out for a reversed redemption."""
    old, new, face = content["old_serial"], content["new_serial"], format_yuan(content["face_fen"])
    return Summary(
        f"补卡：卡{old}的充值已冲正，从待处理款项转出{face}元，激活新卡{new}。"
        f"原因：{content['reason']}",
        f"For the reversed redemption of card {old}, move {face} yuan out of suspense and hand out"
        f" card {new}, which becomes active. Reason: {content['reason']}",
    )
