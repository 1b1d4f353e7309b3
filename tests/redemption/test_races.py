"""Races with real parallel commits. Each racer has an engine and connections of its own."""

import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from threading import Barrier

from sqlalchemy import func, select, text
from structlog.testing import capture_logs

from accounts.ledger import LedgerCode
from accounts.tables import electricity_account, posting
from core.db import Database
from core.keyfile import Keys
from redemption.engine import Redeemer
from redemption.requests import Code, Outcome, RedeemRequest, caller_of_phone
from redemption.tables import attempt, caller, redemption
from tests.factories import make_electricity_account
from tests.redemption.cards import Card, make_cards, redeem
from vouchers.lookup import ArgonPool
from vouchers.pins import draw


@contextmanager
def workers(db: Database, keys: Keys, count: int) -> Iterator[list[Redeemer]]:
    """Engines that share nothing but the database, as worker processes do."""
    with ExitStack() as stack:
        argon = ArgonPool(db.settings)
        stack.callback(argon.close)
        many = []
        for _ in range(count):
            own = Database(db.settings, db.clock)
            stack.callback(own.dispose)
            many.append(Redeemer(own, keys, argon))
        yield many


def race(
    engines: Sequence[Redeemer], work: Callable[[int, Redeemer], list[Outcome]], racers: int
) -> list[list[Outcome]]:
    """Let all racers begin at one moment, each on one of the engines; return what each got."""
    start = Barrier(racers)

    def run(racer: int) -> list[Outcome]:
        start.wait()
        return work(racer, engines[racer % len(engines)])

    with ThreadPoolExecutor(racers) as pool:
        return list(pool.map(run, range(racers)))


def answers(engine: Redeemer, asked: Sequence[RedeemRequest]) -> list[Outcome]:
    """Ask as a client does: whoever is told to come back later sends the same request again."""
    outcomes = engine.redeem(asked)
    for _ in range(20):
        late = [i for i, o in enumerate(outcomes) if o.answer.code is Code.TRY_LATER]
        if not late:
            break
        for index, outcome in zip(late, engine.redeem([asked[i] for i in late]), strict=True):
            outcomes[index] = outcome
    return outcomes


def codes(outcomes: Sequence[Sequence[Outcome]]) -> Counter[Code]:
    return Counter(outcome.answer.code for many in outcomes for outcome in many)


def world(db: Database, keys: Keys, cards: int, accounts: int = 1) -> tuple[list[Card], list[str]]:
    with db.write() as session:
        numbers = [make_electricity_account(session) for _ in range(accounts)]
        return make_cards(session, keys.get(), cards), numbers


def waits_until_it_is_sure(db: Database) -> Database:
    """Return the database where only lists that wait for each other wait too long.

    A busy machine may take longer for lists that stand in line than a redemption waits for a row;
    and PostgreSQL, which would end a circle itself, lets it be until our patience is over.
    """
    if not db.is_sqlite:
        with db.engine.begin() as connection:
            name = connection.execute(text("SELECT current_database()")).scalar_one()
            connection.execute(text(f'ALTER DATABASE "{name}" SET deadlock_timeout = 60000'))
    return Database(replace(db.settings, lock_timeout_ms=20_000), db.clock)


def totals(db: Database) -> tuple[int, int, int]:
    """Redemptions, what stands in all accounts, and what left the liability; fen."""
    with db.read() as session:
        count = session.execute(select(func.count()).select_from(redemption)).scalar_one()
        balance = session.execute(select(func.sum(electricity_account.c.balance_fen))).scalar_one()
        posted = session.execute(
            select(func.sum(posting.c.amount_fen)).where(
                posting.c.debit == LedgerCode.VOUCHER_LIABILITY
            )
        ).scalar_one()
    return int(count), int(balance), int(posted)


def test_200_requests_for_one_card_redeem_it_once(redeemer: Redeemer, keys: Keys) -> None:
    (card,), (account,) = world(redeemer.db, keys, 1)
    with workers(redeemer.db, keys, 4) as engines:
        outcomes = race(engines, lambda _, e: answers(e, [redeem(card, account)]), 200)
    assert codes(outcomes) == {Code.REDEEMED: 1, Code.VOUCHER_USED: 199}
    assert totals(redeemer.db) == (1, 5_000, 5_000)


def test_duplicates_of_one_request_at_once_all_get_the_same_receipt(
    redeemer: Redeemer, keys: Keys
) -> None:
    (card,), (account,) = world(redeemer.db, keys, 1)
    asked = redeem(card, account)
    with workers(redeemer.db, keys, 4) as engines:
        outcomes = race(engines, lambda _, e: answers(e, [asked]), 40)
    assert len({outcome.answer for (outcome,) in outcomes}) == 1
    assert codes(outcomes) == {Code.REDEEMED: 40}
    assert [outcome.replayed for (outcome,) in outcomes].count(False) == 1
    assert totals(redeemer.db) == (1, 5_000, 5_000)


def test_each_of_many_cards_wanted_by_20_racers_gives_one_credit(
    redeemer: Redeemer, keys: Keys
) -> None:
    # SQLite has one writer at a time, so that more cards only take longer there.
    count = 200 if redeemer.db.is_sqlite else 1_000
    cards, accounts = world(redeemer.db, keys, count, accounts=50)

    def work(racer: int, engine: Redeemer) -> list[Outcome]:
        mine = random.Random(racer).sample(cards, count)  # noqa: S311 - an order, no secret
        who = caller_of_phone(f"+86138000001{racer:02d}")
        asked = [redeem(c, accounts[c.serial % 50], caller=who) for c in mine]
        return [o for i in range(0, count, 50) for o in answers(engine, asked[i : i + 50])]

    with workers(redeemer.db, keys, 4) as engines:
        outcomes = race(engines, work, 20)
    assert codes(outcomes) == {Code.REDEEMED: count, Code.VOUCHER_USED: 19 * count}
    assert totals(redeemer.db) == (count, count * 5_000, count * 5_000)


def test_500_guesses_of_one_caller_at_once_get_five_answers(redeemer: Redeemer, keys: Keys) -> None:
    (good,), (account,) = world(redeemer.db, keys, 1)

    def work(racer: int, engine: Redeemer) -> list[Outcome]:
        guesses: list[RedeemRequest] = [redeem(draw(), account) for _ in range(25)]
        return [o for guess in guesses for o in answers(engine, [guess])]

    with workers(redeemer.db, keys, 4) as engines:
        outcomes = race(engines, work, 20)
    assert codes(outcomes) == {Code.PIN_UNKNOWN: 5, Code.CALLER_LOCKED: 495}
    with redeemer.db.read() as session:
        assert session.execute(select(caller.c.wrong_today)).scalar_one() == 5
        assert session.execute(select(func.count()).select_from(attempt)).scalar_one() == 5
    assert redeemer.redeem([redeem(good, account)])[0].answer.code is Code.CALLER_LOCKED


def test_a_new_callers_lists_of_guesses_at_once_are_not_taken_apart(
    redeemer: Redeemer, keys: Keys
) -> None:
    _, accounts = world(redeemer.db, keys, 1, 3)
    patient = waits_until_it_is_sure(redeemer.db)

    def guesses(number: int) -> Callable[[int, Redeemer], list[Outcome]]:
        who = caller_of_phone(f"+861380{number:07d}")

        def work(racer: int, engine: Redeemer) -> list[Outcome]:
            return engine.redeem([redeem(draw(), accounts[0], caller=who) for _ in range(7)])

        return work

    with workers(patient, keys, 3) as engines, capture_logs() as lines:
        for number in range(8):
            told = codes(race(engines, guesses(number), 9))
            assert told == {Code.PIN_UNKNOWN: 5, Code.CALLER_LOCKED: 58}
    assert {line["error"] for line in lines} <= {"Raced"}


def test_many_cards_into_one_account_at_once_lose_no_fen(redeemer: Redeemer, keys: Keys) -> None:
    cards, (account,) = world(redeemer.db, keys, 200)

    def work(racer: int, engine: Redeemer) -> list[Outcome]:
        mine = cards[racer * 10 : racer * 10 + 10]
        return [o for c in mine for o in answers(engine, [redeem(c, account)])]

    with workers(redeemer.db, keys, 4) as engines:
        outcomes = race(engines, work, 20)
    assert codes(outcomes) == {Code.REDEEMED: 200}
    assert totals(redeemer.db) == (200, 1_000_000, 1_000_000)
