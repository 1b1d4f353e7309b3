"""How the databases carry out what a redemption asks: by indexes, however few rows they know of."""

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, event, text

import core.pipeline
from accounts.bills import seed_rates
from core.db import Call, Database, Session
from core.keyfile import Keys
from core.lookup_settings import set_for_lookups
from redemption.engine import Redeemer
from redemption.requests import Code
from tests.conftest import DatabaseMaker
from tests.factories import make_bill
from tests.redemption.cards import redeem
from tests.redemption.test_races import world
from vouchers.lookup import ArgonPool
from vouchers.pins import draw

Plan = dict[str, Any]
PlansWith = Callable[[Callable[[Session], None]], list[Plan]]
GROW = {
    "attempt",
    "bill",
    "caller",
    "electricity_account",
    "quote",
    "redemption",
    "request",
    "voucher_hold",
}
"""Tables that have next to no rows on a system's first day, and later millions."""


@pytest.fixture
def empty(make_database: DatabaseMaker) -> Database:
    """A database with nothing in its tables, and that is what PostgreSQL knows of them."""
    db = make_database("postgresql")
    with db.engine.connect() as connection:
        alone = connection.execution_options(isolation_level="AUTOCOMMIT")
        alone.execute(text("VACUUM ANALYZE"))
    return db


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[Call]:
    """All calls that go to PostgreSQL by trip from now on, in transactions set for lookups."""
    calls: list[Call] = []
    really = core.pipeline.send

    def noted(session: Session, these: Sequence[Call], *, commits: bool = False) -> None:
        if session.is_for_lookups:
            calls.extend(these)
        really(session, these, commits=commits)

    monkeypatch.setattr("core.pipeline.send", noted)
    return calls


def with_arrears(db: Database, account: str) -> None:
    with db.write() as session:
        seed_rates(session)
        make_bill(session, account, 3_210, session.today + timedelta(days=5))


def explained(session: Session, call: Call) -> Plan:
    """Return the plan for any values that a call has now, as the connection would prepare it."""
    sql = core.pipeline._compile(call.statement, session.connection.dialect).sql.decode()
    driver = session.connection.exec_driver_sql
    driver(f"PREPARE asked AS {sql}".replace("%", "%%"))
    count = driver(
        "SELECT cardinality(parameter_types) FROM pg_prepared_statements WHERE name = 'asked'"
    ).scalar_one()
    values = f"({', '.join(['NULL'] * count)})" if count else ""
    (plan,) = driver(f"EXPLAIN (FORMAT JSON) EXECUTE asked{values}").scalar_one()
    driver("DEALLOCATE asked")
    found: Plan = plan["Plan"]
    return found


def nodes(plan: Plan) -> Iterator[Plan]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from nodes(part)


def looked_through(plan: Plan) -> list[str]:
    """Return the growing tables that a plan reads neither by an index's condition nor by place."""
    return [
        node["Relation Name"]
        for node in nodes(plan)
        if node.get("Relation Name") in GROW
        and node["Node Type"].endswith("Scan")
        and not {"Index Cond", "TID Cond"} & node.keys()
    ]


@pytest.fixture
def plans_with(postgresql_db: Database, empty: Database, keys: Keys, sent: list[Call]) -> PlansWith:
    """Redeem a card on an account with arrears, try wrong PINs; explain all that was sent within
    these transactions, in one of the empty database whose settings were made."""
    (card,), (account,) = world(postgresql_db, keys, 1)
    with_arrears(postgresql_db, account)
    argon = ArgonPool(postgresql_db.settings)
    asked = redeem(card, account, sender_wrong_per_hour=5)
    redeemer = Redeemer(postgresql_db, keys, argon)
    (outcome,) = redeemer.redeem([asked])
    for _ in range(2):  # the caller's row is inserted, then updated
        redeemer.redeem([redeem(draw(), account)])
    argon.close()
    assert outcome.answer.code is Code.REDEEMED and outcome.answer.arrears_paid_fen == 3_210

    def plans(make_settings: Callable[[Session], None]) -> list[Plan]:
        with empty.write() as session:
            make_settings(session)
            return [explained(session, call) for call in sent]

    return plans


def test_no_table_that_grows_is_ever_looked_through(plans_with: PlansWith) -> None:
    plans = plans_with(set_for_lookups)
    assert {str(node.get("Relation Name")) for plan in plans for node in nodes(plan)} >= GROW
    assert [table for plan in plans for table in looked_through(plan)] == []
    by = {node.get("Index Name") for plan in plans for node in nodes(plan)}
    assert "ix_bill_open" in by, "paid bills are no longer looked at"
    assert "Tid Scan" in {node["Node Type"] for plan in plans for node in nodes(plan)}
    of_lots = [
        node["Index Cond"]
        for plan in plans
        for node in nodes(plan)
        if node["Node Type"] == "Index Only Scan" and node["Relation Name"] == "lot"
    ]
    assert of_lots and all(" % " in each for each in of_lots), "not from the batch's first on"


def test_a_plan_for_any_values_alone_looks_through_them(plans_with: PlansWith) -> None:
    def only_for_any_values(session: Session) -> None:
        session.execute(text("SET LOCAL plan_cache_mode = force_generic_plan"))

    assert {table for plan in plans_with(only_for_any_values) for table in looked_through(plan)}


def test_the_embedded_database_looks_through_no_such_table(sqlite_db: Database, keys: Keys) -> None:
    (card,), (account,) = world(sqlite_db, keys, 1)
    with_arrears(sqlite_db, account)
    scanned: list[str] = []

    @event.listens_for(sqlite_db.engine, "before_cursor_execute")
    def explain(_: Connection, cursor: Any, sql: str, values: Any, *__: object) -> None:
        if sql.startswith(("SELECT", "UPDATE")) and not (values and isinstance(values[0], tuple)):
            cursor.execute(f"EXPLAIN QUERY PLAN {sql}", values)
            scanned.extend(row[3] for row in cursor.fetchall())

    argon = ArgonPool(sqlite_db.settings)
    asked = redeem(card, account, sender_wrong_per_hour=5)
    (outcome,) = Redeemer(sqlite_db, keys, argon).redeem([asked])
    argon.close()
    assert outcome.answer.code is Code.REDEEMED
    steps = {tuple(step.split()[:2]) for step in scanned}
    assert steps >= {("SEARCH", table) for table in GROW | {"voucher"}}
    assert not steps & {("SCAN", table) for table in GROW | {"voucher"}}
