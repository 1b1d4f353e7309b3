"""Whatever gateways repeat, delay and mix up, answers and ledger stay as they would be without."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import httpx
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from accounts.tables import electricity_account
from tests.api.test_dialogues import Call
from tests.api.test_kannel import sms
from tests.api.test_twiml_sms import message
from tests.api.test_twiml_voice import redeemed, texts
from tests.api.test_ussd import form
from tests.api.twiml_phone import SMS, VOICE, TwimlPhone, mobile, post
from tests.api.world import World

EXAMPLES = 12
Send = Callable[[], httpx.Response]


@dataclass
class Dialogue:
    """One customer with one card: his deliveries in order, and what each was answered first."""

    account: str
    caller: str
    deliveries: list[Send]
    is_receipt_texted: bool
    answers: list[bytes] = field(default_factory=list)

    def deliver(self, which: int) -> None:
        """Deliver one of those that were delivered before, or the next."""
        index = min(which, len(self.answers), len(self.deliveries) - 1)
        answer = self.deliveries[index]()
        assert answer.status_code == 200, (answer.status_code, answer.text)
        if index == len(self.answers):
            self.answers.append(answer.content)
        assert answer.content == self.answers[index], index


def by_voice(client: httpx.Client, world: World) -> Dialogue:
    """A call over TwiML."""
    card, account, phone = world.card(), world.account(), TwimlPhone(client)
    keys = ["2", "1", account, "1", card.pin.digits, "#", "*"]
    sends: list[Send] = [partial(phone.send, VOICE)]
    for turn, digits in enumerate(keys, 2):
        sends.append(partial(phone.send, f"{VOICE}?turn={turn}", digits))
    return Dialogue(account, phone.caller, sends, True)


def by_twiml_text(client: httpx.Client, world: World) -> Dialogue:
    """Texts over TwiML."""
    card, account, sender = world.card(), world.account(), mobile()
    sent = [message(text, sender) for text in ("BZ", f"CZ {account} {card.pin.digits}", "JL")]
    return Dialogue(account, sender, [partial(post, client, SMS, one) for one in sent], False)


def by_kannel(client: httpx.Client, world: World) -> Dialogue:
    """Texts through a Kannel."""
    card, account, sender = world.card(), world.account(), mobile()
    sent = [
        sms(text, sender)
        for text in ("LANG EN", f"充值#{account}#{card.pin.digits}#", f"DUE {account}")
    ]
    sends: list[Send] = [partial(one.post, client, world) for one in sent]
    return Dialogue(account, sender, sends, False)


def by_ussd(client: httpx.Client, world: World) -> Dialogue:
    """A USSD session."""
    card, account, begun = world.card(), world.account(), form("")
    url = f"/channels/ussd/{world.gateway.key}"
    typed = ["2", "1", account, "1", card.pin.digits]
    sends: list[Send] = [
        partial(client.post, url, data=begun | {"text": "*".join(typed[:n])})
        for n in range(len(typed) + 1)
    ]
    return Dialogue(account, begun["phoneNumber"], sends, True)


def by_json(client: httpx.Client, world: World) -> Dialogue:
    """A dialogue as JSON."""
    card, account, call = world.card(), world.account(), Call(client, world)
    keys = [None, "2", "1", f"{account}#", "1", f"{card.pin.digits}#", "#"]
    sends: list[Send] = [partial(call.send, turn, digits) for turn, digits in enumerate(keys, 1)]
    return Dialogue(account, call.caller, sends, True)


KINDS = [by_voice, by_twiml_text, by_kannel, by_ussd, by_json]
schedules = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 9)), max_size=60)


def balance(world: World, account: str) -> int:
    """Return the prepaid balance of an account."""
    with world.db.read() as session:
        found = select(electricity_account.c.balance_fen).where(
            electricity_account.c.number == account
        )
        return int(session.execute(found).scalar_one())


def test_repeated_late_and_mixed_deliveries_change_nothing(
    client: httpx.Client, world: World
) -> None:
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(schedule=schedules)
    def check(schedule: list[tuple[int, int]]) -> None:
        dialogues = [kind(client, world) for kind in KINDS]
        for who, which in schedule:
            dialogues[who].deliver(which)
        for dialogue in dialogues:
            while len(dialogue.answers) < len(dialogue.deliveries):
                dialogue.deliver(len(dialogue.answers))
        for who, which in reversed(schedule):
            dialogues[who].deliver(which)
        for dialogue in dialogues:
            assert redeemed(world, dialogue.account) == 1
            assert balance(world, dialogue.account) == 5_000
            assert texts(world, dialogue.caller) == int(dialogue.is_receipt_texted)

    check()


@pytest.mark.parametrize("kind", KINDS)
def test_hanging_up_at_any_step_redeems_once_or_not_at_all(
    client: httpx.Client, world: World, kind: Callable[[httpx.Client, World], Dialogue]
) -> None:
    count = len(kind(client, world).deliveries)
    for last in range(1, count + 1):
        dialogue = kind(client, world)
        for which in range(last):
            dialogue.deliver(which)
        said = b"".join(dialogue.answers).decode()
        done = "50 yuan added" in said or "充值50.00元" in said or "Top-up OK" in said
        assert redeemed(world, dialogue.account) == int(done)
        assert texts(world, dialogue.caller) == int(done and dialogue.is_receipt_texted)


def test_a_name_of_another_gateway_is_another_message(client: httpx.Client, world: World) -> None:
    name, sender, account = secrets.token_hex(8), mobile(), world.account()
    card = world.card()
    words = f"CZ {account} {card.pin.digits}"
    first = post(client, SMS, message(words, sender, name))
    second = client.post(
        "/channels/sms/plain",
        headers=world.as_gateway(),
        json={"from": sender, "text": words, "message_id": name},
    )
    assert "充值50.00元" in first.text
    assert "已于" in second.text
