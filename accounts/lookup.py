"""What a stranger may be told about an electricity account: never the whole name or number."""

import unicodedata
from dataclasses import dataclass

from accounts.balances import read_account
from accounts.bills import owed_on
from core.clock import local_day
from core.db import Session
from core.settings import Settings

_MOST_STARS = 4


@dataclass(frozen=True, slots=True)
class AccountView:
    """An account as partners and callers see it; sums in fen, the late fee counted to today.

    `with_bank_fen` is out for batch debit and not part of the arrears.
    """

    number_tail: str
    masked_name: str
    account_class: str
    state: str
    principal_fen: int
    late_fee_fen: int
    arrears_fen: int
    with_bank_fen: int
    balance_fen: int


def masked_name(name: str) -> str:
    """Return a name by which a holder knows himself and a stranger learns little.

    Chinese names keep their last character (王小明 -> **明), others the first letter of their
    first and last word (John Smith -> J*** S***). Never longer than 9 characters.
    """
    signs = "".join(sign for sign in name if unicodedata.category(sign)[0] in "LMNZ").strip()
    if any(_is_ideograph(sign) for sign in signs):
        return "*" * min(max(len(signs) - 1, 1), _MOST_STARS) + signs[1:][-1:]
    words = signs.split()
    return " ".join(f"{word[0]}***" for word in [*words[:1], *words[1:][-1:]]) or "*"


def account_view(session: Session, settings: Settings, number: str) -> AccountView:
    """Return what may be told about an account; writes nothing. Raises AccountUnknown."""
    account = read_account(session, number)
    owed = owed_on(session, settings, account, local_day(session.now, settings.zone))
    return AccountView(
        number_tail=account.number[-4:],
        masked_name=masked_name(account.holder_name),
        account_class=account.account_class,
        state=account.state,
        principal_fen=owed.principal_fen,
        late_fee_fen=owed.fee_fen,
        arrears_fen=owed.total_fen,
        with_bank_fen=owed.with_bank_fen,
        balance_fen=account.balance_fen,
    )


def _is_ideograph(sign: str) -> bool:
    return unicodedata.name(sign, "").startswith(("CJK UNIFIED", "CJK COMPATIBILITY"))
