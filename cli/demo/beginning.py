"""Chapter: the system, its people, accounts and bills, and the cards that the printer makes."""

from pathlib import Path

from accounts.importing import import_accounts, import_bills
from cli.actions import ACTIONS
from cli.demo import making
from cli.demo.making import MadeBatch
from cli.demo.parties import REGIONS
from cli.demo.people import People, sign_everybody_in
from cli.demo.screen import MASKED, expect
from cli.demo.stage import Stage
from cli.init import prepare
from core.errors import ConfigurationError
from staff import approvals
from staff.approvals import SamePerson
from vouchers.serials import serial_text


def begin(stage: Stage) -> People:
    """Make the system, sign everybody in, import accounts and bills; return who is there."""
    stage.clock.set(1)
    _set_up(stage)
    people = _people(stage)
    _import(stage)
    return people


def _set_up(stage: Stage) -> None:
    stage.screen.step(f"Make the system in {stage.world.directory}")
    done = prepare(stage.db, stage.keys)
    stage.screen.say(
        f"SQLite database, key file with mode 0600, {done['denominations_added']} face values,"
        " chart of accounts, late fee rates"
    )


def _people(stage: Stage) -> People:
    people = sign_everybody_in(stage.db, stage.keys.get())
    stage.screen.step("Two people of the company and three distributors' clerks sign in")
    stage.screen.say("甲: admin, issuer, finance; 乙: issuer, warehouse, finance")
    for region, clerk in zip(REGIONS, "丙丁戊", strict=True):
        shops = f"{region.outlet_codes[0]} to {region.outlet_codes[-1]}"
        stage.screen.say(
            f"{clerk}: {region.province[0]} {region.province[1]} > {region.city[0]} > {shops},"
            f" {region.sale_model}"
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


def make(stage: Stage, people: People) -> list[MadeBatch]:
    """Order, make and export the cards of the month; take them into the warehouse."""
    screen, db = stage.screen, stage.db
    stage.day(2, "Order three batches; nobody agrees to his own order, the second person does")
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
    making.open_electronic(db, stage.keys, people)
    making.take_into_stock(stage, people, batches)
    screen.say(
        f"all taken into stock but {making.SPOILT} that he spoilt; {making.ELECTRONIC.count}"
        " electronic cards may be sold at tills"
    )
    return batches


def _refuse_own(stage: Stage, people: People, approval_id: int) -> None:
    try:
        approvals.agree(stage.db, people.issuer, approval_id, ACTIONS)
    except SamePerson as error:
        stage.screen.say(f"甲 tries to agree to his own order: {error.code}")
        return
    expect(False, "somebody agreed to his own order")


def examples() -> Path:
    """Return the directory of the example files; ConfigurationError where they are not."""
    for place in (Path("examples"), Path(__file__).resolve().parents[2] / "examples"):
        if (place / "accounts.csv").is_file():
            return place
    raise ConfigurationError("the demo needs the directory examples/ of the source tree")
