"""Writing what was decided: all rows of a list of decisions, in an order that settles races."""

from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import Any

from sqlalchemy import Table
from sqlalchemy.exc import IntegrityError

from accounts.balances import add_to_balances
from accounts.ledger import Entry, LedgerCode, Posting, post
from accounts.settlement import save_bill_payments, settlement_postings
from core.clock import local_day
from core.db import Session
from core.db_errors import is_unique_violation
from core.outbox import NewMessage, put_many
from core.sets import insert_new_rows, insert_rows, update_rows
from core.settings import Settings
from core.trips import one_trip
from redemption.alarms import raise_alarms
from redemption.dialogue.words import Place, sms_text
from redemption.facts import StoredAnswer
from redemption.rules import Credit, Decided, Decision
from redemption.tables import attempt, caller, caller_lock, redemption, request
from redemption.throttle import CallerState


class Raced(Exception):
    """Another list answered one of the requests, used a card, or counted on a caller, first."""


def apply(session: Session, decided: Decided, settings: Settings, *, commits: bool = False) -> None:
    """Write the effects of all decisions, in one trip but for locks; the caller commits.

    The unique keys of requests, redemptions and callers decide every race between workers: where
    one holds a row already another was first, Raced is raised, and nothing may be committed. With
    `commits`, for who has nothing more to write, the commit travels along where nobody is counted;
    then CommitLost may be raised.
    """
    try:
        with one_trip(session, commits=commits and not decided.callers):
            _write(session, decided, settings)
        # Not before it is sure that this list was first: their key waits for the caller's row.
        _write_locks(session, decided.callers)
    except IntegrityError as error:
        if is_unique_violation(error):
            raise Raced from None
        raise


def _write(session: Session, decided: Decided, settings: Settings) -> None:
    answers = [_request_row(session, d, d.stored) for d in decided.decisions if d.stored]
    _insert_in_order(session, request, answers)
    credited = [(d, d.credit) for d in decided.decisions if d.credit is not None]
    if credited:
        _write_credits(session, credited, settings)
    _write_attempts(session, decided.decisions, settings)
    _write_callers(session, decided.callers)


def _write_credits(
    session: Session, credited: Sequence[tuple[Decision, Credit]], settings: Settings
) -> None:
    ids = session.new_ids(len(credited))
    entries = [_entry(new, *each) for new, each in zip(ids, credited, strict=True)]
    post(session, entries, settings.zone)
    rows = [
        _redemption_row(session, decision, credit, entry)
        for (decision, credit), entry in zip(credited, entries, strict=True)
    ]
    _insert_in_order(session, redemption, rows)
    save_bill_payments(session, [credit.allocation for _, credit in credited])
    locked = {credit.account.number: credit.account for _, credit in credited}
    add_to_balances(session, _balance_changes([credit for _, credit in credited]), locked)
    put_many(session, _receipts_to_send(credited, Place.of(settings, session.now)))


def _insert_in_order(session: Session, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert the rows in the order of their keys, so that of two lists one waits for the other."""
    key = [column.name for column in table.primary_key.columns]
    insert_rows(session, table, sorted(rows, key=itemgetter(*key)))


def _request_row(session: Session, decision: Decision, stored: StoredAnswer) -> dict[str, Any]:
    prepared, answer = decision.prepared, decision.outcome.answer
    channel, sender, key = prepared.request.reference
    return {
        "channel": channel,
        "sender": sender,
        "key": key,
        "digest": stored.digest,
        "key_version": stored.key_version,
        "code": str(answer.code),
        "answer": stored.answer,
        "serial": prepared.serial if answer.serial is not None else None,
        "at": session.now,
    }


def _entry(new_id: int, decision: Decision, credit: Credit) -> Entry:
    value = Posting(
        LedgerCode.VOUCHER_LIABILITY,
        LedgerCode.ELECTRICITY_ACCOUNT,
        credit.face_fen,
        account_number=credit.account.number,
    )
    return Entry(
        id=new_id,
        event="redemption",
        reference=decision.prepared.receipt_number,
        postings=(value, *settlement_postings(credit.account.number, credit.allocation)),
    )


def _redemption_row(
    session: Session, decision: Decision, credit: Credit, entry: Entry
) -> dict[str, Any]:
    asked = decision.prepared.request
    return {
        "serial": credit.serial,
        "account_number": credit.account.number,
        "face_fen": credit.face_fen,
        "channel": asked.channel,
        "sender": asked.sender,
        "caller": asked.caller.identity,
        "request_key": asked.key,
        "receipt_number": decision.prepared.receipt_number,
        "entry_id": entry.id,
        "at": session.now,
    }


def _balance_changes(credited: Sequence[Credit]) -> dict[str, int]:
    changes: dict[str, int] = {}
    for credit in credited:
        change = credit.allocation.rest_fen - credit.balance_before_fen
        changes[credit.account.number] = changes.get(credit.account.number, 0) + change
    return changes


def _receipts_to_send(
    credited: Sequence[tuple[Decision, Credit]], place: Place
) -> list[NewMessage]:
    return [
        NewMessage(
            "receipt", asked.notify, sms_text(decision.outcome.answer, asked.language, place)
        )
        for decision, _ in credited
        if (asked := decision.prepared.request).notify is not None
    ]


def _write_attempts(session: Session, decisions: Sequence[Decision], settings: Settings) -> None:
    attempts = [
        {
            "id": session.new_id(),
            "at": session.now,
            "day": local_day(session.now, settings.zone),
            "channel": decision.prepared.request.channel,
            "sender": decision.prepared.request.sender,
            "caller": decision.prepared.request.caller.identity,
            "code": str(decision.refused),
        }
        for decision in decisions
        if decision.refused is not None
    ]
    insert_rows(session, attempt, attempts)
    raise_alarms(session, [raised for decision in decisions for raised in decision.alarms])


def _write_callers(session: Session, states: Sequence[CallerState]) -> None:
    _insert_callers(session, [_caller_row(state) for state in states if state.is_new])
    known = [_caller_row(state) for state in states if not state.is_new]
    update_rows(session, caller, "identity", known)


def _write_locks(session: Session, states: Sequence[CallerState]) -> None:
    locks = [
        {
            "id": session.new_id(),
            "caller": state.identity,
            "rule": state.locked_rule,
            "at": session.now,
            "until": state.locked_until,
        }
        for state in states
        if state.last_lock_at == session.now and state.locked_rule is not None
    ]
    insert_rows(session, caller_lock, locks)


def _insert_callers(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    def check(count: int) -> None:
        if count != len(rows):
            raise Raced

    # Not refused outright: the database would write the phone number into its log.
    insert_new_rows(session, caller, rows, check)


def _caller_row(state: CallerState) -> dict[str, Any]:
    return {column.name: getattr(state, column.name) for column in caller.columns}
