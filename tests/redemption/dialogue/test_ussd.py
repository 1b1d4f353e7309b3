"""USSD: the whole history in each message, the PIN last."""

import itertools
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.db import Database
from core.errors import InvalidInput
from redemption.dialogue import catalogue_en, catalogue_zh
from redemption.dialogue.call_records import USSD
from redemption.dialogue.calls import hang_up
from redemption.dialogue.deps import DialogueDeps
from redemption.dialogue.ussd import UssdReply, _Heard, _turn_of, answer_ussd
from redemption.dialogue.words import LONGEST_SCREEN, Lang, Prompt, screen_text, screen_words
from redemption.tables import attempt, redemption
from tests.redemption.cards import Card
from tests.redemption.dialogue.world import (
    ACCOUNT,
    GATEWAY,
    PHONE,
    count,
    malformed,
    redis_content,
    register,
    texts_sent,
    without_redis,
    wrong_pin,
)

_names = itertools.count(1)


class Display:
    """One session."""

    def __init__(self, deps: DialogueDeps) -> None:
        self.deps, self.name = deps, f"S{next(_names)}"
        self.inputs: list[str] = []

    def send(self, text: str) -> UssdReply:
        """Send a whole history."""
        return answer_ussd(self.deps, GATEWAY, PHONE, self.name, text)

    def type(self, *inputs: str) -> UssdReply:
        """Type one input after the other; return what the display shows then."""
        shown = None
        for one in inputs:
            self.inputs.append(one)
            shown = self.send("*".join(self.inputs))
        return shown or self.send("")


@pytest.fixture
def display(deps: DialogueDeps, household: str) -> Display:
    """A session in which the welcome was shown."""
    made = Display(deps)
    assert made.type().text.startswith("万能充")
    return made


TO_PIN = ("2", "1", ACCOUNT, "1")


def test_the_pin_is_asked_last_and_redeems_at_once(
    display: Display, db: Database, cards: list[Card]
) -> None:
    asked = display.type(*TO_PIN)
    assert (asked.text, asked.end) == ("18-digit PIN of the card:", False)
    done = display.type(cards[0].pin.digits)
    assert done.end
    assert done.text.startswith("50 yuan added, 32.10 paid off arrears")
    assert count(db, redemption) == 1
    [(number, _)] = texts_sent(db)
    assert number == PHONE
    assert cards[0].pin.digits.encode() not in redis_content(display.deps)


def test_every_message_again_shows_the_same_and_has_no_effect(
    display: Display, db: Database, cards: list[Card]
) -> None:
    inputs = ["2", "1", ACCOUNT, "1", cards[0].pin.digits]
    histories = ["*".join(inputs[:n]) for n in range(6)]
    shown = [display.send(history) for history in histories]
    for n in (5, 3, 0, 1, 4, 2, 5):
        assert display.send(histories[n]) == shown[n]
    assert count(db, redemption) == 1


def test_a_message_sent_ten_times_at_once_has_one_effect(
    display: Display, db: Database, cards: list[Card]
) -> None:
    inputs = ["2", "1", ACCOUNT, "1", cards[0].pin.digits]
    with ThreadPoolExecutor(10) as pool:
        for n in range(1, 6):
            history = "*".join(inputs[:n])
            shown = list(pool.map(display.send, [history] * 10))
            assert set(shown) == {shown[0]}
    assert shown[0].end
    assert count(db, redemption) == 1


def test_a_session_that_was_lost_is_played_through_without_effect(
    display: Display, db: Database, cards: list[Card]
) -> None:
    inputs = ["2", "1", ACCOUNT, "1", cards[0].pin.digits]
    shown = [display.type(one) for one in inputs]
    display.deps.redis.flushdb()
    assert display.send("*".join(inputs)) == shown[4]
    assert count(db, redemption) == 1
    display.deps.redis.flushdb()
    assert display.send("*".join(inputs[:4])) == shown[3]
    assert display.send("*".join(inputs)) == shown[4]
    assert count(db, redemption) == 1


def test_a_session_that_was_lost_before_the_pin_goes_on(
    display: Display, db: Database, cards: list[Card]
) -> None:
    display.type(*TO_PIN)
    display.deps.redis.flushdb()
    assert display.type(cards[0].pin.digits).text.startswith("50 yuan added")
    assert count(db, redemption) == 1


def test_a_text_that_does_not_go_on_begins_anew(display: Display, db: Database) -> None:
    display.type("2", "1")
    anew = display.send("1*2")
    assert anew.text == "请输入户号："
    assert display.send("1*2") == anew
    assert display.send(f"1*2*{ACCOUNT}").end


def test_an_input_may_hold_the_sign_that_joins(display: Display) -> None:
    display.type("2", "1")
    shown = display.type(f"999*{ACCOUNT}")
    assert shown.text.startswith("A/c 001 234 4567")
    assert display.type("1").text == "18-digit PIN of the card:"


@pytest.mark.parametrize(
    ("pin", "says"),
    [
        ("123", "missing or wrong. Please check all 18"),
        ("wrong", "not valid. 4 tries left"),
        ("bad", "missing or wrong. Please check all 18"),
    ],
)
def test_a_refusal_ends_the_session(
    display: Display, db: Database, cards: list[Card], pin: str, says: str
) -> None:
    typed = {"wrong": wrong_pin().digits, "bad": malformed(cards[0].pin)}.get(pin, pin)
    refused = display.type(*TO_PIN, typed)
    assert refused.end
    assert says in refused.text
    assert display.send("*".join(display.inputs)) == refused
    assert count(db, attempt) <= 1
    assert count(db, redemption) == 0


def test_answers_end_the_session_and_questions_do_not(
    display: Display, db: Database, household: str
) -> None:
    register(db, ACCOUNT)
    for keys, end in (
        (["1", "2"], True),
        (["1", "3"], True),
        (["1", "4"], False),
        (["1", "4", "42251010007001008"], False),
        (["1", "0"], True),
        (["1", "7"], False),
    ):
        session = Display(display.deps)
        session.type()
        assert session.type(*keys).end is end, keys


def test_a_registered_account_needs_one_key(
    deps: DialogueDeps, household: str, db: Database, cards: list[Card]
) -> None:
    register(db, ACCOUNT)
    session = Display(deps)
    session.type()
    assert "4567" in session.type("1", "1").text
    assert session.type("1").text.endswith("请输入18位密码：")
    assert session.type(cards[0].pin.digits).end
    assert count(db, redemption) == 1


def test_who_hangs_up_is_shown_the_end(display: Display, db: Database, cards: list[Card]) -> None:
    display.type(*TO_PIN)
    hang_up(display.deps, GATEWAY, display.name, USSD)
    assert display.type(cards[0].pin.digits).end
    assert count(db, redemption) == 0


def test_a_code_typed_at_a_wrong_place_is_kept_nowhere(display: Display, cards: list[Card]) -> None:
    display.type("2", "1", cards[0].pin.digits)
    assert cards[0].pin.digits.encode() not in redis_content(display.deps)


def test_without_redis_the_session_ends(display: Display, cards: list[Card]) -> None:
    working = display.deps
    display.deps = without_redis(working)
    assert display.type("2").end
    display.deps = working
    assert not display.send("2").end


def test_a_session_without_a_name_is_refused(deps: DialogueDeps) -> None:
    with pytest.raises(InvalidInput):
        answer_ussd(deps, GATEWAY, PHONE, "", "")


@given(inputs=st.lists(st.text("0123456789#", max_size=5), max_size=6), cut=st.integers(0, 6))
def test_a_turn_is_found_by_how_far_its_text_goes(inputs: list[str], cut: int) -> None:
    texts = ["*".join(inputs[:n]) for n in range(1, len(inputs) + 1)]
    heard = _Heard(known="", marks=(0,))
    assert _turn_of(heard, "") == 1
    for n, text in enumerate(texts, 2):
        if len(text) in heard.marks:
            return  # an empty first input cannot be told from none
        assert _turn_of(heard, text) == n
        heard = _Heard(known=text, marks=(*heard.marks, len(text)))
    for n, text in enumerate(texts[:cut], 2):
        assert _turn_of(heard, text) == n


LONGEST: dict[str, str | int] = {
    "account": "001 234 456 7890",
    "name": "王**",
    "arrears_fen": 99_999_999_99,
    "late_fee_fen": 9_999_999_99,
    "balance_fen": 99_999_999_99,
    "face_fen": 100_000,
    "receipt": "25061100000123",
    "tail": "4567",
    "tries": 5,
    "until": "2025-06-14 09:30",
    "at": "2025-06-11 09:30",
    "hotline": "95598",
    "lengths": "10/13",
}


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_prompt_fits_the_display(language: Lang) -> None:
    long = {
        name: len(screen_text(Prompt(name, dict(LONGEST)), language))
        for name in catalogue_zh.PROMPTS
    }
    assert {name: n for name, n in long.items() if n > LONGEST_SCREEN[language]} == {}


def test_the_screens_of_both_languages_are_the_same_ones() -> None:
    assert list(catalogue_zh.SCREENS) == list(catalogue_en.SCREENS)
    assert set(catalogue_zh.SCREENS) <= set(catalogue_zh.PROMPTS)


def test_of_too_many_words_the_question_or_the_deed_stays() -> None:
    assert screen_words(["a" * 90, "b" * 90], "en", False) == "b" * 90
    assert screen_words(["a" * 90, "b" * 90], "en", True) == "a" * 90
    assert screen_words(["a", "b"], "en", True) == "a\nb"
    assert screen_words(["a" * 200], "en", True) == "a" * 160
