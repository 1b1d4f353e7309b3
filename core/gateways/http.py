"""One HTTP request to a gateway: no redirects, no proxies, nothing of it is ever logged."""

import base64
import http.client
from collections.abc import Mapping
from dataclasses import dataclass, field

from core.outbox import GatewayTrouble, MessageRefused

TIMEOUT_S = 10
"""Longest wait to connect, and for each part of an answer."""

_LONGEST_ANSWER = 65_536
_REFUSED = (400, 410, 413, 414, 422)
"""The message itself is not wanted. Others (403, 404, ...) are for an operator to set right."""


@dataclass(frozen=True)
class Request:
    """One request: where to, and what."""

    method: str
    host: str
    port: int | None
    path: str
    is_tls: bool
    body: bytes | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


def call(request: Request) -> tuple[int, bytes]:
    """Return status and body; GatewayTrouble where there was no answer."""
    kind = http.client.HTTPSConnection if request.is_tls else http.client.HTTPConnection
    connection = kind(request.host, request.port, timeout=TIMEOUT_S)
    try:
        connection.request(request.method, request.path, request.body, dict(request.headers))
        response = connection.getresponse()
        return response.status, response.read(_LONGEST_ANSWER)
    except (OSError, http.client.HTTPException) as error:
        raise GatewayTrouble(f"no_answer_{type(error).__name__}") from None
    finally:
        connection.close()


def check_status(status: int) -> None:
    """Raise MessageRefused or GatewayTrouble unless the gateway took the message."""
    if status in (200, 201, 202, 204):
        return
    if status in _REFUSED:
        raise MessageRefused(f"http_{status}")
    raise GatewayTrouble(f"http_{status}")


def basic(user: str, secret: str) -> str:
    """Return the header value of basic authentication."""
    return "Basic " + base64.b64encode(f"{user}:{secret}".encode()).decode()
