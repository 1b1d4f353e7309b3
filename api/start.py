"""What the HTTP server loads in each worker: the application, and what reads its connections."""

from core.unswept import unswept

with unswept():
    from api.connection import Connection
    from api.server import create

__all__ = ["Connection", "create"]
