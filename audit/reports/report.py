"""What a report is: a name, what it tells, and how its table is made."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from audit.pieces import Progress
from core.db import Session
from core.sheets import Sheet
from distribution.reorder import TERMS, Terms


@dataclass(frozen=True, kw_only=True)
class Ask:
    """What is asked of a report. `as_of` is final; `since` begins a period that ends with it.

    `within` are the parties whose cards may be told of (None: all). `after_id` and `limit` cut
    a page out of a report that has pages. `terms` are those of ordering again.
    """

    as_of: datetime
    since: datetime | None = None
    within: frozenset[int] | None = None
    after_id: int = 0
    limit: int | None = None
    terms: Terms = TERMS
    progress: Progress | None = None


@dataclass(frozen=True, kw_only=True)
class Report:
    """One report. `of_parties`: a distributor may see it for its own part of the tree.

    `has_period`: it counts what happened since an instant; `has_pages`: its lines have ids and
    can be had page by page. Rows may be read from the database as they are written.
    """

    name: str
    zh: str
    en: str
    make: Callable[[Session, Ask], Sheet]
    of_parties: bool = False
    has_period: bool = False
    has_pages: bool = False
