"""Codes that register an account, asked for and tried more than once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, cast

import pytest
from redis import Redis
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, OperationalError

from core.db import Database
from core.tables import outbox
from redemption.dialogue.codes import CODES_PER_DAY, enter_code, send_code
from redemption.dialogue.deps import DialogueDeps
from redemption.dialogue.phones import Phone
from redemption.dialogue.state import Bound, CodeGone, CodeRefused, CodeSent, CodeWrong
from redemption.tables import caller_binding
from tests.redemption.dialogue.world import ACCOUNT, PHONE, count, texts_sent

ASKER = Phone(PHONE, takes_texts=True, language="zh")


@pytest.fixture
def code(deps: DialogueDeps, household: str) -> str:
    """The code that was texted to the holder."""
    assert send_code(deps, ASKER, ACCOUNT, "ask-1") == CodeSent()
    return texted_code(deps.db)


def texted_code(db: Database) -> str:
    """Return the code that was texted last."""
    return texts_sent(db)[-1][1].split("验证码")[1][:6]


def other(code: str) -> str:
    return f"{(int(code) + 1) % 10**6:06d}"


def test_the_same_request_again_sends_no_second_code(
    deps: DialogueDeps, db: Database, code: str
) -> None:
    assert send_code(deps, ASKER, ACCOUNT, "ask-1") == CodeSent()
    assert count(db, outbox) == 1
    assert enter_code(deps, ASKER, code, "try-1") == Bound(ACCOUNT)


def test_a_request_delivered_ten_times_at_once_sends_one_code_and_counts_once(
    deps: DialogueDeps, db: Database, household: str
) -> None:
    with ThreadPoolExecutor(10) as pool:
        told = list(pool.map(lambda _: send_code(deps, ASKER, household, "ask-1"), range(10)))
    assert told == [CodeSent()] * 10
    assert count(db, outbox) == 1
    for number in range(2, CODES_PER_DAY + 1):
        assert send_code(deps, ASKER, household, f"ask-{number}") == CodeSent()
    for _ in range(2):
        assert send_code(deps, ASKER, household, "one too many") == CodeRefused("code_too_many")
    assert send_code(deps, ASKER, household, "ask-1") == CodeSent()
    assert count(db, outbox) == CODES_PER_DAY
    assert enter_code(deps, ASKER, texted_code(db), "try-1") == Bound(ACCOUNT)


def test_a_request_that_could_not_be_sent_is_sent_when_it_comes_again(
    deps: DialogueDeps, db: Database, household: str
) -> None:
    with db.write() as session:
        session.execute(text("ALTER TABLE outbox RENAME TO away"))
    with pytest.raises(DBAPIError):
        send_code(deps, ASKER, household, "ask-1")
    with db.write() as session:
        session.execute(text("ALTER TABLE away RENAME TO outbox"))
    assert send_code(deps, ASKER, household, "ask-1") == CodeSent()
    assert enter_code(deps, ASKER, texted_code(db), "try-1") == Bound(ACCOUNT)


def test_a_new_request_makes_the_old_code_useless(
    deps: DialogueDeps, db: Database, code: str
) -> None:
    assert send_code(deps, ASKER, ACCOUNT, "ask-2") == CodeSent()
    newer = texted_code(db)
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


class _Overtaken:
    """A Redis on which others finish their tries between our first look and what we then write."""

    def __init__(self, redis: Redis, others: Callable[[], None]) -> None:
        self._redis, self._others = redis, iter([others])

    def __getattr__(self, name: str) -> Any:
        return getattr(self._redis, name)

    def get(self, key: str) -> Any:
        """Return what stood there before the others came."""
        found = self._redis.get(key)
        next(self._others, lambda: None)()
        return found


def test_a_right_code_that_three_wrong_ones_overtook_registers_nothing(
    deps: DialogueDeps, db: Database, code: str
) -> None:
    def others() -> None:
        for number in range(3):
            enter_code(deps, ASKER, other(code), f"wrong-{number}")

    overtaken = replace(deps, redis=cast(Redis, _Overtaken(deps.redis, others)))
    assert enter_code(overtaken, ASKER, code, "try-1") == CodeGone()
    assert count(db, caller_binding) == 0


def test_a_code_stays_good_while_the_database_is_away(
    deps: DialogueDeps, db: Database, code: str
) -> None:
    nowhere = replace(db.settings, database_url="postgresql+psycopg://nobody@127.0.0.1:1/none")
    away = Database(nowhere, db.clock)
    with pytest.raises(OperationalError):
        enter_code(replace(deps, db=away), ASKER, code, "try-1")
    away.dispose()
    assert count(db, caller_binding) == 0
    assert enter_code(deps, ASKER, code, "try-1") == Bound(ACCOUNT)
    assert count(db, caller_binding) == 1
