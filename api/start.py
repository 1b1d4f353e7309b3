"""What the server calls in each worker to get the application."""

from typing import TYPE_CHECKING

from core.unswept import unswept

if TYPE_CHECKING:
    from api.edge import AsgiApp


def create() -> "AsgiApp":
    """Return the application for the environment of this process."""
    with unswept():
        from api import server

        return server.create()
