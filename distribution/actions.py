"""What agreeing to a move of cards, a consignment or the void cards of a claim does."""

from collections.abc import Mapping

from distribution import claim_answers, dispatching
from distribution.moves import carry_out_agreed
from staff.approvals import Action
from staff.permissions import Permission
from vouchers.moves import MOVES

ACTIONS: Mapping[str, Action] = {
    name: Action(MOVES[name].permission, carry_out_agreed)
    for name in ("deactivate", "return", "void", "transfer")
} | {
    dispatching.APPROVAL: Action(Permission.TRANSFER, dispatching.send_agreed),
    claim_answers.APPROVAL: Action(Permission.VOID, claim_answers.void_agreed),
}
"""By kind of approval; a move's is its name. Refusing one leaves the cards alone."""
