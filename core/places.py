"""Where PostgreSQL keeps a row: the way back to one that is locked, without seeking its key."""

from typing import Any

from sqlalchemy import ColumnElement, Table, literal_column
from sqlalchemy.types import UserDefinedType

PLACE = "ctid"
"""PostgreSQL's column for it. It holds as long as the transaction has the row locked and does not
change it itself."""


class RowPlace(UserDefinedType[bytes]):
    """The type of `PLACE`; its values are as PostgreSQL writes them in binary."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        """Return what PostgreSQL calls it."""
        return "tid"


def place_in(table: Table) -> ColumnElement[bytes]:
    """Return the `PLACE` of a table's rows, to be selected or compared."""
    return literal_column(f'"{table.name}".{PLACE}', RowPlace())
