"""The settings of a transaction that looks up single rows."""

import pytest
from sqlalchemy import bindparam, select

from core.db import Database, Session
from core.lookup_settings import set_for_lookups
from core.tables import lease
from core.trips import ask, one_trip
from tests.core.test_pipeline import prepared, setting

_LEASE = select(lease.c.next_value).where(lease.c.name == bindparam("asked"))


def settings_of(session: Session) -> dict[str, str]:
    names = ("lock_timeout", "plan_cache_mode", "enable_seqscan", "jit")
    return {name: setting(session, name) for name in names}


@pytest.mark.parametrize(("limit_ms", "told"), [(None, "10s"), (70, "70ms")])
def test_they_last_as_long_as_the_transaction(
    postgresql_db: Database, limit_ms: int | None, told: str
) -> None:
    with postgresql_db.write() as session:
        before = settings_of(session)
        set_for_lookups(session, limit_ms)
        assert settings_of(session) == {
            "lock_timeout": told,
            "plan_cache_mode": "force_generic_plan",
            "enable_seqscan": "off",
            "jit": "off",
        }
    with postgresql_db.write() as session:
        assert settings_of(session) == before
    assert before["lock_timeout"] == "10s" and before["plan_cache_mode"] == "auto"


def test_what_others_have_prepared_is_not_taken(postgresql_db: Database) -> None:
    def look_up(session: Session) -> None:
        ask(session, _LEASE, {"asked": "a"}, lambda _: None)

    with postgresql_db.write() as session, one_trip(session):
        look_up(session)
    with postgresql_db.write() as session:
        already = prepared(session)
        with one_trip(session):
            set_for_lookups(session)
            look_up(session)
        assert len(prepared(session) - already) == 2, "the settings, and the lookup once more"
    with postgresql_db.write() as session:
        known = prepared(session)
        with one_trip(session):
            set_for_lookups(session)
            look_up(session)
        with one_trip(session):
            look_up(session)
        assert prepared(session) == known


def test_on_the_embedded_database_nothing_is_set(sqlite_db: Database) -> None:
    with sqlite_db.write() as session:
        set_for_lookups(session, 70)
        assert not session.is_for_lookups
