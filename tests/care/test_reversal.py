"""Redemptions taken back: the bills open again, the money in suspense, the card used for ever."""

import threading
from collections.abc import Callable
from functools import partial

import pytest

from accounts.balances import BalanceTooLow
from accounts.bills import send_to_bank
from accounts.ledger import AlreadyReversed, EntryTouchesBills, EntryTouchesCards, reverse
from accounts.unsettle import BillPaidSince, BillWithBank
from core.db import Database
from core.errors import DomainError, InvalidInput, NotFound
from redemption.reissue import NotReissuable, request_reissue
from redemption.requests import Code
from redemption.reversal import request_reversal
from redemption.tables import redemption, redemption_reversal
from staff import approvals
from staff.approvals import ContentChanged, SamePerson
from staff.permissions import Actor, Forbidden
from tests.care.counter import Counter, text
from tests.redemption.cards import make_cards
from vouchers.handing_out import CardUnfit


def _ask(counter: Counter, receipt: str | None, who: str = "service") -> int:
    assert receipt is not None
    return request_reversal(counter.db, counter.people[who], receipt, "wrong account")


def _reverse(counter: Counter, receipt: str | None) -> None:
    counter.agree(_ask(counter, receipt))


def _balance(counter: Counter, number: str = "4200000001") -> int:
    from accounts.balances import read_account

    with counter.db.read() as session:
        return read_account(session, number).balance_fen


def test_a_redemption_taken_back_leaves_the_card_used_and_its_value_in_suspense(
    counter: Counter,
) -> None:
    answer = counter.redeemed(counter.sold[0])
    _reverse(counter, answer.receipt_number)
    assert _balance(counter) == 0
    assert counter.trade.books()["SUSPENSE"] == -5_000
    assert counter.use(counter.sold[0]).code is Code.VOUCHER_USED
    assert counter.broken() == set()


def test_the_bills_that_it_settled_are_open_as_before_with_their_late_fee(
    counter: Counter,
) -> None:
    bill_id = counter.owe(3_000)
    before = counter.bill(bill_id)
    answer = counter.redeemed(counter.sold[0])
    assert counter.bill(bill_id).state == "paid"
    assert answer.late_fee_fen
    _reverse(counter, answer.receipt_number)
    assert counter.bill(bill_id) == before
    assert "LATE_FEE_INCOME" not in counter.trade.books()
    assert counter.broken() == set()


def test_the_approval_shows_exactly_what_will_be_undone(counter: Counter) -> None:
    bill_id = counter.owe(3_000)
    answer = counter.redeemed(counter.sold[0])
    approval_id = _ask(counter, answer.receipt_number)
    with counter.db.read() as session:
        content = approvals.get(session, approval_id).content
    assert content["amount_fen"] == 5_000
    assert content["serial_number"] == text(counter.sold[0])
    assert content["account_number"] == counter.account
    assert content["bills"] == [
        {
            "bill_number": f"B{bill_id}",
            "paid_fen": answer.arrears_paid_fen,
            "late_fee_fen": answer.late_fee_fen,
        }
    ]


def test_an_older_balance_that_helped_to_pay_comes_back_too(counter: Counter) -> None:
    counter.redeemed(counter.sold[0])
    bill_id = counter.owe(8_000)
    second = counter.redeemed(counter.sold[1])
    assert counter.bill(bill_id).state == "paid"
    _reverse(counter, second.receipt_number)
    # What the first card brought waits on the account, so it pays what is open again.
    assert _balance(counter) == 0
    row = counter.bill(bill_id)
    assert (row.state, row.paid_principal_fen + row.paid_fee_fen) == ("open", 5_000)
    assert counter.broken() == set()


def test_a_part_payment_in_the_middle_can_be_taken_back(counter: Counter) -> None:
    bill_id = counter.owe(20_000)
    answers = []
    for card in counter.sold[:3]:
        answers.append(counter.redeemed(card))
        counter.clock.advance(days=3)
    _reverse(counter, answers[1].receipt_number)
    row = counter.bill(bill_id)
    assert row.paid_principal_fen + row.paid_fee_fen == 10_000
    assert row.fee_counted_to is not None
    _reverse(counter, answers[0].receipt_number)
    _reverse(counter, answers[2].receipt_number)
    row = counter.bill(bill_id)
    assert (row.paid_principal_fen, row.paid_fee_fen, row.charged_fee_fen) == (0, 0, 0)
    assert row.fee_counted_to is None
    assert counter.trade.books()["SUSPENSE"] == -15_000
    assert counter.broken() == set()


def test_a_fee_that_a_later_payment_cleared_is_not_taken_back_before_it(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    del monkeypatch
    counter.clock.advance(days=700)
    bill_id = counter.owe(90_000_00)
    counter.clock.advance(days=300)
    first = counter.redeemed(counter.sold[0])  # all of it goes into the fee
    counter.redeemed(counter.sold[1])
    assert counter.bill(bill_id).paid_principal_fen == 0
    with pytest.raises(BillPaidSince):
        _ask(counter, first.receipt_number)
    assert counter.broken() == set()


def test_a_bill_that_others_paid_in_full_stays_paid_without_its_late_fee(counter: Counter) -> None:
    counter.clock.advance(days=10)
    bill_id = counter.owe(100_000)  # due 20 days ago: the late fee is 20.00
    outlet = counter.trade.party_ids["outlet"]
    with counter.db.write() as session:
        fee, principal = (
            make_cards(session, counter.keys.get(), 1, face_fen=face_fen, holder_id=outlet)[0]
            for face_fen in (2_000, 100_000)
        )
    answer = counter.redeemed(fee)
    counter.redeemed(principal)
    assert counter.bill(bill_id).paid_fee_fen == 2_000
    _reverse(counter, answer.receipt_number)
    row = counter.bill(bill_id)
    assert (row.state, row.paid_principal_fen) == ("paid", 100_000)
    assert (row.charged_fee_fen, row.paid_fee_fen) == (0, 0)
    assert counter.broken() == set()


def test_money_that_was_used_since_is_not_taken(counter: Counter) -> None:
    answer = counter.redeemed(counter.sold[0])
    bill_id = counter.owe(20_000)
    counter.redeemed(counter.sold[1])  # pays the bill from both
    assert counter.bill(bill_id).paid_principal_fen
    approval = pytest.raises(BalanceTooLow)
    with approval as caught:
        _ask(counter, answer.receipt_number)
    assert caught.value.details == {"balance_fen": 0, "needed_fen": 5_000}


def test_money_used_between_asking_and_agreeing_leaves_the_approval_open(counter: Counter) -> None:
    answer = counter.redeemed(counter.sold[0])
    approval_id = _ask(counter, answer.receipt_number)
    counter.owe(20_000)
    counter.redeemed(counter.sold[1])
    with pytest.raises(BalanceTooLow):
        counter.agree(approval_id)
    assert counter.state_of(approval_id) == "requested"
    assert counter.broken() == set()


def test_a_bill_at_the_bank_stops_it(counter: Counter) -> None:
    bill_id = counter.owe(20_000)
    answer = counter.redeemed(counter.sold[0])
    with counter.db.write() as session:
        send_to_bank(session, [bill_id])
    with pytest.raises(BillWithBank):
        _ask(counter, answer.receipt_number)


def test_it_is_taken_back_once(counter: Counter) -> None:
    answer = counter.redeemed(counter.sold[0])
    counter.redeemed(counter.sold[1])  # the balance would hold a second one
    one, two = (_ask(counter, answer.receipt_number) for _ in range(2))
    counter.agree(one)
    with pytest.raises(AlreadyReversed):
        counter.agree(two)
    with pytest.raises(AlreadyReversed):
        _ask(counter, answer.receipt_number)
    assert counter.broken() == set()


def test_two_agreements_at_once_take_it_back_once(counter: Counter) -> None:
    answer = counter.redeemed(counter.sold[0])
    counter.redeemed(counter.sold[1])
    asked = [_ask(counter, answer.receipt_number) for _ in range(4)]
    outcomes = at_once([partial(counter.agree, each) for each in asked])
    assert sorted(outcomes) == ["already_reversed"] * 3 + ["done"]
    assert _balance(counter) == 5_000
    assert counter.broken() == set()


def test_reversing_while_the_account_spends_never_overdraws_it(counter: Counter) -> None:
    answers = [counter.redeemed(card) for card in counter.sold[:3]]
    asked = [_ask(counter, answer.receipt_number) for answer in answers]
    counter.owe(12_000)
    work: list[Callable[[], object]] = [partial(counter.agree, each) for each in asked]
    at_once([*work, lambda: counter.use(counter.sold[3])])
    assert _balance(counter) >= 0
    assert counter.broken() == set()


def test_it_takes_two_persons_of_the_company_who_may(counter: Counter, db: Database) -> None:
    answer = counter.redeemed(counter.sold[0])
    for who in ("keeper", "issuer", "seller", "auditor"):
        with pytest.raises(Forbidden):
            _ask(counter, answer.receipt_number, who)
    approval_id = _ask(counter, answer.receipt_number, "finance")
    with pytest.raises(SamePerson):
        counter.agree(approval_id, "finance")
    for who in ("issuer", "service", "auditor"):
        with pytest.raises(Forbidden):
            counter.agree(approval_id, who)
    finance = counter.people["finance2"]
    local = Actor(
        finance.member_id, finance.person_id, "x", "finance", counter.trade.party_ids["city"]
    )
    with pytest.raises(Forbidden):
        request_reversal(db, local, str(answer.receipt_number), "mine")
    counter.agree(approval_id, "finance2")


def test_what_is_not_there_or_says_nothing_is_refused(counter: Counter) -> None:
    with pytest.raises(NotFound):
        _ask(counter, "25061100000000")
    answer = counter.redeemed(counter.sold[0])
    with pytest.raises(InvalidInput):
        request_reversal(counter.db, counter.service, str(answer.receipt_number), " ")


def test_a_plain_mirror_of_a_redemption_or_a_sale_is_refused(counter: Counter) -> None:
    counter.redeemed(counter.sold[0])
    counter.owe(1_000)
    counter.redeemed(counter.sold[1], "4200000002")
    with counter.db.read() as session:
        entries = session.execute(redemption.select().order_by(redemption.c.serial)).all()
    for row in entries:
        with counter.db.write() as session, pytest.raises((EntryTouchesBills, EntryTouchesCards)):
            reverse(session, row.entry_id, "by hand", session.zone)
    assert counter.broken() == set()


def test_a_card_is_handed_out_for_a_redemption_that_was_taken_back(counter: Counter) -> None:
    old, new = counter.sold[0], counter.spare[0]
    _reverse(counter, counter.redeemed(old).receipt_number)
    counter.agree(_reissue(counter))
    assert "SUSPENSE" not in counter.trade.books()
    assert counter.broken() == set()
    assert counter.use(new, "4200000002").code is Code.REDEEMED
    assert counter.broken() == set()
    with pytest.raises(NotReissuable):
        _reissue(counter, new=1)


def test_only_one_card_is_handed_out_for_it(counter: Counter) -> None:
    _reverse(counter, counter.redeemed(counter.sold[0]).receipt_number)
    one, two = _reissue(counter), _reissue(counter, new=1)
    counter.agree(one)
    with pytest.raises(ContentChanged):
        counter.agree(two)
    assert counter.state_of(two) == "void"
    assert counter.broken() == set()


def test_a_card_handed_out_is_void_or_comes_back_like_the_one_it_stands_for(
    counter: Counter,
) -> None:
    first, second = counter.spare[:2]
    for old, new in ((0, 0), (1, 1)):
        _reverse(counter, counter.redeemed(counter.sold[old]).receipt_number)
        counter.agree(_reissue(counter, old=old, new=new))
    counter.trade.move_by_two("finance2", "void", first.serial, first.serial, reason="torn")
    counter.trade.move_by_two("finance2", "deactivate", second.serial, second.serial)
    assert counter.trade.books()["SUSPENSE"] == -5_000
    assert counter.broken() == set()


def test_without_a_reversal_or_with_another_value_none_is_handed_out(counter: Counter) -> None:
    counter.redeemed(counter.sold[0])
    with pytest.raises(NotReissuable):
        _reissue(counter)
    with pytest.raises(NotReissuable):
        _reissue(counter, old=1)
    with counter.db.read() as session:
        assert session.execute(redemption_reversal.select()).all() == []
    _reverse(counter, _receipt(counter))
    with pytest.raises(CardUnfit):
        request_reissue(
            counter.db, counter.service, text(counter.sold[0]), text(counter.sold[0]), "x"
        )


def _receipt(counter: Counter) -> str:
    with counter.db.read() as session:
        return str(session.execute(redemption.select()).one().receipt_number)


def _reissue(counter: Counter, old: int = 0, new: int = 0) -> int:
    return request_reissue(
        counter.db, counter.service, text(counter.sold[old]), text(counter.spare[new]), "paid twice"
    )


def at_once(work: list[Callable[[], object]]) -> list[str]:
    """Do all of it in parallel; return the codes of the refusals, and `done`."""
    outcomes: list[str] = []
    gate = threading.Barrier(len(work))

    def run(each: Callable[[], object]) -> None:
        gate.wait()
        try:
            each()
            outcomes.append("done")
        except DomainError as error:
            outcomes.append(error.code)

    threads = [threading.Thread(target=run, args=(each,)) for each in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes
