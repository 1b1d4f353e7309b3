"""Orders, consignments, receipts and claims over HTTP."""

import io
from typing import Any
from uuid import uuid4

import httpx
import pytest
from pypdf import PdfReader

from tests.api.world import World
from vouchers.serials import serial_text


class Caller:
    """Calls as a role, and expects it to go well."""

    def __init__(self, client: httpx.Client, world: World) -> None:
        self.client, self.world = client, world

    def post(self, role: str, path: str, **body: Any) -> Any:
        """Send; return the JSON of the answer."""
        sent = self.client.post(
            f"/api/v1/{path}", headers=self.world.as_staff(role), json=body or None
        )
        assert sent.status_code in (200, 202), sent.text
        return sent.json()

    def agree(self, role: str, approval_id: str) -> None:
        """Agree as the second person, with the code of now."""
        self.post(role, f"approvals/{approval_id}/agree", **self.world.decision(role))

    def get(self, role: str, path: str) -> Any:
        """Read; return the JSON of the answer."""
        read = self.client.get(f"/api/v1/{path}", headers=self.world.as_staff(role))
        assert read.status_code == 200, read.text
        return read.json()

    def code(self, role: str, path: str, **body: Any) -> str:
        """Send what is refused; return the code."""
        sent = self.client.post(f"/api/v1/{path}", headers=self.world.as_staff(role), json=body)
        assert 400 <= sent.status_code < 500, sent.text
        return str(sent.json()["code"])

    def pdf(self, role: str, path: str) -> str:
        """Read a document; return its text."""
        read = self.client.get(f"/api/v1/{path}", headers=self.world.as_staff(role))
        assert (read.status_code, read.headers["content-type"]) == (200, "application/pdf")
        pages = PdfReader(io.BytesIO(read.content)).pages
        return "\n".join(page.extract_text() for page in pages)


@pytest.fixture
def caller(client: httpx.Client, world: World) -> Caller:
    """Who calls."""
    return Caller(client, world)


def stocked_at_city(caller: Caller, count: int = 10) -> int:
    """Make cards and bring them to the city; return the first."""
    cards = caller.world.cards(count, "stocked")
    first, last = cards[0].serial, cards[-1].serial
    ends = {"first_serial": serial_text(first), "last_serial": serial_text(last)}
    for party in ("HUBEI", "WUHAN"):
        caller.post("warehouse", "lots/dispatch", **ends, to=party)
        caller.post("warehouse", "lots/receive", **ends)
    return first


def sent(caller: Caller, count: int = 10) -> tuple[int, Any]:
    """Bring cards on the way to the shop in a consignment of their own."""
    first = stocked_at_city(caller, count)
    ends = {"first_serial": serial_text(first), "last_serial": serial_text(first + count - 1)}
    made = caller.post(
        "warehouse",
        "consignments",
        kind="dispatch",
        ranges=[ends],
        reference=f"to-shop-{uuid4()}",
        sender="WUHAN",
        receiver="SHOP-1",
    )
    return first, caller.post("warehouse", f"consignments/{made['number']}/send")


def test_an_order_goes_to_the_shop_and_is_received(caller: Caller) -> None:
    stocked_at_city(caller)
    order = {"reference": f"po-{uuid4()}", "lines": [{"face_fen": 5_000, "count": 8}]}
    placed = caller.post("distributor", "orders", **order)
    assert caller.post("distributor", "orders", **order) == placed
    assert (placed["buyer"], placed["supplier"], placed["state"]) == (
        "SHOP-1",
        "WUHAN",
        "requested",
    )
    url = f"orders/{placed['number']}"
    fewer = [{"face_fen": 5_000, "count": 6}]
    assert caller.post("warehouse", f"{url}/approve", lines=fewer)["state"] == "approved"
    made = caller.post("warehouse", f"{url}/allocate")
    note = caller.pdf("distributor", f"consignments/{made['number']}/note")
    assert made["number"] in note
    assert made["lines"][0]["first_serial"] in note
    done = caller.post("warehouse", f"consignments/{made['number']}/send")
    assert (done["state"], done["cards"], done["outstanding_cards"]) == ("sent", 6, 6)
    scans = [f"{line['first_serial']}-{line['last_serial']}" for line in done["lines"]]
    receipts = f"consignments/{made['number']}/receipts"
    got = caller.post("distributor", receipts, reference="scan-1", scans=scans)
    assert sum(item["cards"] for item in got["received"]) == 6
    assert caller.get("distributor", receipts)["receipts"] == [got]
    assert caller.get("distributor", f"consignments/{made['number']}")["state"] == "closed"
    assert caller.get("distributor", url)["consignment"] == made["number"]


def test_a_missing_card_is_claimed_and_found(caller: Caller) -> None:
    first, item = sent(caller)
    url = f"consignments/{item['number']}/receipts"
    scans = [f"{serial_text(first)}-{serial_text(first + 8)}"]
    (number,) = caller.post("distributor", url, reference="scan-1", scans=scans, complete=True)[
        "claims"
    ]
    assert caller.get("distributor", f"claims/{number}")["kind"] == "short"
    assert caller.code("distributor", f"claims/{number}/answer", answer="received", reason="x") == (
        "forbidden"
    )
    assert caller.code("warehouse", f"claims/{number}/answer", answer="void", reason="x") == (
        "invalid_input"
    )
    name = caller.world.people["finance"].username
    owned = caller.post("warehouse", f"claims/{number}/assign", username=name, reason="his shop")
    assert owned["owner"] == name
    done = caller.post("warehouse", f"claims/{number}/answer", answer="received", reason="found")
    assert (done["claim"]["state"], done["approval_id"]) == ("received", None)
    assert caller.code("warehouse", f"claims/{number}/answer", answer="received", reason="x") == (
        "paper_state_wrong"
    )


def test_a_lost_card_is_made_void_by_two_persons(caller: Caller) -> None:
    first, item = sent(caller, 2)
    url = f"consignments/{item['number']}/receipts"
    (number,) = caller.post(
        "distributor", url, reference="scan-1", scans=[serial_text(first)], complete=True
    )["claims"]
    asked = caller.post(
        "finance", f"claims/{number}/answer", answer="void", reason="lost", charged_to="WUHAN"
    )
    assert asked["claim"]["state"] == "open"
    caller.agree("second_finance", asked["approval_id"])
    done = caller.get("auditor", f"claims/{number}")
    assert (done["state"], done["charged_to"]) == ("void", "WUHAN")


def test_sold_cards_that_come_back_are_credited_on_paper(caller: Caller) -> None:
    first, item = sent(caller, 5)
    ends = {"first_serial": serial_text(first), "last_serial": serial_text(first + 4)}
    scan = f"{ends['first_serial']}-{ends['last_serial']}"
    receipts = f"consignments/{item['number']}/receipts"
    caller.post("distributor", receipts, reference="scan-1", scans=[scan])
    caller.post("distributor", "lots/activate", **ends)
    back = caller.post(
        "distributor", "consignments", kind="return", ranges=[ends], reference=f"back-{uuid4()}"
    )
    asked = caller.post("distributor", f"consignments/{back['number']}/send")
    caller.agree("finance", asked["approval_id"])
    receipts = f"consignments/{back['number']}/receipts"
    caller.post("warehouse", receipts, reference="scan-1", scans=[scan])
    notes = caller.get("distributor", "credit-notes?limit=200")["credit_notes"]
    (note,) = [each for each in notes if each["consignment"] == back["number"]]
    assert (note["cards"], note["credit_fen"], note["party"]) == (5, 5 * 4_900, "HUBEI")
    text = caller.pdf("distributor", f"credit-notes/{note['number']}/print")
    assert note["number"] in text
    assert "245.00" in text


def test_what_is_on_the_way_for_long_is_listed(caller: Caller) -> None:
    _, item = sent(caller, 3)
    refused = caller.client.get(
        "/api/v1/consignments/overdue?as_of=2099-01-01", headers=caller.world.as_staff("auditor")
    )
    assert (refused.status_code, refused.json()["code"]) == (422, "as_of_too_late")
    found = caller.get("auditor", "consignments/overdue?days=0")["overdue"]
    assert item["number"] not in [each["document"] for each in found]  # sent a moment ago
    assert caller.get("distributor", "consignments?state=sent&limit=200")["consignments"] != []


def test_papers_of_others_are_as_if_they_were_not(caller: Caller) -> None:
    ends = {"first_serial": "42251010007001008", "last_serial": "42251010007001008"}
    made = {"kind": "dispatch", "ranges": [ends], "reference": "x", "receiver": "HUBEI"}
    assert caller.code("distributor", "consignments", **made, sender="WAREHOUSE") == "not_holder"
    assert caller.code("distributor", "consignments/CN-1/receipts", reference="x") == (
        "invalid_input"
    )
    assert caller.code("distributor", "orders/SO-1/approve", lines=None) == "paper_unknown"
    assert caller.code("warehouse", "orders/SO-1/cancel", reason="x") == "paper_unknown"
