"""Codes that register an account, asked for and tried more than once."""

import pytest

from core.db import Database
from core.tables import outbox
from redemption.dialogue.codes import enter_code, send_code
from redemption.dialogue.deps import DialogueDeps
from redemption.dialogue.phones import Phone
from redemption.dialogue.state import Bound, CodeGone, CodeSent, CodeWrong
from redemption.tables import caller_binding
from tests.redemption.dialogue.world import ACCOUNT, PHONE, count, texts_sent

ASKER = Phone(PHONE, takes_texts=True, language="zh")


@pytest.fixture
def code(deps: DialogueDeps, household: str) -> str:
    """The code that was texted to the holder."""
    assert send_code(deps, ASKER, ACCOUNT, "ask-1") == CodeSent()
    return texts_sent(deps.db)[-1][1].split("验证码")[1][:6]


def other(code: str) -> str:
    return f"{(int(code) + 1) % 10**6:06d}"


def test_the_same_request_again_sends_no_second_code(
    deps: DialogueDeps, db: Database, code: str
) -> None:
    assert send_code(deps, ASKER, ACCOUNT, "ask-1") == CodeSent()
    assert count(db, outbox) == 1
    assert enter_code(deps, ASKER, code, "try-1") == Bound(ACCOUNT)


def test_a_new_request_makes_the_old_code_useless(
    deps: DialogueDeps, db: Database, code: str
) -> None:
    assert send_code(deps, ASKER, ACCOUNT, "ask-2") == CodeSent()
    newer = texts_sent(db)[-1][1].split("验证码")[1][:6]
    if newer != code:
        assert enter_code(deps, ASKER, code, "try-1") == CodeWrong(2)
    assert enter_code(deps, ASKER, newer, "try-2") == Bound(ACCOUNT)


def test_the_same_try_again_is_answered_the_same_and_counted_once(
    deps: DialogueDeps, db: Database, code: str
) -> None:
    for _ in range(3):
        assert enter_code(deps, ASKER, other(code), "try-1") == CodeWrong(2)
    for _ in range(3):
        assert enter_code(deps, ASKER, code, "try-2") == Bound(ACCOUNT)
    assert enter_code(deps, ASKER, code, "try-3") == CodeGone()
    assert count(db, caller_binding) == 1
