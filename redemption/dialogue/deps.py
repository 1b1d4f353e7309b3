"""What the use cases of the dialogue work with."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.db import Database
from core.keyfile import Keys
from redemption.requests import Outcome, RedeemRequest

if TYPE_CHECKING:
    from redis import Redis


@dataclass(frozen=True)
class DialogueDeps:
    """One for each process. `redeem` answers one request, committed.

    For a request with `notify`, and only then, it may raise TimeoutError while the redemption goes
    on: the caller on the line need not wait, the result is texted to him.
    """

    db: Database
    redis: "Redis"
    keys: Keys
    redeem: Callable[[RedeemRequest], Outcome]
