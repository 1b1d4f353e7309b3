"""Calls over TwiML, as a provider brings them to the real server."""

import secrets
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

from core.tables import outbox
from redemption.tables import attempt, redemption
from tests.api.conftest import Crew
from tests.api.serving import Server, serving
from tests.api.twiml_phone import PUBLIC_URL, VOICE, TwimlPhone, mobile, post, signature
from tests.api.world import World
from vouchers.pins import draw

TO_MENU = ("2",)


def to_confirm(phone: TwimlPhone, account: str, digits: str) -> TwimlPhone:
    """Go from the ring to the confirming question."""
    return phone.ring().press("2", "1", f"{account}#", "1", f"{digits}#")


def redeemed(world: World, account: str) -> int:
    """Return how many cards went to an account."""
    with world.db.read() as session:
        rows = select(func.count()).where(redemption.c.account_number == account)
        return int(session.execute(rows).scalar_one())


def tries(world: World, number: str) -> int:
    """Return the refused tries of a phone."""
    with world.db.read() as session:
        rows = select(func.count()).where(attempt.c.caller == f"tel:{number}")
        return int(session.execute(rows).scalar_one())


def texts(world: World, number: str) -> int:
    """Return how many messages go to a phone."""
    with world.db.read() as session:
        rows = select(func.count()).where(outbox.c.recipient == number)
        return int(session.execute(rows).scalar_one())


@pytest.fixture
def phone(client: httpx.Client) -> TwimlPhone:
    """A telephone that has not rung yet."""
    return TwimlPhone(client)


def test_a_call_redeems_a_card(phone: TwimlPhone, world: World) -> None:
    card, account = world.card(), world.account()
    to_confirm(phone, account, card.pin.digits)
    assert "50 yuan" in phone.heard
    phone.press("#")
    assert "50 yuan added" in phone.heard
    assert redeemed(world, account) == 1
    assert texts(world, phone.caller) == 1
    phone.press("*").press("0")
    assert phone.is_over


def test_a_call_is_led_in_chinese_by_silence(phone: TwimlPhone) -> None:
    phone.ring().wait()
    assert "充值请按1" in phone.heard
    said = phone.root.find("Gather/Say")
    assert said is not None and said.get("language") == "cmn-CN"
    phone.wait().wait()
    assert not phone.is_over
    phone.wait()
    assert phone.is_over


def test_hanging_up_before_the_hash_redeems_nothing(phone: TwimlPhone, world: World) -> None:
    card, account = world.card(), world.account()
    to_confirm(phone, account, card.pin.digits)
    over = post(phone.client, VOICE + "/status", phone.form | {"CallStatus": "completed"})
    assert (over.status_code, over.content) == (204, b"")
    assert redeemed(world, account) == 0
    assert texts(world, phone.caller) == 0


def test_a_hash_that_comes_behind_the_end_of_its_call_redeems_once(
    phone: TwimlPhone, world: World
) -> None:
    card, account = world.card(), world.account()
    to_confirm(phone, account, card.pin.digits)
    ended = phone.form | {"CallStatus": "completed"}
    assert post(phone.client, VOICE + "/status", ended).status_code == 204
    path = phone.path
    assert "50 yuan added" in phone.take(phone.send(path, "#")).heard
    assert phone.send(path, "#").content == phone.last
    assert (redeemed(world, account), texts(world, phone.caller)) == (1, 1)
    post(phone.client, VOICE + "/status", ended)
    assert b"<Hangup/>" in phone.send(phone.path, "1").content


def test_before_the_last_question_no_key_counts_behind_the_end_of_its_call(
    phone: TwimlPhone, world: World
) -> None:
    phone.ring().press("2", "1", f"{world.account()}#", "1")
    post(phone.client, VOICE + "/status", phone.form | {"CallStatus": "completed"})
    assert b"<Hangup/>" in phone.send(phone.path, draw().digits).content
    assert tries(world, phone.caller) == 0


def test_hanging_up_right_after_the_hash_redeems_once(phone: TwimlPhone, world: World) -> None:
    card, account = world.card(), world.account()
    to_confirm(phone, account, card.pin.digits)
    ended = phone.form | {"CallStatus": "completed", "CallDuration": "40"}
    with ThreadPoolExecutor(2) as pool:
        pressed = pool.submit(phone.send, phone.path, "#")
        pool.submit(post, phone.client, VOICE + "/status", ended).result()
        answer = pressed.result()
    again = phone.send(phone.path, "#")
    assert again.content == answer.content
    assert b"added" in answer.content
    assert (redeemed(world, account), texts(world, phone.caller)) == (1, 1)


def test_each_step_delivered_ten_times_at_once_has_one_effect_and_the_same_bytes(
    crew: Crew,
) -> None:
    card, account = crew.world.card(), crew.world.account()
    phone = TwimlPhone(crew.client)
    path = VOICE
    with ThreadPoolExecutor(10) as pool:
        for digits in (None, "2", "1", account, "1", card.pin.digits, "#"):
            sent = [pool.submit(phone.send, path, digits) for _ in range(10)]
            answers = [each.result() for each in sent]
            assert {answer.content for answer in answers} == {answers[0].content}
            phone.take(answers[0])
            path = phone.path
    assert "50 yuan added" in phone.heard
    assert redeemed(crew.world, account) == 1
    assert texts(crew.world, phone.caller) == 1


def test_ten_calls_race_for_one_card(crew: Crew) -> None:
    card, accounts = crew.world.card(), [crew.world.account() for _ in range(10)]
    phones = [TwimlPhone(crew.client) for _ in accounts]
    for phone, account in zip(phones, accounts, strict=True):
        to_confirm(phone, account, card.pin.digits)
    with ThreadPoolExecutor(10) as pool:
        list(pool.map(lambda phone: phone.press("#"), phones))
    assert sum("50 yuan added" in phone.heard for phone in phones) == 1
    assert sum("already used" in phone.heard for phone in phones) == 9
    assert sum(redeemed(crew.world, account) for account in accounts) == 1


def test_a_turn_that_is_delivered_late_gets_its_own_answer(phone: TwimlPhone, world: World) -> None:
    card, account = world.card(), world.account()
    phone.ring()
    seen: list[tuple[str, str | None, bytes]] = [(VOICE, None, phone.last)]
    for digits in ("2", "1", account, "1", card.pin.digits, "#"):
        path = phone.path
        phone.take(phone.send(path, digits))
        seen.append((path, digits, phone.last))
    for path, said, content in [seen[3], seen[0], *seen[::-1]]:
        assert phone.send(path, said).content == content
    assert redeemed(world, account) == 1


def test_other_keys_under_a_step_get_the_present_question(phone: TwimlPhone, world: World) -> None:
    card, account = world.card(), world.account()
    to_confirm(phone, account, card.pin.digits)
    stale = phone.send(f"{VOICE}?turn=2", "1")
    assert stale.content == phone.last
    assert phone.send(f"{VOICE}?turn=77", "#").content == phone.last
    assert redeemed(world, account) == 0
    assert "50 yuan added" in phone.press("#").heard


def test_a_call_that_is_not_known_begins_with_the_greeting(phone: TwimlPhone) -> None:
    greeting = phone.send(f"{VOICE}?turn=6", "#")
    assert "万能充" in greeting.text and "turn=2" in greeting.text
    assert phone.send(f"{VOICE}?turn=6", "#").content == greeting.content
    assert phone.take(greeting).press("2").turn == 3


@pytest.mark.parametrize(
    "change",
    ["no signature", "another token", "another parameter", "another turn", "another host"],
)
def test_who_cannot_sign_is_refused_and_nothing_happens(
    phone: TwimlPhone, world: World, change: str
) -> None:
    to_confirm(phone, world.account(), draw().digits)
    before = tries(world, phone.caller)
    form = phone.form | {"Digits": draw().digits}
    url = PUBLIC_URL + phone.path
    signed = {
        "no signature": "",
        "another token": signature(url, form, "guessed"),
        "another parameter": signature(url, form | {"From": mobile()}),
        "another turn": signature(url + "0", form),
        "another host": signature("https://other.example" + phone.path, form),
    }[change]
    refused = phone.client.post(
        phone.path, data=form, headers={"X-Twilio-Signature": signed, "Host": "other.example"}
    )
    assert (refused.status_code, refused.content) == (403, b"")
    assert tries(world, phone.caller) == before


def test_the_token_of_yesterday_is_good_while_it_is_changed(phone: TwimlPhone) -> None:
    old = signature(PUBLIC_URL + VOICE, phone.form, "token of yesterday")
    answer = phone.client.post(VOICE, data=phone.form, headers={"X-Twilio-Signature": old})
    assert answer.status_code == 200


def test_keys_in_addresses_are_refused_unless_a_setting_allows_them(
    client: httpx.Client, world: World, house_directory: Path
) -> None:
    call: dict[str, Any] = {"CallSid": "CA" + secrets.token_hex(8), "From": mobile()}
    path = str(httpx.URL(VOICE, params=call))
    signed = {"X-Twilio-Signature": signature(PUBLIC_URL + path, {})}
    refused = client.get(path, headers=signed)
    assert (refused.status_code, refused.content, refused.headers["allow"]) == (
        405,
        b"",
        "POST, HEAD",
    )
    assert client.head(VOICE).status_code == 200
    log = house_directory / f"{secrets.token_hex(4)}.log"
    with serving(replace(world.db.settings, gateway_get="on"), log) as other:
        answer = httpx.get(other.url + path, headers=signed)
        assert "万能充" in answer.text
        unsigned = httpx.get(other.url + path + "1", headers=signed)
        assert (unsigned.status_code, unsigned.content) == (403, b"")
    assert call["CallSid"] not in log.read_text("utf-8")


@pytest.mark.parametrize("caller", ["", "anonymous", "client:x", "sip:a@b", "+266696687", "95598"])
def test_a_withheld_number_may_redeem_and_gets_no_text(
    client: httpx.Client, world: World, caller: str
) -> None:
    card, account = world.card(), world.account()
    phone = TwimlPhone(client, caller=caller)
    to_confirm(phone, account, card.pin.digits).press("#")
    assert "50 yuan added" in phone.heard
    assert "text" not in phone.heard
    assert texts(world, caller) == 0


@pytest.mark.parametrize("caller", ["+862795598000", "+862795598001", "027-95598000"])
def test_our_own_numbers_are_not_answered(client: httpx.Client, caller: str) -> None:
    phone = TwimlPhone(client, caller=caller).ring()
    assert [verb.tag for verb in phone.root] == ["Reject"]


@pytest.mark.parametrize("call_id", ["", "x" * 129, "a\x00b", "\u2028"])
def test_a_call_without_a_usable_name_is_told_of_a_fault(
    client: httpx.Client, call_id: str
) -> None:
    phone = TwimlPhone(client, call_id=call_id)
    assert "fault" in phone.ring().heard
    assert phone.is_over


def test_no_pin_stands_in_what_we_say_or_log(
    phone: TwimlPhone, world: World, server: Server
) -> None:
    card, account = world.card(), world.account()
    phone.ring()
    for digits in ("2", "1", account, "1", card.pin.digits, "#"):
        phone.take(phone.send(phone.path, digits))
        assert card.pin.digits not in phone.last.decode()
    assert card.pin.digits not in server.log.read_text("utf-8")
