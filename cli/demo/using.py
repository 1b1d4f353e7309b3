"""Chapter: today, customers redeem over real HTTP, and what must not work does not."""

from collections.abc import Sequence

from cli.demo import redeeming, server
from cli.demo.making import MadeBatch
from cli.demo.parties import OWN_CONTRACT
from cli.demo.people import People
from cli.demo.redeeming import Counter
from cli.demo.screen import expect
from cli.demo.stage import Stage
from cli.output import table
from cli.sign_in_file import write_private
from core.db import Session
from core.money import format_yuan
from redemption.alarms import list_alarms
from redemption.queries import stored_receipt, use_of
from redemption.requests import Answer
from redemption.senders import add_channel, add_partner
from vouchers.print_file import PrintedCard

PARTNER, CHANNEL = "demo-partner", "demo-gateway"


def use(stage: Stage, people: People, batches: Sequence[MadeBatch]) -> list[Answer]:
    """Redeem, be refused, be alarmed; return the receipts' answers."""
    stage.clock.present()
    used = _redeem(stage, people, batches)
    _alarm(stage, people)
    return _receipts(stage, used)


def _redeem(stage: Stage, people: People, batches: Sequence[MadeBatch]) -> Sequence[PrintedCard]:
    sold = (stage.shelves.sold[OWN_CONTRACT, batch.plan.face_fen] for batch in batches)
    cards = {card.serial: card for batch in batches for card in batch.printed}
    fifty, hundred, two_hundred = (cards[item.first] for item in sold)
    unsold = cards[stage.shelves.left(OWN_CONTRACT)[0].first]
    partner_key, channel_key = _senders(stage, people)
    with server.running(stage.world) as started:
        today = stage.clock.today
        stage.screen.step(
            f"Today, {today.day} {today:%b}: the HTTP server is up at http://{server.HOST}:{started.port}"
        )
        counter = Counter(started, partner_key, channel_key)
        redeeming.by_json(stage.screen, counter, hundred)
        redeeming.by_text(stage.screen, counter, fifty)
        redeeming.by_phone(stage.screen, counter, two_hundred)
        redeeming.by_code(stage.screen, counter)
        redeeming.refusals(stage.screen, counter, hundred, unsold)
    return [hundred, fifty, two_hundred]


def _senders(stage: Stage, people: People) -> tuple[str, str]:
    keyfile = stage.keys.get()

    def add(session: Session) -> tuple[str, str]:
        partner = add_partner(session, people.admin, PARTNER, 200)
        return partner, add_channel(session, keyfile, people.admin, CHANNEL).key

    partner_key, channel_key = stage.db.transact(add)
    write_private(stage.world.partner_key, partner_key)
    write_private(stage.world.channel_key, channel_key)
    return partner_key, channel_key


def _alarm(stage: Stage, people: People) -> None:
    with stage.db.read() as session:
        alarms = list_alarms(session, people.admin)
    expect(len(alarms) == 1, f"{len(alarms)} alarms were raised")
    stage.screen.talk(
        "alarm", f"{alarms[0].kind} {alarms[0].subject}: stolen, or sold without activation"
    )


def _receipts(stage: Stage, cards: Sequence[PrintedCard]) -> list[Answer]:
    stage.screen.step("The receipts")
    answers, rows = [], []
    with stage.db.read() as session:
        for card in cards:
            use = use_of(session, card.serial)
            expect(use is not None, "a redeemed card is not redeemed")
            receipt = stored_receipt(session, use.receipt_number if use else "")
            answers.append(receipt.answer)
            rows.append(_receipt_row(receipt.channel, receipt.answer))
    columns = ["receipt", "by", "card", "yuan", "account", "arrears", "late fee", "balance"]
    stage.screen.show(table(columns, rows, right=["yuan", "arrears", "late fee", "balance"]))
    return answers


def _receipt_row(channel: str, answer: Answer) -> tuple[object, ...]:
    return (
        answer.receipt_number,
        channel,
        answer.serial,
        format_yuan(answer.face_fen or 0),
        f"..{answer.account_tail}",
        format_yuan(answer.arrears_paid_fen or 0),
        format_yuan(answer.late_fee_fen or 0),
        format_yuan(answer.balance_fen or 0),
    )
