"""The catalogue is complete, and every message fits."""

import re
import string
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.money import MAX_FEN
from redemption.dialogue import catalogue_en, catalogue_zh
from redemption.dialogue.words import (
    LONGEST_MESSAGE,
    Place,
    Prompt,
    history_text,
    message,
    prompt_text,
    sms_text,
)
from redemption.requests import Answer, Code

GSM_7 = set(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
NOW = datetime(2025, 6, 11, 1, 30, tzinfo=UTC)
PLACE = Place(now=NOW)
LANGUAGES = ("zh", "en")

PAID = Answer(
    code=Code.REDEEMED,
    at=NOW,
    face_fen=5000,
    account_tail="4567",
    receipt_number="25061100000123",
    arrears_paid_fen=3210,
    late_fee_fen=100,
    balance_fen=1790,
)


def fields(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name is not None}


@pytest.mark.parametrize("part", ["MESSAGES", "PROMPTS"])
def test_both_languages_have_the_same_words_with_the_same_facts(part: str) -> None:
    zh: dict[str, str] = getattr(catalogue_zh, part)
    en: dict[str, str] = getattr(catalogue_en, part)
    assert list(zh) == list(en)
    assert {name: fields(text) for name, text in zh.items()} == {
        name: fields(text) for name, text in en.items()
    }


def test_english_messages_keep_to_the_gsm_alphabet() -> None:
    for name, text in catalogue_en.MESSAGES.items():
        assert set(re.sub(r"\{\w+\}", "", text)) <= GSM_7, name


def test_every_answer_of_the_engine_has_words() -> None:
    for code in Code:
        for language in LANGUAGES:
            assert sms_text(Answer(code=code), language, PLACE)


@pytest.mark.parametrize(
    ("answer", "zh", "en"),
    [
        (
            PAID,
            "充值50.00元，户号尾号4567，抵欠费32.10(违约金1.00)，余额17.90，流水25061100000123。",
            "Top-up OK: CNY 50.00 to a/c ..4567. Arrears paid 32.10 (late fee 1.00). "
            "Balance 17.90. Ref 25061100000123",
        ),
        (
            Answer(code=Code.PIN_UNKNOWN, tries_left=4, wrong_today=1),
            "充值失败：密码有误，今日还可尝试4次。请核对后重发，帮助请回复BZ。",
            "Top-up failed: PIN not valid. 4 tries left today. Check and resend. HELP for help.",
        ),
        (
            Answer(code=Code.CALLER_LOCKED, lock_rule="day", wrong_today=5, locked_until=NOW),
            "今日密码错误已达5次，充值功能已锁定至今晚24:00。咨询95598。",
            "5 wrong PINs today: top-up blocked until 24:00. Call 95598.",
        ),
        (
            Answer(
                code=Code.CALLER_LOCKED,
                lock_rule="days_72h",
                locked_until=datetime(2025, 6, 14, 1, 30, tzinfo=UTC),
            ),
            "充值功能已锁定至06-14 09:30。咨询95598。",
            "Top-up blocked until 06-14 09:30. Call 95598.",
        ),
        (
            Answer(code=Code.CALLER_LOCKED, lock_rule="operator"),
            "充值功能已锁定。咨询95598。",
            "Top-up blocked. Call 95598.",
        ),
        (
            Answer(code=Code.VOUCHER_USED, at=NOW, account_tail="4567", used_by_you=True),
            "该卡已于06-11 09:30充入尾号4567的户号，未重复扣款。有疑问请拨95598。",
            "Card already used 06-11 09:30 for a/c ..4567. You were not charged twice. Call 95598.",
        ),
    ],
)
def test_the_answers_read_as_agreed(answer: Answer, zh: str, en: str) -> None:
    assert sms_text(answer, "zh", PLACE) == zh
    assert sms_text(answer, "en", PLACE) == en


def test_pending_reads_as_agreed() -> None:
    assert message("pending", "zh", {}) == "充值处理中，结果将短信告知，请勿重复提交。"
    assert (
        message("pending", "en", {})
        == "Top-up in progress. We will text the result. Do not resend."
    )


def test_the_wrong_pin_that_used_up_the_last_try_tells_of_the_lock() -> None:
    last = Answer(
        code=Code.PIN_UNKNOWN, tries_left=0, wrong_today=5, lock_rule="day", locked_until=NOW
    )
    assert sms_text(last, "en").startswith("5 wrong PINs today: top-up blocked until 24:00.")


def test_one_try_left_is_said_in_the_singular() -> None:
    assert "1 try left" in sms_text(Answer(code=Code.PIN_UNKNOWN, tries_left=1), "en")


def test_a_card_used_by_another_is_told_apart_from_one_used_by_you() -> None:
    yours = Answer(code=Code.VOUCHER_USED, at=NOW, account_tail="4567", used_by_you=True)
    others = Answer(code=Code.VOUCHER_USED, at=NOW, account_tail="4567", used_by_you=False)
    for language in LANGUAGES:
        assert sms_text(yours, language) != sms_text(others, language)


def test_a_card_used_in_an_earlier_year_is_told_with_the_year() -> None:
    used = Answer(
        code=Code.VOUCHER_USED, at=datetime(2023, 12, 31, 17, 0, tzinfo=UTC), account_tail="4567"
    )
    assert "2024-01-01 01:00" in sms_text(used, "zh", PLACE)


def test_what_is_nothing_is_left_out_of_the_receipt() -> None:
    no_fee = sms_text(Answer(**{**_as_dict(PAID), "late_fee_fen": 0}), "en")
    assert "late fee" not in no_fee
    assert "Arrears paid 32.10" in no_fee
    nothing_owed = sms_text(
        Answer(**{**_as_dict(PAID), "late_fee_fen": 0, "arrears_paid_fen": 0}), "en"
    )
    assert "Arrears" not in nothing_owed


def test_the_late_fee_is_left_out_where_it_would_not_fit() -> None:
    rich = Answer(**{**_as_dict(PAID), "face_fen": 100_000, "balance_fen": MAX_FEN - 1})
    text = sms_text(rich, "zh")
    assert "违约金" not in text
    assert "抵欠费32.10" in text
    assert "余额9999999999999.99" in text


def test_money_that_waits_for_the_bank_is_told() -> None:
    waiting = Answer(
        **{**_as_dict(PAID), "arrears_paid_fen": 0, "late_fee_fen": 0, "waits_for_bank": True}
    )
    assert "欠费银行代扣中" in sms_text(waiting, "zh")
    assert "bill is with the bank" in sms_text(waiting, "en")


def test_a_silent_answer_has_no_words() -> None:
    assert sms_text(Answer(code=Code.PIN_MALFORMED, silent=True), "zh") == ""


def _as_dict(answer: Answer) -> dict[str, Any]:
    return {name: getattr(answer, name) for name in answer.__struct_fields__}


sums = st.integers(0, MAX_FEN)
instants = st.datetimes(
    datetime(2007, 1, 1),  # noqa: DTZ001 - hypothesis wants naive bounds
    datetime(2099, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)
answers = st.builds(
    Answer,
    code=st.sampled_from(Code),
    at=instants,
    serial=st.just("42251010007001008"),
    face_fen=sums,
    account_tail=st.just("4567"),
    receipt_number=st.just("25061100000123"),
    arrears_paid_fen=sums,
    late_fee_fen=sums,
    balance_fen=sums,
    waits_for_bank=st.booleans(),
    used_by_you=st.sampled_from([None, True, False]),
    tries_left=st.one_of(st.none(), st.integers(0, 9999)),
    wrong_today=st.one_of(st.none(), st.integers(0, 9999)),
    lock_rule=st.sampled_from([None, "day", "days_72h", "operator"]),
    locked_until=st.one_of(st.none(), instants),
)


@given(answers, st.sampled_from(LANGUAGES), st.sampled_from(["95598", "400-810-95598"]))
def test_every_answer_fits_one_message_whatever_the_sums(
    answer: Answer, language: str, hotline: str
) -> None:
    text = sms_text(answer, language, Place(hotline=hotline, now=NOW))
    assert 0 < len(text) <= LONGEST_MESSAGE[language]
    assert language == "zh" or set(text) <= GSM_7


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("waits", [True, False])
def test_a_receipt_of_the_largest_sums_fits(language: str, waits: bool) -> None:
    largest = Answer(
        code=Code.REDEEMED,
        face_fen=MAX_FEN,
        account_tail="4567",
        receipt_number="25061100000123",
        arrears_paid_fen=MAX_FEN,
        late_fee_fen=MAX_FEN,
        balance_fen=MAX_FEN,
        waits_for_bank=waits,
    )
    text = sms_text(largest, language)
    assert len(text) <= LONGEST_MESSAGE[language]
    assert "25061100000123" in text
    assert waits == ("银行" in text or "at bank" in text or "with the bank" in text)


@given(st.sampled_from(list(catalogue_zh.MESSAGES)), sums, st.sampled_from(LANGUAGES))
def test_every_other_message_fits_too(name: str, fen: int, language: str) -> None:
    shorter = {"balance": "balance_short", "arrears": "arrears_short"}
    if name.startswith("redeemed"):
        name = "redeemed"
    yuan = f"{fen // 100}.{fen % 100:02d}"
    facts = {
        "face": "1000.00", "arrears": yuan, "late_fee": yuan, "balance": yuan, "tail": "4567",
        "receipt": "25061100000123", "tries": "4", "wrong": "5", "until": "2025-06-14 09:30",
        "at": "2025-06-14 09:30", "hotline": "400-810-95598", "lengths": "10/13",
        "entries": "", "code": "123456", "caller": "8000",
    }  # fmt: skip
    text = message([name, shorter.get(name, name)], language, facts)
    assert len(text) <= LONGEST_MESSAGE[language]
    assert language == "zh" or set(text) <= GSM_7


@given(st.lists(st.tuples(st.just("2024-06-11 09:30"), sums), max_size=9), st.data())
def test_a_history_tells_as_much_as_fits(
    entries: list[tuple[str, int]], data: st.DataObject
) -> None:
    language = data.draw(st.sampled_from(LANGUAGES))
    text = history_text("4567", entries, language)
    assert len(text) <= LONGEST_MESSAGE[language]
    assert not entries or entries[0][0] in text


def test_a_prompt_says_whole_yuan_without_their_fen() -> None:
    prompt = Prompt("confirm", {"face_fen": 5000, "tail": "4567"})
    assert prompt_text(prompt, "en").startswith("This card is worth 50 yuan, for the account")
    assert "32.10 yuan" in prompt_text(
        Prompt("arrears", {"tail": "4567", "arrears_fen": 3210, "late_fee_fen": 100}), "en"
    )
