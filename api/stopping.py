"""How the servers that stand beside the HTTP server are told to end."""

import asyncio
import signal


def stopped_by_signal() -> asyncio.Event:
    """Return an event that SIGTERM or Ctrl-C sets."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop
