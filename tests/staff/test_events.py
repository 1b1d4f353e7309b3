"""The log of who did what."""

import pytest

from core.db import Database
from staff import events
from tests.factories import make_member


def test_events_are_read_newest_first_page_by_page(db: Database) -> None:
    with db.write() as session:
        actor = make_member(session)
        ids = [events.record(session, actor, "lot.held", f"lot:{n}", cards=n) for n in range(5)]
        ids.append(events.record(session, None, "batch.voided", "batch:1", reason="未完成"))
    with db.read() as session:
        first = events.list_events(session, limit=2)
        rest = events.list_events(session, before_id=first[-1].id)
    assert [event.id for event in first + rest] == ids[::-1]
    assert (first[0].username, first[0].detail) == (None, {"reason": "未完成"})
    assert (first[1].username, first[1].detail) == (actor.username, {"cards": 4})


def test_events_are_found_by_subject(db: Database) -> None:
    with db.write() as session:
        wanted = events.record(session, None, "lot.held", "lot:1")
        events.record(session, None, "lot.held", "lot:11")
    with db.read() as session:
        assert [event.id for event in events.list_events(session, "lot:1")] == [wanted]


@pytest.mark.parametrize("limit", [0, -1])
def test_a_page_has_at_least_one_event(db: Database, limit: int) -> None:
    with db.write() as session:
        events.record(session, None, "lot.held", "lot:1")
        assert len(events.list_events(session, limit=limit)) == 1


def test_a_value_has_one_json_text() -> None:
    assert events.canonical_json({"b": [1, "元"], "a": None}) == '{"a":null,"b":[1,"\\u5143"]}'
    assert events.canonical_json("\ud800\x00") == '"\\ud800\\u0000"'
    with pytest.raises(ValueError, match="JSON"):
        events.canonical_json(float("nan"))
