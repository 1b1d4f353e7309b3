"""A bill as the pure rules see it."""

from datetime import date
from typing import Literal

from msgspec import Struct

BillState = Literal["open", "paid", "with_bank"]
ACCOUNT_CLASSES = ("residential", "other")


class Bill(Struct, frozen=True, gc=False):
    """What one account owes for one period; sums in fen.

    `fee_counted_to` is the last day whose late fee is already in `charged_fee_fen`.
    """

    id: int
    account_number: str
    principal_fen: int
    due_on: date
    paid_principal_fen: int = 0
    charged_fee_fen: int = 0
    paid_fee_fen: int = 0
    fee_counted_to: date | None = None
    state: BillState = "open"

    @property
    def principal_due_fen(self) -> int:
        """The principal still unpaid: the only sum that a late fee runs on."""
        return self.principal_fen - self.paid_principal_fen

    @property
    def fee_due_fen(self) -> int:
        """The late fee charged and still unpaid; what accrued since is not in it."""
        return self.charged_fee_fen - self.paid_fee_fen
