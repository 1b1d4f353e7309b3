"""Text messages on real databases."""

import itertools
import re
from dataclasses import replace

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from accounts.tables import electricity_account
from core.db import Database
from core.errors import InvalidInput, TryLater
from core.keyfile import Keys
from core.tables import outbox
from redemption.dialogue.deps import DialogueDeps
from redemption.dialogue.texter import TextReply
from redemption.dialogue.texts import answer_text
from redemption.tables import attempt, caller_binding, redemption
from tests.clocks import FakeClock
from tests.redemption.cards import Card, make_cards
from tests.redemption.dialogue.world import (
    ACCOUNT,
    GATEWAY,
    HOLDER,
    PHONE,
    count,
    make_household,
    malformed,
    redis_content,
    register,
    rows,
    texts_sent,
    without_redis,
    wrong_pin,
)
from vouchers.serials import serial_text

NUMBER = itertools.count(1)


class Texts:
    """Sends texts with a fresh message id each."""

    def __init__(self, deps: DialogueDeps, sender: str = PHONE) -> None:
        self.deps, self.sender = deps, sender

    def __call__(self, text: str, message_id: str | None = None) -> str:
        return self.reply(text, message_id).text

    def reply(self, text: str, message_id: str | None = None) -> TextReply:
        return answer_text(self.deps, GATEWAY, self.sender, text, message_id or f"M{next(NUMBER)}")


@pytest.fixture
def send(deps: DialogueDeps, household: str) -> Texts:
    return Texts(deps)


def test_a_card_is_redeemed_by_text_and_the_reply_is_the_receipt(
    send: Texts, db: Database, cards: list[Card]
) -> None:
    reply = send(f"CZ#{ACCOUNT}#{cards[0].pin.digits}#")
    assert re.fullmatch(
        r"充值50\.00元，户号尾号4567，抵欠费32\.10\(违约金1\.00\)，余额17\.90，流水250611\d{8}。",
        reply,
    )
    assert count(db, redemption) == 1
    assert count(db, outbox) == 0


def test_the_same_message_delivered_again_gets_the_same_receipt(
    send: Texts, db: Database, cards: list[Card]
) -> None:
    text = f"CZ#{ACCOUNT}#{cards[0].pin.digits}#"
    assert send(text, "again") == send(text, "again")
    assert count(db, redemption) == 1
    assert "内容不一致" in send(f"CZ#{ACCOUNT}#{cards[1].pin.digits}#", "again")


def test_the_same_text_sent_again_is_told_that_the_card_was_used(
    send: Texts, cards: list[Card]
) -> None:
    text = f"{ACCOUNT} {cards[0].pin.digits}"
    send(text)
    assert send(text) == "该卡已于06-11 09:30充入尾号4567的户号，未重复扣款。有疑问请拨95598。"
    assert "由他人充入" in Texts(send.deps, "13700000009")(text)


def test_a_serial_must_be_that_of_the_card(send: Texts, cards: list[Card], db: Database) -> None:
    other = serial_text(cards[1].serial)
    assert "密码有误" in send(f"{other}#{cards[0].pin.digits}#{ACCOUNT}#")
    right = serial_text(cards[0].serial)
    assert send(f"{right}#{cards[0].pin.digits}#{ACCOUNT}#").startswith("充值50.00元")
    assert count(db, attempt) == 1


def test_a_serial_without_its_pin_redeems_nothing(
    send: Texts, db: Database, cards: list[Card]
) -> None:
    assert "18位" in send(f"CZ {serial_text(cards[0].serial)} {ACCOUNT}")
    assert "18位" in send(f"{serial_text(cards[0].serial)}#{malformed(cards[0].pin)}#{ACCOUNT}#")
    assert count(db, redemption) == 0


def test_wrong_pins_are_counted_down_and_lock(send: Texts, cards: list[Card]) -> None:
    replies = [send(f"CZ {ACCOUNT} {wrong_pin().digits}") for _ in range(6)]
    assert replies[0] == "充值失败：密码有误，今日还可尝试4次。请核对后重发，帮助请回复BZ。"
    assert replies[4] == "今日密码错误已达5次，充值功能已锁定至今晚24:00。咨询95598。"
    assert replies[5] == replies[4]
    assert send(f"CZ {ACCOUNT} {cards[0].pin.digits}") == replies[4]


def test_a_malformed_pin_is_no_try_but_a_flood_of_them_gets_no_answer(
    send: Texts, db: Database, cards: list[Card]
) -> None:
    slip = f"CZ {ACCOUNT} {malformed(cards[0].pin)}"
    replies = [send(slip) for _ in range(22)]
    assert all("18位" in reply for reply in replies[:20])
    assert replies[20:] == ["", ""]
    assert send(f"CZ {ACCOUNT} {cards[0].pin.digits}").startswith("充值50.00元")


def test_without_an_account_the_registered_one_is_used_or_asked_for(
    send: Texts, db: Database, cards: list[Card]
) -> None:
    assert send(cards[0].pin.digits).startswith("请将户号和密码一起发送")
    assert count(db, attempt) == 0
    assert "18位" in send(malformed(cards[0].pin))
    assert count(db, attempt) == 1
    register(db, ACCOUNT)
    assert send(cards[0].pin.digits).startswith("充值50.00元，户号尾号4567")


def test_an_unknown_account_is_told_and_the_pin_not_looked_up(
    send: Texts, db: Database, cards: list[Card]
) -> None:
    assert send(f"CZ 9999999999 {cards[0].pin.digits}").startswith("户号不存在，卡未使用。")
    assert send(f"CZ 9999999999 {wrong_pin().digits}").startswith("户号不存在，卡未使用。")
    assert count(db, attempt) == 0


def test_a_card_that_is_not_activated_is_answered_like_an_unknown_pin(
    send: Texts, db: Database, keys: Keys
) -> None:
    with db.write() as session:
        stolen = make_cards(session, keys.get(), 1, face_fen=10_000, stage="stocked")[0]
    assert "密码有误，今日还可尝试4次" in send(f"CZ {ACCOUNT} {stolen.pin.digits}")


@pytest.mark.parametrize("sender", ["10086", "95598", "BANK", "", "anonymous", "1069012345678"])
def test_short_alphanumeric_and_withheld_senders_get_no_answer(
    deps: DialogueDeps, household: str, cards: list[Card], sender: str, db: Database
) -> None:
    assert Texts(deps, sender)(f"CZ {ACCOUNT} {cards[0].pin.digits}") == ""
    assert count(db, redemption) == 0


def test_a_number_is_the_same_sender_however_it_is_written(
    deps: DialogueDeps, household: str, db: Database
) -> None:
    register(db, ACCOUNT)
    for sender in ("13800000001", "8613800000001", "+86 138-0000-0001", "008613800000001"):
        assert Texts(deps, sender)("JL") == "户号尾号4567暂无充值记录。"


def test_arrears_are_told_of_any_account_and_the_balance_only_of_ones_own(
    send: Texts, db: Database, cards: list[Card]
) -> None:
    assert send("QF") == "请发送QF#户号查询欠费。户号见电费单。"
    assert send(f"QF {ACCOUNT}") == "户号尾号4567：欠费32.10元(含违约金1.00)。充值CZ#户号#密码。"
    assert send("QF 9999999999").startswith("户号不存在")
    assert send(f"YE {ACCOUNT}").startswith("本机号码尚未绑定户号")
    register(db, ACCOUNT)
    assert send("YE") == "户号尾号4567：余额0.00元，欠费32.10元(含违约金1.00)。"
    assert send("YE 9999999999").startswith("该户号未与本机号码绑定")
    send(cards[0].pin.digits)
    assert send("YE") == "户号尾号4567：余额17.90元，无欠费。"
    assert send("QF") == "户号尾号4567：无欠费。"


def test_the_late_fee_that_was_told_stays_for_a_while(
    send: Texts, cards: list[Card], clock: FakeClock
) -> None:
    clock.advance(hours=14, minutes=25)  # 23:55
    assert "欠费32.10" in send(f"QF {ACCOUNT}")
    clock.advance(minutes=8)
    assert "抵欠费32.10" in send(f"CZ {ACCOUNT} {cards[0].pin.digits}")


def test_the_history_is_of_ones_own_account(
    send: Texts, db: Database, cards: list[Card], clock: FakeClock
) -> None:
    assert send("JL").startswith("本机号码尚未绑定户号")
    register(db, ACCOUNT)
    for card in cards[:4]:
        send(card.pin.digits)
        clock.advance(days=1)
    assert send("JL") == (
        "户号尾号4567近期充值：06-14 09:30 50.00元；06-13 09:30 50.00元；06-12 09:30 50.00元。"
    )


def test_a_card_is_checked_by_its_serial(send: Texts, cards: list[Card]) -> None:
    serial = serial_text(cards[0].serial)
    assert send(f"CK {serial}") == "该卡可用，面值50.00元。充值请发CZ#户号#密码。"
    send(f"CZ {ACCOUNT} {cards[0].pin.digits}")
    assert send(f"CK {serial}").startswith("该卡已使用，面值50.00元")
    assert send("CK 42251010007001008").startswith("没有此序列号的卡")
    assert "切勿发送密码" in send(f"CK {cards[1].pin.digits}")


def test_nobody_gets_the_reply_to_anothers_message_of_the_same_id(
    send: Texts, db: Database
) -> None:
    register(db, ACCOUNT)
    assert send("YE", "same").startswith("户号尾号4567：余额")
    assert Texts(send.deps, "13700000009")("YE", "same").startswith("本机号码尚未绑定户号")


def test_the_language_is_kept(send: Texts, cards: list[Card]) -> None:
    assert send("LANG EN") == "Messages will be in English."
    assert send(f"TOPUP {ACCOUNT} {wrong_pin().digits}") == (
        "Top-up failed: PIN not valid. 4 tries left today. Check and resend. HELP for help."
    )
    assert send("YY ZH") == "已设为中文。"
    assert send("LANG FR") == "发送YY#ZH设为中文，YY#EN设为英文。"
    assert send("BZ").startswith("充值CZ#户号#密码")


def test_a_foreign_number_is_answered_in_english_until_it_chooses(
    deps: DialogueDeps, household: str
) -> None:
    send = Texts(deps, "+442079460000")
    assert send("HELP").startswith("TOPUP account PIN")
    send("LANG ZH")
    assert send("HELP").startswith("充值")


def code_in(db: Database) -> str:
    body = texts_sent(db)[-1][1]
    found = re.search(r"\d{6}", body)
    assert found is not None
    return found[0]


def test_an_account_is_registered_by_the_code_texted_to_its_holder(
    send: Texts, db: Database
) -> None:
    assert send(f"BD {ACCOUNT}").startswith("验证码已发至户号登记的手机")
    recipient, body = texts_sent(db)[0]
    assert recipient == HOLDER
    assert "尾号4567的户号绑定到尾号0001的手机" in body
    code = code_in(db)
    assert code.encode() not in redis_content(send.deps)
    assert send(code) == "绑定成功：户号尾号4567。今后发送CZ#密码即可为该户号充值。"
    assert count(db, caller_binding) == 1
    assert send(code).startswith("验证码无效或已过期")


def test_a_code_has_three_tries(send: Texts, db: Database) -> None:
    send(f"BD {ACCOUNT}")
    code = code_in(db)
    wrong = f"{(int(code) + 1) % 10**6:06d}"
    assert send(wrong, "T1") == "验证码有误，还可尝试2次。"
    assert send(wrong, "T1") == "验证码有误，还可尝试2次。"
    assert send(f"BD {wrong}") == "验证码有误，还可尝试1次。"
    assert send(wrong).startswith("验证码无效或已过期")
    assert send(code).startswith("验证码无效或已过期")
    assert count(db, caller_binding) == 0


def test_a_code_runs_out(send: Texts, db: Database, clock: FakeClock) -> None:
    send(f"BD {ACCOUNT}")
    clock.advance(minutes=10)
    assert send(code_in(db)).startswith("验证码无效或已过期")


def test_a_code_is_of_use_to_its_asker_only(send: Texts, db: Database) -> None:
    send(f"BD {ACCOUNT}")
    assert Texts(send.deps, "13700000009")(code_in(db), "X1").startswith("验证码无效或已过期")


def test_no_phone_is_flooded_with_codes(send: Texts, db: Database) -> None:
    assert send(f"BD {ACCOUNT}", "B1") == send(f"BD {ACCOUNT}", "B1")
    assert count(db, outbox) == 1
    for _ in range(4):
        send(f"BD {ACCOUNT}")
    assert send(f"BD {ACCOUNT}").startswith("今日验证码次数已达上限")
    assert Texts(send.deps, "13700000009")(f"BD {ACCOUNT}", "X1").startswith("今日验证码次数")
    assert count(db, outbox) == 5


def test_without_a_phone_on_file_a_counter_must_help(send: Texts, db: Database) -> None:
    with db.write() as session:
        make_household(session, "4201000000009", None)
    assert send("BD 4201000000009").startswith("该户号未登记手机，请持证件到营业厅")
    assert send("BD 9999999999").startswith("户号不存在")
    assert send("BD") == "请发送BD#户号绑定。户号见电费单。"
    assert send("BD 123") == "户号应为10/13位数字，请核对后重发。"


def test_accounts_are_unbound_one_by_one_or_all(send: Texts, db: Database) -> None:
    with db.write() as session:
        make_household(session, "4201000000009", None)
    register(db, ACCOUNT)
    register(db, "4201000000009")
    assert send("JB 9999999999").startswith("该户号未与本机号码绑定")
    assert send(f"JB {ACCOUNT}", "U1") == "已解除绑定：户号尾号4567。"
    assert send(f"JB {ACCOUNT}", "U1") == "已解除绑定：户号尾号4567。"
    register(db, ACCOUNT)
    assert send("JB") == "已解除本机号码的全部户号绑定。"
    assert send("JB").startswith("本机号码尚未绑定户号")


@pytest.mark.parametrize("text", ["", "\0", "\ud800", "x" * 100_000, "٣" * 18, "CZ " + "１" * 10])
def test_hostile_texts_get_an_answer_and_change_nothing(
    send: Texts, db: Database, text: str
) -> None:
    assert send(text)
    assert count(db, redemption) == 0


@pytest.mark.parametrize("message_id", ["", "\0", "\ud800", "x" * 129, "a\nb"])
def test_a_message_id_that_cannot_be_kept_is_refused(send: Texts, message_id: str) -> None:
    with pytest.raises(InvalidInput):
        answer_text(send.deps, GATEWAY, PHONE, "BZ", message_id)


def test_texts_go_on_without_redis_but_for_codes(
    send: Texts, db: Database, cards: list[Card]
) -> None:
    send.deps = without_redis(send.deps)
    assert send(f"CZ {ACCOUNT} {cards[0].pin.digits}").startswith("充值50.00元")
    assert send("BZ").startswith("充值CZ")
    assert send(f"BD {ACCOUNT}") == "系统繁忙，本次未处理，请稍后重发。咨询95598。"
    assert send("123456").startswith("系统繁忙")
    assert count(db, outbox) == 0


def test_an_outage_is_told_in_words(send: Texts) -> None:
    def broken(_: object) -> object:
        raise TryLater("no")

    send.deps = replace(send.deps, redeem=broken)  # type: ignore[arg-type]
    assert send(f"CZ {ACCOUNT} {wrong_pin().digits}").startswith("系统繁忙，本次未处理")
    send.deps = replace(send.deps, db=_Broken(send.deps.db))  # type: ignore[arg-type]
    assert send("BZ").startswith("系统繁忙，本次未处理")


class _Broken:
    """A database that cannot be reached."""

    def __init__(self, db: Database) -> None:
        self.settings, self.clock = db.settings, db.clock

    def read(self) -> object:
        raise OperationalError("SELECT", {}, Exception("gone"))


def test_no_pin_and_no_code_is_left_in_redis(send: Texts, db: Database, cards: list[Card]) -> None:
    send(f"CZ {ACCOUNT} {cards[0].pin.digits}")
    send(f"CK {cards[1].pin.digits}")
    send(f"QF {cards[2].pin.digits}")
    send(f"BD {ACCOUNT}")
    code = code_in(db)
    send(code)
    kept = redis_content(send.deps)
    assert kept
    assert not any(card.pin.digits.encode() in kept for card in cards)
    assert code.encode() not in kept


def test_the_account_is_left_as_it_was_by_a_refusal(send: Texts, db: Database) -> None:
    send(f"CZ {ACCOUNT} {wrong_pin().digits}")
    assert rows(db, select(electricity_account.c.balance_fen)) == [(0,)]
