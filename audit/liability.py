"""What the company owes the holders of activated cards, and what its books say it owes."""

from dataclasses import dataclass

from sqlalchemy import or_, select

from accounts.ledger import LedgerCode
from audit.books import credit_balance_fen
from audit.ranges import lot_size, replaced_cards, total, used_cards
from core.db import Session
from vouchers.tables import batch, denomination, lot


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


def liability(session: Session) -> Liability:
    """Return what activated cards are worth that are neither redeemed, void nor replaced.

    Domain rule: cards on hold and expired cards stay in, money is never forfeited.
    """
    cards = (lot.c.first_serial, lot.c.last_serial)
    unused = lot_size - used_cards(*cards) - replaced_cards(*cards)
    rows = session.execute(
        select(denomination.c.face_fen, total(unused))
        .select_from(lot)
        .join(batch, batch.c.id == lot.c.batch_id)
        .join(denomination, denomination.c.id == batch.c.denomination_id)
        .where(lot.c.stage == "active", or_(lot.c.hold.is_(None), lot.c.hold != "replaced"))
        .group_by(denomination.c.face_fen)
        .order_by(denomination.c.face_fen)
    )
    found = tuple(LiabilityRow(face, int(cards), int(cards) * face) for face, cards in rows)
    return Liability(found, credit_balance_fen(session, LedgerCode.VOUCHER_LIABILITY))
