"""The rest of the menu: accounts, registering, cards, outages, and any keys at all."""

from hypothesis import given
from hypothesis import strategies as st

from redemption.dialogue.menu import step
from redemption.dialogue.results import grouped_account
from redemption.dialogue.state import (
    AccountFound,
    AccountMissing,
    Bound,
    CardStatus,
    CodeGone,
    CodeRefused,
    CodeSent,
    CodeWrong,
    Effect,
    EnterCode,
    FindAccount,
    Hangup,
    MenuState,
    Pending,
    Recharged,
    Result,
    SendCode,
    Start,
    Unavailable,
)
from redemption.requests import Code
from tests.redemption.dialogue.calls import (
    ACCOUNT,
    DIGITS,
    FOUND,
    KNOWN,
    MALFORMED,
    NOW,
    REDEEMABLE,
    REDEEMED,
    RULES,
    SERIAL,
    TO_PIN,
    WRONG,
    Call,
    answers,
    instead,
    redeems,
)


def test_an_unknown_account_is_asked_for_again_three_times() -> None:
    call = Call(instead(FindAccount=AccountMissing())).press("2", "1", ACCOUNT)
    assert call.ids == ["account_unknown", "account"]
    call.press(ACCOUNT, ACCOUNT)
    assert call.last.end


def test_an_account_of_a_wrong_length_is_not_looked_up() -> None:
    call = Call().press("2", "1", "123#")
    assert call.text.startswith("An account number has 10/13 digits.")
    assert FindAccount("123") not in call.effects


def test_a_closed_account_cannot_be_recharged() -> None:
    closed = AccountFound(ACCOUNT, "王*", 0, 0, 0, is_open=False)
    call = Call(instead(FindAccount=closed)).press("2", "1", ACCOUNT)
    assert call.ids == ["account_closed", "account"]
    call = Call(instead(FindAccount=closed), start=KNOWN).press("2", "1", "1")
    assert call.ids == ["account_closed", "menu"]


def test_the_balance_is_told_to_its_holder_only() -> None:
    call = Call().press("2", "2", ACCOUNT)
    assert call.ids == ["arrears", "menu"]
    call = Call(start=KNOWN).press("2", "2")
    assert call.ids == ["arrears", "balance", "menu"]
    assert "Its balance is 17.90 yuan." in call.text


def test_a_late_fee_that_is_none_is_not_spoken_of() -> None:
    no_fee = instead(FindAccount=AccountFound(ACCOUNT, "王*", 3210, 0, 1790))
    call = Call(no_fee, start=KNOWN).press("2", "2")
    assert call.ids == ["arrears_short", "balance", "menu"]
    assert call.text.startswith("The account ending 4567 owes 32.10 yuan. Its balance")
    assert Call(no_fee).press("1", "2", ACCOUNT).text.startswith("尾号4567的户号欠费32.10元。 ")
    assert Call(no_fee).press("2", "1", ACCOUNT).text == (
        "Account 001 234 4567, name 王*, arrears 32.10 yuan. "
        "If correct press 1; to enter again press 2."
    )
    assert Call(no_fee).press("1", "1", ACCOUNT).text == (
        "户号001 234 4567，户名王*，欠费32.10元。正确请按1；重新输入请按2。"
    )


def test_recent_recharges_are_for_bound_callers() -> None:
    assert Call().press("2", "3").ids == ["none_bound", "menu"]
    world = instead(RecentRecharges=Recharged(ACCOUNT, ((NOW, 5000), (NOW, 3000))))
    call = Call(world, start=KNOWN).press("2", "3")
    assert call.text.startswith(
        "Recent recharges of the account ending 4567: 06-11 09:30, 50 yuan. 06-11 09:30, 30 yuan."
    )
    nothing = instead(RecentRecharges=Recharged(ACCOUNT, ()))
    assert Call(nothing, start=KNOWN).press("2", "3").ids == ["history_none", "menu"]


def test_a_card_is_checked_by_its_serial_never_by_its_pin() -> None:
    world = instead(CheckSerial=CardStatus("active", 5000))
    assert Call(world).press("2", "4", SERIAL + "#").ids == ["card_active", "menu"]
    assert Call(world).press("2", "4", DIGITS).ids == ["serial_malformed", "serial"]
    nothing = instead(CheckSerial=CardStatus(None))
    assert Call(nothing).press("2", "4", SERIAL).ids == ["card_unknown", "serial"]


def test_registering_an_account_by_a_texted_code() -> None:
    world = instead(SendCode=CodeSent(), EnterCode=Bound(ACCOUNT))
    call = Call(world).press("2", "5", ACCOUNT, "1")
    assert call.effects[-1] == SendCode(ACCOUNT)
    assert call.ids == ["code_sent", "code"]
    call.press("123456#")
    assert list(call.effects)[-1] == EnterCode("123456")
    assert call.ids == ["bound", "menu"]
    assert call.press("1").node == "own_account"


def test_a_wrong_code_may_be_entered_again_while_there_are_tries() -> None:
    world = instead(SendCode=CodeSent(), EnterCode=CodeWrong(2))
    call = Call(world).press("2", "5", ACCOUNT, "1", "123456")
    assert call.ids == ["code_wrong", "code"]
    world.by_effect["EnterCode"] = CodeWrong(0)
    assert call.press("123456").ids == ["code_gone", "menu"]
    world.by_effect["EnterCode"] = CodeGone()
    assert call.press("5", ACCOUNT, "1", "123456").ids == ["code_gone", "menu"]


def test_why_no_code_is_sent_is_told() -> None:
    for reason in ("no_phone", "code_too_many"):
        call = Call(instead(SendCode=CodeRefused(reason))).press("2", "5", ACCOUNT, "1")
        assert call.ids == [reason, "menu"]


def test_a_withheld_number_can_recharge_but_not_register() -> None:
    call = Call(start=Start()).press("2", "5")
    assert call.ids == ["withheld", "menu"]
    call.press("1", ACCOUNT, "1", DIGITS, "#")
    assert "text_follows" not in call.ids
    assert len(redeems(call.effects)) == 1


def test_a_redemption_that_takes_long_is_texted_and_not_repeated() -> None:
    call = Call(instead(Redeem=Pending())).press(*TO_PIN, DIGITS, "#")
    assert call.ids == ["pending", "another"]
    assert call.state.serial is None


def test_an_outage_is_told_and_the_question_asked_again() -> None:
    call = Call(instead(CheckCard=Unavailable())).press(*TO_PIN, DIGITS)
    assert call.ids == ["try_later", "pin"]
    call = Call(instead(FindAccount=Unavailable())).press("2", "1", ACCOUNT)
    assert call.ids == ["try_later", "account"]


def test_a_call_that_goes_round_in_circles_ends() -> None:
    call = Call()
    for _ in range(200):
        call.press("9")
        if call.last.end:
            break
    assert call.last.end


def test_nothing_more_happens_in_a_call_that_has_ended() -> None:
    call = Call().press("2", "0")
    assert step(call.state, Start(), RULES).end is False  # a new call may begin
    again = step(call.state, Hangup(), RULES)
    assert again.end
    assert again.prompts == ()


def test_account_numbers_are_read_back_in_threes_with_four_at_the_end() -> None:
    assert grouped_account("0012344567") == "001 234 4567"
    assert grouped_account("4201012344567") == "420 101 234 4567"


def test_only_pins_and_codes_are_marked_as_sensitive() -> None:
    call = Call(instead(SendCode=CodeSent()))
    sensitive = {}
    for key in ["2", "1", ACCOUNT, "1", DIGITS, "*", "5", ACCOUNT, "1"]:
        call.press(key)
        assert call.last.expect is not None
        sensitive[call.node] = call.last.expect.sensitive
    assert [node for node, secret in sensitive.items() if secret] == ["pin", "code"]


RESULTS: list[Result] = [
    FOUND, AccountMissing(), REDEEMABLE, REDEEMED, MALFORMED, Pending(), Unavailable(),
    Recharged(ACCOUNT, ((NOW, 5000),)), CardStatus("active", 5000), CardStatus(None), CodeSent(),
    CodeRefused("no_phone"), Bound(ACCOUNT), CodeWrong(1), CodeGone(),
    answers(Code.PIN_UNKNOWN, tries_left=1), answers(Code.CALLER_LOCKED, lock_rule="operator"),
]  # fmt: skip
keys = st.sampled_from(
    ["", *"0123456789*#", DIGITS, WRONG, ACCOUNT, ACCOUNT + "#", SERIAL, "123456", "٣", "\0", "**#"]
) | st.text(max_size=30)


@given(st.lists(keys, max_size=30), st.booleans(), st.randoms(use_true_random=False))
def test_no_keys_and_no_results_ever_break_the_menu(
    pressed: list[str], known: bool, random: "object"
) -> None:
    def any_world(effect: Effect) -> Result:
        fitting = [r for r in RESULTS if isinstance(r, good_types(effect))]
        return random.choice(fitting)  # type: ignore[attr-defined, no-any-return]

    call = Call(any_world, start=KNOWN if known else Start(known=True))
    asked_to_redeem = 0
    for key in pressed:
        if call.last.end:
            break
        before = call.node
        call.press(key)
        if len(redeems(call.effects)) > asked_to_redeem:
            asked_to_redeem += 1
            assert before == "confirm"
            assert set(key.strip()) <= set("#＃﹟")
        assert call.last.end or call.last.expect is not None
        assert isinstance(call.state, MenuState)


def good_types(effect: Effect) -> tuple[type, ...]:
    """The kinds of results that an effect can have."""
    kinds: dict[str, tuple[type, ...]] = {
        "FindAccount": (AccountFound, AccountMissing, Unavailable),
        "RecentRecharges": (Recharged, Unavailable),
        "CheckSerial": (CardStatus, Unavailable),
        "SendCode": (CodeSent, CodeRefused, Unavailable),
        "EnterCode": (Bound, CodeWrong, CodeGone, Unavailable),
    }
    return kinds.get(type(effect).__name__, (type(REDEEMABLE), Unavailable))
