"""The tables of all floors together, as the program wants them."""

import importlib
from typing import Any, Literal

from alembic.autogenerate.api import AutogenContext
from sqlalchemy import MetaData

from core.db import UtcDateTime, metadata

FLOORS = ("core", "staff", "accounts", "vouchers", "distribution", "redemption")


def whole_metadata() -> MetaData:
    """Return core.db.metadata with the tables of every floor in it."""
    for floor in FLOORS:
        importlib.import_module(f"{floor}.tables")
    return metadata


def render_item(kind: str, item: Any, _context: AutogenContext) -> str | Literal[False]:
    """Write our own types into a revision as SQLAlchemy's: it must outlive our code."""
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    return False
