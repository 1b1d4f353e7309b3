"""What agreeing to a move of cards does."""

from collections.abc import Mapping

from distribution.moves import carry_out_agreed
from staff.approvals import Action
from vouchers.moves import MOVES

ACTIONS: Mapping[str, Action] = {
    name: Action(MOVES[name].permission, carry_out_agreed)
    for name in ("deactivate", "return", "void", "transfer")
}
"""By kind of approval, which is the name of the move. Refusing one leaves the cards alone."""
