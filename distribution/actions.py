"""What agreeing does: to a move of cards, a consignment, a claim, an adjustment."""

from collections.abc import Mapping

from distribution import claim_answers, dispatching
from distribution.adjustments import ADJUSTMENT, carry_out_adjustment
from distribution.moves import carry_out_agreed
from distribution.summaries import of_claim, of_consignment, of_move
from staff.approvals import Action
from staff.permissions import Permission
from vouchers.moves import MOVES

ACTIONS: Mapping[str, Action] = {
    name: Action(MOVES[name].permission, carry_out_agreed, summary=of_move(name))
    for name in ("deactivate", "return", "void", "transfer")
} | {
    ADJUSTMENT: Action(Permission.ADJUST, carry_out_adjustment),
    dispatching.APPROVAL: Action(
        Permission.TRANSFER, dispatching.send_agreed, summary=of_consignment
    ),
    claim_answers.APPROVAL: Action(Permission.VOID, claim_answers.void_agreed, summary=of_claim),
}
"""By kind of approval; a move's is its name. Refusing one changes nothing."""
