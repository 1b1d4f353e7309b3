"""A small trade: warehouse > province > city > outlet, with people, contracts and cards."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from itertools import count
from typing import Any

from sqlalchemy import select

from accounts import ledger
from accounts.tables import journal_entry, posting
from core.db import Database, Session
from distribution.actions import ACTIONS
from distribution.adjustments import NewAdjustment, request_adjustment
from distribution.commissions import Rate
from distribution.contracts import set_contract
from distribution.moves import Moved, PendingApproval, request_move
from distribution.parties import party_by_id
from distribution.payments import NewPayment, Payment, record_payment
from distribution.requests import MoveRequest
from staff import approvals
from staff.permissions import Actor
from tests.factories import (
    make_batch,
    make_denomination,
    make_member,
    make_party,
    make_redemption,
    make_warehouse,
)
from vouchers.lots import Lot
from vouchers.serials import batch_of, serial_text
from vouchers.tables import batch, lot, stock_movement

FACE_FEN = 5_000
COMMISSION_FEN = 150
_references = count(1)


@dataclass
class Trade:
    """The parties by kind, the people who act, and short ways to move cards."""

    db: Database
    party_ids: dict[str, int] = field(default_factory=dict)
    people: dict[str, Actor] = field(default_factory=dict)

    def batch(self, size: int = 100, stage: str = "stocked", at: str = "outlet") -> int:
        """Write a batch held by a party; return its first serial."""
        with self.db.write() as session:
            return make_batch(
                session, size, face_fen=FACE_FEN, stage=stage, holder_id=self.party_ids[at]
            )

    def ask(
        self, who: str, move: str, first: int, last: int, **more: Any
    ) -> Moved | PendingApproval:
        """Ask for a move as somebody."""
        request = MoveRequest(
            move=move, first_serial=serial_text(first), last_serial=serial_text(last), **more
        )
        return request_move(self.db, self.people[who], request)

    def move(self, who: str, move: str, first: int, last: int, **more: Any) -> Moved:
        """Ask for a move that needs nobody else."""
        done = self.ask(who, move, first, last, **more)
        assert isinstance(done, Moved)
        return done

    def pend(self, who: str, move: str, first: int, last: int, **more: Any) -> int:
        """Ask for a move that needs a second person; return the approval's id."""
        pending = self.ask(who, move, first, last, **more)
        assert isinstance(pending, PendingApproval)
        return pending.approval_id

    def agree(self, approval_id: int, who: str = "finance") -> Moved:
        """Agree as somebody."""
        done = approvals.agree(self.db, self.people[who], approval_id, ACTIONS)
        assert isinstance(done, Moved)
        return done

    def move_by_two(self, who: str, move: str, first: int, last: int, **more: Any) -> Moved:
        """Ask for a move that needs a second person, and agree."""
        return self.agree(self.pend(who, move, first, last, **more))

    def contract(
        self, at: str, sale_model: str, limit_fen: int = 0, commission_fen: int = 0
    ) -> None:
        """Give a party a contract."""
        with self.db.write() as session:
            code = party_by_id(session, self.party_ids[at]).code
            terms = {FACE_FEN: commission_fen} if commission_fen else {}
            set_contract(session, self.people["finance"], code, sale_model, limit_fen, terms)

    def rates(self, at: str, *rates: tuple[date, int, int]) -> None:
        """Give a party a credit contract with rates of the face: day, after how many cards, fen."""
        made = [
            Rate(face_fen=FACE_FEN, effective_from=day, after_cards=after, commission_fen=fen)
            for day, after, fen in rates
        ]
        with self.db.write() as session:
            finance = self.people["finance"]
            set_contract(session, finance, self.code(at), "credit", 10**12, rates=made)

    def pay(
        self, at: str, amount_fen: int, reference: str | None = None, paid_on: date | None = None
    ) -> Payment:
        """Record what a party paid (today), under a bank reference of its own if none is given."""
        with self.db.read() as session:
            today = session.today
        new = NewPayment(
            reference=reference or f"BANK-{next(_references)}",
            party_code=self.code(at),
            amount_fen=amount_fen,
            paid_on=paid_on or today,
        )
        return record_payment(self.db, self.people["finance"], new).payment

    def request(self, new: NewAdjustment, who: str = "finance") -> int:
        """Ask for an adjustment; return the approval's id."""
        return request_adjustment(self.db, self.people[who], new)

    def adjust(self, at: str, direction: str, amount_fen: int, reference: str, **more: Any) -> None:
        """Adjust what a party owes, by two persons."""
        facts = {"against": "suspense", "reason": "agreed with the party"} | more
        new = NewAdjustment(
            reference=reference,
            party_code=self.code(at),
            direction=direction,
            amount_fen=amount_fen,
            **facts,
        )
        approvals.agree(self.db, self.people["finance2"], self.request(new), ACTIONS)

    def code(self, at: str) -> str:
        """Return a party's code."""
        return at.upper()

    def redeem(self, serials: Iterable[int]) -> None:
        """Redeem cards past all rules."""
        with self.db.write() as session:
            for serial in serials:
                make_redemption(session, serial)

    def lots(self, first: int) -> list[tuple[int, int, str, str, str | None]]:
        """The lots of a batch: offsets of both ends, stage, holder, hold."""
        names = {party_id: name for name, party_id in self.party_ids.items()}
        return [
            (
                item.first_serial - first,
                item.last_serial - first,
                item.stage,
                names[item.holder_id],
                item.hold,
            )
            for item in self.lot_rows(first)
        ]

    def lot_rows(self, first: int) -> list[Lot]:
        """The lots of a batch as they stand in the table."""
        query = select(lot).where(lot.c.batch_id == batch_of(first)).order_by(lot.c.first_serial)
        with self.db.read() as session:
            return [Lot(**row) for row in session.execute(query).mappings()]

    def movements(self, first: int, move: str) -> list[Any]:
        """The movements of one kind of a batch."""
        query = (
            select(stock_movement)
            .where(stock_movement.c.batch_id == batch_of(first), stock_movement.c.move == move)
            .order_by(stock_movement.c.first_serial)
        )
        with self.db.read() as session:
            return list(session.execute(query).all())

    def batch_row(self, first: int) -> Any:
        """The row of a batch."""
        with self.db.read() as session:
            return session.execute(select(batch).where(batch.c.id == batch_of(first))).one()

    def books(self) -> dict[str, int]:
        """What stands in each account of the chart that is not 0: debit minus credit, in fen."""
        with self.db.read() as session:
            return balances(session)

    def owed(self, at: str) -> int:
        """What a party owes, in fen."""
        with self.db.read() as session:
            return ledger.party_receivable(session, self.party_ids[at])

    def snapshot(self) -> list[Any]:
        """Everything a move could change."""
        tables = (lot, stock_movement, batch, posting, journal_entry)
        with self.db.read() as session:
            return [Counter(session.execute(table.select()).all()) for table in tables]


def balances(session: Session) -> dict[str, int]:
    """Debit minus credit of each account of the chart that is not 0."""
    rows = {row.code.name: row.debit_fen - row.credit_fen for row in ledger.trial_balance(session)}
    return {name: fen for name, fen in rows.items() if fen}


def open_trade(db: Database) -> Trade:
    """Write the parties and the people, with no contract and no card."""
    trade = Trade(db)
    with db.write() as session:
        ledger.seed_chart(session)
        make_denomination(session, FACE_FEN)
        ids, people = trade.party_ids, trade.people
        ids["warehouse"] = make_warehouse(session)
        parent = "warehouse"
        for kind in ("province", "city", "outlet"):
            ids[kind] = make_party(session, kind, ids[parent], kind.upper())
            parent = kind
        ids["outlet2"] = make_party(session, "outlet", ids["city"], "OUTLET2")
        ids["far"] = make_party(session, "outlet", ids["province"], "FAR")
        for name, role, at in (
            ("admin", "admin", None),
            ("keeper", "warehouse", None),
            ("keeper2", "warehouse", None),
            ("issuer", "issuer", None),
            ("issuer2", "issuer", None),
            ("finance", "finance", None),
            ("finance2", "finance", None),
            ("service", "customer_service", None),
            ("auditor", "auditor", None),
            ("agent", "distributor", "city"),
            ("seller", "distributor", "outlet"),
            ("seller2", "distributor", "outlet2"),
        ):
            people[name] = make_member(session, role, ids[at] if at else None, name)
    return trade
