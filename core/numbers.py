"""Numbers of papers that people read, speak and scan: kind, day, count, like CN-20250611-000001."""

import re

from core.db import Session, take_block

_NUMBER = re.compile(r"[A-Z]{2}-[0-9]{8}-[0-9]{6,12}")


def paper_number(session: Session, kind: str) -> str:
    """Return the next number of a kind (two capitals) and local day; no other paper has it.

    Take it late in a transaction: until its end others that want one of this kind wait.
    """
    day = f"{session.today:%Y%m%d}"
    count = take_block(session.connection, f"paper:{kind}:{day}", 1)
    return f"{kind}-{day}-{count + 1:06d}"


def is_paper_number(text: str) -> bool:
    """Tell whether a text has the form of a number that `paper_number` gives."""
    return _NUMBER.fullmatch(text) is not None
