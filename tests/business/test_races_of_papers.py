"""Papers and approvals against redemptions and each other, truly at once."""

from collections import Counter
from collections.abc import Callable
from functools import partial

from core.db import Database
from core.errors import DomainError
from distribution.actions import ACTIONS
from distribution.dispatching import send_consignment
from distribution.moves import PendingApproval
from staff import approvals
from staff.permissions import Actor
from tests.distribution.papers import Papers, pack
from tests.distribution.test_races import at_once, outcome, redeem_one
from tests.distribution.trade import COMMISSION_FEN, FACE_FEN, open_trade
from tests.factories import make_electricity_account, make_member

NET_FEN = FACE_FEN - COMMISSION_FEN
ROUNDS, CARDS, KEPT, REDEEMERS, APPROVERS = 8, 42, 2, 4, 8


def test_a_returned_consignment_never_credits_a_card_that_is_redeemed_meanwhile(
    postgresql_db: Database,
) -> None:
    trade = open_trade(postgresql_db)
    papers, told = Papers(trade), Counter[str]()
    trade.contract("city", "credit", 10**9, COMMISSION_FEN)
    with trade.db.write() as session:
        account = make_electricity_account(session)
    for _ in range(ROUNDS):
        first = trade.batch(100)
        trade.move("seller", "activate", first, first + CARDS - 1)
        number = papers.drawn_up("seller", "return", first, first + CARDS - 1).number
        asked = send_consignment(trade.db, trade.people["seller"], number)
        assert isinstance(asked, PendingApproval)

        def use(start: int, first: int = first) -> Counter[str]:
            serials = range(first + start, first + CARDS - KEPT, REDEEMERS)
            return Counter(
                "redeemed" if redeem_one(trade.db, serial, account) else "refused"
                for serial in serials
            )

        def agree(approval_id: int = asked.approval_id) -> Counter[str]:
            finance = trade.people["finance"]
            agreed = partial(approvals.agree, trade.db, finance, approval_id, ACTIONS)
            return Counter([outcome(agreed)])

        works: list[Callable[[], Counter[str]]] = [agree]
        works += [partial(use, start) for start in range(REDEEMERS)]
        results = sum(at_once(works), Counter[str]())
        assert results["done"] == 1
        papers.receive("agent", number, [pack(first)])
        credited = sum(note.cards for note in papers.credit_notes() if note.consignment == number)
        assert credited + results["redeemed"] == CARDS
        told += results + Counter(credited=credited)
        assert trade.owed("city") == told["redeemed"] * NET_FEN
    assert told["credited"] + told["redeemed"] == ROUNDS * CARDS
    assert told["credited"] >= ROUNDS * KEPT
    assert trade.books().get("RETURNS_CLEARING", 0) == 0


def test_many_who_agree_at_once_to_a_de_activation_credit_it_once(postgresql_db: Database) -> None:
    trade = open_trade(postgresql_db)
    trade.contract("city", "credit", 10**9, COMMISSION_FEN)
    with trade.db.write() as session:
        deciders = [make_member(session, "finance") for _ in range(APPROVERS)]
    for _ in range(4):
        first = trade.batch(CARDS)
        trade.move("seller", "activate", first, first + CARDS - 1)
        asked = trade.pend("agent", "deactivate", first, first + CARDS - 1)

        def agree(actor: Actor, number: int = asked) -> str:
            try:
                approvals.agree(trade.db, actor, number, ACTIONS)
            except DomainError as error:
                return error.code
            return "done"

        told = Counter(at_once([partial(agree, actor) for actor in deciders]))
        assert told == {"done": 1, "approval_closed": APPROVERS - 1}
        assert trade.owed("city") == 0
        assert len(trade.movements(first, "deactivate")) == 1


def test_many_who_send_and_receive_one_consignment_at_once_move_its_cards_once(
    postgresql_db: Database,
) -> None:
    trade = open_trade(postgresql_db)
    papers = Papers(trade)
    for _ in range(4):
        first = trade.batch(100, at="city")
        made = papers.allocated(100)
        sent = at_once([partial(outcome, partial(papers.send, "keeper", made.number))] * 6)
        assert Counter(sent) == {"done": 1, "paper_state_wrong": 5}
        scans = [pack(first)]
        receive = partial(papers.receive, "seller", made.number, scans)
        told = Counter(at_once([partial(outcome, receive)] * 6))
        assert told == {"done": 1, "paper_state_wrong": 5}
        assert [
            row.last_serial - row.first_serial for row in trade.movements(first, "receive")
        ] == [99]
