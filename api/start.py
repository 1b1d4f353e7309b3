"""What the server calls in each worker to get the application."""

import gc
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from api.edge import AsgiApp


def create() -> "AsgiApp":
    """Return the application for the environment of this process."""
    # What a start makes stays to the end; looking through it for garbage was a sixth of the start.
    gc.disable()
    try:
        from api import app

        return app.create()
    finally:
        gc.freeze()
        gc.enable()
