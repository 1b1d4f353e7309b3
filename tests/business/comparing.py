"""What the product says of the trade, against what the model says."""

from collections import Counter
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import select

from accounts.tables import electricity_account
from audit.as_of import latest_final
from audit.inventory import inventory
from audit.liability import liability
from audit.reports import catalogue
from audit.reports.catalogue import REPORTS, Wanted
from core.db import Session
from distribution.consignments import list_consignments
from distribution.settlements import Statement
from tests.business.firm import ACCOUNTS, Firm
from tests.business.model import Business, Card
from tests.distribution.model import PARENT
from tests.distribution.trade import FACE_FEN
from vouchers.tables import lot

Counts = dict[tuple[str, str], tuple[int, int, int]]
"""Cards, used ones and those on hold, by stage and holder."""


def compare(firm: Firm, model: Business) -> None:
    """Compare everything; the clock must have stood over a minute since the last change."""
    with firm.db.read() as session:
        assert lots(firm, session) == {
            serial: (card.stage, card.holder, card.to, card.hold)
            for serial, card in model.cards.items()
        }
        balances = {
            row.number: row.balance_fen
            for row in session.execute(select(electricity_account))
            if row.number in ACCOUNTS
        }
        assert balances == {number: model.balance(number) for number in ACCOUNTS}
        _compare_reports(firm, session, model)
    assert firm.trade.books() == firm.opening | model.books()
    for party in PARENT:
        assert firm.trade.owed(party) == model.owed(party), party
    for party in model.contracts:
        assert sums_of(firm.statement(party)) == model.statement(party), party
    assert papers(firm) == {
        number: (paper.state, len(model.on_the_way(number)))
        for number, paper in model.papers.items()
    }


def sums_of(statement: Statement) -> Counter[str]:
    """The totals of a statement, and that its lines add up to them."""
    sums = statement.sums
    added = sum(line.amount_fen for line in statement.lines)
    assert sums.opening_fen + added == sums.closing_fen
    return Counter(asdict(sums))


def papers(firm: Firm) -> dict[str, tuple[str, int]]:
    """State and outstanding cards of every consignment."""
    with firm.db.read() as session:
        found = list_consignments(session, firm.trade.people["keeper"], limit=500)
    return {item.number: (item.state, item.outstanding) for item in found}


def lots(firm: Firm, session: Session) -> dict[int, tuple[str, str, str | None, str | None]]:
    """The lots, card by card."""
    names = {party_id: name for name, party_id in firm.trade.party_ids.items()} | {None: None}
    return {
        serial: (row.stage, str(names[row.holder_id]), names[row.in_transit_to], row.hold)
        for row in session.execute(select(lot))
        for serial in range(row.first_serial, row.last_serial + 1)
    }


def all_reports(firm: Firm, as_of: datetime) -> dict[str, list[dict[str, Any]]]:
    """Every report as of an instant."""
    with firm.db.read() as session:
        return {name: lines(firm, session, name, as_of) for name in REPORTS}


def lines(
    firm: Firm, session: Session, name: str, as_of: datetime | None = None
) -> list[dict[str, Any]]:
    """The lines of a report as finance sees it."""
    wanted = Wanted(name=name, as_of=as_of or latest_final(firm.clock.now))
    return catalogue.page(session, firm.trade.people["finance"], wanted).lines


def _compare_reports(firm: Firm, session: Session, model: Business) -> None:
    expected = _counts(model)
    assert _inventory_now(session) == expected
    assert _inventory_as_of(firm, session) == expected
    open_cards = Counter(card.holder for card in model.cards.values() if is_open(card))
    owed = liability(session)
    assert (owed.cards, owed.difference_fen) == (open_cards.total(), 0)
    assert owed.value_fen == open_cards.total() * FACE_FEN
    sold = {line["holder"]: line["open_cards"] for line in lines(firm, session, "sold-not-used")}
    assert +Counter(sold) == _coded(open_cards)
    in_stock = [card for card in model.cards.values() if card.stage in ("stocked", "in_transit")]
    stock = lines(firm, session, "stock")
    assert {line["difference_cards"] for line in stock} <= {0}
    closing = +Counter({line["holder"]: line["closing_cards"] for line in stock})
    assert closing == _coded(Counter(card.holder for card in in_stock))
    on_the_way: Counter[tuple[str, str]] = Counter()
    for line in lines(firm, session, "in-transit"):
        on_the_way[line["sender"], line["receiver"]] += line["cards"]
    assert on_the_way == Counter(
        (card.holder.upper(), str(card.to).upper()) for card in in_stock if card.to
    )


def is_open(card: Card) -> bool:
    """Tell whether a card can still turn into money."""
    return card.stage == "active" and not card.used


def _counts(model: Business) -> Counts:
    sums: Counts = {}
    for card in model.cards.values():
        key = (card.stage, card.holder.upper())
        redeemed = card.used and not card.replaced
        held = not redeemed and bool(card.hold or card.replaced)
        cards, used, on_hold = sums.get(key, (0, 0, 0))
        sums[key] = (cards + 1, used + redeemed, on_hold + held)
    return sums


def _inventory_now(session: Session) -> Counts:
    return {
        (row.stage, row.party_code): (row.cards, row.used_cards, row.held_cards)
        for row in inventory(session)
    }


def _inventory_as_of(firm: Firm, session: Session) -> Counts:
    return {
        (line["stage"], line["holder"]): (line["cards"], line["used_cards"], line["held_cards"])
        for line in lines(firm, session, "inventory")
    }


def _coded(counts: Counter[str]) -> Counter[str]:
    return Counter({name.upper(): cards for name, cards in counts.items()})
