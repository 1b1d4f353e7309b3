"""What a Kannel sends, and what it is told."""

import secrets
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import permutations
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from api.kannel import delivery_of
from core.outbox import put
from core.tables import outbox
from tests.api.conftest import Crew
from tests.api.serving import Server, serving
from tests.api.test_twiml_voice import redeemed, tries
from tests.api.twiml_phone import mobile
from tests.api.world import World
from vouchers.pins import draw

PATH = "/channels/sms/kannel"


@dataclass
class Sms:
    """One text message as smsbox hands it over."""

    text: str
    sender: str
    name: str

    def headers(self, **more: str) -> dict[str, str]:
        """Return the headers of the form by POST."""
        return {
            "Content-Type": 'text/plain; charset="UTF-8"',
            "X-Kannel-From": self.sender,
            "X-Kannel-To": "95598",
            "X-Kannel-Coding": "0",
            "User-Agent": "Kannel/1.4.5",
        } | more

    def post(self, client: httpx.Client, world: World, **more: Any) -> httpx.Response:
        """Send it in the body."""
        content = more.pop("content", self.text.encode())
        url = f"{PATH}/{more.pop('key', world.gateway.key)}?id={self.name}"
        return client.post(url, content=content, headers=self.headers(**more))


def sms(text: str, sender: str = "") -> Sms:
    """Return a message of a phone, by default one nobody else uses."""
    return Sms(text, sender or mobile().removeprefix("+"), secrets.token_hex(16))


def test_a_card_is_redeemed_and_the_receipt_is_marked_as_chinese(
    client: httpx.Client, world: World
) -> None:
    card, account = world.card(), world.account()
    answer = sms(f"充值 {account} {card.pin.digits}").post(client, world)
    assert answer.text.startswith("充值50.00元")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["x-kannel-coding"] == "2"
    assert redeemed(world, account) == 1


def test_an_english_answer_keeps_to_the_usual_alphabet(client: httpx.Client, world: World) -> None:
    answer = sms("LANG EN").post(client, world)
    assert answer.text == "Messages will be in English."
    assert "x-kannel-coding" not in answer.headers


def test_a_message_delivered_ten_times_at_once_has_one_effect_and_the_same_bytes(
    crew: Crew,
) -> None:
    card, account = crew.world.card(), crew.world.account()
    message = sms(f"CZ#{account}#{card.pin.digits}#")
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: message.post(crew.client, crew.world), range(10)))
    assert {answer.content for answer in answers} == {answers[0].content}
    assert answers[0].text.startswith("充值50.00元")
    assert redeemed(crew.world, account) == 1


def test_ten_phones_race_for_one_card(crew: Crew) -> None:
    card, account = crew.world.card(), crew.world.account()
    messages = [sms(f"CZ#{account}#{card.pin.digits}#") for _ in range(10)]
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda each: each.post(crew.client, crew.world).text, messages))
    assert sum(text.startswith("充值50.00元") for text in answers) == 1
    assert sum("已于" in text for text in answers) == 9
    assert redeemed(crew.world, account) == 1


def test_a_text_that_was_not_recoded_is_read_too(client: httpx.Client, world: World) -> None:
    asked = sms("帮助")
    raw = asked.text.encode("utf-16-be")
    for kind in ("text/plain", 'text/plain; charset="UTF-16BE"'):
        more = {"content": raw, "Content-Type": kind, "X-Kannel-Coding": "2"}
        assert "充值" in asked.post(client, world, **more).text
    latin = {"content": b"HELP", "Content-Type": "text/plain; charset=ISO-8859-1"}
    assert "充值" in sms("").post(client, world, **latin).text


@pytest.mark.parametrize("sender", ["95598", "10086", "BANK", "", "+862795598000"])
def test_machines_and_ourselves_are_not_answered(
    client: httpx.Client, world: World, sender: str
) -> None:
    answer = Sms("BZ", sender, secrets.token_hex(8)).post(client, world)
    assert (answer.status_code, answer.content) == (200, b"")


def test_the_key_may_stand_in_a_header(client: httpx.Client, world: World) -> None:
    asked = sms("BZ")
    headers = asked.headers() | world.as_gateway()
    answer = client.post(f"{PATH}?id={asked.name}", content="BZ", headers=headers)
    assert "充值" in answer.text


@pytest.mark.parametrize("key", ["wnc_guessed", "x" * 300, "%00", "dlrx"])
def test_without_the_key_nothing_happens(client: httpx.Client, world: World, key: str) -> None:
    sent = sms(f"CZ {world.account()} {draw().digits}", mobile())
    refused = sent.post(client, world, key=key)
    assert (refused.status_code, refused.content) == (403, b"")
    none = client.post(f"{PATH}?id=1", content=sent.text, headers=sent.headers())
    assert (none.status_code, none.content) == (403, b"")
    report = client.get(f"{PATH}/{key}/dlr?id=1&d=1")
    assert report.status_code == 403
    assert tries(world, sent.sender) == 0


def test_a_message_without_a_name_is_not_read(client: httpx.Client, world: World) -> None:
    for name in ("", "x" * 129, "%00"):
        refused = Sms("BZ", mobile(), name).post(client, world)
        assert (refused.status_code, refused.content) == (400, b"")


def test_only_the_networks_named_may_come_and_addresses_only_where_allowed(
    world: World, house_directory: Path
) -> None:
    log = house_directory / f"{secrets.token_hex(4)}.log"
    settings = replace(
        world.db.settings,
        gateway_get="on",
        gateway_networks="192.0.2.0/24",
        trusted_proxies="127.0.0.1",
    )
    pin, sender = draw().digits, mobile()
    query = {
        "from": sender,
        "to": "95598",
        "text": f"充值 {world.account()} {pin}",
        "id": secrets.token_hex(8),
        "coding": "0",
        "charset": "UTF-8",
    }
    with serving(settings, log) as server:
        url = f"{server.url}{PATH}/{world.gateway.key}"
        for away in ({}, {"X-Forwarded-For": "192.0.2.1, 203.0.113.9"}):
            assert httpx.get(url, params=query, headers=away).status_code == 403
        near = {"X-Forwarded-For": "203.0.113.9, 192.0.2.1"}
        answer = httpx.get(url, params=query, headers=near)
        assert "密码有误" in answer.text
        assert httpx.get(url, params=query, headers=near).content == answer.content
        ucs_2 = query | {"coding": "2", "charset": "UTF-16BE", "id": "u1", "text": ""}
        text = "".join(f"%{byte:02X}" for byte in "帮助".encode("utf-16-be"))
        packed = httpx.QueryParams(ucs_2)
        helped = httpx.get(f"{url}?{packed}".replace("text=", f"text={text}"), headers=near)
        assert "充值" in helped.text
    assert tries(world, sender) == 1
    written = log.read_text("utf-8")
    assert [word for word in (pin, sender, world.gateway.key) if word in written] == []


def test_texts_in_addresses_are_refused(client: httpx.Client, world: World) -> None:
    refused = client.get(f"{PATH}/{world.gateway.key}?from=1&text=BZ&id=1")
    assert (refused.status_code, refused.content) == (405, b"")


# -- reports


def message(world: World) -> int:
    """Store a message that a gateway has taken."""
    return world.db.transact(lambda session: put(session, "receipt", mobile(), "hello"))


def delivery(world: World, message_id: int) -> str | None:
    """Return what is known of a message."""
    with world.db.read() as session:
        found = session.execute(select(outbox.c.delivery).where(outbox.c.id == message_id))
        value: str | None = found.scalar_one()
        return value


def reported(client: httpx.Client, world: World, message_id: object, bits: object) -> int:
    """Report as Kannel does."""
    url = f"{PATH}/{world.gateway.key}/dlr"
    return client.get(url, params={"id": str(message_id), "d": str(bits), "ts": "1"}).status_code


@pytest.mark.parametrize("order", list(permutations((8, 4, 1))))
def test_reports_may_come_twice_and_in_any_order(
    client: httpx.Client, world: World, order: tuple[int, ...]
) -> None:
    name = message(world)
    for bits in (*order, *order):
        assert reported(client, world, name, bits) == 200
    assert delivery(world, name) == "delivered"


def test_a_report_is_understood_by_its_bits(client: httpx.Client, world: World) -> None:
    told = {1: "delivered", 2: "failed", 4: "buffered", 8: "accepted", 16: "failed", 12: "buffered"}
    assert {bits: delivery_of(bits) for bits in told} == told
    assert delivery_of(0) is None
    name = message(world)
    assert reported(client, world, name, 0) == 200
    assert delivery(world, name) is None


@pytest.mark.parametrize(
    ("name", "bits", "status"),
    [
        ("", 1, 400),
        ("x", 1, 400),
        ("1", "", 400),
        ("1", "-1", 400),
        ("9" * 19, 1, 400),
        (7, 1, 200),
    ],
)
def test_a_report_on_nothing_of_ours_changes_nothing(
    client: httpx.Client, world: World, name: object, bits: object, status: int
) -> None:
    assert reported(client, world, name, bits) == status


def test_nothing_that_was_texted_stands_in_the_log(
    client: httpx.Client, world: World, server: Server
) -> None:
    sent = sms(f"CZ {world.account()} {draw().digits}")
    sent.post(client, world)
    written = server.log_with("/channels/sms/kannel/{key}")
    pin = sent.text.rpartition(" ")[2]
    assert [each for each in (pin, sent.sender, world.gateway.key) if each in written] == []
