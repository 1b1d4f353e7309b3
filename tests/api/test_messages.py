"""What did not leave, over HTTP."""

from typing import Any

import httpx

from core.outbox import put
from core.tables import outbox
from tests.api.world import World


def given_up(world: World) -> int:
    """Write a message as the relay leaves one that was refused."""
    with world.db.write() as session:
        message_id = put(session, "receipt", "+8613800001234", "secret words")
        session.execute(
            outbox.update()
            .where(outbox.c.id == message_id)
            .values(given_up_at=session.now, last_error="http_400", attempts=1)
        )
    return message_id


def test_a_message_given_up_is_seen_and_sent_again(client: httpx.Client, world: World) -> None:
    ours = given_up(world)
    staff = world.as_staff("customer_service")
    answer = client.get("/api/v1/messages?state=given_up", headers=staff)
    (found,) = _with_id(answer.json(), ours)
    assert (found["recipient"], found["last_error"]) == ("+86****1234", "http_400")
    assert "secret words" not in answer.text
    path = f"/api/v1/messages/{ours}/resend"
    assert client.post(path, headers=world.as_staff("auditor")).status_code == 403
    done = client.post(path, headers=staff)
    assert done.json() == {"message_id": str(ours), "state": "waiting"}
    again = client.post(path, headers=staff)
    assert (again.status_code, again.json()["code"]) == (409, "message_not_given_up")


def test_what_is_not_there_or_not_a_state_is_told(client: httpx.Client, world: World) -> None:
    staff = world.as_staff("customer_service")
    assert client.post("/api/v1/messages/1/resend", headers=staff).status_code == 404
    wrong = client.get("/api/v1/messages?state=lost", headers=staff)
    assert wrong.status_code in (400, 422)
    assert client.get("/api/v1/messages", headers=world.as_staff("issuer")).status_code == 403


def test_messages_come_page_by_page(client: httpx.Client, world: World) -> None:
    first, second = given_up(world), given_up(world)
    staff = world.as_staff("admin")
    page = client.get("/api/v1/messages?limit=1", headers=staff).json()
    assert [item["id"] for item in page["messages"]] == [str(second)]
    url = f"/api/v1/messages?limit=1&before={page['next_before']}"
    assert _with_id(client.get(url, headers=staff).json(), first)


def _with_id(answer: Any, message_id: int) -> list[Any]:
    return [item for item in answer["messages"] if item["id"] == str(message_id)]
