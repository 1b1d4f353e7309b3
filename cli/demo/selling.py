"""Chapter: twelve shops sell by three models, and customers use what they bought."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import pyrage

from cli.demo.parties import HUBEI, HUNAN, JIANGXI, OWN_CONTRACT
from cli.demo.people import People
from cli.demo.screen import MASKED, expect
from cli.demo.stage import Cards, Stage
from core.money import format_yuan
from distribution.errors import PrepaidExhausted
from distribution.payments import NewPayment, record_payment
from distribution.sealed_pins import open_pin
from distribution.till_sales import Counter, Sale, SaleRequest, confirm_sale, sell
from distribution.tills import Till, add_till
from redemption.engine import Redeemer
from redemption.requests import Code, RedeemRequest, caller_of_phone
from vouchers.lookup import ArgonPool
from vouchers.print_file import PrintedCard
from vouchers.serials import serial_text

SHOP_SOLD = ((5_000, 150), (10_000, 60), (20_000, 20))
"""What the outlet with its own contract sells from its shelf: face in fen, cards."""
PREPAID_FEN = 1_500_000
USED_HERE, USED_AWAY = 5, 3
_TILL = "WH-1-T1"
_NEAR_ACCOUNTS = ("4201100518", "4201800000")


def sell_on_credit(stage: Stage, people: People) -> None:
    """Sell in Hubei, where one outlet owes for itself and the city for the others."""
    stage.day(12, "Hubei sells on credit; WH-1 has a contract and a credit limit of its own")
    for face_fen, count in SHOP_SOLD:
        _activate(stage, people, OWN_CONTRACT, {face_fen: count})
    stage.screen.say(
        "WH-1 activates 150 x 50 (0.50 yuan each for 100, then 0.75), 60 x 100, 20 x 200"
    )
    for outlet in HUBEI.outlet_codes[1:]:
        _activate(stage, people, outlet, {5_000: 40, 10_000: 20})
    stage.screen.say("WH-2, WH-3, WH-4 activate 40 x 50 and 20 x 100 each; their city WH owes")


def sell_at_a_till(stage: Stage, people: People) -> None:
    """Sell a card of plastic, and an electronic card whose PIN only the till can read."""
    stage.day(13, f"At the till {_TILL} a card is active once it is paid for")
    identity = pyrage.x25519.Identity.generate()
    till, _ = stage.db.transact(
        lambda session: add_till(
            session, people.of("WH"), OWN_CONTRACT, _TILL, str(identity.to_public())
        )
    )
    counter = Counter(keys=stage.keys)
    card = stage.shelves.sell(OWN_CONTRACT, 5_000, 1)
    for number in range(2):
        sale = sell(stage.db, counter, till, "sale-1", SaleRequest(serial=serial_text(card.first)))
        expect(sale.replayed == bool(number), "a till sold one card twice")
    stage.screen.say(f"card {serial_text(card.first)} sold; the same request again: the same sale")
    sale = sell(stage.db, counter, till, "sale-2", SaleRequest(face_fen=5_000))
    _reveal(stage, till, sale, str(identity))


def sell_prepaid(stage: Stage, people: People) -> None:
    """Sell in Hunan only what was paid before."""
    stage.day(14, "Hunan pays ahead: no payment, no sale")
    try:
        _activate(stage, people, "CS-1", {5_000: 60, 10_000: 20})
    except PrepaidExhausted as error:
        stage.screen.say(f"CS-1 tries first: {error.code}: {error.message}")
    else:
        expect(False, "a prepaid party sold without paying")
    pay(stage, people, "CS", PREPAID_FEN, "ICBC-0001")
    for outlet in HUNAN.outlet_codes:
        _activate(stage, people, outlet, {5_000: 40, 10_000: 15})
    stage.screen.say("CS-1 to CS-4 activate 40 x 50 and 15 x 100 each")


def sell_on_consignment(stage: Stage, people: People) -> None:
    """Sell in Jiangxi what is owed for only once it is sold."""
    stage.day(15, "Jiangxi sells on consignment: it owes for a card once that is sold")
    for outlet in JIANGXI.outlet_codes:
        _activate(stage, people, outlet, {5_000: 30, 10_000: 10})
    stage.screen.say(
        "NC-1 to NC-4 activate 30 x 50 and 10 x 100 each; the rest stays the company's"
    )


def use_cards(stage: Stage, cards: Cards) -> None:
    """Redeem cards near the shop that sold them, and cards of Hunan in Wuhan."""
    stage.day(17, "Customers use their cards; a trader brings Hunan's cards to Wuhan (窜货)")
    bought, smuggled = (stage.shelves.sold[code, 5_000] for code in (OWN_CONTRACT, "CS-2"))
    near = [cards.of(bought, -1 - place) for place in range(USED_HERE)]
    away = [cards.of(smuggled, place) for place in range(USED_AWAY)]
    with _redeemer(stage) as redeemer:
        _redeem(redeemer, near, "near", "+8613900000011")
        _redeem(redeemer, away, "away", "+8613900000012")
    stage.screen.say(f"{USED_HERE} cards of WH-1 and {USED_AWAY} of CS-2, all to Wuhan accounts")


def pay(stage: Stage, people: People, party: str, amount_fen: int, reference: str) -> None:
    """Record a payment twice, as a bank statement read again would; it counts once."""
    paid_on = stage.clock.today
    new = NewPayment(reference=reference, party_code=party, amount_fen=amount_fen, paid_on=paid_on)
    record_payment(stage.db, people.finance, new)
    again = record_payment(stage.db, people.finance, new)
    expect(again.replayed, "one bank reference was paid twice")
    stage.screen.say(f"{party} pays {format_yuan(amount_fen)} yuan, bank reference {reference}")


def _activate(stage: Stage, people: People, outlet: str, counts: Mapping[int, int]) -> None:
    for face_fen, count in counts.items():
        cards = stage.shelves.look(outlet, face_fen, count)
        stage.move(people.of(outlet), "activate", cards, document="sales")
        stage.shelves.sell(outlet, face_fen, count)


def _reveal(stage: Stage, till: Till, sale: Sale, secret_key: str) -> None:
    reveal = sale.reveal
    expect(reveal is not None and reveal.ciphertext is not None, "the till got no PIN")
    assert reveal is not None and reveal.ciphertext is not None  # noqa: S101
    opened = open_pin(reveal.ciphertext, secret_key)
    stage.db.transact(lambda session: confirm_sale(session, stage.db.settings, till, sale.id))
    stage.screen.say(
        f"electronic card {opened.serial_number}: made now, PIN {MASKED} sealed to this till alone,"
        " shown to the buyer, deleted here"
    )


@contextmanager
def _redeemer(stage: Stage) -> Iterator[Redeemer]:
    argon = ArgonPool(stage.db.settings)
    try:
        yield Redeemer(stage.db, stage.keys, argon)
    finally:
        argon.close()


def _redeem(redeemer: Redeemer, cards: Sequence[PrintedCard], key: str, phone: str) -> None:
    requests = [
        RedeemRequest(
            channel="sms",
            sender="demo",
            key=f"{key}-{number}",
            caller=caller_of_phone(phone),
            account_number=_NEAR_ACCOUNTS[number % len(_NEAR_ACCOUNTS)],
            pin=card.pin,
        )
        for number, card in enumerate(cards)
    ]
    for outcome in redeemer.redeem(requests):
        expect(outcome.answer.code is Code.REDEEMED, f"a customer got {outcome.answer.code}")
