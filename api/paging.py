"""Pages of lists: `limit` entries, and where the next page begins."""

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any, TypeVar

T = TypeVar("T")


def cut_page(
    found: Sequence[T], limit: int, key: Callable[[T], Any] = attrgetter("id")
) -> tuple[Sequence[T], str | None]:
    """Return the entries of a page and the key of its last; None instead on the last page.

    Whoever asks has looked for one entry more than `limit`, which only tells that there is more.
    """
    shown = found[:limit]
    return shown, str(key(shown[-1])) if len(found) > limit else None
