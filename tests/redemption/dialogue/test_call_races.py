"""Calls that are repeated, raced, cut off, or lose their state."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import msgspec
import pytest

from core.db import Database
from core.errors import DomainError, TryLater
from core.tables import outbox
from redemption.dialogue.calls import (
    DialogueUnknown,
)
from redemption.dialogue.deps import DialogueDeps
from redemption.requests import Outcome, Purpose, RedeemRequest
from redemption.tables import redemption
from tests.redemption.cards import Card
from tests.redemption.dialogue.world import (
    TO_PIN,
    Phone,
    count,
    texts_sent,
    without_redis,
)


def test_without_redis_the_caller_is_told_to_call_later(
    phone: Phone, db: Database, cards: list[Card]
) -> None:
    phone.press(*TO_PIN, cards[0].pin.digits)
    working = phone.deps
    phone.deps = without_redis(working)
    reply = phone.press("#")
    assert reply.end
    assert phone.said == ["try_later", "goodbye"]
    assert count(db, redemption) == 0
    phone.deps = working
    assert phone.again("#").state == "done"


def test_a_redemption_is_told_even_if_redis_goes_in_the_middle_of_it(
    phone: Phone, db: Database, cards: list[Card]
) -> None:
    phone.press(*TO_PIN, cards[0].pin.digits)
    working = phone.deps

    class Going:
        """A Redis that goes away once the engine was asked."""

        gone = False

        def __getattr__(self, name: str) -> object:
            redis = without_redis(working).redis if self.gone else working.redis
            return getattr(redis, name)

    going = Going()

    def redeem(asked: RedeemRequest) -> Outcome:
        going.gone = True
        return working.redeem(asked)

    phone.deps = replace(working, redis=going, redeem=redeem)  # type: ignore[arg-type]
    assert phone.press("#").state == "done"
    assert count(db, redemption) == 1
    phone.deps = working
    assert phone.again("#").result == phone.last.result
    assert count(db, redemption) == 1


def test_a_call_whose_state_was_lost_is_unknown(phone: Phone) -> None:
    phone.press("2")
    phone.deps.redis.flushdb()
    with pytest.raises(DialogueUnknown):
        phone.press("1")


def test_a_redemption_that_takes_long_is_texted(
    phone: Phone, db: Database, cards: list[Card]
) -> None:
    working = phone.deps

    def slow(asked: RedeemRequest) -> Outcome:
        outcome = working.redeem(asked)
        if asked.purpose is Purpose.REDEEM:
            raise TimeoutError
        return outcome

    phone.deps = replace(working, redeem=slow)
    phone.press(*TO_PIN, cards[0].pin.digits, "#")
    assert phone.said == ["pending", "another"]
    assert len(texts_sent(db)) == 1


def outcome_of(phone: Phone, digits: str, turn: int) -> bytes:
    try:
        return msgspec.json.encode(phone.again(digits, turn))
    except DomainError as error:
        return error.code.encode()


def test_a_turn_delivered_ten_times_at_once_has_one_effect_and_one_reply(
    phone: Phone, db: Database, cards: list[Card]
) -> None:
    keys = (*TO_PIN, cards[0].pin.digits, "#")
    with ThreadPoolExecutor(10) as pool:
        for digits in keys:
            phone.turn += 1
            replies = {
                *pool.map(lambda one: outcome_of(phone, one, phone.turn), [digits] * 10),
                msgspec.json.encode(phone.again(digits)),
            }
            assert len(replies) == 1
    assert count(db, redemption) == 1
    assert count(db, outbox) == 1


def test_of_hash_and_star_at_once_one_is_heard(
    phone: Phone, db: Database, cards: list[Card]
) -> None:
    redeemed = 0
    for card in cards[:5]:
        call = Phone(phone.deps)
        call.press(*TO_PIN, card.pin.digits)
        call.turn += 1
        with ThreadPoolExecutor(2) as pool:
            replies = list(pool.map(lambda key: outcome_of(call, key, call.turn), "#*"))  # noqa: B023
        assert replies.count(b"turn_conflict") == 1
        redeemed += b'"state":"done"' in replies[0]
        assert count(db, redemption) == redeemed


def test_of_ten_calls_for_one_card_one_gets_it(
    deps: DialogueDeps, household: str, db: Database, cards: list[Card]
) -> None:
    calls = [Phone(deps, f"1370000000{number}") for number in range(10)]
    with ThreadPoolExecutor(10) as pool:
        list(pool.map(lambda call: call.press(*TO_PIN, cards[0].pin.digits), calls))
        done = list(pool.map(lambda call: call.press("#").state, calls))
    assert sorted(done) == ["done"] + ["menu"] * 9
    assert count(db, redemption) == 1


def test_of_two_deliveries_the_first_reply_that_is_kept_is_everybodys(
    phone: Phone, db: Database, cards: list[Card]
) -> None:
    phone.press(*TO_PIN, cards[0].pin.digits)
    working = phone.deps
    first: list[str] = []

    def redeem(asked: RedeemRequest) -> Outcome:
        if first:
            return working.redeem(asked)
        first.append("on its way")
        first.append(msgspec.json.encode(phone.again("#")).decode())
        raise TryLater("this delivery comes too late")

    phone.deps = replace(working, redeem=redeem)
    reply = phone.press("#")
    assert reply.state == "done"
    assert msgspec.json.encode(reply).decode() == first[1]
    assert count(db, redemption) == 1
