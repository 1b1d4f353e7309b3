"""Payments of parties into the bank: each bank reference is recorded once for ever.

A payment lowers what the party owes; a party with a prepaid contract sells on what it has paid.
A payment that bounces is taken back by a mirror entry, and its reference stays used.
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypeVar

from sqlalchemy import Row, Select, select
from sqlalchemy.exc import IntegrityError

from accounts import ledger
from accounts.ledger import Entry, LedgerCode, Posting
from core.db import Database, Session
from core.db_errors import is_unique_violation
from core.errors import DomainError, InvalidInput, TryLater
from core.money import MAX_FEN
from core.sets import insert_rows
from core.text import clean
from distribution.contracts import lock_nearest_contract
from distribution.errors import NoContract, PartyUnknown, PaymentUnknown, ReferenceUsed
from distribution.papers import page_of_party
from distribution.parties import require_scope, subtree_ids
from distribution.tables import contract, party, payment, payment_reversal
from staff import events
from staff.permissions import Actor, Permission, require

PAYMENT = "payment"
FIRST_DAY = date(2000, 1, 1)

_REFERENCE = re.compile(r"[A-Z0-9][A-Z0-9./_-]{0,63}")
_ROUNDS = 3

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPayment:
    """What a bank tells: who paid how much, on which day, under which reference of the bank."""

    reference: str
    party_code: str
    amount_fen: int
    paid_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """A recorded payment; `reversed_at` and `reason` are set where it bounced."""

    id: int
    reference: str
    party_id: int
    party_code: str
    amount_fen: int
    paid_on: date
    entry_id: int
    at: datetime
    reversed_at: datetime | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class Recorded:
    """A payment, and whether it was there before this request."""

    payment: Payment
    replayed: bool


def record_payment(db: Database, actor: Actor, new: NewPayment) -> Recorded:
    """Record a payment and credit the party, once for ever by its bank reference.

    The same payment again is answered with what is stored. Raises ReferenceUsed for other content
    under a used reference, PartyUnknown, NoContract (pay for the party that owes), InvalidInput.
    """

    def work(session: Session) -> Recorded:
        (done,) = take_payments(session, actor, [new])
        if isinstance(done, DomainError):
            raise done
        if not done.replayed:
            _log(session, actor, "payment.recorded", done.payment, amount_fen=new.amount_fen)
        return done

    return retry_taken(db, work)


def retry_taken(db: Database, work: Callable[[Session], T]) -> T:
    """Run `work` in a transaction; look again where another one recorded a reference meanwhile."""
    for _ in range(_ROUNDS):
        try:
            return db.transact(work)
        except IntegrityError as error:
            if not is_unique_violation(error):
                raise
    raise TryLater("the same payments are being recorded elsewhere; send them again")


def take_payments(
    session: Session, actor: Actor, wanted: Sequence[NewPayment]
) -> list[Recorded | DomainError]:
    """Record the payments that can be; return for each what is stored, or why it was refused.

    The references must differ. A unique violation means that another transaction was first.
    """
    require(actor, Permission.RECORD_PAYMENTS)
    checked = [_checked(item, session.today) for item in wanted]
    good = [item for item in checked if isinstance(item, NewPayment)]
    owing = _owing_parties(session, actor, {item.party_code for item in good})
    stored = _stored(session, [item.reference for item in good])
    new = [
        (item, owes)
        for item in good
        if item.reference not in stored and isinstance(owes := owing[item.party_code], int)
    ]
    _insert(session, actor, new)
    added = _stored(session, [item.reference for item, _ in new])
    return [
        item if isinstance(item, DomainError) else _outcome(item, owing, stored, added)
        for item in checked
    ]


def reverse_payment(db: Database, actor: Actor, reference: str, reason: str) -> Payment:
    """Take a bounced payment back by a mirror entry: the party owes again at once.

    Raises PaymentUnknown, AlreadyReversed (ledger), InvalidInput for an empty reason.
    """
    require(actor, Permission.RECORD_PAYMENTS)
    why = clean(reason, "the reason", 500)

    def work(session: Session) -> Payment:
        found = payment_by_reference(session, actor, reference)
        # Under the lock no activation counts on the money meanwhile.
        contract = lock_nearest_contract(session, found.party_id)
        mirror = ledger.reverse(session, found.entry_id, found.reference, session.zone)
        row = {
            "payment_id": found.id,
            "entry_id": mirror.id,
            "reason": why,
            "contract_version": contract.version,
            "member_id": actor.member_id,
            "at": session.now,
        }
        session.execute(payment_reversal.insert(), row)
        _log(session, actor, "payment.reversed", found, reason=why)
        return payment_by_reference(session, actor, reference)

    return db.transact(work)


def payment_by_reference(session: Session, actor: Actor, reference: str) -> Payment:
    """Return a payment of a party that the actor may see; raises PaymentUnknown."""
    require(actor, Permission.VIEW_SETTLEMENTS)
    wanted = reference.strip().upper()
    # A text that is no reference is not looked for: it may hold what a database cannot read.
    known = _stored(session, [wanted] if _REFERENCE.fullmatch(wanted) else [])
    found = known.get(wanted)
    if found is None or not _in_scope(session, actor, found.party_id):
        raise PaymentUnknown("there is no payment with this reference")
    return found


def list_payments(
    session: Session,
    actor: Actor,
    party_code: str | None = None,
    after_id: int = 0,
    limit: int = 50,
) -> list[Payment]:
    """Return payments by id, those after `after_id`, at most `limit` (1 to 500).

    A member of a party is shown those of his party and below only; raises NotHolder for others.
    """
    require(actor, Permission.VIEW_SETTLEMENTS)
    rows = page_of_party(session, actor, _query(), payment, party_code, after_id, limit)
    return [_payment(row) for row in rows]


def clean_reference(text: str) -> str:
    """Return a bank reference in its one form, upper case; raises InvalidInput."""
    reference = text.strip().upper()
    if _REFERENCE.fullmatch(reference) is None:
        raise InvalidInput(
            "a bank reference has 1 to 64 letters, digits, dots, strokes, dashes, underscores"
        )
    return reference


def _checked(item: NewPayment, today: date) -> NewPayment | DomainError:
    try:
        reference = clean_reference(item.reference)
    except InvalidInput as error:
        return error
    if not 0 < item.amount_fen < MAX_FEN:
        return InvalidInput("a payment is more than 0.00 and below the largest sum")
    if not FIRST_DAY <= item.paid_on <= today:
        return InvalidInput("a payment was made on a day from 2000 on, and not after today")
    return NewPayment(
        reference=reference,
        party_code=item.party_code,
        amount_fen=item.amount_fen,
        paid_on=item.paid_on,
    )


def _owing_parties(
    session: Session, actor: Actor, codes: Collection[str]
) -> dict[str, int | DomainError]:
    """Return the ids of parties with a contract of their own, or why nobody can pay for them."""
    rows = session.execute(
        select(party.c.code, party.c.id, contract.c.party_id.label("owes"))
        .outerjoin(contract, contract.c.party_id == party.c.id)
        .where(party.c.code.in_([code for code in codes if code.isprintable()]))
    )
    found: dict[str, int | DomainError] = {
        code: PartyUnknown("there is no party with this code") for code in codes
    }
    for row in rows:
        try:
            require_scope(session, actor, {row.id})
        except DomainError as error:
            found[row.code] = error
            continue
        found[row.code] = (
            row.id
            if row.owes is not None
            else NoContract("the party has no contract of its own; pay for the one that owes")
        )
    return found


def _outcome(
    item: NewPayment,
    owing: Mapping[str, int | DomainError],
    stored: Mapping[str, Payment],
    added: Mapping[str, Payment],
) -> Recorded | DomainError:
    found = stored.get(item.reference)
    if found is None:
        owes = owing[item.party_code]
        return owes if isinstance(owes, DomainError) else Recorded(added[item.reference], False)
    same = (found.party_code, found.amount_fen, found.paid_on) == (
        item.party_code,
        item.amount_fen,
        item.paid_on,
    )
    if not same:
        return ReferenceUsed("the reference stands for another payment already")
    return Recorded(found, True)


def _insert(session: Session, actor: Actor, new: Sequence[tuple[NewPayment, int]]) -> None:
    entries, rows = [], []
    # In one order, so that two imports of one statement do not wait for each other in a circle.
    for item, party_id in sorted(new, key=lambda pair: pair[0].reference):
        bank, owed = LedgerCode.BANK, LedgerCode.DISTRIBUTOR_RECEIVABLE
        paid = Posting(bank, owed, item.amount_fen, party_id=party_id)
        entry = Entry(session.new_id(), PAYMENT, item.reference, (paid,))
        entries.append(entry)
        rows.append(
            {
                "id": session.new_id(),
                "reference": item.reference,
                "party_id": party_id,
                "amount_fen": item.amount_fen,
                "paid_on": item.paid_on,
                "entry_id": entry.id,
                "member_id": actor.member_id,
                "at": session.now,
            }
        )
    ledger.post(session, entries, session.zone)
    insert_rows(session, payment, rows)


def _stored(session: Session, references: Sequence[str]) -> dict[str, Payment]:
    if not references:
        return {}
    rows = session.execute(_query().where(payment.c.reference.in_(references)))
    return {row.reference: _payment(row) for row in rows}


def _query() -> Select[Any]:
    return (
        select(
            payment.c.id,
            payment.c.reference,
            payment.c.party_id,
            party.c.code.label("party_code"),
            payment.c.amount_fen,
            payment.c.paid_on,
            payment.c.entry_id,
            payment.c.at,
            payment_reversal.c.at.label("reversed_at"),
            payment_reversal.c.reason,
        )
        .join(party, party.c.id == payment.c.party_id)
        .outerjoin(payment_reversal, payment_reversal.c.payment_id == payment.c.id)
    )


def _payment(row: Row[Any]) -> Payment:
    return Payment(**row._mapping)


def _in_scope(session: Session, actor: Actor, party_id: int) -> bool:
    return actor.party_id is None or party_id in subtree_ids(session, actor.party_id)


def _log(session: Session, actor: Actor, kind: str, about: Payment, **more: Any) -> None:
    subject = f"payment:{about.id}"
    events.record(
        session, actor, kind, subject, party=about.party_code, reference=about.reference, **more
    )
