"""Short ways through orders, consignments and claims in a trade."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

from distribution import claims
from distribution.actions import ACTIONS
from distribution.claims import Claim, list_claims
from distribution.consignments import Consignment, allocate_order, draw_up, read_consignment
from distribution.credit_notes import CreditNote, list_credit_notes
from distribution.dispatching import send_consignment
from distribution.moves import PendingApproval
from distribution.orders import approve_order, place_order
from distribution.receipts import Arrival, GoodsReceipt, receive_consignment
from staff import approvals
from tests.distribution.trade import FACE_FEN, Trade
from vouchers.serials import serial_text

_reference = count(1)


@dataclass
class Papers:
    """The papers of a trade, written by its people."""

    trade: Trade

    def ordered(self, cards: int, buyer: str = "outlet", by: str = "seller") -> str:
        """Place an order and have it approved; return its number."""
        people = self.trade.people
        counts = {FACE_FEN: cards}
        order = place_order(
            self.trade.db, people[by], counts, new_reference(), self.trade.code(buyer)
        )
        return approve_order(self.trade.db, people["keeper2"], order.number).number

    def allocated(self, cards: int, buyer: str = "outlet") -> Consignment:
        """Order cards and set them apart at the buyer's parent."""
        return allocate_order(
            self.trade.db, self.trade.people["keeper"], self.ordered(cards, buyer, "keeper")
        )

    def sent(self, cards: int, buyer: str = "outlet") -> Consignment:
        """Order cards, and have them sent."""
        return self.send("keeper", self.allocated(cards, buyer).number)

    def drawn_up(self, who: str, kind: str, first: int, last: int, **more: Any) -> Consignment:
        """Set a range apart."""
        return draw_up(
            self.trade.db,
            self.trade.people[who],
            kind,
            [(serial_text(first), serial_text(last))],
            new_reference(),
            **more,
        )

    def send(self, who: str, number: str) -> Consignment:
        """Send a consignment, with a second person where it needs one."""
        done = send_consignment(self.trade.db, self.trade.people[who], number)
        if isinstance(done, PendingApproval):
            finance = self.trade.people["finance"]
            sent = approvals.agree(self.trade.db, finance, done.approval_id, ACTIONS)
            assert isinstance(sent, Consignment)
            return sent
        return done

    def agree(self, who: str, approval_id: int) -> None:
        """Agree as somebody."""
        approvals.agree(self.trade.db, self.trade.people[who], approval_id, ACTIONS)

    def receive(
        self,
        who: str,
        number: str,
        scans: Sequence[str] = (),
        damaged: Sequence[str] = (),
        *,
        complete: bool = False,
        reference: str | None = None,
    ) -> GoodsReceipt:
        """Receive what was scanned."""
        arrival = Arrival(
            reference=reference or new_reference(),
            scans=scans,
            damaged=damaged,
            complete=complete,
        )
        return receive_consignment(self.trade.db, self.trade.people[who], number, arrival)

    def read(self, number: str, who: str = "keeper") -> Consignment:
        """The consignment as it stands."""
        with self.trade.db.read() as session:
            return read_consignment(session, self.trade.people[who], number)

    def claims(self, who: str = "keeper") -> list[Claim]:
        """All claims with their histories."""
        actor = self.trade.people[who]
        with self.trade.db.read() as session:
            found = list_claims(session, actor)
            return [claims.read_claim(session, actor, item.number) for item in found]

    def credit_notes(self, who: str = "keeper") -> list[CreditNote]:
        """All credit notes."""
        with self.trade.db.read() as session:
            return list_credit_notes(session, self.trade.people[who])


def new_reference() -> str:
    """Return a reference that nobody has used."""
    return f"ref-{next(_reference)}"


def span(first: int, last: int) -> str:
    """Return what a scanner sends for a range."""
    return f"{serial_text(first)}-{serial_text(last)}"


def pack(serial: int) -> str:
    """Return the label of a card's pack."""
    return f"{serial // 100:014d}"


def carton(serial: int) -> str:
    """Return the label of a card's carton."""
    return f"{serial // 1000:013d}"
