"""Chapter: the month is closed, its statement written, and the reports that finance reads."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, time

from rich.table import Table

from audit.inventory import InventoryRow, inventory
from audit.liability import liability
from audit.reports import catalogue
from audit.reports.catalogue import Wanted
from cli.demo.parties import OWN_CONTRACT
from cli.demo.people import People
from cli.demo.screen import expect
from cli.demo.selling import USED_AWAY
from cli.demo.stage import Stage
from cli.output import table
from cli.reports import liability_table
from core.money import format_yuan
from core.sheets import Value
from distribution.settlement_papers import export_bytes
from distribution.settlements import Statement, close_period

_OWING = (OWN_CONTRACT, "WH", "CS", "NC")


def close_month(stage: Stage, people: People) -> list[str]:
    """Close the month of everybody who owes; write one statement to files, return their names."""
    month = stage.clock.month
    stage.day(stage.clock.end_day, f"Finance closes {month:%B} for everybody who owes")
    closed = [close_period(stage.db, people.finance, code, month) for code in _OWING]
    columns = ["party", "activated", "commission", "returned", "paid", "adjusted", "owes yuan"]
    rows = [_row(item) for item in closed]
    stage.screen.show(table(columns, rows, right=columns[1:]))
    files = [_write(stage, closed[0], form) for form in ("pdf", "xlsx")]
    stage.screen.say("below 0: paid ahead")
    stage.screen.say(f"the statement of {OWN_CONTRACT}, to open and look at:")
    for name in files:
        stage.screen.say(f"  {name}")
    return files


def report(stage: Stage, people: People) -> None:
    """Show where cards are, what they are worth, and which were used out of their territory."""
    zone = stage.db.settings.zone
    end = datetime.combine(stage.clock.following, time.min, zone).astimezone(UTC)
    with stage.db.read() as session:
        rows, owed = inventory(session, end), liability(session, end)
        wanted = Wanted(name="out-of-territory", as_of=end)
        _, _, sheet = catalogue.make(session, people.finance, wanted)
        foreign = list(sheet.rows)
    screen = stage.screen
    screen.step("Reports as of the month's end, the same whenever they are made: all cards")
    screen.show(_cards_table(rows))
    screen.step("What activated, unused cards are worth, from the cards and from the books")
    screen.show(liability_table(owed))
    expect(owed.difference_fen == 0, "cards and books differ")
    screen.step("Out of territory (窜货): sold for one region, used in another")
    screen.show(_foreign_table(foreign))
    expect(len(foreign) == USED_AWAY, f"{len(foreign)} cards were used out of their territory")


def _row(item: Statement) -> tuple[str, ...]:
    sums = item.sums
    shown = (
        sums.activations_fen,
        sums.commission_fen,
        sums.returns_fen + sums.clawback_fen,
        sums.payments_fen,
        sums.adjustments_fen,
        sums.closing_fen,
    )
    return (item.party_code, *map(format_yuan, shown))


def _write(stage: Stage, statement: Statement, form: str) -> str:
    path = stage.world.directory / f"{statement.party_code}-{statement.month}.{form}"
    path.write_bytes(export_bytes(statement, form, "zh", stage.db.settings))
    return str(path)


def _cards_table(rows: Iterable[InventoryRow]) -> Table:
    """Return one line for each holder: its cards by what can be done with them."""
    kinds = ("stocked", "in_transit", "active", "void", "used", "held")
    lines: dict[tuple[str, str], Counter[str]] = {}
    for row in rows:
        line = lines.setdefault((row.party_code, row.party_name), Counter())
        line[row.stage] += row.cards - row.used_cards
        line["used"] += row.used_cards
        line["held"] += row.held_cards
        line["value"] += row.face_value_fen * (row.stage != "void")
    shown = [
        (*who, *(line[kind] or "" for kind in kinds), format_yuan(line["value"]))
        for who, line in sorted(lines.items(), key=_warehouse_first)
    ]
    numbers = ["in stock", "on the way", "sold", "void", "used", "on hold", "value yuan"]
    return table(["holder", "name", *numbers], shown, right=numbers)


def _warehouse_first(line: tuple[tuple[str, str], Counter[str]]) -> tuple[bool, str]:
    (code, _), _ = line
    return code != "WAREHOUSE", code


def _foreign_table(rows: Iterable[Sequence[Value]]) -> Table:
    shown = [
        (row[1], format_yuan(int(str(row[2]))), row[3], row[4], row[5], row[6], row[7])
        for row in rows
    ]
    columns = ["card", "yuan", "sold by", "name", "for region", "used in", "channel"]
    return table(columns, shown, right=["yuan"])
