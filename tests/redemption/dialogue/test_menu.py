"""Whole walks through the phone menu, as transcripts."""

from datetime import timedelta

import pytest

from redemption.dialogue.menu import step
from redemption.dialogue.moves import CHANCES
from redemption.dialogue.results import MAX_CARDS
from redemption.dialogue.state import (
    CheckCard,
    FindAccount,
    Hangup,
    Redeem,
    RememberLanguage,
)
from redemption.requests import Code
from tests.redemption.dialogue.calls import (
    ACCOUNT,
    DIGITS,
    KNOWN,
    NOW,
    PIN,
    RULES,
    SERIAL_KEY,
    TO_PIN,
    WRONG,
    Call,
    answers,
    instead,
    redeems,
)


def test_a_recharge_from_the_welcome_to_the_receipt_in_english() -> None:
    call = Call()
    assert call.text == "欢迎使用万能充。中文请按1。For English press 2."
    assert call.press("2").text == (
        "To recharge press 1; balance and arrears 2; recent recharges 3; check a card 4; "
        "register your account 5; repeat 9; operator 0."
    )
    assert call.press("1").text == "Enter the account number, then hash."
    assert call.press(ACCOUNT + "#").text == (
        "Account 001 234 4567, name 王*, arrears 32.10 yuan including late fee 1. "
        "If correct press 1; to enter again press 2."
    )
    assert call.press("1").text == (
        "Scratch the card and enter the 18-digit PIN, then hash. To start again press star."
    )
    assert call.press(DIGITS + "#").text == (
        "This card is worth 50 yuan, for the account ending 4567. "
        "Press hash to confirm or star to cancel."
    )
    assert call.press("#").text == (
        "50 yuan added, 32.10 paid off arrears, balance 17.90. Reference 25061100000123. "
        "A text message follows. Another card press 1; main menu star."
    )
    assert call.effects == [
        RememberLanguage("en"),
        FindAccount(ACCOUNT),
        CheckCard(PIN),
        Redeem(SERIAL_KEY, ACCOUNT),
    ]


def test_a_recharge_in_chinese() -> None:
    call = Call().press("1", "1", ACCOUNT, "1", DIGITS)
    assert call.text == "该卡面值50元，充入尾号4567的户号。确认请按井号键，取消请按星号键。"
    assert call.press("#").text == (
        "已充值50元，其中32.10元抵缴欠费，余额17.90元。流水号25061100000123。"
        "结果将短信告知。 继续充值请按1；返回主菜单请按星号键。"
    ).replace("。结果", "。 结果")


def test_silence_at_the_welcome_means_chinese() -> None:
    call = Call().press("")
    assert call.node == "menu"
    assert call.text.startswith("充值请按1")
    assert call.effects == []


def test_a_caller_who_is_bound_chooses_his_own_account_with_one_key() -> None:
    call = Call(start=KNOWN).press("2", "1")
    assert call.text == "For the account ending 4567 press 1; for another account press 2."
    call.press("1")
    assert call.node == "pin"
    assert call.ids == ["arrears", "pin"]
    call.press(DIGITS, "#")
    assert redeems(call.effects) == [Redeem(SERIAL_KEY, ACCOUNT)]


def test_a_caller_who_is_bound_may_name_another_account() -> None:
    call = Call(start=KNOWN).press("2", "1", "2")
    assert call.node == "account"


@pytest.mark.parametrize("key", ["*", "1", "9", "0", "", "5", DIGITS, "*#", "1#"])
def test_only_hash_at_the_confirmation_redeems(key: str) -> None:
    call = Call().press(*TO_PIN, DIGITS, key)
    assert redeems(call.effects) == []


def test_star_at_the_confirmation_cancels() -> None:
    call = Call().press(*TO_PIN, DIGITS, "*")
    assert call.node == "menu"
    assert call.ids == ["cancelled", "menu"]
    assert call.state.serial is None


def test_hanging_up_before_the_hash_redeems_nothing() -> None:
    call = Call().press(*TO_PIN, DIGITS)
    last = step(call.state, Hangup(), RULES)
    assert last.end
    assert last.effect is None


def test_another_card_goes_to_the_same_account_and_at_most_five_go_in_one_call() -> None:
    call = Call().press(*TO_PIN)
    for _ in range(MAX_CARDS - 1):
        call.press(DIGITS, "#")
        assert call.node == "done"
        call.press("1")
        assert call.node == "pin"
    call.press(DIGITS, "#")
    assert call.last.end
    assert call.ids[-2:] == ["card_limit", "goodbye"]
    assert len(redeems(call.effects)) == MAX_CARDS


def test_nine_repeats_the_question_and_costs_no_chance() -> None:
    call = Call().press("2", "1", ACCOUNT)
    said = call.text
    for _ in range(2 * CHANCES):
        assert call.press("9").text == said


def test_nine_after_a_recharge_says_the_receipt_number_again() -> None:
    call = Call().press(*TO_PIN, DIGITS, "#", "9")
    assert "25061100000123" in call.text


@pytest.mark.parametrize("keys", [[], ["2"], ["2", "1"], TO_PIN, ["2", "4"], [*TO_PIN, DIGITS]])
def test_zero_hands_over_to_the_operator_everywhere(keys: list[str]) -> None:
    call = Call().press(*keys, "0")
    assert call.last.end
    assert call.ids == ["operator"]
    assert "95598" in call.text


@pytest.mark.parametrize(
    ("keys", "node"),
    [
        (["*"], "welcome"),
        (["2", "*"], "menu"),
        (["2", "1", "*"], "menu"),
        (["2", "1", ACCOUNT, "*"], "account"),
        ([*TO_PIN, "*"], "account"),
        ([*TO_PIN, DIGITS, "#", "*"], "menu"),
        (["2", "4", "*"], "menu"),
    ],
)
def test_star_goes_back_one_level(keys: list[str], node: str) -> None:
    assert Call().press(*keys).node == node


def test_star_goes_back_to_the_choice_of_account_where_there_was_one() -> None:
    assert Call(start=KNOWN).press("2", "1", "2", "*").node == "own_account"
    assert Call(start=KNOWN).press("2", "1", "1", "*").node == "own_account"


def test_star_behind_digits_clears_them() -> None:
    call = Call().press(*TO_PIN, "123*")
    assert call.node == "pin"
    assert call.ids == ["cleared", "pin"]
    call.press(f"123*{DIGITS}#")
    assert call.node == "confirm"


@pytest.mark.parametrize("key", ["", "7", "x", "٣"])
def test_the_third_wrong_key_or_silence_ends_the_call(key: str) -> None:
    call = Call().press("2")
    for _ in range(CHANCES - 1):
        call.press(key)
        assert call.node == "menu"
        assert len(call.ids) == 2
    call.press(key)
    assert call.last.end
    assert call.ids[-1] == "goodbye"


def test_a_right_key_gives_all_chances_back() -> None:
    call = Call().press("2", "", "", "1", "", "")
    assert call.node == "account"


def test_three_malformed_pins_end_the_call_and_none_is_looked_up() -> None:
    call = Call().press(*TO_PIN, WRONG)
    assert call.ids == ["pin_malformed", "pin"]
    call.press("123#", DIGITS + "1")
    assert call.last.end
    assert [e for e in call.effects if isinstance(e, CheckCard)] == [CheckCard(None)] * 3


def test_a_flood_of_malformed_pins_ends_the_call_at_once() -> None:
    world = instead(CheckCard=answers(Code.PIN_MALFORMED, silent=True))
    assert Call(world).press(*TO_PIN, WRONG).last.end


def test_three_unknown_pins_end_the_call() -> None:
    world = instead(CheckCard=answers(Code.PIN_UNKNOWN, tries_left=2, wrong_today=3))
    call = Call(world).press(*TO_PIN, DIGITS)
    assert call.text.startswith("The PIN is not valid. 2 tries left today.")
    call.press(DIGITS, DIGITS)
    assert call.last.end


def test_going_round_by_the_menu_does_not_give_new_pins_to_guess() -> None:
    world = instead(CheckCard=answers(Code.PIN_UNKNOWN, tries_left=2))
    call = Call(world).press(*TO_PIN, DIGITS, "*", "*", *TO_PIN[1:], DIGITS, "*", "*")
    call.press(*TO_PIN[1:], DIGITS)
    assert call.last.end


def test_a_wrong_pin_that_locks_is_told_as_a_lock() -> None:
    world = instead(
        CheckCard=answers(
            Code.PIN_UNKNOWN,
            tries_left=0,
            wrong_today=5,
            lock_rule="day",
            locked_until=NOW + timedelta(hours=9),
        )
    )
    call = Call(world).press(*TO_PIN, DIGITS)
    assert call.node == "locked"
    assert call.text == (
        "Too many wrong PINs. Recharge is blocked until midnight. Operator press 0; main menu star."
    )
    assert call.press("0").last.end


def test_a_longer_lock_is_told_with_its_end() -> None:
    until = answers(Code.CALLER_LOCKED, lock_rule="days_72h", locked_until=NOW + timedelta(days=3))
    assert "until 06-14 09:30" in Call(instead(CheckCard=until)).press(*TO_PIN, DIGITS).text
    for_good = answers(Code.CALLER_LOCKED, lock_rule="operator")
    assert "operator unlocks" in Call(instead(CheckCard=for_good)).press(*TO_PIN, DIGITS).text


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (Code.VOUCHER_USED, "used_by_another"),
        (Code.VOUCHER_ON_HOLD, "voucher_on_hold"),
        (Code.VOUCHER_EXPIRED, "voucher_expired"),
        (Code.VOUCHER_VOID, "voucher_void"),
        (Code.VOUCHER_REPLACED, "voucher_replaced"),
    ],
)
def test_a_refused_card_is_explained_and_the_menu_follows(code: Code, said: str) -> None:
    world = instead(CheckCard=answers(code, at=NOW, account_tail="4567"))
    call = Call(world).press(*TO_PIN, DIGITS)
    assert call.ids == [said, "menu"]


@pytest.mark.parametrize("code", [c for c in Code if c is not Code.REDEEMED])
def test_whatever_the_engine_answers_at_last_there_are_words(code: Code) -> None:
    call = Call(instead(Redeem=answers(code))).press(*TO_PIN, DIGITS, "#")
    assert call.node in ("menu", "locked", "confirm")
    assert call.text
