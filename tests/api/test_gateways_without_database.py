"""What gateways are told while the database that knows their keys does not answer."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from api.app import create_app
from core.db import Database
from tests.api.test_kannel import PATH as KANNEL
from tests.api.test_kannel import sms
from tests.api.test_twiml_voice import redeemed
from tests.api.test_ussd import PATH as USSD
from tests.api.test_ussd import form
from tests.api.world import World


@contextmanager
def database_away(app: Litestar) -> Iterator[None]:
    """Let a server that runs look for its database where none is."""
    runtime = app.state.runtime
    nowhere = "postgresql+psycopg://nobody@127.0.0.1:1/none"
    away = Database(replace(runtime.settings, database_url=nowhere), runtime.db.clock)
    app.state.runtime = replace(runtime, db=away)
    try:
        yield
    finally:
        app.state.runtime = runtime
        away.dispose()


@pytest.fixture
def client(world: World) -> Iterator[TestClient[Litestar]]:
    """A server in this process."""
    with TestClient(create_app(world.db.settings)) as made:
        yield made


def test_a_kannel_is_asked_to_come_again_and_then_redeems_once(
    client: TestClient[Litestar], world: World
) -> None:
    card, account = world.card(), world.account()
    message = sms(f"CZ {account} {card.pin.digits}")
    with database_away(client.app):
        told = message.post(client, world)
        assert (told.status_code, told.content) == (503, b"")
        report = client.get(f"{KANNEL}/{world.gateway.key}/dlr?id=1&d=1")
        assert (report.status_code, report.content) == (503, b"")
    assert message.post(client, world).text.startswith("充值50.00元")
    assert redeemed(world, account) == 1


def test_a_menu_on_the_display_ends_and_nothing_happened(
    client: TestClient[Litestar], world: World
) -> None:
    card, account = world.card(), world.account()
    asked, url = form(f"2*1*{account}*1*{card.pin.digits}"), f"{USSD}/{world.gateway.key}"
    with database_away(client.app):
        for each in (url, url + "/events"):
            told = client.post(each, data=asked)
            assert (told.status_code, told.content) == (503, b"")
    assert redeemed(world, account) == 0
