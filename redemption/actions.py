"""What agreeing to the approvals of this floor does."""

from collections.abc import Mapping

from redemption import summaries
from redemption.counter import carry_out_proven_redemption
from redemption.reissue import carry_out_reissue
from redemption.reversal import carry_out_reversal
from staff.approvals import Action
from staff.permissions import Permission

ACTIONS: Mapping[str, Action] = {
    "redeem_proven": Action(
        Permission.PROVE_CARD, carry_out_proven_redemption, summary=summaries.of_proven_redemption
    ),
    "reverse_redemption": Action(
        Permission.REVERSE_REDEMPTION, carry_out_reversal, summary=summaries.of_reversal
    ),
    "reissue": Action(Permission.REPLACE_CARD, carry_out_reissue, summary=summaries.of_reissue),
}
"""By kind. Refused requests leave nothing behind."""
