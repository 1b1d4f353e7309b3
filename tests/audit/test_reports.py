"""Inventory and liability count ranges, and come to what counting each card comes to."""

from collections import Counter
from collections.abc import Iterator

from sqlalchemy import select

from accounts.ledger import LedgerCode
from audit.inventory import InventoryRow, inventory
from audit.liability import Liability, LiabilityRow, liability
from core.db import Database, Session
from distribution.tables import party
from redemption.tables import redemption
from tests.audit.damage import booked, damaged
from tests.audit.world import World
from tests.factories import make_batch, make_party, make_redemption
from vouchers.tables import batch, denomination, lot, voucher_hold


def hold(session: Session, serial: int, kind: str = "lost", replaced_by: int | None = None) -> None:
    row = {"serial": serial, "hold": kind, "replaced_by": replaced_by, "reason": "told by phone"}
    session.execute(voucher_hold.insert(), row | {"at": session.now})


def each_card(session: Session) -> Iterator[tuple[str, str, int, bool, bool]]:
    """Stage, party, face, used and held, card by card."""
    used = set(session.execute(select(redemption.c.serial)).scalars())
    alone = set(session.execute(select(voucher_hold.c.serial)).scalars())
    rows = session.execute(
        select(lot, party.c.code, denomination.c.face_fen)
        .join(party, party.c.id == lot.c.holder_id)
        .join(batch, batch.c.id == lot.c.batch_id)
        .join(denomination, denomination.c.id == batch.c.denomination_id)
    )
    for row in rows:
        for serial in range(row.first_serial, row.last_serial + 1):
            is_used = serial in used
            held = not is_used and (row.hold is not None or serial in alone)
            yield row.stage, row.code, row.face_fen, is_used, held


def test_the_inventory_is_what_counting_each_card_gives(world: World) -> None:
    with world.db.read() as session:
        counted = Counter(each_card(session))
        rows = inventory(session)
    expected: dict[tuple[str, str, int], list[int]] = {}
    for (stage, code, face_fen, used, held), cards in counted.items():
        sums = expected.setdefault((stage, code, face_fen), [0, 0, 0])
        sums[0] += cards
        sums[1] += cards * used
        sums[2] += cards * held
    found = {
        (row.stage, row.party_code, row.face_fen): [row.cards, row.used_cards, row.held_cards]
        for row in rows
    }
    assert found == expected
    assert len(rows) >= 12
    assert all(row.face_value_fen == row.cards * row.face_fen for row in rows)


def test_the_inventory_goes_through_a_cards_life_from_stage_to_stage(db: Database) -> None:
    with db.write() as session:
        shop = make_party(session, code="SHOP")
        make_batch(session, 10, stage="active", holder_id=shop)
        make_batch(session, 20, stage="generated")
        make_batch(session, 30, face_fen=10_000)
    with db.read() as session:
        rows = inventory(session)
    assert [(row.stage, row.party_code, row.face_fen, row.cards) for row in rows] == [
        ("generated", "WAREHOUSE", 5_000, 20),
        ("stocked", "WAREHOUSE", 10_000, 30),
        ("active", "SHOP", 5_000, 10),
    ]


def test_a_used_card_on_hold_is_used_and_not_held(db: Database) -> None:
    with db.write() as session:
        first = make_batch(session, 10, stage="active")
        make_redemption(session, first)
        hold(session, first)
        hold(session, first + 1)
    with db.read() as session:
        [row] = inventory(session)
    assert isinstance(row, InventoryRow)
    assert (row.cards, row.used_cards, row.held_cards) == (10, 1, 1)
    with db.write() as session:
        session.execute(lot.update().values(hold="stolen"))
    with db.read() as session:
        [row] = inventory(session)
    assert (row.cards, row.used_cards, row.held_cards) == (10, 1, 9)


def test_an_empty_house_holds_and_owes_nothing(db: Database) -> None:
    with db.read() as session:
        assert inventory(session) == []
        assert liability(session) == Liability((), 0)


def test_the_liability_is_told_by_face_value_beside_the_ledger(world: World) -> None:
    with world.db.read() as session:
        open_cards = Counter(
            face for stage, _, face, used, _ in each_card(session) if stage == "active" and not used
        )
        replaced = select(denomination.c.face_fen).select_from(voucher_hold)
        replaced = replaced.join(batch, batch.c.id == voucher_hold.c.serial // 100_000)
        replaced = replaced.join(denomination, denomination.c.id == batch.c.denomination_id)
        open_cards -= Counter(
            session.execute(replaced.where(voucher_hold.c.hold == "replaced")).scalars()
        )
        found = liability(session)
    assert found.rows == tuple(
        LiabilityRow(face, cards, cards * face) for face, cards in sorted(open_cards.items())
    )
    assert found.cards == sum(open_cards.values()) > 0
    assert found.value_fen == found.ledger_fen > 0
    assert found.difference_fen == 0


def test_held_and_expired_cards_stay_in_the_liability_void_and_used_ones_do_not(
    db: Database,
) -> None:
    with db.write() as session:
        first = make_batch(session, 10, stage="active")
        make_redemption(session, first)
        hold(session, first + 1, "stolen")
        session.execute(lot.update().values(expires_on=session.today.replace(year=2020)))
    with db.read() as session:
        found = liability(session)
    assert (found.cards, found.value_fen, found.ledger_fen) == (9, 45_000, 45_000)
    with db.write() as session:
        session.execute(lot.update().values(stage="void"))
    with db.read() as session:
        assert liability(session) == Liability((), 45_000)


def test_a_replaced_card_hands_its_value_to_the_card_that_replaces_it(db: Database) -> None:
    with db.write() as session:
        first = make_batch(session, 10, stage="active")
        spare = make_batch(session, 1)
        # Activated by the replacement: no posting, its value is the old card's.
        session.execute(
            lot.update()
            .where(lot.c.first_serial == spare)
            .values(stage="active", activated_on=session.today)
        )
        hold(session, first, "replaced", spare)
    with db.read() as session:
        found = liability(session)
    assert (found.cards, found.value_fen, found.difference_fen) == (10, 50_000, 0)


def test_a_wrong_entry_shows_as_the_difference(world: World) -> None:
    by_hand = booked(LedgerCode.SUSPENSE, LedgerCode.VOUCHER_LIABILITY, 300)
    with damaged(world, (), by_hand) as session:
        assert liability(session).difference_fen == 300
