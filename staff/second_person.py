"""Deciding as the second person at a face: signed in is not enough, a fresh code is needed.

A token can be stolen or left behind on a counter. The code shows that the person is there now; it
works once, for one decision, and wrong ones count like wrong sign-ins.
"""

from dataclasses import dataclass, field
from typing import Any

from core.db import Database
from core.keyfile import KeyFile
from staff import approvals
from staff.approvals import Actions, check_decidable
from staff.limits import SignInLimits
from staff.permissions import Actor, Permission, require
from staff.signin import confirm_code


@dataclass(frozen=True)
class Decider:
    """Who decides, and the authenticator's code of now."""

    actor: Actor
    code: str = field(repr=False)
    keyfile: KeyFile = field(repr=False)
    limits: SignInLimits = field(repr=False)


def agree(db: Database, decider: Decider, approval_id: int, actions: Actions) -> Any:
    """Agree and carry out as `approvals.agree` does, once the code is good.

    Raises CodeWrong, TooManySignIns, and what `approvals.agree` raises; what cannot be decided is
    told before the code is used up.
    """
    _confirm(db, decider, approval_id)
    return approvals.agree(db, decider.actor, approval_id, actions)


def refuse(db: Database, decider: Decider, approval_id: int, reason: str, actions: Actions) -> None:
    """Refuse as `approvals.refuse` does, once the code is good; raises as `agree`."""
    _confirm(db, decider, approval_id)
    approvals.refuse(db, decider.actor, approval_id, reason, actions)


def _confirm(db: Database, decider: Decider, approval_id: int) -> None:
    require(decider.actor, Permission.APPROVE)
    with db.read() as session:
        found = approvals.get(session, approval_id)
        if found.state != "requested" or found.requester.person_id == decider.actor.person_id:
            # Out of time or changed is for `approvals`: it must be kept as void.
            check_decidable(found, decider.actor, session.now)
    confirm_code(db, decider.keyfile, decider.actor, decider.code, decider.limits)
