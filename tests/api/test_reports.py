"""Reports over HTTP: JSON, CSV and workbooks as of a final instant; stock counts."""

import csv
import io
from datetime import UTC, datetime
from typing import Any

import httpx
import openpyxl
import pytest

from audit.as_of import latest_final
from tests.api.world import World

URL = "/api/v1/reports"


def get(client: httpx.Client, world: World, name: str, who: str = "finance", **more: Any) -> Any:
    return client.get(f"{URL}/{name}", params=more, headers=world.as_staff(who))


def test_a_report_says_of_when_it_is_and_has_sums_in_fen(
    client: httpx.Client, world: World
) -> None:
    earliest = latest_final(datetime.now(UTC))
    answer = get(client, world, "trial-balance").json()
    assert answer["report"] == "trial-balance"
    as_of = datetime.fromisoformat(answer["as_of"])
    assert earliest <= as_of <= latest_final(datetime.now(UTC))
    assert answer["facts"]["debit_fen"] == answer["facts"]["credit_fen"]
    assert sum(line["balance_fen"] for line in answer["lines"]) == 0
    again = get(client, world, "trial-balance", as_of=answer["as_of"]).json()
    assert again == answer


def test_files_come_with_their_type_and_a_name(client: httpx.Client, world: World) -> None:
    text = get(client, world, "trial-balance", format="csv")
    assert text.headers["content-type"] == "text/csv; charset=utf-8"
    assert text.headers["content-disposition"] == 'attachment; filename="trial-balance.csv"'
    head, *rows = csv.reader(io.StringIO(text.content.decode("utf-8-sig"), newline=""))
    assert head[4] == "Debit (yuan)" and len(rows) == 10
    book = get(client, world, "trial-balance", format="xlsx")
    assert book.headers["content-disposition"] == 'attachment; filename="trial-balance.xlsx"'
    opened = openpyxl.load_workbook(io.BytesIO(book.content))
    assert opened.sheetnames == ["trial balance", "about"]


@pytest.mark.parametrize(
    ("name", "asked", "status", "code"),
    [
        ("inventory", {"as_of": "2099-01-01"}, 422, "as_of_too_late"),
        ("inventory", {"as_of": "2025-02-30"}, 422, "invalid_input"),
        ("inventory", {"as_of": "yesterday"}, 422, "invalid_input"),
        ("inventory", {"since": "2025-02-01"}, 422, "invalid_input"),
        ("journal", {"since": "2025-02-02", "as_of": "2025-02-01"}, 422, "invalid_input"),
        ("inventory", {"format": "pdf"}, 422, "invalid_input"),
        ("journal", {"limit": 0}, 422, "invalid_input"),
        ("nothing", {}, 404, "report_unknown"),
    ],
)
def test_what_cannot_be_reported_is_told(
    client: httpx.Client, world: World, name: str, asked: dict[str, Any], status: int, code: str
) -> None:
    answer = get(client, world, name, **asked)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_a_distributor_may_ask_for_stock_and_not_for_money(
    client: httpx.Client, world: World
) -> None:
    answer = get(client, world, "inventory", "distributor")
    assert answer.status_code == 200
    answer = get(client, world, "journal", "distributor")
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    answer = get(client, world, "inventory", "customer_service")
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


def test_a_count_is_recorded_once_by_its_key(client: httpx.Client, world: World) -> None:
    card = world.card("stocked")
    headers = world.as_staff("warehouse") | {"Idempotency-Key": f"count-{card.serial}"}
    body = {"party": "WAREHOUSE", "found": [], "note": "everything is gone"}
    first = client.post("/api/v1/stock-counts", json=body, headers=headers)
    assert first.status_code == 201
    sheet = first.json()
    assert sheet["expected_cards"] == sum(d["cards"] for d in sheet["differences"]) > 0
    assert client.post("/api/v1/stock-counts", json=body, headers=headers).json() == sheet
    other = client.post("/api/v1/stock-counts", json=body | {"note": "some"}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (409, "request_conflict")
    read = client.get(f"/api/v1/stock-counts/{sheet['id']}", headers=headers).json()
    assert read == sheet
    url = f"/api/v1/stock-counts/differences/{sheet['differences'][0]['id']}/answer"
    answer = client.post(url, json={"note": "?", "movement_ids": ["1"]}, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (409, "difference_not_covered")
    for id_text, status in (("1" * 19, 409), ("9" * 19, 422), ("1" * 20, 422), ("1\n", 422)):
        body = {"note": "?", "movement_ids": [id_text]}
        assert client.post(url, json=body, headers=headers).status_code == status


def test_the_last_page_of_counts_tells_that_it_is_the_last(
    client: httpx.Client, world: World
) -> None:
    headers = world.as_staff("warehouse")
    for key in ("page-1", "page-2"):
        body = {"party": "WAREHOUSE", "found": []}
        made = headers | {"Idempotency-Key": key}
        assert client.post("/api/v1/stock-counts", json=body, headers=made).status_code == 201
    seen: list[str] = []
    after: str | None = "0"
    while after is not None:
        url = f"/api/v1/stock-counts?limit=1&after={after}"
        page = client.get(url, headers=headers).json()
        [sheet] = page["counts"]
        seen.append(sheet["id"])
        after = page["next_after"]
    assert len(seen) == len(set(seen)) >= 2
