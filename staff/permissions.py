"""What each role may do.

An actor who belongs to a party is confined to that party and those below it as well; the
distribution rules check this, because only they know the tree. What no such rule confines is not
for him at all, whatever his role: see OF_PARTIES.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum, auto

from core.errors import DomainError


class Permission(StrEnum):
    """One thing a signed-in member may be allowed to do."""

    # Cards
    ORDER_BATCHES = auto()
    GENERATE = auto()
    EXPORT = auto()
    MANAGE_PRINTERS = auto()
    VIEW_BATCHES = auto()
    VIEW_VOUCHERS = auto()
    # Stock
    TAKE_INTO_STOCK = auto()
    DISPATCH = auto()
    TRANSFER = auto()
    RECEIVE = auto()
    ACTIVATE = auto()
    DEACTIVATE = auto()
    RETURN_STOCK = auto()
    ORDER_STOCK = auto()
    APPROVE_ORDERS = auto()
    RESOLVE_CLAIMS = auto()
    VIEW_TRADE = auto()
    HOLD = auto()
    VOID = auto()
    MANAGE_PARTIES = auto()
    MANAGE_TILLS = auto()
    # Customers and money
    REDEEM = auto()
    PROVE_CARD = auto()
    REPLACE_CARD = auto()
    REVERSE_REDEMPTION = auto()
    UNLOCK_CALLER = auto()
    VIEW_REDEMPTIONS = auto()
    VIEW_ACCOUNTS = auto()
    VIEW_STATEMENT = auto()
    VIEW_MESSAGES = auto()
    RESEND_MESSAGES = auto()
    IMPORT_ACCOUNTS = auto()
    RECORD_PAYMENTS = auto()
    ADJUST = auto()
    CLOSE_SETTLEMENTS = auto()
    VIEW_SETTLEMENTS = auto()
    # The house
    APPROVE = auto()
    VIEW_APPROVALS = auto()
    VIEW_REPORTS = auto()
    VIEW_STOCK = auto()
    COUNT_STOCK = auto()
    VIEW_EVENTS = auto()
    RUN_AUDIT = auto()
    MANAGE_STAFF = auto()
    MANAGE_SENDERS = auto()
    ROTATE_KEYS = auto()


_P = Permission
_CARE = frozenset({_P.PROVE_CARD, _P.REPLACE_CARD, _P.REVERSE_REDEMPTION})
_LOOK_UPS = frozenset({_P.VIEW_BATCHES, _P.VIEW_VOUCHERS, _P.VIEW_REDEMPTIONS, _P.VIEW_APPROVALS})
_READ_ALL = frozenset(p for p in Permission if p.value.startswith("view_")) | {_P.RUN_AUDIT}

ROLE_PERMISSIONS: Mapping[str, frozenset[Permission]] = {
    # Runs the house; moves neither cards nor money. Tills are for their outlets alone: whoever
    # holds both keys of one has PINs. An account made for oneself goes round it: SECURITY.md.
    "admin": _READ_ALL
    | {
        _P.APPROVE,
        _P.MANAGE_PRINTERS,
        _P.MANAGE_PARTIES,
        _P.MANAGE_STAFF,
        _P.MANAGE_SENDERS,
        _P.RESEND_MESSAGES,
        _P.ROTATE_KEYS,
    },
    "issuer": _LOOK_UPS
    | {
        _P.APPROVE,
        _P.ORDER_BATCHES,
        _P.GENERATE,
        _P.EXPORT,
        _P.MANAGE_PRINTERS,
        _P.HOLD,
        _P.VOID,
        _P.VIEW_REPORTS,
    },
    "warehouse": _LOOK_UPS
    | {
        _P.TAKE_INTO_STOCK,
        _P.DISPATCH,
        _P.TRANSFER,
        _P.RECEIVE,
        _P.RETURN_STOCK,
        _P.ORDER_STOCK,
        _P.APPROVE_ORDERS,
        _P.RESOLVE_CLAIMS,
        _P.VIEW_TRADE,
        _P.HOLD,
        _P.VIEW_REPORTS,
        _P.VIEW_STOCK,
        _P.COUNT_STOCK,
    },
    # May ask for what needs a second person, never be one: agreeing is left to the company.
    "distributor": frozenset(
        {
            _P.DISPATCH,
            _P.TRANSFER,
            _P.RECEIVE,
            _P.ACTIVATE,
            _P.DEACTIVATE,
            _P.RETURN_STOCK,
            _P.VIEW_SETTLEMENTS,
            _P.VIEW_STOCK,
            _P.COUNT_STOCK,
            _P.ORDER_STOCK,
            _P.APPROVE_ORDERS,
            _P.VIEW_TRADE,
            _P.MANAGE_TILLS,
        }
    ),
    "customer_service": _LOOK_UPS
    | _CARE
    | {
        _P.VIEW_ACCOUNTS,
        _P.VIEW_STATEMENT,
        _P.VIEW_MESSAGES,
        _P.RESEND_MESSAGES,
        _P.REDEEM,
        _P.HOLD,
        _P.UNLOCK_CALLER,
    },
    # The second person of customer service.
    "finance": _READ_ALL
    | _CARE
    | {
        _P.APPROVE,
        _P.TRANSFER,
        _P.DEACTIVATE,
        _P.RETURN_STOCK,
        _P.RESOLVE_CLAIMS,
        _P.VOID,
        _P.MANAGE_PARTIES,
        _P.IMPORT_ACCOUNTS,
        _P.RECORD_PAYMENTS,
        _P.ADJUST,
        _P.CLOSE_SETTLEMENTS,
    },
    "auditor": _READ_ALL,
}


OF_PARTIES: frozenset[Permission] = ROLE_PERMISSIONS["distributor"] | {
    _P.TAKE_INTO_STOCK,
    _P.HOLD,
    _P.VOID,
    _P.MANAGE_PARTIES,
    _P.APPROVE,
}
"""What a member of a party may hold at all: each use case of these looks at whose cards they are.

Agreeing asks for the permission of the kind as well, so it reaches no further than these.
"""


class Forbidden(DomainError):
    """The role does not allow this."""

    code = "forbidden"


@dataclass(frozen=True)
class Actor:
    """A signed-in member: who acts, and for which party if any."""

    member_id: int
    person_id: int
    username: str
    role: str
    party_id: int | None = None


def may(actor: Actor, permission: Permission) -> bool:
    """Tell whether the actor's role holds the permission, and his party does not forbid it."""
    held = permission in ROLE_PERMISSIONS.get(actor.role, frozenset())
    return held and (actor.party_id is None or permission in OF_PARTIES)


def require(actor: Actor, permission: Permission) -> None:
    """Raise Forbidden unless the actor may."""
    if not may(actor, permission):
        who = f"the role {actor.role}" + (" of a party" if actor.party_id is not None else "")
        raise Forbidden(f"{who} lacks the permission {permission}", permission=str(permission))
