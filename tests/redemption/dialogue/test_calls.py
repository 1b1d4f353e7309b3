"""Phone calls on real databases, turn by turn."""

import msgspec
import pytest
from sqlalchemy import select

from core.db import Database
from core.errors import InvalidInput
from core.tables import outbox
from redemption.dialogue.call_records import VOICE
from redemption.dialogue.calls import (
    DialogueConflict,
    DialogueEnded,
    DialogueUnknown,
    _Turn,
    answer_call,
)
from redemption.dialogue.deps import DialogueDeps
from redemption.tables import attempt, caller_binding, redemption, request
from tests.redemption.cards import Card
from tests.redemption.dialogue.world import (
    ACCOUNT,
    GATEWAY,
    HOLDER,
    PHONE,
    TO_PIN,
    Phone,
    count,
    malformed,
    redis_content,
    register,
    rows,
    texts_sent,
    wrong_pin,
)
from vouchers.serials import serial_text


def test_a_whole_call_redeems_a_card_and_the_receipt_is_texted(
    phone: Phone, db: Database, cards: list[Card]
) -> None:
    assert phone.said == ["welcome"]
    phone.press("2", "1", f"{ACCOUNT}#")
    assert phone.last.prompts[0].text == (
        "Account 001 234 4567, name **明, arrears 32.10 yuan including late fee 1. "
        "If correct press 1; to enter again press 2."
    )
    phone.press("1")
    assert phone.last.expect is not None
    assert phone.last.expect.sensitive
    phone.press(f"{cards[0].pin.digits}#")
    assert phone.last.prompts[0].text.startswith("This card is worth 50 yuan")
    assert count(db, redemption) == 0
    done = phone.press("#")
    assert done.state == "done"
    assert done.prompts[0].text.startswith("50 yuan added, 32.10 paid off arrears, balance 17.90.")
    assert done.result is not None
    assert (done.result.amount_fen, done.result.balance_fen) == (5_000, 1_790)
    assert count(db, redemption) == 1
    [(recipient, body)] = texts_sent(db)
    assert recipient == PHONE
    assert body.startswith("Top-up OK: CNY 50.00 to a/c ..4567. Arrears paid 32.10")
    assert done.result.receipt_number in body


def test_hanging_up_before_the_hash_redeems_nothing(
    phone: Phone, db: Database, cards: list[Card]
) -> None:
    phone.press(*TO_PIN, cards[0].pin.digits)
    assert count(db, redemption) == 0
    assert count(db, outbox) == 0
    again = Phone(phone.deps)
    again.press(*TO_PIN, cards[0].pin.digits, "#")
    assert count(db, redemption) == 1


def test_the_same_turn_again_gives_the_same_bytes_and_no_second_effect(
    phone: Phone, db: Database, cards: list[Card]
) -> None:
    pin = f"{cards[0].pin.digits}#"
    for digits in (*TO_PIN, pin, "#"):
        reply = phone.press(digits)
        for _ in range(3):
            assert msgspec.json.encode(phone.again(digits)) == msgspec.json.encode(reply)
    assert count(db, redemption) == 1
    assert count(db, request) == 2
    assert count(db, outbox) == 1


def test_a_wrong_pin_delivered_again_is_one_try(phone: Phone, db: Database) -> None:
    wrong = wrong_pin().digits
    reply = phone.press(*TO_PIN, wrong)
    assert phone.again(wrong) == reply
    assert "4 tries left" in reply.prompts[0].text
    assert count(db, attempt) == 1


def test_another_pin_under_the_same_turn_is_a_conflict_and_no_try(
    phone: Phone, db: Database, cards: list[Card]
) -> None:
    phone.press(*TO_PIN, cards[0].pin.digits)
    for other in (cards[1].pin.digits, wrong_pin().digits, malformed(cards[0].pin), "12"):
        with pytest.raises(DialogueConflict):
            phone.again(other)
    assert count(db, attempt) == 0
    assert phone.press("#").state == "done"


def test_turns_come_one_after_the_other(phone: Phone) -> None:
    phone.press("2")
    with pytest.raises(DialogueConflict) as skipped:
        phone.again("1", turn=4)
    assert skipped.value.details == {"expected": 3}
    with pytest.raises(DialogueConflict):
        phone.again("1", turn=2)
    assert phone.press("1").state == "account"


def test_an_earlier_turn_that_is_delivered_late_has_its_own_reply(
    phone: Phone, db: Database, cards: list[Card]
) -> None:
    keys = ["", *TO_PIN, cards[0].pin.digits, "#"]
    replies = [phone.last] + [phone.press(one) for one in keys[1:]]
    for turn in (3, 1, 7, 6, 2, 5, 4):
        assert phone.again(keys[turn - 1], turn) == replies[turn - 1]
    assert count(db, redemption) == 1
    assert phone.press("*").state == "menu"


def test_a_call_belongs_to_its_caller(phone: Phone) -> None:
    phone.press("2")
    phone.caller = "13700000009"
    with pytest.raises(DialogueConflict):
        phone.press("1")


def test_a_call_begins_with_turn_one_and_ends_for_good(phone: Phone) -> None:
    with pytest.raises(DialogueUnknown):
        answer_call(phone.deps, GATEWAY, PHONE, "1", "never-begun", 2)
    last = phone.press("2", "0")
    assert last.end
    assert last.expect is None
    assert phone.again("0") == last
    with pytest.raises(DialogueEnded):
        phone.press("1")


def test_calls_of_two_gateways_may_have_the_same_id(phone: Phone) -> None:
    phone.press("2")
    other = answer_call(phone.deps, "another", PHONE, "", phone.call_id, 1)
    assert other.state == "welcome"


@pytest.mark.parametrize(
    ("call_id", "turn"),
    [("", 1), ("x" * 129, 1), ("a\0b", 1), ("\ud800", 1), ("CA", 0), ("CA", -1)],
)
def test_bad_ids_and_turns_are_refused(deps: DialogueDeps, call_id: str, turn: int) -> None:
    with pytest.raises(InvalidInput):
        answer_call(deps, GATEWAY, PHONE, "", call_id, turn)


@pytest.mark.parametrize("digits", ["\0", "\ud800", "x" * 100_000, "٣", "1" * 500, "＃"])
def test_hostile_digits_are_wrong_keys_everywhere(
    phone: Phone, db: Database, digits: str, cards: list[Card]
) -> None:
    for ahead in ((), ("2",), TO_PIN[:3], TO_PIN):
        call = Phone(phone.deps)
        assert not call.press(*ahead, digits).end
        assert call.again(digits) == call.last
    assert count(db, redemption) == 0


def test_three_wrong_pins_end_the_call_and_five_lock_the_caller(phone: Phone, db: Database) -> None:
    phone.press(*TO_PIN, *(wrong_pin().digits for _ in range(3)))
    assert phone.last.end
    again = Phone(phone.deps)
    again.press(*TO_PIN, wrong_pin().digits, wrong_pin().digits)
    assert again.last.state == "locked"
    assert "blocked until midnight" in again.last.prompts[0].text
    third = Phone(phone.deps)
    third.press(*TO_PIN, wrong_pin().digits)
    assert third.last.state == "locked"
    assert count(db, attempt) == 5


def test_malformed_pins_are_counted_but_are_no_tries(
    phone: Phone, db: Database, cards: list[Card]
) -> None:
    phone.press(*TO_PIN, malformed(cards[0].pin), "123")
    assert phone.last.state == "pin"
    phone.press(cards[0].pin.digits)
    assert phone.last.state == "confirm"
    assert [row.code for row in rows(db, select(attempt.c.code))] == ["pin_malformed"] * 2


def test_a_used_card_is_told_with_day_and_account(
    phone: Phone, cards: list[Card], db: Database
) -> None:
    phone.press(*TO_PIN, cards[0].pin.digits, "#", "1", cards[0].pin.digits)
    assert phone.said == ["used_by_you", "menu"]
    stranger = Phone(phone.deps, "13700000009")
    stranger.press(*TO_PIN, cards[0].pin.digits)
    assert stranger.said == ["used_by_another", "menu"]
    assert "06-11 09:30" in stranger.last.prompts[0].text


def test_at_most_five_cards_in_one_call(phone: Phone, db: Database, cards: list[Card]) -> None:
    phone.press(*TO_PIN)
    for card in cards[:4]:
        phone.press(card.pin.digits, "#", "1")
    phone.press(cards[4].pin.digits, "#")
    assert phone.last.end
    assert count(db, redemption) == 5


def test_withheld_callers_share_a_budget_and_get_no_text(
    deps: DialogueDeps, household: str, db: Database, cards: list[Card]
) -> None:
    for number, caller in enumerate(("anonymous", "", "1001", "+266696687")):
        call = Phone(deps, caller)
        call.press(*TO_PIN, wrong_pin().digits)
        left = deps.db.settings.withheld_per_day - number - 1
        assert f"{left} tries left" in call.last.prompts[0].text
    call.press(cards[0].pin.digits, "#")
    assert call.last.state == "done"
    assert "text_follows" not in call.said
    assert count(db, outbox) == 0


def test_a_bound_caller_recharges_his_own_account_and_hears_its_balance(
    deps: DialogueDeps, household: str, db: Database, cards: list[Card]
) -> None:
    register(db, ACCOUNT)
    call = Phone(deps)
    call.press("2", "1", "1")
    assert call.said == ["arrears", "pin"]
    call.press(cards[0].pin.digits, "#", "*", "2")
    assert [prompt.text for prompt in call.last.prompts[:2]] == [
        "The account ending 4567 has no arrears.",
        "Its balance is 17.90 yuan.",
    ]
    call.press("3")
    assert call.last.prompts[1].text == "06-11 09:30, 50 yuan."


def test_an_account_is_registered_by_phone(phone: Phone, db: Database) -> None:
    phone.press("2", "5", f"{ACCOUNT}#", "1")
    assert phone.said == ["code_sent", "code"]
    [(recipient, body)] = texts_sent(db)
    assert recipient == HOLDER
    code = body.split("验证码")[1][:6]
    wrong = f"{(int(code) + 1) % 10**6:06d}"
    phone.press(wrong)
    assert phone.last.prompts[0].text == "Wrong code, 2 tries left."
    assert phone.again(wrong) == phone.last
    phone.press(f"{code}#")
    assert phone.said == ["bound", "menu"]
    assert phone.again(f"{code}#") == phone.last
    assert count(db, caller_binding) == 1
    assert code.encode() not in redis_content(phone.deps)


def test_a_card_is_checked_by_its_serial(phone: Phone, cards: list[Card]) -> None:
    phone.press("2", "4", serial_text(cards[0].serial))
    assert phone.said == ["card_active", "menu"]


def test_no_pin_is_left_in_redis_wherever_it_is_entered(phone: Phone, cards: list[Card]) -> None:
    pin = cards[0].pin.digits
    for ahead in ((), ("2",), ("2", "1"), ("2", "4"), TO_PIN):
        for entered in (pin, f"{pin}#", f"12*{pin}"):
            Phone(phone.deps).press(*ahead, entered)
    kept = redis_content(phone.deps)
    assert b"confirm" in kept
    assert pin.encode() not in kept


def test_a_turn_does_not_show_its_keys(deps: DialogueDeps, cards: list[Card]) -> None:
    pin = cards[0].pin.digits
    turn = _Turn(deps, VOICE, GATEWAY, PHONE, None, pin, "CA-1", 5, deps.db.clock(), None)
    assert pin not in repr(turn)


def test_a_call_is_forgotten_after_a_quarter_of_an_hour(phone: Phone) -> None:
    [slot] = list(phone.deps.redis.scan_iter("wanneng:call:*"))
    left = phone.deps.redis.ttl(slot)
    assert isinstance(left, int)
    assert VOICE.kept_s - 60 < left <= VOICE.kept_s
