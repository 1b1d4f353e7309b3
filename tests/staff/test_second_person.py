"""Deciding at a face: a fresh code, another person, and nothing lost on the way."""

import ast
from pathlib import Path

import pytest

from core.db import Database
from core.keyfile import Keys
from staff import approvals, second_person
from staff.approvals import ApprovalClosed, SamePerson
from staff.limits import SignInLimits
from staff.permissions import Actor, Forbidden
from staff.second_person import Decider
from staff.signin import CodeWrong
from tests.codes import fresh_code
from tests.factories import make_member
from tests.staff.test_approvals import ACTIONS, asked, second_account, stored, traces

ROOT = Path(__file__).parents[2]
DECIDES = {"agree", "refuse"}


def _by(db: Database, keys: Keys, actor: Actor, code: str | None = None) -> Decider:
    fresh = fresh_code(keys.get(), db, actor)
    return Decider(actor, fresh if code is None else code, keys.get(), SignInLimits.of(""))


def test_a_decision_needs_the_code_of_now(db: Database, keys: Keys) -> None:
    approval_id, _, decider = asked(db)
    for code in ("", "000000", "12345"):
        with pytest.raises(CodeWrong):
            second_person.agree(db, _by(db, keys, decider, code), approval_id, ACTIONS)
        with pytest.raises(CodeWrong):
            second_person.refuse(db, _by(db, keys, decider, code), approval_id, "no", ACTIONS)
    assert stored(db, approval_id).state == "requested"
    by = _by(db, keys, decider)
    assert second_person.agree(db, by, approval_id, ACTIONS) == "done"
    assert traces(db) == ["carried_out"]


def test_a_code_decides_once(db: Database, keys: Keys) -> None:
    first, requester, decider = asked(db)
    with db.write() as session:
        second = approvals.request(session, requester, "batch_order", {"printer": "x"})
    by = _by(db, keys, decider)
    second_person.refuse(db, by, first, "wrong printer", ACTIONS)
    with pytest.raises(CodeWrong):
        second_person.agree(db, by, second, ACTIONS)
    assert stored(db, second).state == "requested"


def test_what_cannot_be_decided_costs_no_code(db: Database, keys: Keys) -> None:
    approval_id, requester, decider = asked(db)
    for own in (requester, second_account(db, requester)):
        with pytest.raises(SamePerson):
            second_person.agree(db, _by(db, keys, own), approval_id, ACTIONS)
    with db.write() as session:
        auditor = make_member(session, "auditor")
    with pytest.raises(Forbidden):
        second_person.agree(db, _by(db, keys, auditor), approval_id, ACTIONS)
    by = _by(db, keys, decider)
    second_person.agree(db, by, approval_id, ACTIONS)
    with pytest.raises(ApprovalClosed):
        second_person.agree(db, by, approval_id, ACTIONS)


def test_a_decider_never_shows_the_code(db: Database, keys: Keys) -> None:
    _, _, decider = asked(db)
    assert "482915" not in repr(_by(db, keys, decider, "482915"))


@pytest.mark.parametrize("face", ["api", "cli"])
def test_no_face_decides_without_a_code(face: str) -> None:
    found = [
        f"{path}:{node.lineno}"
        for path in sorted((ROOT / face).glob("*.py"))  # the demo plays its people itself
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute)
        and node.attr in DECIDES
        and isinstance(node.value, ast.Name)
        and node.value.id == "approvals"
    ]
    assert found == []
