"""Contracts over HTTP: written whole, kept in every form they had."""

from typing import Any

import httpx

from distribution.parties import add_party
from tests.api.world import World

RATES: list[dict[str, Any]] = [
    {"face_fen": 5_000, "effective_from": "2025-07-01", "after_cards": 0, "commission_fen": 100},
    {
        "face_fen": 5_000,
        "effective_from": "2025-07-01",
        "after_cards": 1_000,
        "commission_fen": 125,
    },
]
TERMS: dict[str, Any] = {"sale_model": "credit", "limit_fen": 10_000_000, "rates": RATES}


def test_a_contract_is_written_read_and_kept(client: httpx.Client, world: World) -> None:
    with world.db.write() as session:
        add_party(session, world.people["admin"], "city", "XIAOGAN", "孝感", "HUBEI", "4209")
    url = "/api/v1/parties/XIAOGAN/contract"
    headers = world.as_staff("finance")
    first = client.put(url, headers=headers, json=TERMS)
    again = client.put(url, headers=headers, json=TERMS)
    other = client.put(url, headers=headers, json=TERMS | {"limit_fen": 5})
    assert [answer.status_code for answer in (first, again, other)] == [200, 200, 200]
    assert first.json() == again.json()
    assert (first.json()["version"], other.json()["version"]) == (1, 2)
    assert first.json()["rates"] == RATES
    history = client.get(url, headers=world.as_staff("auditor")).json()
    assert history == {"party": "XIAOGAN", "versions": [first.json(), other.json()]}


def test_wrong_terms_and_strangers_are_refused(client: httpx.Client, world: World) -> None:
    def code(role: str, party: str, **other: object) -> str:
        url = f"/api/v1/parties/{party}/contract"
        answer = client.put(url, headers=world.as_staff(role), json=TERMS | other)
        assert 400 <= answer.status_code < 500
        return str(answer.json()["code"])

    assert code("finance", "NOWHERE") == "party_unknown"
    assert code("finance", "WAREHOUSE") == "invalid_input"
    assert code("finance", "HUBEI", sale_model="barter") == "invalid_input"
    assert code("finance", "HUBEI", rates=RATES * 2) == "invalid_input"
    assert code("distributor", "SHOP-1") == "forbidden"
    url = "/api/v1/parties/HUBEI/contract"
    seen = client.get(url, headers=world.as_staff("distributor"))
    assert (seen.status_code, seen.json()["code"]) == (409, "not_holder")
