"""Answers kept under the sender's own reference."""

from typing import Any

import pytest
from sqlalchemy import func, select

from core.answers import Given, Reference, RequestConflict, StoredRefusal, find, once
from core.db import Database, Session, take_block
from core.errors import DomainError, InvalidInput, TryLater
from core.tables import lease, stored_answer

ME = Reference("till", "1", "k-1")


class Refused(DomainError):
    """A refusal of the trials."""

    code = "refused"


def count_up(session: Session) -> dict[str, Any]:
    """An effect that can be counted."""
    return {"number": take_block(session.connection, "trial", 1)}


def ask(db: Database, work: Any = count_up, reference: Reference = ME, **content: Any) -> Given:
    """Send a request."""
    return db.transact(lambda session: once(session, reference, content, work))


def effects(db: Database) -> int:
    """How often the effect happened."""
    with db.read() as session:
        query = select(lease.c.next_value).where(lease.c.name == "trial")
        return int(session.execute(query).scalar() or 0)


def test_the_same_request_has_one_effect_and_one_answer(db: Database) -> None:
    first, again = ask(db, a=1), ask(db, a=1)
    assert (first.unwrap(), first.replayed) == ({"number": 0}, False)
    assert (again.unwrap(), again.replayed) == ({"number": 0}, True)
    assert effects(db) == 1


def test_other_content_under_the_same_key_is_a_conflict(db: Database) -> None:
    ask(db, a=1)
    with pytest.raises(RequestConflict):
        ask(db, a=2)
    assert effects(db) == 1


@pytest.mark.parametrize(
    "other",
    [Reference("till", "2", "k-1"), Reference("x", "1", "k-1"), Reference("till", "1", "k")],
)
def test_every_part_of_the_reference_tells_requests_apart(db: Database, other: Reference) -> None:
    ask(db)
    assert not ask(db, reference=other).replayed
    assert effects(db) == 2


def test_a_refusal_is_kept_with_its_words_and_leaves_no_other_trace(db: Database) -> None:
    def work(session: Session) -> dict[str, Any]:
        count_up(session)
        raise Refused("not today", needed_fen=5)

    for _ in range(2):
        with pytest.raises(StoredRefusal) as refused:
            ask(db, work).unwrap()
        assert refused.value.code == "refused"
        assert (refused.value.message, refused.value.details) == ("not today", {"needed_fen": 5})
    assert effects(db) == 0
    with pytest.raises(StoredRefusal):
        ask(db).unwrap()


@pytest.mark.parametrize("error", [TryLater("busy"), InvalidInput("what?"), ValueError("a fault")])
def test_what_is_no_answer_is_not_kept(db: Database, error: Exception) -> None:
    def work(session: Session) -> dict[str, Any]:
        count_up(session)
        raise error

    with pytest.raises(type(error)):
        ask(db, work)
    with db.read() as session:
        assert find(session, ME) is None
        assert session.execute(select(func.count()).select_from(stored_answer)).scalar_one() == 0
    assert not ask(db).replayed
    assert effects(db) == 1
