"""Expired, damaged and lost cards: a new one of the same value, or a later day."""

from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from audit.inventory import InventoryRow, inventory
from audit.liability import Liability, liability
from core.errors import InvalidInput
from redemption.requests import Code
from staff import approvals
from staff.approvals import ContentChanged, SamePerson
from staff.permissions import Forbidden
from tests.care.counter import Counter, readable, text
from tests.care.test_reversal import at_once
from tests.redemption.cards import make_cards
from vouchers.card_proof import ProofMissing, prove_card
from vouchers.handing_out import CardUnfit
from vouchers.lookup import ArgonPool
from vouchers.moves import LotOnHold, WrongStage
from vouchers.queries import voucher_view
from vouchers.replacement import NotReplaceable, extend, request_replacement
from vouchers.tables import voucher_hold

LONG_AFTER = timedelta(days=4_000)


def _ask(
    counter: Counter,
    ground: str = "lost",
    old: int = 0,
    new: int = 0,
    who: str = "service",
) -> int:
    return request_replacement(
        counter.db,
        counter.people[who],
        text(counter.sold[old]),
        text(counter.spare[new]),
        ground,
        "customer at the counter",
    )


def _status(counter: Counter, serial: int) -> str:
    with counter.db.read() as session:
        return voucher_view(session, serial, session.today).status


def test_a_lost_card_hands_its_value_to_the_new_one_without_a_posting(counter: Counter) -> None:
    old, new = counter.sold[0], counter.spare[0]
    counter.hold(old)
    before = counter.trade.books()
    counter.agree(_ask(counter))
    assert counter.trade.books() == before
    assert [_status(counter, card.serial) for card in (old, new)] == ["replaced", "active"]
    assert counter.use(old).code is Code.VOUCHER_REPLACED
    assert counter.use(new).code is Code.REDEEMED
    assert counter.broken() == set()


def test_reports_of_before_the_replacement_stay_what_they_were(counter: Counter) -> None:
    old = counter.sold[0]
    row = {"serial": old.serial, "hold": "lost", "reason": "mailed"}
    with counter.db.write() as session:
        session.execute(voucher_hold.insert(), row | {"at": session.now})
    as_of = counter.clock.now
    counter.clock.advance(minutes=5)

    def told() -> tuple[list[InventoryRow], Liability]:
        with counter.db.read() as session:
            return inventory(session, as_of), liability(session, as_of)

    before = told()
    assert sum(line.held_cards for line in before[0]) == 1
    counter.agree(_ask(counter))
    counter.clock.advance(minutes=5)
    assert told() == before
    with counter.db.read() as session:
        assert inventory(session) != before[0]
        assert liability(session).difference_fen == 0


def test_the_approval_holds_both_cards_as_they_are(counter: Counter) -> None:
    approval_id = _pending(counter)
    with counter.db.read() as session:
        content = approvals.get(session, approval_id).content
    assert content["old_serial"] == text(counter.sold[0])
    assert content["new_serial"] == text(counter.spare[0])
    assert (content["face_fen"], content["ground"]) == (5_000, "lost")
    assert content["old_card"]["hold"] == "lost"


def test_an_expired_card_is_exchanged(counter: Counter) -> None:
    with pytest.raises(NotReplaceable):
        _ask(counter, "expired")
    counter.clock.advance(days=LONG_AFTER.days)
    assert counter.use(counter.sold[0]).code is Code.VOUCHER_EXPIRED
    with pytest.raises(CardUnfit):  # the spare ones are past their printed date as well
        _ask(counter, "expired")
    fresh = _fresh(counter)
    approval_id = request_replacement(
        counter.db, counter.service, text(counter.sold[0]), text(fresh), "expired", "exchange"
    )
    counter.agree(approval_id)
    assert counter.use(fresh).code is Code.REDEEMED
    assert counter.broken() == set()


def test_an_expired_card_is_extended_instead(counter: Counter) -> None:
    counter.clock.advance(days=LONG_AFTER.days)
    card, today = counter.sold[0], counter.clock().date()
    for wrong in (today, today + timedelta(days=2_000)):
        with pytest.raises(InvalidInput):
            extend(counter.db, counter.service, text(card), wrong, "kindness")
    extend(counter.db, counter.service, text(card), today + timedelta(days=365), "forgotten")
    assert counter.use(card).code is Code.REDEEMED
    assert counter.use(counter.sold[1]).code is Code.VOUCHER_EXPIRED
    with pytest.raises(NotReplaceable):
        extend(counter.db, counter.service, text(card), today + timedelta(days=30), "again")
    assert counter.broken() == set()


def test_a_damaged_card_is_replaced_once_it_is_proven_by_the_one_who_asks(
    counter: Counter, argon: ArgonPool
) -> None:
    with pytest.raises(ProofMissing):
        _ask(counter, "damaged")
    prove_card(
        counter.db, counter.keys, argon, counter.people["finance2"],
        text(counter.sold[0]), readable(counter.sold[0], 3),
    )  # fmt: skip
    with pytest.raises(ProofMissing):
        _ask(counter, "damaged")
    prove_card(
        counter.db, counter.keys, argon, counter.service,
        text(counter.sold[0]), readable(counter.sold[0], 3, 9),
    )  # fmt: skip
    counter.agree(_ask(counter, "damaged"))
    assert counter.use(counter.spare[0]).code is Code.REDEEMED
    assert counter.broken() == set()


@pytest.mark.parametrize("change", ["use", "release", "dispatch"])
def test_a_card_that_changed_meanwhile_makes_the_request_void(
    counter: Counter, change: str
) -> None:
    old, new = counter.sold[0], counter.spare[0]
    approval_id = _pending(counter)
    if change != "dispatch":
        counter.trade.move("service", "release", old.serial, old.serial, reason="found")
    if change == "use":
        counter.redeemed(old)
    if change == "dispatch":
        counter.trade.move("keeper", "dispatch", new.serial, new.serial, to="PROVINCE")
    with pytest.raises(ContentChanged):
        counter.agree(approval_id)
    assert counter.state_of(approval_id) == "void"
    assert counter.broken() == set()


def test_a_move_of_neighbours_leaves_the_request_alone(counter: Counter) -> None:
    approval_id = _pending(counter)
    first = counter.spare[1].serial
    counter.trade.move("keeper", "dispatch", first, first + 3, to="PROVINCE")
    counter.trade.move("service", "hold", counter.sold[1].serial, counter.sold[5].serial,
                       hold="stolen", reason="burglary")  # fmt: skip
    counter.agree(approval_id)
    assert counter.broken() == set()


def test_only_a_sold_unused_card_without_a_dispute_is_replaced(counter: Counter) -> None:
    counter.redeemed(counter.sold[1])
    counter.hold(counter.sold[2], "suspended")
    counter.hold(counter.sold[3])
    counter.agree(_ask(counter, old=3, new=1))
    for old in (0, 1, 2, 3):  # not reported lost, used, in dispute, replaced before
        with pytest.raises(NotReplaceable):
            _ask(counter, old=old)
    with pytest.raises(NotReplaceable):  # never sold
        request_replacement(
            counter.db, counter.service, text(counter.spare[4]), text(counter.spare[5]), "lost", "x"
        )
    with pytest.raises(InvalidInput):
        _ask(counter, "stolen")


def test_only_a_card_in_stock_of_the_same_value_takes_its_place(counter: Counter) -> None:
    counter.hold(counter.sold[0])
    with counter.db.write() as session:
        (other,) = make_cards(
            session, counter.keys.get(), 1, face_fen=10_000, stage="stocked",
            holder_id=counter.trade.party_ids["warehouse"],
        )  # fmt: skip
    counter.hold(counter.spare[1], "stolen")
    wanted: list[tuple[Any, type[Exception]]] = [
        (other, CardUnfit),
        (counter.sold[0], CardUnfit),
        (counter.sold[1], WrongStage),
        (counter.spare[1], LotOnHold),
    ]
    for card, refused in wanted:
        with pytest.raises(refused):
            request_replacement(
                counter.db, counter.service, text(counter.sold[0]), text(card), "lost", "x"
            )


def test_one_new_card_never_stands_for_two(counter: Counter) -> None:
    for card in counter.sold[:2]:
        counter.hold(card)
    asked = [_ask(counter, old=old) for old in (0, 1)]
    outcomes = at_once([partial(counter.agree, each) for each in asked])
    assert sorted(outcomes) == ["content_changed", "done"]
    assert counter.broken() == set()


def test_one_old_card_is_never_replaced_twice_nor_used_meanwhile(counter: Counter) -> None:
    counter.clock.advance(days=LONG_AFTER.days)
    extend(counter.db, counter.service, text(counter.sold[1]),
           counter.clock().date() + timedelta(days=9), "to race")  # fmt: skip
    counter.hold(counter.sold[1])
    fresh = [_fresh(counter) for _ in range(2)]
    asked = [
        request_replacement(counter.db, counter.service, text(counter.sold[1]), text(new),
                            "lost", "x")
        for new in fresh
    ]  # fmt: skip
    outcomes = at_once(
        [*(partial(counter.agree, each) for each in asked), lambda: counter.use(counter.sold[1])]
    )
    assert sorted(outcomes) == ["content_changed", "done", "done"]
    assert counter.broken() == set()


def test_the_new_card_can_be_replaced_void_and_taken_back_in_its_turn(counter: Counter) -> None:
    for old, new in ((0, 0), (1, 1), (2, 2)):
        counter.hold(counter.sold[old])
        counter.agree(_ask(counter, old=old, new=new))
    first, second, third = (counter.spare[i] for i in range(3))
    counter.hold(first)
    counter.agree(
        request_replacement(
            counter.db, counter.service, text(first), text(counter.spare[3]), "lost", "again"
        )
    )
    counter.trade.move_by_two("finance2", "void", second.serial, second.serial, reason="torn")
    counter.trade.move_by_two("finance2", "deactivate", third.serial, third.serial)
    assert counter.redeemed(counter.spare[3])
    assert counter.broken() == set()


def test_it_takes_two_persons_of_the_company(counter: Counter) -> None:
    counter.hold(counter.sold[0])
    for who in ("keeper", "issuer", "seller", "auditor"):
        with pytest.raises(Forbidden):
            _ask(counter, who=who)
        with pytest.raises(Forbidden):
            extend(counter.db, counter.people[who], text(counter.sold[0]),
                   counter.clock().date(), "x")  # fmt: skip
    own = _ask(counter, who="finance")
    with pytest.raises(SamePerson):
        counter.agree(own, "finance")
    with pytest.raises(Forbidden):
        counter.agree(own, "service")
    counter.agree(own, "finance2")


def _pending(counter: Counter) -> int:
    counter.hold(counter.sold[0])
    return _ask(counter)


def _fresh(counter: Counter) -> Any:
    """A card printed lately."""
    with counter.db.write() as session:
        until = session.today + timedelta(days=900)
        (card,) = make_cards(
            session, counter.keys.get(), 1, stage="stocked", expires_on=until,
            holder_id=counter.trade.party_ids["warehouse"],
        )  # fmt: skip
    return card
