"""Threads that work beside the requests: they are told to stop, and waited for."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_END_S = 10


@contextmanager
def background(name: str, work: Callable[[threading.Event], None]) -> Iterator[None]:
    """Run `work` in a thread; at the end set the event it was given, and wait for it."""
    stop = threading.Event()
    thread = threading.Thread(target=work, args=(stop,), name=name, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(_END_S)
