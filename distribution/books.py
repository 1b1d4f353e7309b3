"""The money of a move: each of its pieces gets its price, and the books their entry."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from accounts import ledger
from accounts.ledger import Entry, Posting
from core.db import Session
from distribution.commissions import commission_of
from distribution.contracts import lock_nearest_contract
from distribution.limits import check_may_owe
from distribution.postings import (
    activation_postings,
    credit_postings,
    deactivation_postings,
    to_clearing_postings,
    total_by_price,
    void_postings,
    void_return_postings,
)
from distribution.rates import count_unspent, load_sold, price_in_turn, price_steps
from vouchers.movements import Price, Step
from vouchers.queries import BatchTerms
from vouchers.serials import SerialRange, serial_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Sale:
    """What booking a move needs to know beside its steps; `spent` is sorted."""

    cards: SerialRange
    terms: BatchTerms
    spent: Sequence[int]


PostingsOf = Callable[[Price, int], tuple[Posting, ...]]


def book(session: Session, sale: Sale, steps: Sequence[Step]) -> list[Step]:
    """Post what the steps do to the books; return them cut so that each piece has one price.

    Moves without money come back as they are. Raises NoContract, OverCreditLimit,
    PrepaidExhausted.
    """
    booking = _BOOKINGS.get(steps[0].move) if steps else None
    return list(steps) if booking is None else booking(session, sale, steps)


def _activate(session: Session, sale: Sale, steps: Sequence[Step]) -> list[Step]:
    contract = lock_nearest_contract(session, steps[0].after.holder_id)
    count = sum(step.count for step in steps)
    earned = commission_of(
        session, (contract.party_id, contract.version), sale.terms.denomination_id, count
    )
    prices = [(cards, _price(contract.party_id, sale.terms.face_fen, fen)) for cards, fen in earned]
    more_fen = sum(cards * (price.price_fen - price.commission_fen) for cards, price in prices)
    owed_fen = ledger.party_receivable(session, contract.party_id)
    # Electronic cards are in nobody's stock, so no limit on stock holds them back.
    check_may_owe(contract, owed_fen, more_fen, from_stock=not sale.terms.is_electronic)
    return _post(session, sale, "activation", price_in_turn(steps, prices), activation_postings)


def _price(party_id: int, face_fen: int, commission_fen: int) -> Price:
    return Price(owing_party_id=party_id, price_fen=face_fen, commission_fen=commission_fen)


def _deactivate(session: Session, sale: Sale, steps: Sequence[Step]) -> list[Step]:
    priced = price_steps(steps, load_sold(session, sale.cards))
    return _post(session, sale, "deactivation", _all_priced(priced), deactivation_postings)


def _return(session: Session, sale: Sale, steps: Sequence[Step]) -> list[Step]:
    """Only cards that were active have a value to give back; it waits until they are received."""
    stocked, active = _from(steps, "stocked"), _from(steps, "active")
    if not active:
        return stocked
    priced = _all_priced(price_steps(active, load_sold(session, sale.cards)))
    return _sorted([*stocked, *_post(session, sale, "return", priced, to_clearing_postings)])


def _receive(session: Session, sale: Sale, steps: Sequence[Step]) -> list[Step]:
    waiting = [item for item in load_sold(session, sale.cards) if item[1].move == "return"]
    priced = price_steps(steps, waiting)
    return _post(session, sale, "return_received", priced, credit_postings)


def _void(session: Session, sale: Sale, steps: Sequence[Step]) -> list[Step]:
    """The unused value of cards that were sold leaves; used cards keep their place in the books.

    The movements keep no price, for the cards of one may be used in part.
    """
    sold = load_sold(session, sale.cards)
    waiting = [item for item in sold if item[1].move == "return"]
    active = price_steps(_from(steps, "active"), sold)
    on_the_way = price_steps(_from(steps, "in_transit"), waiting)
    postings = [
        *_postings(_unspent(active, sale), void_postings),
        *_postings(_unspent(on_the_way, sale), void_return_postings),
    ]
    entry_id = _post_entry(session, sale, "void", postings)
    unsold = [s for s in steps if s.before and s.before.stage not in ("active", "in_transit")]
    valued = [
        replace(s, price=None, entry_id=None if s.price is None else entry_id)
        for s in [*active, *on_the_way]
    ]
    return _sorted([*unsold, *valued])


_BOOKINGS: Mapping[str, Callable[[Session, Sale, Sequence[Step]], list[Step]]] = {
    "activate": _activate,
    "deactivate": _deactivate,
    "return": _return,
    "receive": _receive,
    "void": _void,
}


def _post(
    session: Session, sale: Sale, event: str, steps: Sequence[Step], postings: PostingsOf
) -> list[Step]:
    """Post one entry for all priced steps and name it in them."""
    counts = [(step.price, step.count) for step in steps if step.price is not None]
    entry_id = _post_entry(session, sale, event, _postings(counts, postings))
    return [step if step.price is None else replace(step, entry_id=entry_id) for step in steps]


def _post_entry(
    session: Session, sale: Sale, event: str, postings: Sequence[Posting]
) -> int | None:
    if not postings:
        return None
    reference = f"{serial_text(sale.cards.first)}-{serial_text(sale.cards.last)}"
    entry = Entry(session.new_id(), event, reference, tuple(postings))
    ledger.post(session, [entry], session.zone)
    return entry.id


def _postings(counts: Iterable[tuple[Price, int]], postings: PostingsOf) -> list[Posting]:
    return [
        posting for price, count in total_by_price(counts) for posting in postings(price, count)
    ]


def _unspent(steps: Sequence[Step], sale: Sale) -> list[tuple[Price, int]]:
    return [
        (step.price, count_unspent(step.after.cards, sale.spent))
        for step in steps
        if step.price is not None
    ]


def _all_priced(steps: list[Step]) -> list[Step]:
    for step in steps:
        if step.price is None:
            raise RuntimeError(f"{step.after.cards} is active, but no movement tells at what price")
    return steps


def _from(steps: Sequence[Step], stage: str) -> list[Step]:
    return [step for step in steps if step.before is not None and step.before.stage == stage]


def _sorted(steps: Iterable[Step]) -> list[Step]:
    return sorted(steps, key=lambda step: step.after.first_serial)
