"""The decision, without any database: requests and facts in, answers and rows out."""

from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from accounts.balances import AccountRow
from accounts.bill import Bill
from accounts.late_fee import Rate
from redemption.facts import Facts, Redeemed, RuleSettings
from redemption.prepare import Prepared, serial_named
from redemption.requests import (
    Budget,
    Caller,
    Code,
    Purpose,
    RedeemRequest,
    caller_of_partner,
    caller_of_phone,
)
from redemption.rules import Decided, LookUpAgain, decide
from redemption.throttle import CallerState, Limits, LockRule
from vouchers.card_facts import CardFacts
from vouchers.lookup import Found
from vouchers.pins import draw

NOW = datetime(2026, 6, 11, 1, 30, tzinfo=UTC)
TODAY = date(2026, 6, 11)
RULES = RuleSettings(ZoneInfo("Asia/Shanghai"), Limits(5, 10, 20, 20), 100, 2)
PHONE = caller_of_phone("+8613800000001")
SERIAL = 4226101000100000
ACCOUNT = "0123456789"
_numbers = iter(range(10**6))


def card(serial: int = SERIAL, **changes: Any) -> CardFacts:
    plain = CardFacts(serial, 5000, "active", None, date(2029, 1, 1), TODAY, None)
    return replace(plain, **changes)


def ask(
    serial: int | None = SERIAL,
    key: str | None = None,
    caller: Caller = PHONE,
    account: str | None = ACCOUNT,
    content: bytes = b"same",
    **changes: Any,
) -> Prepared:
    """A request whose PIN is that of `serial`, or of no card."""
    number = f"260611{next(_numbers):08d}"
    request = RedeemRequest(
        channel="sms",
        sender="gw",
        key=key or number,
        caller=caller,
        account_number=account,
        pin=draw(),
        **changes,
    )
    found = None if serial is None else Found(serial, serial // 100_000, 5000, 1)
    return Prepared(request, found, serial, content, {1: 7}, 1, number)


def account(state: Literal["open", "closed"]) -> AccountRow:
    return AccountRow(ACCOUNT, "王小明", "residential", None, None, state, 0, 1)


def malformed() -> Prepared:
    wrong = ask()
    return replace(wrong, request=replace(wrong.request, pin=None), found=None, serial=None)


def facts(*cards: CardFacts, **changes: Any) -> Facts:
    cards = cards or (card(),)
    plain = Facts(
        now=NOW,
        rules=RULES,
        callers={PHONE.identity: CallerState(PHONE.identity, TODAY)},
        answers={},
        cards={c.serial: c for c in cards},
        accounts={ACCOUNT: account("open")},
        redeemed={},
        bills={},
        frozen_days={},
        rates={},
        wrong_this_hour={},
    )
    return replace(plain, **changes)


def codes(decided: Decided) -> list[Code]:
    return [decision.outcome.answer.code for decision in decided.decisions]


def test_a_good_card_pays_its_whole_value_into_the_account() -> None:
    decided = decide([ask()], facts())
    answer = decided.decisions[0].outcome.answer
    assert (answer.code, answer.face_fen, answer.balance_fen) == (Code.REDEEMED, 5000, 5000)
    assert answer.account_tail == "6789"
    credit = decided.decisions[0].credit
    assert credit is not None
    assert (credit.serial, credit.face_fen) == (SERIAL, 5000)


def test_one_card_in_two_requests_of_a_list_is_credited_once() -> None:
    decided = decide([ask(), ask(), ask(caller=caller_of_phone("+8613800000002"))], with_second())
    assert codes(decided) == [Code.REDEEMED, Code.VOUCHER_USED, Code.VOUCHER_USED]
    assert [d.credit is not None for d in decided.decisions] == [True, False, False]
    mine, others = (decided.decisions[i].outcome.answer.used_by_you for i in (1, 2))
    assert (mine, others) == (True, False)


def with_second() -> Facts:
    second = caller_of_phone("+8613800000002").identity
    return facts(
        callers={i: CallerState(i, TODAY) for i in (PHONE.identity, second)},
    )


def test_one_request_delivered_twice_in_a_list_gets_the_same_answer() -> None:
    first, again, other = (ask(key="k"), ask(key="k"), ask(key="k", content=b"another account"))
    decided = decide([first, again, other], facts())
    one, two, three = (d.outcome for d in decided.decisions)
    assert one.answer == two.answer
    assert (one.replayed, two.replayed) == (False, True)
    assert three.answer.code is Code.REQUEST_CONFLICT
    assert [d.stored is not None for d in decided.decisions] == [True, False, False]


def test_two_cards_of_a_list_settle_the_arrears_of_one_account_in_turn() -> None:
    bill = Bill(1, ACCOUNT, principal_fen=8000, due_on=date(2026, 7, 1))
    two = facts(card(), card(SERIAL + 1), bills={ACCOUNT: [bill]})
    decided = decide([ask(), ask(SERIAL + 1)], replace(two, rates={"residential": []}))
    first, second = (d.outcome.answer for d in decided.decisions)
    assert (first.arrears_paid_fen, first.balance_fen) == (5000, 0)
    assert (second.arrears_paid_fen, second.balance_fen) == (3000, 2000)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"stage": "stocked", "activated_on": None}, Code.PIN_UNKNOWN),
        ({"stage": "void", "activated_on": None}, Code.PIN_UNKNOWN),
        ({"stage": "stocked", "activated_on": None, "hold": "stolen"}, Code.PIN_UNKNOWN),
        ({"stage": "void", "hold": "stolen"}, Code.VOUCHER_VOID),
        ({"hold": "suspended"}, Code.VOUCHER_ON_HOLD),
        ({"voucher_hold": "damaged"}, Code.VOUCHER_ON_HOLD),
        ({"voucher_hold": "replaced"}, Code.VOUCHER_REPLACED),
        ({"hold": "lost", "expires_on": date(2026, 1, 1)}, Code.VOUCHER_ON_HOLD),
        ({"expires_on": TODAY - timedelta(days=1)}, Code.VOUCHER_EXPIRED),
        ({"expires_on": TODAY}, Code.REDEEMED),
    ],
)
def test_the_first_refusal_that_holds_is_told(changes: dict[str, Any], code: Code) -> None:
    assert codes(decide([ask()], facts(card(**changes)))) == [code]


def test_a_used_card_is_told_used_whatever_became_of_its_lot() -> None:
    used = {SERIAL: Redeemed(ACCOUNT, PHONE.identity, NOW - timedelta(days=1))}
    void = facts(card(stage="void"), redeemed=used)
    answer = decide([ask()], void).decisions[0].outcome.answer
    assert (answer.code, answer.account_tail) == (Code.VOUCHER_USED, "6789")


def test_a_card_that_is_not_activated_answers_like_an_unknown_pin_but_alarms() -> None:
    asleep = facts(card(stage="stocked", activated_on=None))
    unsold = decide([ask()], asleep).decisions[0]
    unknown = decide([ask(None)], asleep).decisions[0]
    assert unsold.outcome.answer == unknown.outcome.answer
    assert [alarm.kind for alarm in unsold.alarms] == ["not_activated_card"]
    assert unknown.alarms == ()


def test_the_account_is_judged_before_the_pin_so_that_a_guesser_learns_nothing() -> None:
    for serial in (SERIAL, None):
        assert codes(decide([ask(serial, account="9999999999")], facts())) == [Code.ACCOUNT_UNKNOWN]
    closed = facts(accounts={ACCOUNT: account("closed")})
    assert codes(decide([ask(None)], closed)) == [Code.ACCOUNT_CLOSED]


def test_a_serial_that_is_not_the_pin_s_own_is_one_wrong_try() -> None:
    decided = decide([ask(serial=SERIAL), ask()], facts(card(), card(SERIAL + 1)))
    assert codes(decided) == [Code.REDEEMED, Code.VOUCHER_USED]
    other = ask()
    request = replace(other.request, serial=SERIAL + 1)
    other = replace(other, request=request, serial=serial_named(request, other.found))
    assert codes(decide([other], facts())) == [Code.PIN_UNKNOWN]


def test_500_tries_at_once_get_five_answers_and_then_the_lock() -> None:
    decided = decide([ask(None) for _ in range(499)] + [ask()], facts())
    assert codes(decided) == [Code.PIN_UNKNOWN] * 5 + [Code.CALLER_LOCKED] * 495
    last = decided.decisions[4].outcome.answer
    assert (last.tries_left, last.lock_rule) == (0, LockRule.DAY)
    assert [d.refused for d in decided.decisions].count(Code.PIN_UNKNOWN) == 5
    assert decided.callers[0].wrong_today == 5


def test_200_racers_of_one_caller_for_one_card_are_never_refused_for_want_of_tries() -> None:
    decided = decide([ask() for _ in range(200)], facts())
    assert codes(decided) == [Code.REDEEMED] + [Code.VOUCHER_USED] * 199


def test_locked_answers_are_not_stored_so_that_the_key_works_later() -> None:
    locked = {PHONE.identity: CallerState(PHONE.identity, TODAY, locked_rule=LockRule.OPERATOR)}
    decision = decide([ask()], facts(callers=locked)).decisions[0]
    assert decision.outcome.answer.code is Code.CALLER_LOCKED
    assert not decision.stored


def test_a_pin_that_was_not_looked_up_is_never_answered_unknown() -> None:
    with pytest.raises(LookUpAgain):
        decide([replace(ask(None), looked_up=False)], facts())


def test_malformed_pins_are_no_tries_and_are_silenced_after_twenty() -> None:
    decided = decide([malformed() for _ in range(23)] + [ask()], facts())
    assert codes(decided) == [Code.PIN_MALFORMED] * 23 + [Code.REDEEMED]
    silent = [d.outcome.answer.silent for d in decided.decisions]
    assert silent == [False] * 20 + [True] * 3 + [False]
    assert sum(d.stored is not None for d in decided.decisions) == 21


def test_looking_a_card_up_moves_nothing_and_counts_as_the_try() -> None:
    check: dict[str, Any] = {"purpose": Purpose.CHECK, "account": None}
    good = decide([ask(**check)], facts()).decisions[0]
    assert good.outcome.answer.code is Code.REDEEMABLE
    assert good.credit is None
    wrong = decide([ask(None, **check)], facts())
    assert wrong.decisions[0].refused is Code.PIN_UNKNOWN
    assert wrong.callers[0].wrong_today == 1


def test_a_partner_over_its_hourly_budget_is_slowed_and_alarmed_once_never_locked() -> None:
    nobody = caller_of_partner("shop", None)
    assert nobody.budget is Budget.NONE
    asked = [ask(None, caller=nobody, sender_wrong_per_hour=3) for _ in range(6)]
    decided = decide(asked, facts())
    assert codes(decided) == [Code.PIN_UNKNOWN] * 6
    assert [d.outcome.delay_s for d in decided.decisions] == [0, 0, 0, 2, 2, 2]
    alarms = [alarm.kind for d in decided.decisions for alarm in d.alarms]
    assert alarms == ["partner_wrong_pins"]


def test_a_frozen_quote_counts_the_late_fee_to_the_day_it_was_told() -> None:
    rates = {"residential": [Rate(date(1970, 1, 1), 100, 100)]}
    bill = Bill(1, ACCOUNT, principal_fen=1_000_000, due_on=date(2026, 6, 1))
    plain = facts(bills={ACCOUNT: [bill]}, rates=rates)
    frozen = replace(plain, frozen_days={ACCOUNT: TODAY - timedelta(days=1)})
    fees = [
        decide([ask()], known).decisions[0].outcome.answer.late_fee_fen for known in (plain, frozen)
    ]
    assert fees == [5000, 5000]  # the card's whole value goes into the fee of 100.00 or 90.00
    allocations = [decide([ask()], k).decisions[0].credit for k in (plain, frozen)]
    charged = [a.allocation.payments[0].charged_fee_fen for a in allocations if a is not None]
    assert charged == [10_000, 9_000]


def test_a_pin_passed_over_for_its_account_is_looked_up_when_the_account_appears() -> None:
    passed_over = replace(ask(None), has_account=False)
    unknown = decide([passed_over], facts(accounts={}))
    assert codes(unknown) == [Code.ACCOUNT_UNKNOWN]
    with pytest.raises(LookUpAgain):
        decide([passed_over], facts())
