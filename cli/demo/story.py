"""The story of the demo, step by step."""

import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from accounts.importing import import_accounts, import_bills
from audit.inventory import inventory
from audit.liability import liability
from audit.verify import Result, verify
from cli.actions import ACTIONS
from cli.app import sign_in_path
from cli.audit import audit_table
from cli.demo import making, redeeming, server
from cli.demo.making import MadeBatch
from cli.demo.people import People, sign_everybody_in
from cli.demo.redeeming import Counter
from cli.demo.screen import MASKED, Screen, expect
from cli.demo.world import World
from cli.init import prepare
from cli.output import Out, table
from cli.reports import inventory_table, liability_table
from cli.sign_in_file import write_private
from core.db import Database, Session
from core.errors import ConfigurationError
from core.keyfile import Keys
from core.money import format_yuan
from redemption.alarms import list_alarms
from redemption.queries import stored_receipt, use_of
from redemption.requests import Answer
from redemption.senders import add_channel, add_partner
from staff import approvals
from staff.approvals import SamePerson
from vouchers.print_file import PrintedCard
from vouchers.serials import serial_text

PARTNER, CHANNEL = "demo-partner", "demo-gateway"


@dataclass(frozen=True)
class Stage:
    """What every step works with."""

    world: World
    db: Database
    keys: Keys
    screen: Screen
    out: Out


def tell(world: World, screen: Screen, out: Out) -> dict[str, Any]:
    """Run everything in an empty directory; return the sums. Raises DemoFailed, DomainError."""
    world.begin()
    db = Database(world.settings)
    try:
        return _tell(Stage(world, db, Keys(world.settings.key_file), screen, out))
    finally:
        db.dispose()


def _tell(stage: Stage) -> dict[str, Any]:
    screen = stage.screen
    screen.title("Wanneng 万能充: the whole life of a recharge card, on an embedded database")
    _set_up(stage)
    people = _people(stage)
    _import(stage)
    batches = _make(stage, people)
    _ship(stage, people, batches)
    redeemed = _redeem(stage, people, batches)
    _alarm(stage, people)
    receipts = _receipts(stage, redeemed)
    _reports(stage)
    results = _audit(stage)
    _leave(stage, people, batches)
    return {
        "directory": str(stage.world.directory),
        "cards": sum(batch.plan.count for batch in batches),
        "receipts": [answer.receipt_number for answer in receipts],
        "invariants": len(results),
        "holds": True,
    }


def _set_up(stage: Stage) -> None:
    stage.screen.step(f"Make the system in {stage.world.directory}")
    done = prepare(stage.db, stage.keys)
    stage.screen.say(
        f"SQLite database, key file with mode 0600, {done['denominations_added']} face values,"
        " chart of accounts, late fee rates"
    )


def _people(stage: Stage) -> People:
    people = sign_everybody_in(stage.db, stage.keys.get())
    stage.screen.step("Two people of the company and a distributor's clerk sign in")
    stage.screen.say(
        "甲 (admin, issuer), 乙 (issuer, warehouse, finance), 丙 (distributor WH with its outlet"
        " WH-SHOP1): password and one-time code each"
    )
    return people


def _import(stage: Stage) -> None:
    imported = {}
    for what, importer in (("accounts", import_accounts), ("bills", import_bills)):
        path = examples() / f"{what}.csv"
        report = importer(stage.db, path)
        expect(report.bad_count == 0, f"lines of {path} are bad")
        imported[what] = report.imported
    counts = " and ".join(f"{count} {what}" for what, count in imported.items())
    stage.screen.step(f"Import {counts} from examples/*.csv")


def _make(stage: Stage, people: People) -> list[MadeBatch]:
    screen, db = stage.screen, stage.db
    screen.step("Order three batches; nobody agrees to his own order, the second person does")
    mark = making.register_printer(db, stage.world, people)
    screen.say(f"printer's key registered by two persons, fingerprint {mark}")
    placed = making.order(db, people)
    _refuse_own(stage, people, placed[0][1])
    batches = []
    for plan, approval_id, batch_id in placed:
        approvals.agree(db, people.second_issuer, approval_id, ACTIONS)
        with stage.out.progress(making.describe(plan)) as progress:
            making.make(db, stage.keys, people, batch_id, progress)
        batches.append(making.hand_out(db, stage.keys, stage.world, people, plan, batch_id))
        screen.say(
            f"{making.describe(plan)}: made, agreed, exported to"
            f" {stage.world.print_file(batch_id).name} (age), manifest signature good"
        )
    card = batches[0].printed[0]
    screen.say(
        f"the printer reads his file in memory; first card {serial_text(card.serial)}, PIN {MASKED}"
    )
    return batches


def _refuse_own(stage: Stage, people: People, approval_id: int) -> None:
    try:
        approvals.agree(stage.db, people.issuer, approval_id, ACTIONS)
    except SamePerson as error:
        stage.screen.say(f"甲 tries to agree to his own order: {error.code}")
        return
    expect(False, "somebody agreed to his own order")


def _ship(stage: Stage, people: People, batches: Sequence[MadeBatch]) -> None:
    stage.screen.step("Warehouse, distributor, outlet: take into stock, ship, receive, activate")
    for number, batch in enumerate(batches):
        making.ship(stage.db, people, batch, first=number == 0)
        plan = batch.plan
        stage.screen.say(
            f"{making.describe(plan)}: {plan.shipped} shipped to the outlet, {plan.active} active"
            + (
                f"; {making.SPOILT} were spoilt, {making.ON_THE_WAY} still on the road"
                * (not number)
            )
        )


def _redeem(stage: Stage, people: People, batches: Sequence[MadeBatch]) -> Sequence[PrintedCard]:
    fifty, hundred, two_hundred = (batch.active[0] for batch in batches)
    partner_key, channel_key = _senders(stage, people)
    with server.running(stage.world) as started:
        stage.screen.step(f"The HTTP server is up at http://{server.HOST}:{started.port}")
        counter = Counter(started, partner_key, channel_key)
        redeeming.by_json(stage.screen, counter, hundred)
        redeeming.by_text(stage.screen, counter, fifty)
        redeeming.by_phone(stage.screen, counter, two_hundred)
        redeeming.refusals(stage.screen, counter, hundred, batches[0])
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


def _reports(stage: Stage) -> None:
    with stage.db.read() as session:
        rows, owed = inventory(session), liability(session)
    stage.screen.step("Where all cards are")
    stage.screen.show(inventory_table(rows))
    stage.screen.step("What activated, unused cards are worth, from the cards and from the books")
    stage.screen.show(liability_table(owed))
    expect(owed.difference_fen == 0, "cards and books differ")


def _audit(stage: Stage) -> list[Result]:
    stage.screen.step("wanneng audit verify: everything adds up, seen from the stored rows alone")
    results = verify(stage.db)
    stage.screen.show(audit_table(results, stage.screen.width))
    expect(all(result.holds for result in results), "an invariant is broken")
    return results


def _leave(stage: Stage, people: People, batches: Sequence[MadeBatch]) -> None:
    """Write what `wanneng demo serve` and `wanneng demo card` need, and say what to try."""
    world = stage.world
    lines = [f"export {name}={value}" for name, value in world.variables.items()]
    write_private(world.environment_file, "\n".join(lines))
    write_private(sign_in_path(world.settings), people.admin_token)
    world.remember({"batches": [batch.batch_id for batch in batches]})
    stage.screen.title("\nDone. Try next:")
    stage.screen.lines(_NEXT_STEPS.format(program=_program(), directory=world.directory))


_NEXT_STEPS = """\
{program} demo serve        # in a second terminal: this world, at http://127.0.0.1:8000
{program} demo card | curl -sS http://127.0.0.1:8000/api/v1/redemptions --data @- \\
  -H "Authorization: Bearer $(cat {directory}/partner.key)" \\
  -H "Idempotency-Key: try-$(date +%s)" -H "Content-Type: application/json"
(. {directory}/env; {program} report inventory)     # signed in as 甲, for 12 hours
make run                            # an empty system of your own"""


def _program() -> str:
    """Return how this program is called from here."""
    if shutil.which("wanneng"):
        return "wanneng"
    beside = Path(sys.executable).with_name("wanneng")
    here = Path.cwd()
    return str(beside.relative_to(here) if beside.is_relative_to(here) else beside)


def examples() -> Path:
    """Return the directory of the example files; ConfigurationError where they are not."""
    for place in (Path("examples"), Path(__file__).resolve().parents[2] / "examples"):
        if (place / "accounts.csv").is_file():
            return place
    raise ConfigurationError("the demo needs the directory examples/ of the source tree")
