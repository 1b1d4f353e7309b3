"""Faces, printers and orders: asked for by one, agreed to by another."""

from datetime import date
from typing import Any

import pyrage
import pytest

from core.db import Database
from core.errors import InvalidInput
from core.keyfile import Keys
from staff import approvals
from staff.approvals import ContentChanged, SamePerson
from staff.permissions import Forbidden
from tests.clocks import FakeClock
from tests.factories import make_member
from tests.vouchers.making import PRINTER, House
from vouchers import denominations, printers
from vouchers.actions import ACTIONS
from vouchers.batches import get_batch, list_batches
from vouchers.denominations import FaceUnknown
from vouchers.generation import BatchNotApproved, generate
from vouchers.lots import BatchUnknown
from vouchers.orders import BatchNumbersUsedUp, Ordered, order_batches
from vouchers.printers import PrinterExists, PrinterKeyInvalid, PrinterUnknown, request_printer
from vouchers.tables import printer

KEY = str(pyrage.x25519.Identity.generate().to_public())
HUGE = 10_000_000


def _content(house: House, ordered: Ordered) -> dict[str, Any]:
    with house.db.read() as session:
        return approvals.get(session, ordered.approval_id).content


def _states(house: House, ordered: Ordered) -> set[str]:
    with house.db.read() as session:
        return {get_batch(session, batch_id).state for batch_id in ordered.batch_ids}


def _ask(house: House, name: str, code: str, key: str = KEY) -> int:
    with house.db.write() as session:
        return request_printer(session, house.asks, name, code, key)


def test_the_standard_faces_are_there_once(house: House) -> None:
    with house.db.write() as session:
        assert denominations.seed(session, house.db.settings) == 0
        faces = denominations.list_denominations(session)
    assert {item.face_fen: item.face_code for item in faces} == denominations.FACE_CODES
    assert [item.face_fen for item in faces if item.is_hybrid] == [20_000, 30_000, 50_000, 100_000]
    assert {item.validity_days for item in faces} == {1_095}


def test_a_face_that_nobody_sells_is_told(house: House) -> None:
    for wrong in (4_999, 0, -5_000, 10**18):
        with pytest.raises(FaceUnknown):
            house.order(10, wrong)


def test_an_order_gives_serials_a_date_and_an_approval_that_shows_all(house: House) -> None:
    ordered = house.order(250_000)
    assert len(ordered.batch_ids) == 3
    content = _content(house, ordered)
    assert content["face_fen"] == 5_000
    assert content["count"] == 250_000
    assert content["expires_on"] == "2028-06-10"
    assert content["printer"] == PRINTER
    with house.db.read() as session:
        works = printers.by_name(session, PRINTER)
    assert content["printer_fingerprint"] == works.fingerprint
    assert [item["count"] for item in content["batches"]] == [100_000, 100_000, 50_000]
    assert content["batches"][0] == {
        "batch_id": 42251010001,
        "count": 100_000,
        "first_serial": "42251010001000006",
        "last_serial": "42251010001999991",
    }
    assert _states(house, ordered) == {"requested"}


def test_an_order_counts_as_ordered_on_the_local_day(house: House, clock: FakeClock) -> None:
    clock.advance(hours=14, minutes=31)  # 00:01 of the next day in Shanghai
    with house.db.read() as session:
        assert get_batch(session, house.order().batch_ids[0]).expires_on == date(2028, 6, 11)


def test_batch_numbers_rise_through_the_year_and_begin_anew_with_the_next(
    house: House, clock: FakeClock
) -> None:
    first, second = house.order(), house.order(100, 10_000)
    assert [str(o.batch_ids[0])[-4:] for o in (first, second)] == ["0001", "0002"]
    clock.advance(days=365)
    assert str(house.order().batch_ids[0]) == "42261010001"


def test_the_numbers_of_a_year_can_be_used_up(house: House) -> None:
    house.db.lease("batch:25", 9_997)
    assert str(house.order(200_000).batch_ids[-1]).endswith("9999")
    with pytest.raises(BatchNumbersUsedUp):
        house.order(1)


@pytest.mark.parametrize("count", [0, -1, HUGE + 1])
def test_an_order_of_an_impossible_size_is_refused(house: House, count: int) -> None:
    with pytest.raises(InvalidInput):
        house.order(count)


def test_nothing_is_made_before_a_second_person_agreed(house: House) -> None:
    ordered = house.order()
    with pytest.raises(BatchNotApproved):
        generate(house.db, house.keys, house.asks, ordered.batch_ids[0], house.warehouse_id)
    with pytest.raises(SamePerson):
        approvals.agree(house.db, house.asks, ordered.approval_id, ACTIONS)
    assert _states(house, ordered) == {"requested"}


def test_agreeing_approves_every_batch_of_the_order(house: House) -> None:
    ordered = house.order(150_000)
    assert house.agree(ordered.approval_id) == list(ordered.batch_ids)
    assert _states(house, ordered) == {"approved"}


def test_a_refused_order_is_never_made(house: House) -> None:
    ordered = house.order()
    approvals.refuse(house.db, house.agrees, ordered.approval_id, "too many", ACTIONS)
    assert _states(house, ordered) == {"refused"}
    with pytest.raises(BatchNotApproved):
        generate(house.db, house.keys, house.asks, ordered.batch_ids[0], house.warehouse_id)


def test_an_order_is_void_when_its_printer_is_no_longer_the_same(house: House) -> None:
    ordered = house.order()
    with house.db.write() as session:
        session.execute(printer.update().values(fingerprint="0000"))
    with pytest.raises(ContentChanged):
        house.agree(ordered.approval_id)
    assert _states(house, ordered) == {"refused"}


def test_only_issuers_order_cards(house: House) -> None:
    with house.db.write() as session:
        finance = make_member(session, "finance")
    with pytest.raises(Forbidden), house.db.write() as session:
        order_batches(session, house.db.settings, finance, 5_000, 10, PRINTER)


def test_a_printer_can_be_used_only_after_a_second_person_agreed(house: House) -> None:
    approval_id = _ask(house, "second", "2")
    with house.db.read() as session:
        content = approvals.get(session, approval_id).content
        assert content["fingerprint"] == printers.fingerprint(KEY)
        with pytest.raises(PrinterUnknown):
            printers.by_name(session, "second")
    assert house.agree(approval_id) == "second"
    with house.db.read() as session:
        assert printers.by_name(session, "second").public_key == KEY


def test_a_refused_printer_leaves_its_name_and_code_free(house: House) -> None:
    approvals.refuse(house.db, house.agrees, _ask(house, "second", "2"), "not ours", ACTIONS)
    with house.db.read() as session:
        assert [item.name for item in printers.list_printers(session)] == [PRINTER]
    assert house.agree(_ask(house, "second", "2")) == "second"


@pytest.mark.parametrize(("name", "code"), [(PRINTER, "2"), ("other", "1")])
def test_a_name_and_a_code_belong_to_one_printer(house: House, name: str, code: str) -> None:
    with pytest.raises(PrinterExists):
        _ask(house, name, code)


@pytest.mark.parametrize(
    "key",
    [
        "",
        "age1",
        KEY[:-1],
        KEY[:-1] + ("q" if KEY[-1] != "q" else "p"),
        "ssh-ed25519 AAAA",
        str(pyrage.x25519.Identity.generate()),
        "\ud800",
        "\x00",
    ],
    # The keys are drawn at random, and all workers must call the tests by the same names.
    ids=["empty", "prefix", "cut", "mistyped", "ssh", "secret", "surrogate", "nul"],
)
def test_only_an_age_public_key_is_a_printers_key(house: House, key: str) -> None:
    with pytest.raises(PrinterKeyInvalid) as caught:
        _ask(house, "other", "2", key)
    assert "SECRET" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "code"),
    [("", "2"), ("x" * 101, "2"), ("a\x00b", "2"), ("x", ""), ("x", "12"), ("x", "二")],
)
def test_a_printer_needs_a_clean_name_and_one_digit(house: House, name: str, code: str) -> None:
    with pytest.raises(InvalidInput):
        _ask(house, name, code)


def test_a_fingerprint_is_short_and_the_keys_own() -> None:
    other = str(pyrage.x25519.Identity.generate().to_public())
    assert printers.fingerprint(KEY) == printers.fingerprint(f" {KEY}\n")
    assert printers.fingerprint(KEY) != printers.fingerprint(other)
    assert [len(group) for group in printers.fingerprint(KEY).split()] == [4] * 6


def test_batches_are_listed_newest_first_page_by_page(house: House) -> None:
    made = [house.order().batch_ids[0] for _ in range(3)]
    with house.db.read() as session:
        assert [item.id for item in list_batches(session, limit=2)] == [made[2], made[1]]
        assert [item.id for item in list_batches(session, before_id=made[1])] == [made[0]]
        assert list_batches(session, state="generated") == []


def test_an_unknown_batch_is_told(house: House, keys: Keys, db: Database) -> None:
    with db.read() as session, pytest.raises(BatchUnknown):
        get_batch(session, 1)
    with pytest.raises(BatchUnknown):
        generate(db, keys, house.asks, 1, house.warehouse_id)
