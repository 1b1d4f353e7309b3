"""The decision: requests and facts in, answers and rows to write out. Pure; all rules are here."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TypeVar

import msgspec
from msgspec import Struct

from accounts.allocation import Allocation, Bill, allocate
from accounts.balances import AccountRow
from core.money import MAX_FEN
from redemption import throttle
from redemption.facts import Facts, Redeemed, StoredAnswer
from redemption.prepare import Prepared
from redemption.requests import Answer, Budget, Code, Outcome, Purpose
from redemption.throttle import CallerState
from vouchers.card_facts import CardFacts
from vouchers.serials import serial_text

NOT_ACTIVATED_CARD = "not_activated_card"
"""The kind of alarm that a right PIN of a card that was never sold raises."""
T = TypeVar("T")

_COUNTED = {Code.PIN_UNKNOWN, Code.PIN_MALFORMED}
"""Refusals that are counted, each by its own measure, and kept as attempts."""
NOT_STORED = {Code.TRY_LATER, Code.CALLER_LOCKED, Code.REQUEST_CONFLICT}
"""Answers that the same key may see turn into another one later."""


class Credit(Struct, frozen=True, gc=False):
    """The money of one redemption: the card's value, and where it goes; `account` as locked."""

    serial: int
    account: AccountRow
    face_fen: int
    allocation: Allocation
    balance_before_fen: int


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something that staff must look at."""

    kind: str
    subject: str
    detail: str
    caller: str | None = None


class Decision(Struct, frozen=True, gc=False):
    """What to answer to one request, and what to write with it; `stored` where it is kept."""

    prepared: Prepared
    outcome: Outcome
    stored: StoredAnswer | None = None
    credit: Credit | None = None
    refused: Code | None = None
    alarms: tuple[Alarm, ...] = ()


class LookUpAgain(Exception):
    """A PIN was passed over for a lock or an account that is otherwise now; look it up."""


@dataclass
class _Book:
    """The facts, as the earlier requests of the list leave them."""

    facts: Facts
    today: date
    answers: dict[tuple[str, str, str], StoredAnswer] = field(default_factory=dict)
    callers: dict[str, CallerState] = field(default_factory=dict)
    redeemed: dict[int, Redeemed] = field(default_factory=dict)
    balances: dict[str, int] = field(default_factory=dict)
    bills: dict[str, list[Bill]] = field(default_factory=dict)
    wrong_this_hour: dict[tuple[str, str], int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Decided:
    """All decisions, in the order of the requests, and the callers' states after them."""

    decisions: tuple[Decision, ...]
    callers: tuple[CallerState, ...]


def decide(requests: Sequence[Prepared], facts: Facts) -> Decided:
    """Judge the requests one after the other, each seeing what those before it changed.

    Guarantee: a card is credited at most once in the list, a request key answered once, and no
    caller gets more wrong PINs answered than his budget. Raises LookUpAgain.
    """
    book = _Book(
        facts=facts,
        today=facts.today,
        answers=dict(facts.answers),
        callers=dict(facts.callers),
        redeemed=dict(facts.redeemed),
        balances={number: row.balance_fen for number, row in facts.accounts.items()},
        bills={number: list(bills) for number, bills in facts.bills.items()},
        wrong_this_hour=dict(facts.wrong_this_hour),
    )
    decisions = tuple(_decide_one(prepared, book) for prepared in requests)
    changed = tuple(s for i, s in book.callers.items() if s != facts.callers[i])
    return Decided(decisions, changed)


def _decide_one(prepared: Prepared, book: _Book) -> Decision:
    earlier = book.answers.get(prepared.request.reference)
    if earlier is not None:
        return Decision(prepared, _replay(prepared, earlier, book))
    answer, credit = _judge(prepared, book)
    answer, refused = _count(prepared, answer, book)
    stored = _to_store(prepared, answer)
    if stored is not None:
        book.answers[prepared.request.reference] = stored
    return Decision(
        prepared,
        Outcome(answer, delay_s=_delay(prepared, book)),
        stored,
        credit,
        refused,
        _alarms(prepared, answer, book),
    )


def _to_store(prepared: Prepared, answer: Answer) -> StoredAnswer | None:
    if answer.code in NOT_STORED or answer.silent:
        return None
    version = prepared.key_version
    text = msgspec.json.encode(answer).decode()
    return StoredAnswer(_known(prepared.digest(version)), version, text)


def _replay(prepared: Prepared, earlier: StoredAnswer, book: _Book) -> Outcome:
    if prepared.digest(earlier.key_version) != earlier.digest:
        return Outcome(Answer(code=Code.REQUEST_CONFLICT))
    answer = msgspec.json.decode(earlier.answer, type=Answer)
    return Outcome(answer, replayed=True, delay_s=_delay(prepared, book))


def _judge(prepared: Prepared, book: _Book) -> tuple[Answer, Credit | None]:
    """The first refusal that holds, in the order of the codes; or the value."""
    request = prepared.request
    if request.is_malformed:
        return Answer(code=Code.PIN_MALFORMED), None
    locked = _locked(prepared, book)
    if locked is not None:
        return locked, None
    if not prepared.looked_up:
        raise LookUpAgain
    refusal = _account_refusal(prepared, book) or _card_refusal(prepared, book)
    if refusal is not None:
        return refusal, None
    card = book.facts.cards[_known(prepared.serial)]
    if request.purpose is Purpose.CHECK:
        return _redeemable(card, book), None
    return _redeem(prepared, card, book)


def _known(value: T | None) -> T:
    if value is None:
        raise AssertionError("a request without a card or a live key is refused before")
    return value


def _locked(prepared: Prepared, book: _Book) -> Answer | None:
    state = book.callers.get(prepared.request.caller.identity)
    if state is None or not throttle.is_locked(state):
        return None
    return Answer(
        code=Code.CALLER_LOCKED,
        lock_rule=state.locked_rule,
        locked_until=state.locked_until,
        wrong_today=state.wrong_today,
        tries_left=0,
    )


def _account_refusal(prepared: Prepared, book: _Book) -> Answer | None:
    if prepared.request.purpose is Purpose.CHECK:
        return None
    account = book.facts.accounts.get(prepared.request.account_number or "")
    if account is None:
        return Answer(code=Code.ACCOUNT_UNKNOWN)
    if account.state != "open":
        return Answer(code=Code.ACCOUNT_CLOSED, account_tail=account.number[-4:])
    return None


def _card_refusal(prepared: Prepared, book: _Book) -> Answer | None:
    if not prepared.has_account:
        raise LookUpAgain
    if prepared.busy:
        return Answer(code=Code.TRY_LATER)
    card = book.facts.cards.get(prepared.serial) if prepared.serial is not None else None
    if card is None:
        return Answer(code=Code.PIN_UNKNOWN)
    used = book.redeemed.get(card.serial)
    if used is not None:
        return Answer(
            code=Code.VOUCHER_USED,
            at=used.at,
            serial=serial_text(card.serial),
            account_tail=used.account_number[-4:],
            used_by_you=used.caller == prepared.request.caller.identity,
        )
    code = _card_code(card, book.today)
    if code is None:
        return None
    if code is Code.PIN_UNKNOWN:
        return Answer(code=code)  # not a word more: the card was never sold
    return Answer(code=code, serial=serial_text(card.serial), face_fen=card.face_fen)


def _card_code(card: CardFacts, today: date) -> Code | None:
    if card.voucher_hold == "replaced":
        return Code.VOUCHER_REPLACED
    if card.activated_on is None:
        return Code.PIN_UNKNOWN
    if card.stage == "void":
        return Code.VOUCHER_VOID
    if card.hold is not None or card.voucher_hold is not None:
        return Code.VOUCHER_ON_HOLD
    if today > card.expires_on:
        return Code.VOUCHER_EXPIRED
    return None


def _redeemable(card: CardFacts, book: _Book) -> Answer:
    return Answer(
        code=Code.REDEEMABLE,
        at=book.facts.now,
        serial=serial_text(card.serial),
        face_fen=card.face_fen,
    )


def _redeem(prepared: Prepared, card: CardFacts, book: _Book) -> tuple[Answer, Credit | None]:
    facts, request = book.facts, prepared.request
    account = facts.accounts[request.account_number or ""]
    before = book.balances[account.number]
    if before + card.face_fen >= MAX_FEN:
        return Answer(code=Code.TRY_LATER), None
    allocation = allocate(
        before + card.face_fen,
        book.bills.get(account.number, []),
        account.account_class,
        min(facts.frozen_days.get(account.number, book.today), book.today),
        facts.rates,
        facts.rules.late_fee_minimum_fen,
    )
    credit = Credit(card.serial, account, card.face_fen, allocation, before)
    _book_credit(credit, prepared, book)
    answer = Answer(
        code=Code.REDEEMED,
        at=facts.now,
        serial=serial_text(card.serial),
        face_fen=card.face_fen,
        account_tail=account.number[-4:],
        receipt_number=prepared.receipt_number,
        arrears_paid_fen=allocation.paid_fen,
        late_fee_fen=allocation.late_fee_paid_fen,
        balance_fen=allocation.rest_fen,
        waits_for_bank=allocation.waits_for_bank,
    )
    return answer, credit


def _book_credit(credit: Credit, prepared: Prepared, book: _Book) -> None:
    number = credit.account.number
    book.redeemed[credit.serial] = Redeemed(
        number, prepared.request.caller.identity, book.facts.now
    )
    book.balances[number] = credit.allocation.rest_fen
    paid = {p.bill_after.id: p.bill_after for p in credit.allocation.payments}
    if paid:
        after = [paid.get(bill.id, bill) for bill in book.bills[number]]
        book.bills[number] = [bill for bill in after if bill.state != "paid"]


def _count(prepared: Prepared, answer: Answer, book: _Book) -> tuple[Answer, Code | None]:
    """Count the answer on the one who recharges; tell him the tries that are left."""
    refused = answer.code if answer.code in _COUNTED else None
    if refused is Code.PIN_UNKNOWN:
        sender = (prepared.request.channel, prepared.request.sender)
        book.wrong_this_hour[sender] = book.wrong_this_hour.get(sender, 0) + 1
    state = book.callers.get(prepared.request.caller.identity)
    if state is None:
        return answer, refused
    state = _next_state(state, prepared.request.caller.budget, answer, book)
    book.callers[state.identity] = state
    if refused is None:
        return answer, None
    limits = book.facts.rules.limits
    if answer.code is Code.PIN_MALFORMED and state.malformed_today > limits.malformed_per_day:
        return Answer(code=Code.PIN_MALFORMED, silent=True), None
    if answer.code is Code.PIN_UNKNOWN:
        answer = msgspec.structs.replace(
            answer,
            tries_left=throttle.tries_left(state, prepared.request.caller.budget, limits),
            wrong_today=state.wrong_today,
            lock_rule=state.locked_rule,
            locked_until=state.locked_until,
        )
    return answer, refused


def _next_state(state: CallerState, budget: Budget, answer: Answer, book: _Book) -> CallerState:
    rules = book.facts.rules
    if answer.code is Code.PIN_UNKNOWN:
        return throttle.after_wrong(state, budget, book.facts.now, rules.zone, rules.limits)
    if answer.code is Code.PIN_MALFORMED:
        if state.malformed_today > rules.limits.malformed_per_day:
            return state  # already silenced: nothing more to write
        return throttle.after_malformed(state)
    if answer.code is Code.REDEEMED:
        return throttle.after_success(state)
    return state


def _delay(prepared: Prepared, book: _Book) -> int:
    limit = prepared.request.sender_wrong_per_hour
    sender = (prepared.request.channel, prepared.request.sender)
    is_over = limit is not None and book.wrong_this_hour.get(sender, 0) > limit
    return book.facts.rules.slow_seconds if is_over else 0


def _alarms(prepared: Prepared, answer: Answer, book: _Book) -> tuple[Alarm, ...]:
    if answer.code is not Code.PIN_UNKNOWN:
        return ()
    alarms = []
    request = prepared.request
    if prepared.found is not None and prepared.serial is not None:
        alarms.append(
            Alarm(
                NOT_ACTIVATED_CARD,
                serial_text(prepared.serial),
                f"right PIN of a card that is not activated, tried by {request.caller.identity}",
                request.caller.identity,
            )
        )
    limit = request.sender_wrong_per_hour
    wrong = book.wrong_this_hour.get((request.channel, request.sender), 0)
    if limit is not None and wrong == limit + 1:
        alarms.append(
            Alarm("partner_wrong_pins", request.sender, f"over {limit} wrong PINs in an hour")
        )
    return tuple(alarms)
