"""What moves of sold cards post in the books. Pure (domain rule: the books).

Every posting names the party whose cards they are, so that a settlement can be told from them.
"""

from collections.abc import Iterable

from accounts.ledger import LedgerCode, Posting
from vouchers.movements import Price


def activation_postings(price: Price, count: int) -> tuple[Posting, ...]:
    """The party owes the face less its commission; the company owes the face to the customer."""
    party_id = price.owing_party_id
    return _postings(
        (LedgerCode.DISTRIBUTOR_RECEIVABLE, LedgerCode.VOUCHER_LIABILITY, _net(price), party_id),
        (
            LedgerCode.COMMISSION_EXPENSE,
            LedgerCode.VOUCHER_LIABILITY,
            price.commission_fen,
            party_id,
        ),
        count=count,
    )


def to_clearing_postings(price: Price, count: int) -> tuple[Posting, ...]:
    """The value of cards that are no longer active waits in returns clearing."""
    return _postings(
        (
            LedgerCode.VOUCHER_LIABILITY,
            LedgerCode.RETURNS_CLEARING,
            price.price_fen,
            price.owing_party_id,
        ),
        count=count,
    )


def credit_postings(price: Price, count: int) -> tuple[Posting, ...]:
    """What waits in clearing is credited to the party, its commission clawed back."""
    party_id = price.owing_party_id
    return _postings(
        (LedgerCode.RETURNS_CLEARING, LedgerCode.DISTRIBUTOR_RECEIVABLE, _net(price), party_id),
        (
            LedgerCode.RETURNS_CLEARING,
            LedgerCode.COMMISSION_EXPENSE,
            price.commission_fen,
            party_id,
        ),
        count=count,
    )


def deactivation_postings(price: Price, count: int) -> tuple[Posting, ...]:
    """Out of the liability and back to the party, at the activation's own rate."""
    return to_clearing_postings(price, count) + credit_postings(price, count)


def void_postings(price: Price, count: int) -> tuple[Posting, ...]:
    """The value of void cards that were sold and not used."""
    return _postings(
        (
            LedgerCode.VOUCHER_LIABILITY,
            LedgerCode.SUSPENSE,
            price.price_fen,
            price.owing_party_id,
        ),
        count=count,
    )


def void_return_postings(price: Price, count: int) -> tuple[Posting, ...]:
    """The value of returned cards that became void before anybody received them."""
    return _postings(
        (LedgerCode.RETURNS_CLEARING, LedgerCode.SUSPENSE, price.price_fen, price.owing_party_id),
        count=count,
    )


def total_by_price(counts: Iterable[tuple[Price, int]]) -> list[tuple[Price, int]]:
    """Add up the cards of each price, in a fixed order."""
    totals: dict[Price, int] = {}
    for price, count in counts:
        totals[price] = totals.get(price, 0) + count
    return sorted(totals.items(), key=lambda item: (item[0].owing_party_id, item[0].commission_fen))


def _net(price: Price) -> int:
    return price.price_fen - price.commission_fen


def _postings(*rows: tuple[LedgerCode, LedgerCode, int, int], count: int) -> tuple[Posting, ...]:
    # A posting of nothing cannot be written, and a commission may be nothing.
    return tuple(
        Posting(debit, credit, each * count, party_id=party_id)
        for debit, credit, each, party_id in rows
        if each * count > 0
    )
