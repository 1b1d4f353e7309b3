"""Ordering, making and handing out cards over HTTP, by two persons."""

import hashlib
import time
from typing import Any

import httpx
import pyrage
import pytest

from tests.api.world import PRINTER, World
from vouchers.print_file import PrintFileInvalid, read_print_file, verify_manifest

URL = "/api/v1/batches"


def order(client: httpx.Client, world: World, count: int = 30) -> dict[str, Any]:
    """Order cards as the issuer."""
    body = {"face_fen": 5_000, "count": count, "printer": PRINTER}
    placed = client.post(URL, headers=world.as_staff("issuer"), json=body)
    assert placed.status_code == 202
    shown: dict[str, Any] = placed.json()
    return shown


def finished_job(client: httpx.Client, world: World, job_id: str) -> dict[str, Any]:
    """Return a job when it no longer runs."""
    for _ in range(400):
        job: dict[str, Any] = client.get(
            f"/api/v1/jobs/{job_id}", headers=world.as_staff("issuer")
        ).json()
        if job["state"] != "running":
            return job
        time.sleep(0.02)
    raise AssertionError("the job does not end")


def generated(client: httpx.Client, world: World, count: int = 30) -> str:
    """Return a batch whose cards are made."""
    batch_id = order(client, world, count)["batch_ids"][0]
    agreed = client.post(
        f"{URL}/{batch_id}/approve",
        headers=world.as_staff("second_issuer"),
        json=world.decision("second_issuer"),
    )
    assert agreed.status_code == 200
    started = client.post(f"{URL}/{batch_id}/generate", headers=world.as_staff("issuer"))
    assert started.status_code == 202
    job = finished_job(client, world, started.json()["job_id"])
    assert (job["state"], job["done_count"], job["subject_id"]) == ("done", count, batch_id)
    return str(batch_id)


def test_a_batch_goes_from_order_to_the_printer_by_two_persons(
    client: httpx.Client, world: World
) -> None:
    batch_id = generated(client, world)
    issuer, second = world.as_staff("issuer"), world.as_staff("second_issuer")
    asked = client.post(f"{URL}/{batch_id}/export", headers=issuer)
    assert asked.status_code == 202
    approval_id = asked.json()["approval_id"]
    own = client.post(
        f"/api/v1/approvals/{approval_id}/agree", headers=issuer, json=world.decision("issuer")
    )
    assert (own.status_code, own.json()["code"]) == (403, "same_person")
    agreed = client.post(
        f"/api/v1/approvals/{approval_id}/agree",
        headers=second,
        json=world.decision("second_issuer"),
    )
    assert agreed.json() == {"approval_id": approval_id, "state": "agreed"}
    file = client.post(f"{URL}/{batch_id}/export", headers=issuer)
    assert (file.status_code, file.headers["content-type"]) == (200, "application/octet-stream")
    cards = list(read_print_file(file.content, world.printer_key))
    assert len(cards) == 30
    manifest = client.get(f"{URL}/{batch_id}/manifest", headers=issuer).json()
    verify_manifest(manifest, world.keys.get().public_key_text)
    assert manifest["ciphertext_sha256"] == hashlib.sha256(file.content).hexdigest()
    again = client.post(f"{URL}/{batch_id}/export", headers=issuer)
    assert (again.status_code, again.json()["code"]) == (409, "already_exported")
    shown = client.get(f"{URL}/{batch_id}", headers=issuer).json()
    assert (shown["state"], shown["generated_count"], shown["printer"]) == (
        "generated",
        30,
        PRINTER,
    )


def test_nobody_approves_his_own_order_and_nothing_is_made_before(
    client: httpx.Client, world: World
) -> None:
    placed = order(client, world)
    batch_id = placed["batch_ids"][0]
    own = client.post(
        f"{URL}/{batch_id}/approve", headers=world.as_staff("issuer"), json=world.decision("issuer")
    )
    early = client.post(f"{URL}/{batch_id}/generate", headers=world.as_staff("issuer"))
    assert (own.status_code, own.json()["code"]) == (403, "same_person")
    assert (early.status_code, early.json()["code"]) == (409, "batch_not_approved")
    approval = client.get(
        f"/api/v1/approvals/{placed['approval_id']}", headers=world.as_staff("auditor")
    ).json()
    assert (approval["kind"], approval["state"]) == ("batch_order", "requested")
    assert approval["content"]["printer"] == PRINTER


def test_a_refused_order_makes_no_cards(client: httpx.Client, world: World) -> None:
    placed = order(client, world)
    url = f"/api/v1/approvals/{placed['approval_id']}/refuse"
    refused = client.post(
        url,
        headers=world.as_staff("second_issuer"),
        json=world.decision("second_issuer", reason="too many"),
    )
    again = client.post(
        url,
        headers=world.as_staff("second_issuer"),
        json=world.decision("second_issuer", reason="still"),
    )
    assert refused.json() == {"approval_id": placed["approval_id"], "state": "refused"}
    assert (again.status_code, again.json()["code"]) == (409, "approval_closed")
    batch_id = placed["batch_ids"][0]
    late = client.post(f"{URL}/{batch_id}/generate", headers=world.as_staff("issuer"))
    assert late.json()["code"] == "batch_not_approved"


def test_open_approvals_and_batches_are_read_in_pages(client: httpx.Client, world: World) -> None:
    placed = [order(client, world, 1) for _ in range(3)]
    seen: list[str] = []
    after: str | None = "0"
    while after is not None:
        page = client.get(
            "/api/v1/approvals",
            params={"limit": 2, "after": after},
            headers=world.as_staff("auditor"),
        ).json()
        seen += [item["id"] for item in page["approvals"]]
        assert len(page["approvals"]) <= 2
        after = page["next_after"]
    assert [item["approval_id"] for item in placed] == seen[-3:]
    assert seen == sorted(set(seen), key=int)
    newest = client.get(URL, params={"limit": 1}, headers=world.as_staff("auditor")).json()
    next_one = client.get(
        URL, params={"limit": 1, "after": newest["next_after"]}, headers=world.as_staff("auditor")
    ).json()
    assert int(newest["batches"][0]["id"]) > int(next_one["batches"][0]["id"])


def test_what_does_not_exist_is_told_so(client: httpx.Client, world: World) -> None:
    issuer = world.as_staff("issuer")
    assert client.get(f"{URL}/42999999999", headers=issuer).json()["code"] == "batch_unknown"
    assert client.get("/api/v1/jobs/1", headers=issuer).json()["code"] == "not_found"
    assert client.get("/api/v1/approvals/1", headers=issuer).json()["code"] == "not_found"
    body = {"face_fen": 4_999, "count": 1, "printer": PRINTER}
    assert client.post(URL, headers=issuer, json=body).json()["code"] == "face_unknown"
    body = {"face_fen": 5_000, "count": 1, "printer": "nobody"}
    assert client.post(URL, headers=issuer, json=body).json()["code"] == "printer_unknown"


def test_the_printers_key_is_needed_to_read_the_file(client: httpx.Client, world: World) -> None:
    batch_id = generated(client, world, 3)
    issuer = world.as_staff("issuer")
    approval_id = client.post(f"{URL}/{batch_id}/export", headers=issuer).json()["approval_id"]
    client.post(
        f"/api/v1/approvals/{approval_id}/agree",
        headers=world.as_staff("second_issuer"),
        json=world.decision("second_issuer"),
    )
    file = client.post(f"{URL}/{batch_id}/export", headers=issuer).content
    cards = list(read_print_file(file, world.printer_key))
    stranger = str(pyrage.x25519.Identity.generate())
    with pytest.raises(PrintFileInvalid):
        list(read_print_file(file, stranger))
    assert len(cards) == 3
    assert all(card.pin.digits.encode() not in file for card in cards)
