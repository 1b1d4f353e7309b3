"""What agreeing to an approval does, for every kind there is."""

from collections.abc import Mapping

from distribution import actions as of_distribution
from redemption import actions as of_redemption
from staff.approvals import Action
from vouchers import actions as of_vouchers

ACTIONS: Mapping[str, Action] = {
    **of_vouchers.ACTIONS,
    **of_distribution.ACTIONS,
    **of_redemption.ACTIONS,
}
