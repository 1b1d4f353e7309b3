"""Looking at all invariants: on one snapshot, telling what is wrong so that it can be found."""

import re

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

import audit.verify
from audit.invariant import LIMIT, Invariant, Offence
from audit.invariants import INVARIANTS
from audit.verify import Result, verify
from core.db import Database, Session
from redemption.requests import Code
from tests.audit.damage import damaged
from tests.audit.world import World
from tests.conftest import EmptyDatabaseMaker
from vouchers.serials import CARDS_PER_BATCH, parse_serial, serial_text
from vouchers.tables import batch, voucher


def test_every_invariant_holds_in_a_healthy_world(world: World) -> None:
    broken = {r.invariant.code: r.offences for r in verify(world.db) if not r.holds}
    assert broken == {}


def test_every_invariant_holds_in_an_empty_house(db: Database) -> None:
    assert [result for result in verify(db) if not result.holds] == []


def test_invariants_have_a_code_of_their_own_and_say_in_both_languages_what_is_true() -> None:
    assert len(INVARIANTS) >= 20
    assert len({invariant.code for invariant in INVARIANTS}) == len(INVARIANTS)
    for invariant in INVARIANTS:
        assert re.fullmatch(r"[a-z_]{8,30}", invariant.code)
        assert re.search(r"[\u4e00-\u9fff]", invariant.zh) and invariant.zh.endswith("。")
        assert invariant.en.isascii() and invariant.en.endswith(".")


def test_progress_is_told_after_each_invariant(world: World) -> None:
    told: list[tuple[int, int]] = []
    verify(world.db, lambda done, total: told.append((done, total)))
    count = len(INVARIANTS)
    assert told == [(done, count) for done in range(1, count + 1)]


def test_redemptions_during_an_audit_do_not_disturb_it(world: World) -> None:
    redeemed = []

    def progress(done: int, _total: int) -> None:
        if done == 1:
            redeemed.append(world.redeem(world.cards[24].pin, "4200000003"))

    results = verify(world.db, progress)
    assert [answer.code for answer in redeemed] == [Code.REDEEMED]
    assert all(result.holds for result in results)
    assert all(result.holds for result in verify(world.db))


def test_offences_name_cards_by_all_their_digits_and_never_by_their_tags(world: World) -> None:
    cards = world.cards
    first = cards[0].serial
    with damaged(world, ("voucher", "lot", "redemption"), _ALL_KINDS) as session:
        tags = session.execute(select(voucher.c.pin_tag)).scalars().all()
        found = [o for invariant in INVARIANTS for o in invariant.check(session)]
        batches = set(session.execute(select(batch.c.id)).scalars())
    assert any(o.subject == f"serial {serial_text(first)}" for o in found)
    told = " ".join([o.subject for o in found] + [v for o in found for v in o.facts.values()])
    assert not any(tag.hex in told or str(tag) in told for tag in tags)
    for name, value in _serials(found):
        assert parse_serial(value) // CARDS_PER_BATCH in batches, name


_ALL_KINDS = (
    "DELETE FROM voucher WHERE serial = {c0}",
    "UPDATE voucher SET batch_id = {generated} WHERE serial = {c1}",
    "UPDATE lot SET last_serial = last_serial - 1 WHERE first_serial = {c51}",
    "UPDATE lot SET stage = 'stocked' WHERE first_serial = {c17}",
    "UPDATE redemption SET face_fen = 1, at = (SELECT min(at) FROM stock_movement)",
    "UPDATE stock_movement SET from_hold = 'lost', price_fen = 150 WHERE move = 'activate'",
    "DELETE FROM request WHERE serial = {c0}",
)


def _serials(found: list[Offence]) -> list[tuple[str, str]]:
    named = [tuple(o.subject.split(" ", 1)) for o in found]
    named += [(name, value) for o in found for name, value in o.facts.items()]
    return [(n, v) for n, v in named if n in ("lot", "serial") or n.endswith("_serial")]


def test_only_the_first_offences_are_told(world: World) -> None:
    with damaged(world, (), ("UPDATE redemption SET face_fen = 1",)) as session:
        [found] = [i for i in INVARIANTS if i.code == "redemption_entries"]
        assert len(found.check(session)) == LIMIT


def test_a_database_that_cannot_be_read_is_an_error_and_no_offence(
    make_empty_database: EmptyDatabaseMaker,
) -> None:
    for kind in ("sqlite", "postgresql"):
        with pytest.raises(DBAPIError):
            verify(make_empty_database(kind))


def test_a_long_audit_is_not_cut_off_by_the_limit_for_customers(
    postgresql_db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = []

    def look(session: Session) -> list[Offence]:
        limits.append(session.execute(text("SHOW statement_timeout")).scalar_one())
        return []

    monkeypatch.setattr(audit.verify, "INVARIANTS", (Invariant("look", "看。", "Look.", look),))
    verify(postgresql_db)
    with postgresql_db.read() as session:
        look(session)
    assert limits == ["0", "30s"]


def test_a_result_without_offences_holds() -> None:
    invariant = INVARIANTS[0]
    assert Result(invariant, (), 0.1).holds
    assert not Result(invariant, (Offence("serial 1"),), 0.1).holds
