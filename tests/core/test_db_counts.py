"""Rows that an INSERT passed over are told by its count."""

from core.db import Database
from core.tables import lease


def test_an_insert_tells_how_many_rows_it_wrote(db: Database) -> None:
    one, two = ({"name": name, "next_value": 1} for name in ("one", "two"))
    with db.write() as session:
        assert session.execute(session.insert_new(lease), one).rowcount == 1
        assert session.execute(session.insert_new(lease), one).rowcount == 0
        assert session.execute(session.insert_new(lease), [one, two]).rowcount == 1
