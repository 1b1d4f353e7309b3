"""What agreeing to the approvals of this floor does."""

from collections.abc import Mapping

from staff.approvals import Action
from staff.permissions import Permission
from vouchers import summaries
from vouchers.export import approve_export
from vouchers.orders import approve_order, refuse_order
from vouchers.printers import activate_printer, discard_printer
from vouchers.replacement import carry_out_replacement

ACTIONS: Mapping[str, Action] = {
    "printer": Action(
        Permission.MANAGE_PRINTERS, activate_printer, discard_printer, summaries.of_printer
    ),
    "batch_order": Action(
        Permission.ORDER_BATCHES, approve_order, refuse_order, summaries.of_batch_order
    ),
    "export": Action(Permission.EXPORT, approve_export, summary=summaries.of_export),
    "replace": Action(
        Permission.REPLACE_CARD, carry_out_replacement, summary=summaries.of_replacement
    ),
}
"""By kind. A refused export leaves nothing behind, so nothing is cleared away for it."""
