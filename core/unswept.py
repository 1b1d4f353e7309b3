"""How seldom the garbage collector looks: hardly ever, since nothing leaves cycles.

Structs that hold nothing but values it need not even know: they say `gc=False`.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

SWEEPS = (5_000, 50, 10)
"""So many objects more than went, and sweeps of the youngest, are between two of the garbage
collector's. Requests leave no cycles, and it would look at all that wait for their answer."""

SWEEPS_OF_LISTS = (100_000, 50, 10)
"""The same where all that is made goes with the list it was made for: more objects than the longest
list has."""


@contextmanager
def unswept() -> Iterator[None]:
    """Keep what is made in the block to the end: for loading modules.

    Looking through it was a sixth of a start.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
