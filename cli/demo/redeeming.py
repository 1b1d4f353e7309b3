"""Redeeming over real HTTP: by JSON, by text message, by phone; and what is refused."""

from dataclasses import dataclass

from cli.demo.screen import MASKED, Screen, expect
from cli.demo.server import HOST, Reply, Server
from cli.simulator.door import Door
from cli.simulator.phones import Caller, Dialler, Texter
from core.money import format_yuan
from vouchers.pins import draw
from vouchers.print_file import PrintedCard

TEXTER, PHONER = "+8613900000001", "+8613900000002"
JSON_ACCOUNT, TEXT_ACCOUNT, PHONE_ACCOUNT = "4209100296", "4212100370", "4201100000"
CUSTOMER, GUESSER = "customer-1", "customer-2"


@dataclass(frozen=True)
class Counter:
    """Where the demo's customers stand: the server, and the keys of partner and gateway."""

    server: Server
    partner_key: str
    channel_key: str

    def redeem(self, key: str, card: str, account_number: str, caller: str) -> Reply:
        """Redeem by JSON, as a partner does."""
        body = {"pin": card, "account_number": account_number, "caller": caller}
        return self.server.post("/api/v1/redemptions", self.partner_key, body, Idempotency_Key=key)

    @property
    def door(self) -> Door:
        """Where the customers' telephones reach the server."""
        return Door(f"http://{HOST}:{self.server.port}", self.channel_key)


def by_json(screen: Screen, counter: Counter, card: PrintedCard) -> None:
    """A partner redeems a card, and sends the same request again."""
    screen.step("A partner redeems a card by JSON; sent again, the request has no second effect")
    for status in (201, 200):
        reply = counter.redeem("demo-1", card.pin.digits, JSON_ACCOUNT, CUSTOMER)
        expect(reply.status == status, f"the partner got {reply.status} {reply.body}")
        body = reply.body
        paid, fee = format_yuan(body["arrears_paid_fen"]), format_yuan(body["late_fee_fen"])
        screen.talk(
            f"{reply.status}",
            f"receipt {body['receipt_number']}, {format_yuan(body['amount_fen'])} yuan to"
            f" ..{body['account_tail']}: arrears {paid} (late fee {fee}),"
            f" balance {format_yuan(body['balance_fen'])}",
        )


def by_text(screen: Screen, counter: Counter, card: PrintedCard) -> None:
    """A customer sends the card by text message."""
    screen.step("A customer redeems by text message")
    telephone = Texter(counter.door, TEXTER)
    reply = "".join(telephone.send(f"CZ {TEXT_ACCOUNT} {card.pin.digits}").words)
    screen.talk("sends", f"CZ {TEXT_ACCOUNT} {MASKED}")
    screen.talk("receives", reply)
    expect(f"{card.face_fen // 100}.00" in reply, "the text message was not a receipt")


def by_phone(screen: Screen, counter: Counter, card: PrintedCard) -> None:
    """A customer is led through the phone menu."""
    screen.step("A customer redeems by phone (this card of 200 yuan is protected by argon2id)")
    telephone = Caller(counter.door, PHONER)
    screen.talk("the phone", "rings")
    heard = telephone.start()
    for keys in ("2", "1", f"{PHONE_ACCOUNT}#", "1", f"{card.pin.digits}#", "#"):
        screen.talk("hears", " ".join(heard.words))
        screen.talk("presses", f"{MASKED} #" if heard.is_secret else keys)
        heard = telephone.send(keys)
    screen.talk("hears", " ".join(heard.words))
    expect(heard.result is not None, "the phone call ended without a receipt")


def by_code(screen: Screen, counter: Counter) -> None:
    """The customer of the text message asks for arrears over USSD."""
    screen.step("The same customer dials the USSD code, as Africa's Talking brings it")
    telephone = Dialler(counter.door, TEXTER)
    heard, keys = telephone.start(), ("2", "2", TEXT_ACCOUNT)
    for typed in keys:
        heard = telephone.send(typed)
    screen.talk("types", ", ".join(keys))
    screen.talk("reads", " ".join(heard.words))
    expect("no arrears" in heard.words[0], "the arrears were not paid by the card")


def refusals(screen: Screen, counter: Counter, used: PrintedCard, unsold: PrintedCard) -> None:
    """What must not work: a used card, a guess, a card that nobody activated."""
    screen.step("What is refused")
    again = counter.redeem("demo-2", used.pin.digits, TEXT_ACCOUNT, GUESSER)
    _refused(screen, "used card", again, "voucher_used", "nothing is charged twice")
    guess = counter.redeem("demo-3", draw().digits, TEXT_ACCOUNT, GUESSER)
    _refused(screen, "wrong PIN", guess, "pin_unknown", "counted on the one who tries")
    stolen = counter.redeem("demo-4", unsold.pin.digits, TEXT_ACCOUNT, GUESSER)
    _refused(screen, "not active", stolen, "pin_unknown", "told like a wrong PIN, but:")
    left = (guess.body["tries_left"], stolen.body["tries_left"])
    expect(left == (4, 3), f"the wrong PINs were not counted: {left}")


def _refused(screen: Screen, what: str, reply: Reply, code: str, comment: str) -> None:
    body = reply.body
    expect(body.get("code") == code, f"{what} was answered with {body.get('code')}")
    more = f", {body['tries_left']} tries left" if "tries_left" in body else ""
    screen.talk(what, f"{reply.status} {code}{more}: {comment}")
