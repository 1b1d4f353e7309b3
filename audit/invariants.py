"""All invariants: what must be true of the stored rows after every commit (domain rule: the books).

Each is checked from the rows alone, by its own queries, apart from the code that writes them.
"""

from audit.invariant import Invariant, Offence
from audit.invariants_callers import CALLERS
from audit.invariants_cards import CARDS
from audit.invariants_care import CARE
from audit.invariants_counters import COUNTERS
from audit.invariants_ledger import LEDGER
from audit.invariants_money import MONEY
from audit.invariants_movements import MOVEMENTS
from audit.invariants_papers import PAPERS
from audit.invariants_people import PEOPLE
from audit.invariants_redemption import REDEMPTION
from audit.invariants_settlements import SETTLEMENTS
from audit.invariants_stock import STOCK
from audit.invariants_tills import TILLS
from audit.invariants_trade import TRADE

__all__ = ["INVARIANTS", "Invariant", "Offence"]

INVARIANTS: tuple[Invariant, ...] = (
    *CARDS,
    *REDEMPTION,
    *COUNTERS,
    *LEDGER,
    *MOVEMENTS,
    *TRADE,
    *MONEY,
    *SETTLEMENTS,
    *CARE,
    *TILLS,
    *PAPERS,
    *STOCK,
    *PEOPLE,
    *CALLERS,
)
"""In the order in which they are told."""
