"""Looking accounts up, and their statements."""

import httpx
from sqlalchemy import func, select

from accounts.tables import quote
from tests.api.world import World

URL = "/api/v1/accounts"


def test_a_partner_learns_the_masked_name_and_the_arrears(
    client: httpx.Client, world: World
) -> None:
    number = world.account(owes_fen=12_000)
    shown = client.get(f"{URL}/{number}", headers=world.as_partner()).json()
    assert (shown["masked_name"], shown["state"]) == ("**明", "open")
    assert shown["principal_fen"] == 12_000
    assert shown["arrears_fen"] == 12_000 + shown["late_fee_fen"] > 12_000
    assert "balance_fen" not in shown
    staff = client.get(f"{URL}/{number}", headers=world.as_staff("customer_service")).json()
    assert staff == shown | {"balance_fen": 0}


def test_a_late_fee_that_was_told_is_kept_as_a_quote(client: httpx.Client, world: World) -> None:
    number = world.account(owes_fen=12_000)
    shown = client.get(f"{URL}/{number}", headers=world.as_partner()).json()
    with world.db.read() as session:
        told = session.execute(
            select(func.count(), func.max(quote.c.fee_fen)).where(quote.c.account_number == number)
        ).one()
    assert tuple(told) == (1, shown["late_fee_fen"])


def test_a_statement_is_for_staff_and_read_in_pages(client: httpx.Client, world: World) -> None:
    number = world.account()
    for card in world.cards(3):
        body = {"pin": card.pin.digits, "account_number": number}
        client.post("/api/v1/redemptions", headers=world.as_partner(), json=body)
    url = f"{URL}/{number}/statement"
    assert client.get(url, headers=world.as_partner()).json()["code"] == "unauthenticated"
    assert client.get(url, headers=world.as_staff("warehouse")).json()["code"] == "forbidden"
    staff = world.as_staff("customer_service")
    first = client.get(url, params={"limit": 2}, headers=staff).json()
    rest = client.get(url, params={"limit": 2, "after": first["next_after"]}, headers=staff).json()
    lines = first["lines"] + rest["lines"]
    assert [line["balance_fen"] for line in lines] == [5_000, 10_000, 15_000]
    assert (rest["opening_fen"], rest["next_after"]) == (10_000, None)


def test_an_account_that_is_not_there_is_told_so(client: httpx.Client, world: World) -> None:
    for url in (f"{URL}/9999999999", f"{URL}/9999999999/statement"):
        asked = client.get(url, headers=world.as_staff("customer_service"))
        assert (asked.status_code, asked.json()["code"]) == (404, "account_unknown")
    for number in (
        "123",
        "4200000001" * 2,
        "４２００",
        "42%0000000000",
        "4200000001%0A",
    ):
        asked = client.get(f"{URL}/{number}", headers=world.as_partner())
        assert 400 <= asked.status_code < 500
        assert asked.json()["code"] in ("invalid_input", "not_found")
