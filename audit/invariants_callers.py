"""Invariants of wrong PINs: what is counted on callers is what they tried, and locks stand."""

from datetime import timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    ScalarSelect,
    Select,
    and_,
    extract,
    func,
    literal,
    or_,
    select,
    union_all,
)

from audit.invariant import SLACK_S, Invariant, Offence, none_of
from core.db import Session
from redemption.requests import Code
from redemption.tables import attempt, caller, caller_lock, request

_DAY_S = 86_400


def _tries(code: Code, *conditions: ColumnElement[bool]) -> ScalarSelect[int]:
    """How many refused tries the outer caller has made."""
    return (
        select(func.count())
        .select_from(attempt)
        .where(attempt.c.caller == caller.c.identity, attempt.c.code == code, *conditions)
        .scalar_subquery()
    )


def _count_unlike_tries() -> Select[Any]:
    """Each try of the day is counted, and nothing else.

    At midnight a try may be recorded on the day before the one it is counted on; unlocking may
    begin the counts anew; the malformed PIN that is not answered any more is counted only.
    """
    unlocked = (
        select(func.max(extract("epoch", caller_lock.c.released_at)))
        .where(caller_lock.c.caller == caller.c.identity)
        .scalar_subquery()
    )
    today = and_(
        attempt.c.day == caller.c.day,
        extract("epoch", attempt.c.at) > func.coalesce(unlocked + SLACK_S, 0),
    )
    late = (extract("epoch", caller.c.day) - extract("epoch", attempt.c.day)).between(0, _DAY_S)
    wrong, malformed = _tries(Code.PIN_UNKNOWN, today), _tries(Code.PIN_MALFORMED, today)
    return select(
        caller.c.identity.label("caller"),
        caller.c.day,
        caller.c.wrong_today,
        wrong.label("wrong_tries"),
        caller.c.malformed_today,
        malformed.label("malformed_tries"),
        caller.c.wrong_in_row,
    ).where(
        or_(
            caller.c.wrong_today < wrong,
            caller.c.wrong_today > _tries(Code.PIN_UNKNOWN, late),
            caller.c.malformed_today < malformed,
            caller.c.malformed_today > _tries(Code.PIN_MALFORMED, late) + 1,
            caller.c.wrong_in_row > _tries(Code.PIN_UNKNOWN),
        )
    )


def _tries_unlike_answers() -> Select[Any]:
    """Only the request that stores a refusal counts as a try, and it always does."""
    codes = (Code.PIN_UNKNOWN, Code.PIN_MALFORMED)
    rows = union_all(
        select(
            request.c.sender,
            request.c.channel,
            request.c.code,
            literal(1).label("answer"),
            literal(0).label("try"),
        ).where(request.c.code.in_(codes)),
        select(attempt.c.sender, attempt.c.channel, attempt.c.code, literal(0), literal(1)),
    ).subquery()
    key = (rows.c.sender, rows.c.channel, rows.c.code)
    answers, tries = func.sum(rows.c.answer), func.sum(rows.c["try"])
    return (
        select(*key, answers.label("answers"), tries.label("tries"))
        .group_by(*key)
        .having(answers != tries)
    )


def _lock_without_history() -> Select[Any]:
    same = and_(
        caller_lock.c.caller == caller.c.identity,
        caller_lock.c.rule == caller.c.locked_rule,
        caller_lock.c.until.is_not_distinct_from(caller.c.locked_until),
        caller_lock.c.released_at.is_(None),
    )
    return (
        select(caller.c.identity.label("caller"), caller.c.locked_rule, caller.c.locked_until)
        .outerjoin(caller_lock, same)
        .where(caller.c.locked_rule.is_not(None), caller_lock.c.id.is_(None))
    )


def _caller_locks(session: Session) -> list[Offence]:
    """A lock that neither ran out nor was released must still hold its caller."""
    running = or_(
        caller_lock.c.until.is_(None),
        caller_lock.c.until > session.now + timedelta(seconds=SLACK_S),
    )
    weaker = and_(
        caller.c.locked_until.is_not(None),
        or_(caller_lock.c.until.is_(None), caller.c.locked_until < caller_lock.c.until),
    )
    forgotten = (
        select(
            caller_lock.c.caller,
            caller_lock.c.id.label("lock"),
            caller_lock.c.rule,
            caller_lock.c.until,
            caller.c.locked_rule,
            caller.c.locked_until,
        )
        .outerjoin(caller, caller.c.identity == caller_lock.c.caller)
        .where(
            caller_lock.c.released_at.is_(None),
            running,
            or_(caller.c.locked_rule.is_(None), weaker),
        )
    )
    return none_of(_lock_without_history(), forgotten)(session)


CALLERS = (
    Invariant(
        "tries_counted",
        "每次密码错误只计一次，计在充值者名下。",
        "Every refused try is counted once, on the one who recharges.",
        none_of(_count_unlike_tries(), _tries_unlike_answers()),
    ),
    Invariant(
        "caller_locks",
        "锁定均有记录，未到期、未解除的锁定仍然有效。",
        "Every lock is on record, and one that neither ran out nor was released still holds.",
        _caller_locks,
    ),
)
