"""Any other system: `webhook+https://host/path` gets each message as JSON by POST.

The secret, if there is one, goes along as a bearer token; the header Idempotency-Key holds the
message's id, by which repeats are told apart.
"""

import socket

import msgspec

from core.errors import ConfigurationError
from core.gateways.address import Address
from core.gateways.http import TIMEOUT_S, Request, call, check_status
from core.outbox import Message


class Webhook:
    """A sink that posts messages to an address of ours."""

    def __init__(self, address: Address) -> None:
        address.knows()
        self._address = address

    def send(self, message: Message) -> None:
        """Post one message."""
        address = self._address
        body = {
            "id": str(message.id),
            "kind": message.kind,
            "recipient": message.recipient,
            "text": message.body,
        }
        headers = {"Content-Type": "application/json", "Idempotency-Key": str(message.id)}
        if address.secret:
            headers["Authorization"] = f"Bearer {address.secret}"
        status, _ = call(
            Request(
                "POST",
                address.host,
                address.port,
                address.path or "/",
                address.scheme.endswith("https"),
                msgspec.json.encode(body),
                headers,
            )
        )
        check_status(status)

    def check(self) -> str:
        """Connect only: any request would be taken for a message."""
        default = 443 if self._address.scheme.endswith("https") else 80
        return check_port(self._address.host, self._address.port or default)


def check_port(host: str, port: int) -> str:
    """Tell that a port takes connections; ConfigurationError where it does not."""
    try:
        socket.create_connection((host, port), TIMEOUT_S).close()
    except OSError as error:
        raise ConfigurationError(f"no connection ({type(error).__name__})") from None
    return "takes connections"
