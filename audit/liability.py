"""What the company owes the holders of activated cards, and what its books say it owes."""

from dataclasses import dataclass
from datetime import datetime

from accounts.ledger import LedgerCode
from audit.books import credit_balance_fen
from audit.inventory import stock
from audit.pieces import Progress
from core.db import Session


@dataclass(frozen=True)
class LiabilityRow:
    """The activated cards of one face value that can still turn into money, and their value."""

    face_fen: int
    cards: int
    value_fen: int


@dataclass(frozen=True)
class Liability:
    """The liability by denomination, in total, and as the ledger has it; sums in fen."""

    rows: tuple[LiabilityRow, ...]
    ledger_fen: int

    @property
    def cards(self) -> int:
        """How many cards are open."""
        return sum(row.cards for row in self.rows)

    @property
    def value_fen(self) -> int:
        """The face value of all open cards."""
        return sum(row.value_fen for row in self.rows)

    @property
    def difference_fen(self) -> int:
        """What the ledger has more than the cards; anything but 0 is an error in the books."""
        return self.ledger_fen - self.value_fen


def liability(
    session: Session, as_of: datetime | None = None, progress: Progress | None = None
) -> Liability:
    """Return what activated cards are worth that are neither redeemed, void nor replaced.

    Domain rule: cards on hold and expired cards stay in, money is never forfeited. As of an
    instant of the past ledger and cards may differ by what was under way in those seconds.
    """
    cards: dict[int, int] = {}
    for item in stock(session, as_of, progress=progress):
        if item.open_cards:
            cards[item.face_fen] = cards.get(item.face_fen, 0) + item.open_cards
    found = tuple(LiabilityRow(face, cards[face], cards[face] * face) for face in sorted(cards))
    return Liability(found, credit_balance_fen(session, LedgerCode.VOUCHER_LIABILITY, as_of))
