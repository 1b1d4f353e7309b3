"""S6: the embedded database, lists of 512 in one commit against one commit each, same code."""

import time
from collections.abc import Sequence

from bench import world
from bench.errors import expect
from bench.lab import Lab
from bench.measure import Measure, Sample, Side
from bench.world import PARTNER, Size, World
from redemption.engine import Redeemer
from redemption.requests import Code, RedeemRequest, caller_of_partner
from vouchers.lookup import ArgonPool
from vouchers.pins import Pin

_NAME = "sqlite"
_CARDS, _ACCOUNTS = 200_000, 20_000
_SHARES = {512: 0.85, 1: 0.15}
_FAR_APART = 48_271


def _prepare(lab: Lab) -> None:
    if _NAME in lab.worlds:
        return
    directory = lab.directory(_NAME)
    settings = world.settings_for(f"sqlite:///{directory}/bench.db", directory)
    size = Size.of(lab.plan.cards(_CARDS, 2_000), lab.plan.outlets)
    accounts = min(_ACCOUNTS, lab.plan.accounts)
    progress = lab.shown("sqlite: cards")
    made = world.build(_NAME, settings, lab.plan.seed, size, accounts, progress)
    lab.stack.callback(made.db.dispose)
    lab.worlds[_NAME] = made


def _run(lab: Lab, length: int) -> Sample:
    found = lab.worlds[_NAME]
    numbers = found.supply.take(int(found.supply.total * _SHARES[length] / lab.runs))
    requests = [_request(found, number) for number in numbers]
    lists = [requests[i : i + length] for i in range(0, len(requests), length)]
    argon = ArgonPool(found.settings)
    try:
        redeemed, seconds = _redeem(
            Redeemer(found.db, found.keys, argon), lists, lab.plan.seconds / 2
        )
    finally:
        argon.close()
    found.acknowledged += redeemed
    return Sample(redeemed / seconds, {"redemptions": redeemed, "list": length})


def _redeem(
    redeemer: Redeemer, lists: Sequence[Sequence[RedeemRequest]], limit_s: float
) -> tuple[int, float]:
    redeemed, started = 0, time.perf_counter()
    for each in lists:
        outcomes = redeemer.redeem(each)
        redeemed += sum(outcome.answer.code is Code.REDEEMED for outcome in outcomes)
        expect(redeemed % len(each) == 0 or each is lists[-1], "a card was not redeemed")
        if time.perf_counter() - started > limit_s:
            break
    return redeemed, time.perf_counter() - started


def _request(found: World, number: int) -> RedeemRequest:
    customer = number * _FAR_APART % found.accounts
    return RedeemRequest(
        channel="partner",
        sender=PARTNER,
        key=f"list-{number}",
        caller=caller_of_partner(PARTNER, f"customer-{customer}"),
        account_number=found.account(customer),
        pin=Pin(found.deck.digits(number)),
        sender_wrong_per_hour=1_000_000,
    )


MEASURES = (
    Measure(
        code="S6",
        title="SQLite: lists of 512, over one commit each",
        unit="redemptions/s",
        over=Side("lists of 512", lambda lab: _run(lab, 512), _prepare),
        under=Side("one each", lambda lab: _run(lab, 1), _prepare),
        floor=2.5,
        goal=4.0,
    ),
)
