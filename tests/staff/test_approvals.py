"""What one person asks for and another agrees to."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError

from core.db import Database, Session
from core.errors import DomainError, InvalidInput, NotFound
from core.outbox import put
from core.tables import outbox
from staff import approvals, events
from staff.approvals import Action, ApprovalClosed, ContentChanged, Decision, SamePerson
from staff.permissions import Actor, Forbidden, Permission
from staff.tables import approval, staff_member
from tests.clocks import FakeClock
from tests.factories import make_member

CONTENT = {"batches": [42260010001, 42260010002], "printer": "红星印刷"}


def carry_out(session: Session, decision: Decision) -> str:
    """Leave a trace that can be counted."""
    put(session, "carried_out", decision.decider.username, decision.content["printer"])
    return "done"


def clear_away(session: Session, decision: Decision) -> None:
    put(session, "cleared_away", decision.requester.username, decision.kind)


def fail_with(error: DomainError) -> Callable[[Session, Decision], Any]:
    def work(session: Session, decision: Decision) -> None:
        carry_out(session, decision)
        raise error

    return work


ACTIONS = {"batch_order": Action(Permission.ORDER_BATCHES, carry_out, clear_away)}


def actions(error: DomainError) -> dict[str, Action]:
    return {"batch_order": Action(Permission.ORDER_BATCHES, fail_with(error), clear_away)}


def asked(db: Database) -> tuple[int, Actor, Actor]:
    """Return an open approval, who asked, and a colleague who may agree."""
    with db.write() as session:
        requester, decider = make_member(session, "issuer"), make_member(session, "issuer")
        approval_id = approvals.request(session, requester, "batch_order", CONTENT)
    return approval_id, requester, decider


def second_account(db: Database, actor: Actor) -> Actor:
    """Return another account of the same person."""
    with db.write() as session:
        other = make_member(session, "issuer")
        session.execute(
            update(staff_member)
            .where(staff_member.c.id == other.member_id)
            .values(person_id=actor.person_id)
        )
    return Actor(other.member_id, actor.person_id, other.username, other.role)


def traces(db: Database) -> list[str]:
    with db.read() as session:
        return list(session.execute(select(outbox.c.kind).order_by(outbox.c.id)).scalars())


def stored(db: Database, approval_id: int) -> approvals.Approval:
    with db.read() as session:
        return approvals.get(session, approval_id)


def test_agreeing_carries_the_request_out_once(db: Database) -> None:
    approval_id, requester, decider = asked(db)
    assert approvals.agree(db, decider, approval_id, ACTIONS) == "done"
    found = stored(db, approval_id)
    assert (found.state, found.decider) == ("agreed", decider.username)
    assert (found.requester, found.content) == (requester, CONTENT)
    with pytest.raises(ApprovalClosed) as caught:
        approvals.agree(db, decider, approval_id, ACTIONS)
    assert caught.value.code == "approval_closed"
    assert traces(db) == ["carried_out"]


def test_the_log_tells_who_asked_and_who_agreed(db: Database) -> None:
    approval_id, requester, decider = asked(db)
    approvals.agree(db, decider, approval_id, ACTIONS)
    with db.read() as session:
        log = events.list_events(session, approvals.subject(approval_id))
    assert [(event.kind, event.username) for event in log] == [
        ("approval.agreed", decider.username),
        ("approval.requested", requester.username),
    ]
    assert log[0].detail["digest"] == stored(db, approval_id).digest


@pytest.mark.parametrize("account", ["the same", "another"])
def test_nobody_decides_on_his_own_request(db: Database, account: str) -> None:
    approval_id, requester, _ = asked(db)
    actor = requester if account == "the same" else second_account(db, requester)
    with pytest.raises(SamePerson) as caught:
        approvals.agree(db, actor, approval_id, ACTIONS)
    assert caught.value.code == "same_person"
    with pytest.raises(SamePerson):
        approvals.refuse(db, actor, approval_id, "no", ACTIONS)
    assert stored(db, approval_id).state == "requested"
    assert traces(db) == []


def test_the_database_itself_refuses_one_person_on_both_sides(db: Database) -> None:
    approval_id, requester, _ = asked(db)
    change = update(approval).where(approval.c.id == approval_id)
    with pytest.raises(IntegrityError), db.write() as session:
        session.execute(
            change.values(
                state="agreed",
                decided_by=requester.member_id,
                decider_person_id=requester.person_id,
            )
        )
    with pytest.raises(IntegrityError), db.write() as session:
        session.execute(change.values(state="agreed"))
    assert stored(db, approval_id).state == "requested"


@pytest.mark.parametrize("role", ["auditor", "finance", "warehouse", "distributor"])
def test_who_decides_needs_the_right_to_approve_and_that_of_the_kind(
    db: Database, role: str
) -> None:
    approval_id, _, decider = asked(db)
    outsider = Actor(decider.member_id, decider.person_id, decider.username, role)
    with pytest.raises(Forbidden):
        approvals.agree(db, outsider, approval_id, ACTIONS)
    with pytest.raises(Forbidden):
        approvals.refuse(db, outsider, approval_id, "no", ACTIONS)
    assert stored(db, approval_id).state == "requested"


def test_a_refusal_keeps_its_reason_and_clears_away(db: Database) -> None:
    approval_id, _, decider = asked(db)
    with pytest.raises(InvalidInput):
        approvals.refuse(db, decider, approval_id, "  ", ACTIONS)
    approvals.refuse(db, decider, approval_id, " 数量不对 ", ACTIONS)
    assert (stored(db, approval_id).state, stored(db, approval_id).reason) == (
        "refused",
        "数量不对",
    )
    with pytest.raises(ApprovalClosed):
        approvals.agree(db, decider, approval_id, ACTIONS)
    assert traces(db) == ["cleared_away"]


def test_content_that_no_longer_holds_makes_it_void_and_undoes_the_action(db: Database) -> None:
    approval_id, _, decider = asked(db)
    with pytest.raises(ContentChanged) as caught:
        approvals.agree(
            db, decider, approval_id, actions(ContentChanged("the lot moved meanwhile"))
        )
    assert caught.value.code == "content_changed"
    found = stored(db, approval_id)
    assert (found.state, found.reason) == ("void", "the lot moved meanwhile")
    assert traces(db) == ["cleared_away"]


def test_another_error_of_the_action_leaves_the_approval_open(db: Database) -> None:
    approval_id, _, decider = asked(db)
    with pytest.raises(InvalidInput):
        approvals.agree(db, decider, approval_id, actions(InvalidInput("over the limit")))
    assert stored(db, approval_id).state == "requested"
    assert traces(db) == []
    assert approvals.agree(db, decider, approval_id, ACTIONS) == "done"


def test_content_altered_behind_our_back_is_never_carried_out(db: Database) -> None:
    approval_id, _, decider = asked(db)
    with db.write() as session:
        session.execute(update(approval).values(content='{"printer":"another"}'))
    with pytest.raises(ContentChanged):
        approvals.agree(db, decider, approval_id, ACTIONS)
    assert stored(db, approval_id).state == "void"
    assert traces(db) == []


def test_what_a_disabled_member_asked_for_becomes_void(db: Database) -> None:
    approval_id, requester, decider = asked(db)
    with db.write() as session:
        session.execute(
            update(staff_member)
            .where(staff_member.c.id == requester.member_id)
            .values(active=False)
        )
    with pytest.raises(ContentChanged):
        approvals.agree(db, decider, approval_id, ACTIONS)
    assert stored(db, approval_id).state == "void"
    assert traces(db) == ["cleared_away"]


def test_an_approval_lives_seven_days(db: Database, clock: FakeClock) -> None:
    approval_id, _, decider = asked(db)
    clock.advance(days=6, hours=23, minutes=59)
    with db.read() as session:
        assert [item.id for item in approvals.list_open(session)] == [approval_id]
    clock.advance(minutes=1)
    with db.read() as session:
        assert approvals.list_open(session) == []
    with pytest.raises(ApprovalClosed):
        approvals.agree(db, decider, approval_id, ACTIONS)
    assert (stored(db, approval_id).state, stored(db, approval_id).reason) == ("void", "expired")
    assert traces(db) == ["cleared_away"]


def test_the_daily_round_clears_away_only_what_expired(db: Database, clock: FakeClock) -> None:
    old_id, _, _ = asked(db)
    clock.advance(days=8)
    new_id, _, decider = asked(db)
    assert approvals.close_expired(db, ACTIONS) == [old_id]
    assert approvals.close_expired(db, ACTIONS) == []
    assert traces(db) == ["cleared_away"]
    assert approvals.agree(db, decider, new_id, ACTIONS) == "done"


def test_open_approvals_are_listed_page_by_page(db: Database) -> None:
    ids = [asked(db)[0] for _ in range(3)]
    with db.read() as session:
        first = approvals.list_open(session, limit=2)
        rest = approvals.list_open(session, after_id=first[-1].id)
    assert [item.id for item in first + rest] == ids


def test_unknown_approvals_and_kinds_are_not_found(db: Database) -> None:
    approval_id, _, decider = asked(db)
    with pytest.raises(NotFound):
        approvals.agree(db, decider, approval_id + 1, ACTIONS)
    with pytest.raises(NotFound):
        approvals.agree(db, decider, approval_id, {})


def test_the_same_content_has_the_same_digest_whatever_its_order(db: Database) -> None:
    with db.write() as session:
        actor = make_member(session, "issuer")
        one = approvals.request(session, actor, "batch_order", {"a": 1, "b": "元"})
        two = approvals.request(session, actor, "batch_order", {"b": "元", "a": 1})
        other = approvals.request(session, actor, "batch_order", {"b": "元", "a": 2})
        digests = [approvals.get(session, number).digest for number in (one, two, other)]
    assert digests[0] == digests[1] != digests[2]


def at_once(works: list[Callable[[], Any]]) -> list[Any]:
    """Run all in threads that start together; return results or DomainErrors in order."""
    barrier = threading.Barrier(len(works))
    results: list[Any] = [None] * len(works)

    def run(index: int) -> None:
        barrier.wait()
        try:
            results[index] = works[index]()
        except DomainError as error:
            results[index] = error

    threads = [threading.Thread(target=run, args=(index,)) for index in range(len(works))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_many_who_agree_at_once_carry_it_out_once(db: Database) -> None:
    approval_id, _, _ = asked(db)
    with db.write() as session:
        deciders = [make_member(session, "issuer") for _ in range(6)]

    def agree_as(actor: Actor) -> Callable[[], Any]:
        return lambda: approvals.agree(db, actor, approval_id, ACTIONS)

    results = at_once([agree_as(actor) for actor in deciders])
    assert results.count("done") == 1
    assert sum(isinstance(result, ApprovalClosed) for result in results) == 5
    assert traces(db) == ["carried_out"]


def test_agreeing_and_refusing_at_once_do_one_of_the_two(db: Database) -> None:
    for _ in range(4):
        approval_id, _, decider = asked(db)
        with db.write() as session:
            other = make_member(session, "issuer")
        before = len(traces(db))

        def agree(number: int = approval_id, actor: Actor = decider) -> Any:
            return approvals.agree(db, actor, number, ACTIONS)

        def refuse(number: int = approval_id, actor: Actor = other) -> Any:
            return approvals.refuse(db, actor, number, "no", ACTIONS)

        results = at_once([agree, refuse])
        assert sum(isinstance(result, ApprovalClosed) for result in results) == 1
        wanted = {"agreed": "carried_out", "refused": "cleared_away"}
        assert traces(db)[before:] == [wanted[stored(db, approval_id).state]]


def test_two_failing_decisions_at_once_clear_away_once(db: Database) -> None:
    approval_id, _, decider = asked(db)
    with db.write() as session:
        other = make_member(session, "issuer")
    failing = actions(ContentChanged("moved"))
    results = at_once(
        [
            lambda: approvals.agree(db, decider, approval_id, failing),
            lambda: approvals.agree(db, other, approval_id, failing),
        ]
    )
    assert all(isinstance(result, ContentChanged | ApprovalClosed) for result in results)
    assert traces(db) == ["cleared_away"]
    with db.read() as session:
        voided = session.execute(
            select(func.count()).select_from(approval).where(approval.c.state == "void")
        ).scalar_one()
    assert voided == 1
