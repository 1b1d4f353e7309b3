"""Settlements and adjustments over HTTP."""

import io
import secrets
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import openpyxl
import pypdf
import pytest

from core.money import format_yuan
from tests.api.world import World


@pytest.fixture
def month(world: World) -> str:
    """The month of now."""
    with world.db.read() as session:
        return f"{session.today:%Y-%m}"


@pytest.fixture
def last_month(world: World) -> str:
    """The month before this one."""
    with world.db.read() as session:
        return f"{session.today.replace(day=1) - timedelta(days=1):%Y-%m}"


@pytest.fixture
def paid(client: httpx.Client, world: World) -> Iterator[int]:
    """A payment of the province in this month."""
    with world.db.read() as session:
        today = session.today
    body = {
        "reference": f"S-{secrets.token_hex(6)}",
        "party": "HUBEI",
        "amount_fen": 4_321,
        "paid_on": today.isoformat(),
    }
    sent = client.post("/api/v1/payments", headers=world.as_staff("finance"), json=body)
    assert sent.status_code == 201
    yield 4_321


def shown(client: httpx.Client, world: World, month: str, role: str = "auditor") -> Any:
    answer = client.get(f"/api/v1/settlements/HUBEI/{month}", headers=world.as_staff(role))
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.usefixtures("paid")
def test_an_open_month_adds_up(client: httpx.Client, world: World, month: str) -> None:
    found = shown(client, world, month)
    sums = found["sums"]
    closing = sums.pop("closing_fen")
    assert closing == sum(sums.values())
    assert closing - sums["opening_fen"] == sum(line["amount_fen"] for line in found["lines"])
    assert (found["closed_at"], found["party"], found["month"]) == (None, "HUBEI", month)
    assert -4_321 in [line["amount_fen"] for line in found["lines"]]


def test_a_month_is_closed_when_it_is_over_and_listed(
    client: httpx.Client, world: World, month: str, last_month: str
) -> None:
    headers, url = world.as_staff("finance"), "/api/v1/settlements"
    early = client.post(f"{url}/HUBEI/{month}/close", headers=headers)
    assert (early.status_code, early.json()["code"]) == (409, "period_not_over")
    first = client.post(f"{url}/HUBEI/{last_month}/close", headers=headers)
    again = client.post(f"{url}/HUBEI/{last_month}/close", headers=headers)
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json() == again.json() == shown(client, world, last_month)
    listed = client.get(url, headers=headers, params={"party": "HUBEI"}).json()["settlements"]
    assert [(item["month"], item["digest"]) for item in listed] == [
        (last_month, first.json()["digest"])
    ]
    before = client.post(f"{url}/HUBEI/2001-01/close", headers=headers)
    assert before.json()["code"] == "period_out_of_order"


@pytest.mark.usefixtures("paid")
def test_the_files_hold_the_figures_of_the_json(
    client: httpx.Client, world: World, month: str
) -> None:
    found = shown(client, world, month)
    url, headers = f"/api/v1/settlements/HUBEI/{month}/export", world.as_staff("finance")
    paper = client.get(url, headers=headers, params={"language": "en"})
    assert paper.headers["content-type"] == "application/pdf"
    reader = pypdf.PdfReader(io.BytesIO(paper.content))
    text = "\n".join(page.extract_text() for page in reader.pages)
    for fen in found["sums"].values():
        assert format_yuan(fen) in text
    table = client.get(url, headers=headers, params={"format": "xlsx", "language": "en"})
    book = openpyxl.load_workbook(io.BytesIO(table.content))
    amounts = [row[8] for row in book.worksheets[1].iter_rows(min_row=2, values_only=True)]
    assert [round(float(str(each)) * 100) for each in amounts] == [
        line["amount_fen"] for line in found["lines"]
    ]
    lines = client.get(url, headers=headers, params={"format": "csv"})
    assert lines.headers["content-type"].startswith("text/csv")
    wrong = client.get(url, headers=headers, params={"format": "exe"})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "invalid_input")


def test_strangers_see_no_settlement_and_close_none(
    client: httpx.Client, world: World, last_month: str
) -> None:
    url = f"/api/v1/settlements/HUBEI/{last_month}"
    distributor = world.as_staff("distributor")
    assert client.get(url, headers=distributor).json()["code"] == "not_holder"
    assert client.get(f"{url}/export", headers=distributor).json()["code"] == "not_holder"
    assert client.post(f"{url}/close", headers=distributor).json()["code"] == "forbidden"
    assert client.get(url, headers=world.as_staff("warehouse")).json()["code"] == "forbidden"
    own = client.get(f"/api/v1/settlements/SHOP-1/{last_month}", headers=distributor)
    assert own.json()["code"] == "no_contract"
    assert client.get("/api/v1/settlements", headers=distributor).json() == {
        "settlements": [],
        "next_after": None,
    }


def test_an_adjustment_waits_for_a_second_person(
    client: httpx.Client, world: World, month: str
) -> None:
    body: dict[str, Any] = {
        "reference": f"MEMO-{secrets.token_hex(6)}",
        "party": "HUBEI",
        "direction": "credit",
        "amount_fen": 700,
        "against": "suspense",
        "reason": "two void cards",
    }
    before = shown(client, world, month)["sums"]["adjustments_fen"]
    asked = client.post("/api/v1/adjustments", headers=world.as_staff("finance"), json=body)
    assert asked.status_code == 202
    assert shown(client, world, month)["sums"]["adjustments_fen"] == before
    url = f"/api/v1/approvals/{asked.json()['approval_id']}/agree"
    for role, status in (("finance", 403), ("second_finance", 200)):
        decision = world.decision(role)
        done = client.post(url, headers=world.as_staff(role), json=decision)
        assert done.status_code == status, done.text
    assert shown(client, world, month)["sums"]["adjustments_fen"] == before - 700
    found = client.get("/api/v1/adjustments", headers=world.as_staff("auditor")).json()
    assert found["adjustments"][-1]["reference"] == body["reference"].upper()
    again = client.post("/api/v1/adjustments", headers=world.as_staff("finance"), json=body)
    assert again.json()["code"] == "reference_used"
    stranger = client.post("/api/v1/adjustments", headers=world.as_staff("distributor"), json=body)
    assert stranger.json()["code"] == "forbidden"
