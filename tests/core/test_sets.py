"""Statements over many rows, on both databases."""

import uuid
from contextlib import nullcontext
from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from core.db import Database
from core.sets import among, insert_new_rows, insert_rows, rows_of, update_rows
from core.tables import job, outbox
from core.trips import one_trip
from vouchers.tables import voucher

NOW = datetime(2026, 6, 11, tzinfo=UTC)


def jobs(count: int) -> list[dict[str, object]]:
    return [
        {
            "id": number,
            "kind": f"kind {number % 3}",
            "subject_id": number // 3,
            "state": "running",
            "done_count": 0,
            "total_count": 10,
            "owner": "测试'\"\\",
            "created_at": NOW,
            "heartbeat_at": NOW,
            "error": None if number % 2 else "x",
        }
        for number in range(count)
    ]


def test_rows_come_back_as_they_were_put_in(db: Database) -> None:
    with db.write() as session:
        insert_rows(session, job, jobs(700))
        insert_rows(session, job, [])
    with db.read() as session:
        names = list(jobs(1)[0])
        rows = session.execute(select(*(job.c[n] for n in names)).order_by(job.c.id)).all()
    assert [dict(zip(names, row, strict=True)) for row in rows] == jobs(700)


def test_only_new_rows_are_counted_and_old_ones_stay(db: Database) -> None:
    with db.write() as session:
        counts: list[int] = []
        insert_new_rows(session, job, jobs(3), counts.append)
        changed = [row | {"owner": "other"} for row in jobs(5)]
        insert_new_rows(session, job, changed, counts.append)
        insert_new_rows(session, job, [], counts.append)
        assert counts == [3, 2]
        owners = session.execute(select(job.c.owner).order_by(job.c.id)).scalars().all()
    assert owners == ["测试'\"\\"] * 3 + ["other"] * 2


def test_a_list_of_values_is_one_parameter_whatever_its_length(db: Database) -> None:
    query = select(job.c.id).where(among(job.c.id, "ids")).order_by(job.c.id)
    with db.write() as session:
        insert_rows(session, job, jobs(50))
        for wanted in ([], [3], [3, 4, 4, 99], list(range(50))):
            found = session.execute(query, {"ids": wanted}).scalars().all()
            assert found == sorted(set(wanted) & set(range(50)))


def test_texts_with_any_sign_are_values_and_not_syntax(db: Database) -> None:
    odd = ["", "a,b", '"q"', "{x}", "'", "\\", "NULL", "充值", "line\nbreak"]
    query = select(outbox.c.recipient).where(among(outbox.c.recipient, "wanted"))
    rows = [
        {"id": i, "kind": "k", "recipient": text, "body": "", "created_at": NOW, "due_at": NOW}
        for i, text in enumerate(odd)
    ]
    with db.write() as session:
        insert_rows(session, outbox, rows)
        found = session.execute(query, {"wanted": odd}).scalars().all()
    assert sorted(found) == sorted(odd)


def test_rows_of_values_match_together_and_not_crosswise(db: Database) -> None:
    asked_for = rows_of({"kinds": job.c.kind, "subjects": job.c.subject_id})
    matches = (job.c.kind == asked_for.c.kinds) & (job.c.subject_id == asked_for.c.subjects)
    query = select(job.c.id).select_from(asked_for.join(job, matches))
    with db.write() as session:
        insert_rows(session, job, jobs(9))
        asked = {"kinds": ["kind 0", "kind 1", "kind 2"], "subjects": [0, 1, 9]}
        assert sorted(session.execute(query, asked).scalars()) == [0, 4]


def test_updates_set_or_add(db: Database) -> None:
    with db.write() as session:
        insert_rows(session, job, jobs(4))
        new = [{"id": i, "done_count": 2, "owner": f"o{i}"} for i in (1, 2, 77)]
        missing = ValueError("not there")
        update_rows(session, job, "id", new)
        update_rows(session, job, "id", [{"id": 1, "done_count": 3}], ["done_count"], missing)
        update_rows(session, job, "id", [], missing=missing)
        query = select(job.c.done_count, job.c.owner).order_by(job.c.id)
        counts = [tuple(row) for row in session.execute(query)]
    assert [count for count, _ in counts] == [0, 5, 2, 0]
    assert [owner for _, owner in counts[1:3]] == ["o1", "o2"]


@pytest.mark.parametrize("together", [True, False], ids=["in one trip", "alone"])
def test_an_update_that_does_not_find_all_its_rows_is_refused_and_nothing_stays(
    db: Database, together: bool
) -> None:
    new = [{"id": i, "was_owner": jobs(1)[0]["owner"], "done_count": 2} for i in (1, 77)]

    def work() -> None:
        with db.write() as session, one_trip(session) if together else nullcontext():
            insert_rows(session, job, jobs(4))
            update_rows(session, job, "id", new, missing=KeyError("moved"))

    with pytest.raises(KeyError, match="moved"):
        work()
    with db.read() as session:
        assert session.execute(select(job.c.id)).all() == []


def test_only_rows_that_are_still_as_they_were_are_changed(db: Database) -> None:
    with db.write() as session:
        insert_rows(session, job, jobs(3))
        update_rows(session, job, "id", [{"id": 1, "was_owner": "nobody", "done_count": 5}])
        owner = jobs(1)[0]["owner"]
        update_rows(session, job, "id", [{"id": 2, "was_owner": owner, "done_count": 5}])
        counts = session.execute(select(job.c.done_count).order_by(job.c.id)).scalars().all()
    assert counts == [0, 0, 5]


def test_uuids_are_found_in_their_stored_form(db: Database) -> None:
    statement = select(voucher.c.serial).where(among(voucher.c.pin_tag, "tags"))
    with db.read() as session:
        assert session.execute(statement, {"tags": [uuid.uuid4()]}).all() == []
