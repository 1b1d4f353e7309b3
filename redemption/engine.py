"""The engine: a list of requests, one transaction, load - decide - apply. One is a list of one."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import structlog
from sqlalchemy.exc import DBAPIError

from core.db import CommitLost, Database
from core.db_errors import is_away, is_retryable
from core.keyfile import Keys
from redemption.apply import Raced, apply
from redemption.facts import RuleSettings, load
from redemption.prepare import Prepared, prepare
from redemption.receipts import ReceiptNumbers
from redemption.requests import Answer, Code, Outcome, RedeemRequest
from redemption.rules import Decision, LookUpAgain, decide
from vouchers.card_facts import LotMoved
from vouchers.lookup import ArgonPool

ROUNDS = 3
"""So often a list begins again before its requests go one by one."""
ROUNDS_ALONE = 20
"""So often a single request begins again before it is told to come back later."""

_log = structlog.get_logger(__name__)
_BEGIN_AGAIN = (Raced, LotMoved, LookUpAgain)


@dataclass(frozen=True)
class Redeemer:
    """What the engine works with; one for each process."""

    db: Database
    keys: Keys
    argon: ArgonPool
    receipts: ReceiptNumbers = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "receipts", ReceiptNumbers(self.db))

    def redeem(self, requests: Sequence[RedeemRequest]) -> list[Outcome]:
        """Answer all requests, in order, each effect exactly once, committed before it returns.

        Requests do not harm each other: where the list cannot go through together they go one by
        one, and only the one that is stuck is answered `try_later`, or all that are left where the
        database is away; nothing happened to them, or the same request sent again finds what did
        (`is_unknown`).
        """
        if not requests:
            return []
        is_unknown, reason = False, ""
        for _ in range(ROUNDS):
            try:
                return self._in_one_transaction(requests)
            except Exception as error:
                is_unknown, reason = isinstance(error, CommitLost), _name(error)
                if not _begins_again(error):
                    break
        # One request must not harm its neighbours: whatever is wrong with the list, each gets its
        # own transaction, and there its own error.
        _log.warning("list_taken_apart", size=len(requests), error=reason)
        outcomes: list[Outcome] = []
        try:
            for request in requests:
                outcomes.append(self._redeem_alone(request, is_unknown))
        except _Away:
            # Each of the others would wait as long, to be told the same. One has asked after the
            # list, since what that met may have been its own connection's.
            left = len(requests) - len(outcomes)
            _log.error("database_away", size=left)
            outcomes += [_later(is_unknown)] * left
        return outcomes

    def _redeem_alone(self, request: RedeemRequest, is_unknown: bool) -> Outcome:
        reason = ""
        for _ in range(ROUNDS_ALONE):
            try:
                return self._in_one_transaction([request])[0]
            except Exception as error:
                if is_away(error):
                    raise _Away from error
                is_unknown, reason = is_unknown or isinstance(error, CommitLost), _name(error)
                if not _begins_again(error):
                    # A stuck row or a lost connection is told in a word, a fault of ours in full.
                    is_fault = not isinstance(error, DBAPIError | CommitLost)
                    _log.error("redemption_failed", error=reason, exc_info=is_fault)
                    break
        else:
            _log.error("redemption_failed", error=reason)
        return _later(is_unknown)

    def _in_one_transaction(self, requests: Sequence[RedeemRequest]) -> list[Outcome]:
        numbers = self.receipts.set_aside(len(requests))
        prepared = prepare(self.db, self.keys.get(), self.argon, requests, numbers)
        decisions = self._commit(prepared)
        # Only after a commit that is known to have happened; otherwise the numbers stay a gap.
        self.receipts.give_back([d.prepared.receipt_number for d in decisions if d.credit is None])
        return [decision.outcome for decision in decisions]

    def _commit(self, prepared: Sequence[Prepared]) -> Sequence[Decision]:
        settings, is_written = self.db.settings, False
        try:
            with self.db.write() as session:
                rules = RuleSettings.of(settings)
                facts = load(session, prepared, rules, settings.lock_timeout_ms)
                decided = decide(prepared, facts)
                apply(session, decided, settings, commits=True)
                is_written = True
        except DBAPIError as error:
            if is_written and not is_retryable(error):
                raise CommitLost from error
            raise
        return decided.decisions


class _Away(Exception):
    """No transaction can be carried out now, as it seems, whatever the request."""


def _later(is_unknown: bool) -> Outcome:
    return Outcome(Answer(code=Code.TRY_LATER), is_unknown=is_unknown)


def _begins_again(error: Exception) -> bool:
    if isinstance(error, DBAPIError):
        return is_retryable(error)
    return isinstance(error, _BEGIN_AGAIN)


def _name(error: Exception) -> str:
    """Return what an error is called, without its text: that may tell what was asked."""
    return type(error.orig if isinstance(error, DBAPIError) else error).__name__
