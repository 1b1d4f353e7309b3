"""Damaged cards: proven by their readable digits, redeemed or replaced by two persons."""

import secrets
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import NoReturn

import pytest
from sqlalchemy import Table, select

from accounts.tables import electricity_account
from core.errors import NotFound, TryLater
from redemption.counter import CardNotRedeemable, request_proven_redemption
from redemption.requests import Answer, Code
from redemption.tables import redemption
from staff import approvals
from staff.approvals import ContentChanged, SamePerson
from staff.permissions import Forbidden
from staff.tables import approval, audit_event
from tests.care.counter import Counter, readable, text
from tests.care.test_reversal import at_once
from tests.redemption.cards import Card, make_cards
from tests.waiting import wait_for_lock_waiters
from vouchers.card_proof import (
    CardNotProvable,
    ProofMissing,
    ProofTriesUsedUp,
    ProofTry,
    prove_card,
)
from vouchers.lookup import ArgonPool
from vouchers.pins import draw
from vouchers.tables import card_proof, lot

SIX = (0, 3, 7, 11, 12, 17)


def _prove(counter: Counter, argon: ArgonPool, card: Card, *holes: int) -> ProofTry:
    return prove_card(
        counter.db, counter.keys, argon, counter.service, text(card), readable(card, *holes)
    )


def _wrong(counter: Counter, argon: ArgonPool, card: Card) -> ProofTry:
    other = Card(card.serial, draw())
    return prove_card(
        counter.db, counter.keys, argon, counter.service, text(card), readable(other, 5)
    )


def _ask(counter: Counter, card: Card, who: str = "service", account: str = "4200000001") -> int:
    return request_proven_redemption(
        counter.db, counter.people[who], text(card), account, "scratched to pieces"
    )


def _slow_card(counter: Counter) -> Card:
    with counter.db.write() as session:
        (card,) = make_cards(
            session, counter.keys.get(), 1, settings=counter.db.settings,
            holder_id=counter.trade.party_ids["outlet"],
        )  # fmt: skip
    return card


@pytest.mark.parametrize("slow", [False, True])
def test_a_card_with_six_digits_missing_is_proven(
    counter: Counter, argon: ArgonPool, slow: bool
) -> None:
    card = _slow_card(counter) if slow else counter.sold[0]
    assert _prove(counter, argon, card, *SIX) == ProofTry(True, 1, 4)


@pytest.mark.parametrize("slow", [False, True])
def test_digits_of_another_card_prove_nothing(
    counter: Counter, argon: ArgonPool, slow: bool
) -> None:
    card = _slow_card(counter) if slow else counter.sold[0]
    assert _wrong(counter, argon, card) == ProofTry(False, 1, 4)
    with pytest.raises(ProofMissing):
        _ask(counter, card)


def test_a_fitting_tag_of_28_bits_alone_proves_nothing(counter: Counter, argon: ArgonPool) -> None:
    card = _slow_card(counter)
    from vouchers.tables import voucher

    with counter.db.write() as session:
        session.execute(
            voucher.update()
            .where(voucher.c.serial == card.serial)
            .values(verifier=secrets.token_bytes(32).join([b"\x01\x00\x00\x40", b""]))
        )
    assert not _prove(counter, argon, card, 4).proven


def test_a_proven_card_is_redeemed_by_two_persons_as_the_engine_would(
    counter: Counter, argon: ArgonPool
) -> None:
    card, bill_id = counter.sold[0], counter.owe(3_000)
    _prove(counter, argon, card, *SIX)
    answer = counter.agree(_ask(counter, card))
    assert isinstance(answer, Answer)
    assert (answer.code, answer.face_fen) == (Code.REDEEMED, 5_000)
    assert counter.bill(bill_id).state == "paid"
    with counter.db.read() as session:
        row = session.execute(select(redemption)).one()
    assert (row.channel, row.sender, row.serial) == ("counter", "service", card.serial)
    assert counter.use(card).code is Code.VOUCHER_USED
    assert counter.broken() == set()


def test_a_fault_after_the_effects_were_written_undoes_them_all(
    counter: Counter, argon: ArgonPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    _prove(counter, argon, counter.sold[0], *SIX)
    approval_id = _ask(counter, counter.sold[0])

    def fail(*_: object, **__: object) -> NoReturn:
        raise OSError("no room")

    with monkeypatch.context() as broken, pytest.raises(OSError, match="no room"):
        broken.setattr("redemption.counter.events.record", fail)
        counter.agree(approval_id)
    with counter.db.read() as session:
        assert session.execute(select(redemption)).all() == []
    assert counter.agree(approval_id).code is Code.REDEEMED
    assert counter.broken() == set()


def test_nothing_of_the_digits_is_kept(counter: Counter, argon: ArgonPool) -> None:
    card = counter.sold[0]
    _prove(counter, argon, card, 17)
    approval_id = _ask(counter, card)
    with counter.db.read() as session:
        content = approvals.get(session, approval_id).content
        texts = [row.content for row in session.execute(select(approval))]
        texts += [row.detail for row in session.execute(select(audit_event))]
        texts += [str(tuple(row)) for row in session.execute(select(card_proof))]
    assert content["proof"].keys() == {"try", "at", "by"}
    assert card.pin.digits[:17] not in "".join(texts)


def test_a_card_has_five_tries_for_ever(counter: Counter, argon: ArgonPool) -> None:
    card = counter.sold[0]
    left = []
    for _ in range(5):
        left.append(_wrong(counter, argon, card).tries_left)
        counter.clock.advance(days=30)
    assert left == [4, 3, 2, 1, 0]
    with pytest.raises(ProofTriesUsedUp):
        _prove(counter, argon, card)
    assert _prove(counter, argon, counter.sold[1]).proven
    with counter.db.read() as session:
        of_card = card_proof.c.serial == card.serial
        assert len(session.execute(select(card_proof).where(of_card)).all()) == 5


def test_tries_at_once_are_no_more_than_five(counter: Counter, argon: ArgonPool) -> None:
    card = counter.sold[0]
    outcomes = at_once([lambda: _wrong(counter, argon, card)] * 9)
    assert 1 <= outcomes.count("done") <= 5
    assert set(outcomes) <= {"done", "proof_tries_used_up", "try_later"}
    with counter.db.read() as session:
        tries = session.execute(select(card_proof)).all()
    assert len(tries) == outcomes.count("done")


def test_a_full_pool_is_no_try(counter: Counter) -> None:
    pool = ArgonPool(replace(counter.db.settings, argon2_threads=1, argon2_queue=0))
    gate = threading.Event()
    assert pool.submit(_Gate(gate)) is not None
    with pytest.raises(TryLater):
        _prove(counter, pool, counter.sold[0], 2)
    gate.set()
    pool.close()
    with counter.db.read() as session:
        assert session.execute(select(card_proof)).all() == []


class _Gate:
    def __init__(self, gate: threading.Event) -> None:
        self.gate = gate

    def run(self) -> bool:
        return self.gate.wait(30)


def test_cards_that_were_never_sold_or_are_used_are_not_tried(
    counter: Counter, argon: ArgonPool
) -> None:
    counter.redeemed(counter.sold[0])
    for card in (counter.spare[0], counter.sold[0]):
        with pytest.raises(CardNotProvable):
            _prove(counter, argon, card, 1)
    with pytest.raises(NotFound):
        prove_card(
            counter.db, counter.keys, argon, counter.service,
            text(Card(counter.sold[0].serial + 50, draw())), readable(counter.sold[0]),
        )  # fmt: skip
    with counter.db.read() as session:
        assert session.execute(select(card_proof)).all() == []


def test_the_one_who_proved_it_asks_and_another_person_agrees(
    counter: Counter, argon: ArgonPool
) -> None:
    card = counter.sold[0]
    _prove(counter, argon, card, 2)
    with pytest.raises(ProofMissing):
        _ask(counter, card, "finance")
    prove_card(
        counter.db, counter.keys, argon, counter.people["finance"], text(card), readable(card, 2)
    )
    approval_id = _ask(counter, card, "finance")
    with pytest.raises(SamePerson):
        counter.agree(approval_id, "finance")
    for who in ("issuer", "service", "auditor"):
        with pytest.raises(Forbidden):
            counter.agree(approval_id, who)
    for who in ("keeper", "seller", "auditor", "issuer"):
        with pytest.raises(Forbidden):
            _ask(counter, card, who)
    counter.agree(approval_id, "finance2")


def test_an_old_proof_is_none(counter: Counter, argon: ArgonPool) -> None:
    _prove(counter, argon, counter.sold[0], 2)
    counter.clock.advance(days=8)
    with pytest.raises(ProofMissing):
        _ask(counter, counter.sold[0])


def test_what_the_engine_refuses_is_not_asked_for(counter: Counter, argon: ArgonPool) -> None:
    card = counter.sold[0]
    _prove(counter, argon, card, 2)
    with pytest.raises(CardNotRedeemable) as caught:
        _ask(counter, card, account="4200000099")
    assert caught.value.details == {"answer": "account_unknown"}
    counter.hold(card, "damaged")
    with pytest.raises(CardNotRedeemable):
        _ask(counter, card)


def test_a_card_used_or_an_account_closed_meanwhile_makes_the_request_void(
    counter: Counter, argon: ArgonPool
) -> None:
    used, other = counter.sold[:2]
    for card in (used, other):
        _prove(counter, argon, card, 2)
    asked = [_ask(counter, used), _ask(counter, other)]
    counter.redeemed(used)
    with counter.db.write() as session:
        session.execute(electricity_account.update().values(state="closed"))
    for approval_id in asked:
        with pytest.raises(ContentChanged):
            counter.agree(approval_id)
        assert counter.state_of(approval_id) == "void"
    assert counter.broken() == set()


def test_agreeing_while_its_holder_finds_the_pin_redeems_it_once(
    counter: Counter, argon: ArgonPool
) -> None:
    card = counter.sold[0]
    _prove(counter, argon, card, 2)
    asked = [_ask(counter, card) for _ in range(3)]
    at_once([*(partial(counter.agree, each) for each in asked), lambda: counter.use(card)])
    with counter.db.read() as session:
        assert len(session.execute(select(redemption)).all()) == 1
    assert counter.broken() == set()


@pytest.mark.parametrize("db", ["postgresql"], indirect=True)
@pytest.mark.parametrize("held", [lot, electricity_account])
def test_agreeing_keeps_nobody_from_receipt_numbers_while_it_waits(
    counter: Counter, argon: ArgonPool, held: Table
) -> None:
    _prove(counter, argon, counter.sold[0], 2)
    approval_id = _ask(counter, counter.sold[0])
    with ThreadPoolExecutor(1) as pool:
        with counter.db.write() as session:
            session.execute(select(held).with_for_update())
            agreeing = pool.submit(counter.agree, approval_id)
            wait_for_lock_waiters(counter.db, 1)
            counter.db.lease(f"receipt:{session.today:%y%m%d}", 1)
        assert agreeing.result().code is Code.REDEEMED
