"""Texts through a real Kannel with our example configuration."""

from pathlib import Path

import httpx

from tests.api.kannel_loop import kannel, spoilt
from tests.api.serving import Server
from tests.api.test_twiml_voice import redeemed
from tests.api.twiml_phone import mobile
from tests.api.world import World
from tests.pin_hunt import pins_in_files


def test_chinese_comes_in_and_a_chinese_receipt_of_one_segment_goes_out(
    server: Server, client: httpx.Client, world: World, scratch: Path
) -> None:
    card, account, sender = world.card(), world.account(3_110), mobile().removeprefix("+")
    with kannel(server.url, world.gateway.key, scratch) as centre:
        centre.send(sender, f"充值 {account} {card.pin.digits}")
        [receipt] = centre.receive()
        centre.send(sender, "LANG EN")
        [english] = centre.receive()
    assert receipt.startswith(f"95598 {sender} 充值50.00元"), receipt
    assert "抵欠费" in receipt
    assert english.startswith(f"95598 {sender} Messages will be in English"), english
    assert redeemed(world, account) == 1
    assert pins_in_files([scratch], [card.pin]) == []


def test_a_message_whose_first_two_answers_are_lost_is_answered_the_same(
    server: Server, client: httpx.Client, world: World, scratch: Path
) -> None:
    card, account, sender = world.card(), world.account(), mobile().removeprefix("+")
    with (
        spoilt(server.url, 2) as (url, seen),
        kannel(url, world.gateway.key, scratch) as centre,
    ):
        centre.send(sender, f"CZ#{account}#{card.pin.digits}#")
        [receipt] = centre.receive()
    assert receipt.startswith(f"95598 {sender} 充值50.00元"), receipt
    assert len(seen) == 3
    assert set(seen) == {seen[0]}
    assert redeemed(world, account) == 1
