"""Finance's reports: what they say of a world in which everything has happened once."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import openpyxl
import pytest

from accounts.importing import import_accounts
from audit.breakage import Cohort, breakage_fen
from audit.counters import roll_up
from audit.reports import catalogue
from audit.reports.catalogue import REPORTS, Wanted
from audit.reports.territory import is_out_of_territory
from core.db import Database
from core.errors import InvalidInput
from core.keyfile import Keys
from distribution.differences import answer_difference
from distribution.moves import Moved
from distribution.stock_counts import record_count
from redemption.requests import Code
from staff.permissions import Actor, Forbidden
from tests.audit.world import World, hand_down, open_world
from tests.clocks import FakeClock


@contextmanager
def seen(world: World, who: str = "finance") -> Iterator[Any]:
    def ask(name: str, **more: Any) -> Any:
        with world.db.read() as session:
            return catalogue.page(session, actor(world, who), Wanted(name=name, **more))

    yield ask


def actor(world: World, who: str) -> Actor:
    return world.trade.people[who]


def lines(world: World, name: str, who: str = "finance", **more: Any) -> list[dict[str, Any]]:
    with seen(world, who) as ask:
        found: list[dict[str, Any]] = ask(name, **more).lines
        return found


@pytest.fixture
def sold(db: Database, keys: Keys, clock: FakeClock) -> Iterator[World]:
    """Sixty cards made; 50 went out, the outlet sold 20 of its 35, six are used."""
    with open_world(db, keys, clock) as world:
        cards = world.cards = world.house.cards(60)
        world.move("keeper", "take_into_stock", cards, spoilt=(_text(cards[59].serial),))
        hand_down(world, cards[:50], cards[:45], cards[:40])
        world.move("seller", "activate", cards[:20])
        for place in range(6):
            account = f"420000000{1 + place % 3}"
            assert world.redeem(cards[place].pin, account).code is Code.REDEEMED
        world.move("issuer", "void", cards[18:20], reason="misprint")
        world.move("service", "hold", cards[16:18], hold="stolen", reason="burglary")
        clock.advance(minutes=2)
        yield world


def _text(serial: int) -> str:
    from vouchers.serials import serial_text

    return serial_text(serial)


def test_stock_and_liability_agree_with_the_books(sold: World) -> None:
    inventory = lines(sold, "inventory")
    assert sum(line["cards"] for line in inventory) == 60
    [active] = [line for line in inventory if line["stage"] == "active"]
    assert (active["cards"], active["used_cards"], active["held_cards"]) == (18, 6, 2)
    with seen(sold) as ask:
        facts = ask("liability").facts
    assert (facts["value_fen"], facts["difference_fen"]) == (12 * 5_000, 0)
    [open_cards] = lines(sold, "sold-not-used")
    assert (open_cards["holder"], open_cards["open_cards"]) == ("OUTLET", 12)
    [age] = lines(sold, "liability-ageing")
    assert (age["days_from"], age["days_to"], age["value_fen"]) == (0, 30, 60_000)


def test_the_age_of_the_liability_follows_the_calendar(sold: World, clock: FakeClock) -> None:
    for days, first in ((30, 0), (31, 31), (400, 366), (2_000, 1_096)):
        sold.clock.now = sold.clock.now.replace(year=2025, month=6, day=11) + timedelta(days=days)
        assert [line["days_from"] for line in lines(sold, "liability-ageing")] == [first]


def test_production_reconciles_every_batch(sold: World) -> None:
    [line] = lines(sold, "production")
    counts = {key: value for key, value in line.items() if key.endswith("_cards")}
    assert counts == {
        "requested_cards": 60,
        "generated_cards": 60,
        "delivered_cards": 59,
        "spoilt_cards": 1,
        "waiting_cards": 0,
        "void_cards": 2,
        "missing_cards": 0,
    }
    [spoilt] = lines(sold, "spoilt")
    assert (spoilt["cards"], spoilt["first_serial"]) == (1, _text(sold.cards[59].serial))
    assert lines(sold, "spoilt", since=sold.clock.now - timedelta(minutes=2)) == []


def test_cards_on_the_way_are_overdue_after_a_week(sold: World, clock: FakeClock) -> None:
    assert [line["overdue"] for line in lines(sold, "in-transit")] == ["", "", ""]
    clock.advance(days=7)
    on_the_way = lines(sold, "in-transit")
    assert [(line["sender"], line["receiver"]) for line in on_the_way] == [
        ("WAREHOUSE", "PROVINCE"),
        ("PROVINCE", "CITY"),
        ("CITY", "OUTLET"),
    ]
    assert {(line["days"], line["overdue"]) for line in on_the_way} == {(7, "yes")}
    assert [line["cards"] for line in on_the_way] == [5, 5, 5]


def test_months_tell_what_was_sold_taken_back_and_used(sold: World, clock: FakeClock) -> None:
    clock.advance(days=30)
    sold.redeem(sold.cards[6].pin, "4200000001")
    clock.advance(minutes=2)
    june, july = lines(sold, "months")
    assert (june["month"], june["activated_cards"], june["taken_back_cards"]) == ("2025-06", 20, 2)
    assert (june["redeemed_cards"], july["redeemed_cards"]) == (6, 1)
    assert (june["cohort_cards"], june["cohort_used_cards"], june["cohort_open_fen"]) == (
        18,
        7,
        11 * 5_000,
    )
    assert june["breakage_fen"] is None


def test_breakage_is_estimated_from_mature_cohorts_and_never_above_what_is_open() -> None:
    old = [Cohort(30, 1_000_000, 40_000), Cohort(24, 1_000_000, 20_000)]
    assert breakage_fen([*old, Cohort(6, 500_000, 200_000), Cohort(1, 100_000, 1_000)]) == [
        40_000,
        20_000,
        15_000,  # 3 % of what was activated
        1_000,
    ]
    assert breakage_fen([Cohort(23, 500_000, 200_000)]) == [None]
    assert breakage_fen([]) == []


def test_redemptions_are_told_by_region_and_foreign_ones_by_card(sold: World) -> None:
    csv = "account_number,holder_name,class,phone,region\n4200000002,李工厂,other,,430100\n"
    sold.clock.advance(minutes=5)
    import_accounts(sold.db, io.BytesIO(csv.encode()))
    before = sold.clock.now - timedelta(minutes=1)
    sold.clock.advance(minutes=5)
    now = lines(sold, "redemptions")
    assert [(line["channel"], line["region"], line["cards"]) for line in now] == [
        ("sms", "4201", 4),
        ("sms", "430100", 2),
    ]
    foreign = lines(sold, "out-of-territory")
    assert {line["serial"] for line in foreign} == {_text(sold.cards[n].serial) for n in (1, 4)}
    assert {(f["sold_for"], f["used_in"], f["account_tail"]) for f in foreign} == {
        ("4201", "430100", "0002")
    }
    assert [line["cards"] for line in lines(sold, "redemptions", as_of=before)] == [6]
    assert lines(sold, "out-of-territory", as_of=before) == []


@pytest.mark.parametrize(
    ("sold_for", "used_in", "foreign"),
    [
        ("4201", "4201", False),
        ("4201", "420106", False),
        ("420106", "4201", False),
        ("4201", "4301", True),
        ("420106", "420107", True),
        ("-", "4301", False),
        ("4201", None, False),
        ("4201", "", False),
    ],
)
def test_a_region_holds_its_parts(sold_for: str, used_in: str | None, foreign: bool) -> None:
    assert is_out_of_territory(sold_for, used_in) is foreign


def test_the_books_balance_and_the_journal_has_pages(sold: World) -> None:
    with seen(sold) as ask:
        balance, whole = ask("trial-balance"), ask("journal")
        page = ask("journal", limit=5)
        assert len(page.lines) == 5
        rest = ask("journal", after_id=page.next_after_id)
    assert balance.facts["debit_fen"] == balance.facts["credit_fen"] > 0
    assert sum(line["amount_fen"] for line in whole.lines) == balance.facts["debit_fen"]
    assert page.lines + rest.lines == whole.lines
    assert whole.next_after_id is None


def test_files_hold_every_line(sold: World) -> None:
    for name in REPORTS:
        expected = len(lines(sold, name))
        book, text = io.BytesIO(), io.BytesIO()
        with sold.db.read() as session:
            catalogue.write(session, actor(sold, "finance"), Wanted(name=name), "xlsx", book)
            catalogue.write(session, actor(sold, "finance"), Wanted(name=name), "csv", text)
        sheet = openpyxl.load_workbook(book).worksheets[0]
        assert sheet.max_row == expected + 1 == text.getvalue().count(b"\r\n"), name


def test_a_distributor_sees_its_own_part_of_the_tree(sold: World) -> None:
    holders = {line["holder"] for line in lines(sold, "inventory", "seller")}
    assert holders == {"OUTLET"}
    assert {line["holder"] for line in lines(sold, "inventory", "agent")} == {"CITY", "OUTLET"}
    assert lines(sold, "inventory", "seller2") == []
    assert lines(sold, "sold-not-used", "seller2") == []
    assert [line["receiver"] for line in lines(sold, "in-transit", "seller")] == ["OUTLET"]
    for name, report in REPORTS.items():
        if not report.of_parties:
            with pytest.raises(Forbidden):
                lines(sold, name, "seller")
    with pytest.raises(Forbidden):
        lines(sold, "inventory", "service")


def test_a_report_without_a_period_refuses_one(sold: World) -> None:
    with pytest.raises(InvalidInput):
        lines(sold, "inventory", since=sold.clock.now - timedelta(days=1))
    with pytest.raises(InvalidInput):
        lines(sold, "journal", since=sold.clock.now)


def test_stock_of_a_period_is_opening_in_out_and_closing(sold: World) -> None:
    since = sold.clock.now
    move, cards = sold.move, sold.cards
    move("seller", "activate", cards[20:23])
    move("seller", "deactivate", cards[14:16])
    move("seller", "return", cards[23:25])
    move("agent", "receive", cards[23:24])
    move("issuer", "void", cards[30:31], reason="torn")
    sold.clock.advance(minutes=2)
    [outlet] = [x for x in lines(sold, "stock", since=since) if x["holder"] == "OUTLET"]
    counts = {k: v for k, v in outlet.items() if k.endswith("_cards") and v}
    # 35 came, 20 were sold; a card on its way back is the outlet's until it is received.
    assert counts == {
        "opening_cards": 15,
        "taken_back_cards": 2,
        "handed_over_cards": 1,
        "sold_cards": 3,
        "void_cards": 1,
        "closing_cards": 12,
    }
    whole = {x["holder"]: x for x in lines(sold, "stock")}
    assert (whole["WAREHOUSE"]["taken_in_cards"], whole["WAREHOUSE"]["handed_over_cards"]) == (
        59,
        45,
    )
    assert (whole["OUTLET"]["received_cards"], whole["OUTLET"]["sold_cards"]) == (35, 23)


def test_low_stock_tells_cover_and_when_to_order(sold: World, clock: FakeClock) -> None:
    for sales in (1, 2, 1, 2, 1, 2, 1):
        clock.advance(days=1)
        first = 20 + sum((1, 2, 1, 2, 1, 2, 1)[: clock.now.day - 12])
        sold.move("seller", "activate", sold.cards[first : first + sales])
    clock.advance(days=1)
    [line] = [x for x in lines(sold, "low-stock") if x["holder"] == "OUTLET"]
    # 20 on the first day, then 10 in 7 days: mean 3.75, deviation 6.58;
    # 26.25 + 1.645 x 6.58 x sqrt(7) = 54.9
    assert (line["pattern"], line["on_hand_cards"], line["sold_cards"]) == ("erratic", 5, 30)
    assert line["per_day"] == pytest.approx(3.75)
    assert line["days_of_cover"] == pytest.approx(5 / 3.75)
    assert (line["reorder_point"], line["incoming_cards"], line["low"]) == (55, 5, "yes")
    assert line["to_order_cards"] == 45
    assert lines(sold, "low-stock", "seller2") == []


def test_yesterdays_reports_are_the_same_tomorrow_whatever_happens(
    sold: World, clock: FakeClock
) -> None:
    keeper = actor(sold, "keeper")
    shelf = [_text(card.serial) for card in sold.cards[20:30]]
    sheet = record_count(sold.db, keeper, "OUTLET", shelf, "june")
    clock.advance(minutes=2)
    as_of = clock.now - timedelta(minutes=1)
    before = {name: lines(sold, name, as_of=as_of) for name in REPORTS}
    cards, move = sold.cards, sold.move
    roll_up(sold.db)
    move("service", "release", cards[16:18], reason="found")
    move("seller", "activate", cards[20:30])
    move("seller", "deactivate", cards[14:16])
    move("seller", "return", cards[10:13])
    move("agent", "receive", cards[10:12])
    for place in (6, 7, 20, 21):
        assert sold.redeem(cards[place].pin, "4200000002").code is Code.REDEEMED
    [missing] = sheet.differences
    done = sold.trade.ask(
        "service", "hold", missing.first_serial, missing.last_serial, hold="lost", reason="gone"
    )
    assert isinstance(done, Moved)
    answer_difference(sold.db, keeper, missing.id, "held", done.movement_ids)
    sold.house.cards(5)
    csv = "account_number,holder_name,class,phone,region\n4200000001,王小明,residential,,4401\n"
    import_accounts(sold.db, io.BytesIO(csv.encode()))
    clock.advance(days=1)
    roll_up(sold.db)
    for name in REPORTS:
        assert lines(sold, name, as_of=as_of) == before[name], name
        if name != "spoilt":  # what a printer spoilt does not change any more
            assert lines(sold, name) != before[name], name


def test_a_party_is_not_told_what_the_books_say_of_the_cards_of_others(
    sold: World, clock: FakeClock
) -> None:
    shelf = [_text(card.serial) for card in (*sold.cards[20:35], *sold.cards[40:50])]
    record_count(sold.db, actor(sold, "seller"), "OUTLET", shelf, "june")
    clock.advance(minutes=2)

    def told(who: str) -> list[tuple[Any, ...]]:
        names = ("cards", "face_fen", "booked_stage", "owner")
        found = lines(sold, "count-differences", who)
        return [tuple(x[n] for n in names) for x in found if x["kind"] == "unexpected"]

    assert told("seller") == [(10, None, None, "OUTLET")]
    assert told("finance") == [
        (5, 5_000, "in_transit", "CITY"),
        (5, 5_000, "in_transit", "PROVINCE"),
    ]
    assert told("seller2") == []
