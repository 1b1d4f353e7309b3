"""What is kept of callers: their accounts, their language, their recharges."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, select, update

from accounts.ledger import LedgerCode, latest_credits
from core.db import Session
from redemption.dialogue.phones import Phone
from redemption.dialogue.words import Lang, known_language
from redemption.requests import caller_of_phone
from redemption.tables import caller_binding, caller_language

MOST_RECHARGES = 3
"""So many recharges are told at most."""


def own_accounts(session: Session, phone: Phone) -> list[str]:
    """Return the accounts registered for a phone, the latest first."""
    statement = (
        select(caller_binding.c.account_number)
        .where(caller_binding.c.caller == _identity(phone))
        .order_by(caller_binding.c.at.desc(), caller_binding.c.account_number)
    )
    return list(session.execute(statement).scalars())


def language_of(session: Session, phone: Phone) -> Lang:
    """Return the language a phone chose, else the one its country speaks."""
    statement = select(caller_language.c.language).where(
        caller_language.c.caller == _identity(phone)
    )
    chosen = session.execute(statement).scalar_one_or_none()
    return phone.language if chosen is None else known_language(chosen)


def choose_language(session: Session, phone: Phone, language: Lang) -> None:
    """Keep the language in which a phone wants to be answered."""
    row = {"caller": _identity(phone), "language": language}
    session.execute(session.insert_new(caller_language), row)
    session.execute(
        update(caller_language)
        .where(caller_language.c.caller == row["caller"], caller_language.c.language != language)
        .values(language=language)
    )


def bind(session: Session, phone: Phone, account_number: str) -> None:
    """Register an account for a phone; one that is registered already becomes the latest."""
    identity = _identity(phone)
    row = {"caller": identity, "account_number": account_number, "at": session.now}
    session.execute(session.insert_new(caller_binding), row)
    session.execute(
        update(caller_binding)
        .where(
            caller_binding.c.caller == identity,
            caller_binding.c.account_number == account_number,
        )
        .values(at=session.now)
    )


def unbind(session: Session, phone: Phone, account_numbers: Sequence[str]) -> None:
    """Forget accounts that are registered for a phone."""
    session.execute(
        delete(caller_binding).where(
            caller_binding.c.caller == _identity(phone),
            caller_binding.c.account_number.in_(account_numbers),
        )
    )


def recent_recharges(session: Session, account_number: str) -> tuple[tuple[datetime, int], ...]:
    """Return the latest recharges of an account, newest first: when, and the face value in fen."""
    # From the books: an index of redemptions by account would cost each of them more than it helps.
    return latest_credits(session, account_number, LedgerCode.VOUCHER_LIABILITY, MOST_RECHARGES)


def _identity(phone: Phone) -> str:
    return caller_of_phone(phone.number).identity
