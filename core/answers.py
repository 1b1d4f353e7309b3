"""Answers kept under the sender's own reference, so that a request sent again has no second effect.

The row is written first and so locks the reference: the same request at the same time waits, and
then finds the answer. A refusal is an answer too, and is kept; what says "try later" is not.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, and_, select

from core.db import Session
from core.errors import ConfigurationError, DomainError, InvalidInput, TryLater
from core.tables import stored_answer

DONE = "done"
_PASSING = (TryLater, InvalidInput, ConfigurationError)
"""Errors that are no answer: the same request may well succeed later, or was never understood."""


class RequestConflict(DomainError):
    """The same reference was used for other content."""

    code = "request_conflict"


class StoredRefusal(DomainError):
    """The refusal that a request was given, now or before; its code is that of the refusal."""

    def __init__(self, code: str, message: str, details: Mapping[str, Any]) -> None:
        super().__init__(message, **details)
        self.code = code  # type: ignore[misc]  # each refusal keeps the code it was born with


@dataclass(frozen=True, slots=True)
class Reference:
    """What names a request for ever: the kind of sender, which one, and its own key."""

    realm: str
    sender: str
    key: str


@dataclass(frozen=True, slots=True)
class Given:
    """An answer as it is stored; `replayed` where it had been given before."""

    code: str
    answer: dict[str, Any]
    replayed: bool

    def unwrap(self) -> dict[str, Any]:
        """Return the answer; raise StoredRefusal where it is one. Call it after the commit."""
        if self.code != DONE:
            raise StoredRefusal(self.code, self.answer["message"], self.answer["details"])
        return self.answer


def once(
    session: Session,
    reference: Reference,
    content: Mapping[str, Any],
    work: Callable[[Session], dict[str, Any]],
) -> Given:
    """Do the work and keep its answer, or return the one kept; a refused work leaves no trace.

    `content` and the answer are plain JSON values without secrets. Raises RequestConflict, and
    what says "try later" or "never understood", with nothing kept.
    """
    digest = hashlib.sha256(_json(content).encode()).digest()
    row = {
        **_key(reference),
        "digest": digest,
        "code": "",
        "answer": "",
        "at": session.now,
    }
    if session.execute(session.insert_new(stored_answer), row).rowcount != 1:
        return _found(_load(session, reference), digest)
    code, answer = _attempt(session, work)
    session.execute(
        stored_answer.update().where(_is(reference)).values(code=code, answer=_json(answer))
    )
    return Given(code, answer, replayed=False)


def find(session: Session, reference: Reference) -> Given | None:
    """Return the answer kept under a reference, if there is one."""
    row = session.execute(select(stored_answer).where(_is(reference))).one_or_none()
    return None if row is None else Given(row.code, json.loads(row.answer), replayed=True)


def _attempt(
    session: Session, work: Callable[[Session], dict[str, Any]]
) -> tuple[str, dict[str, Any]]:
    try:
        with session.connection.begin_nested():
            return DONE, work(session)
    except _PASSING:
        raise
    except DomainError as error:
        details = json.loads(json.dumps(error.details, default=str))
        return error.code, {"message": error.message, "details": details}


def _load(session: Session, reference: Reference) -> Row[Any]:
    return session.execute(select(stored_answer).where(_is(reference))).one()


def _found(row: Row[Any], digest: bytes) -> Given:
    if row.digest != digest:
        raise RequestConflict("this key was used for other content; take a new key")
    return Given(row.code, json.loads(row.answer), replayed=True)


def _key(reference: Reference) -> dict[str, str]:
    return {"realm": reference.realm, "sender": reference.sender, "key": reference.key}


def _is(reference: Reference) -> Any:
    return and_(*(stored_answer.c[name] == value for name, value in _key(reference).items()))


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
