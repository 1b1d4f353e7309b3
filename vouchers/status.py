"""What a person sees as a card's status: one pure function of the facts of its life."""

from dataclasses import dataclass
from datetime import date
from typing import Literal

Status = Literal["not_activated", "active", "used", "on_hold", "expired", "void", "replaced"]


@dataclass(frozen=True, slots=True, kw_only=True)
class VoucherFacts:
    """The independent facts of a card: its lot's, its own exception, and its redemption."""

    stage: str
    lot_hold: str | None
    voucher_hold: str | None
    expires_on: date
    redeemed: bool


def status(facts: VoucherFacts, today: date) -> Status:
    """Return the one word for a card on a local day.

    Domain rule: nothing leads out of "used", a void lot included; then what is terminal, then
    what stops a card for a while. Staff learn it also of cards that were never activated, for
    which a redemption says no more than "unknown PIN".
    """
    if facts.redeemed:
        return "used"
    if "replaced" in (facts.voucher_hold, facts.lot_hold):
        return "replaced"
    if facts.stage == "void":
        return "void"
    if facts.voucher_hold is not None or facts.lot_hold is not None:
        return "on_hold"
    if facts.stage != "active":
        return "not_activated"
    return "expired" if today > facts.expires_on else "active"
