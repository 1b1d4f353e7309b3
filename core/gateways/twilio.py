"""A Twilio-style REST interface: `twilio://ACCOUNT@api.twilio.com?from=%2B15551234`.

`twilio+http://` for one without TLS, in a private network. Options: `from` our number, or `service`
a messaging service; `reports` the address that status callbacks go to.
"""

from urllib.parse import quote, urlencode

import msgspec

from core.errors import ConfigurationError
from core.gateways.address import Address
from core.gateways.http import Request, basic, call, check_status
from core.outbox import GatewayTrouble, Message, MessageRefused

_PASSING = {20429, 21611, 30001}
"""Too many requests, a full queue: it may go through later."""


class Twilio:
    """A sink that hands messages to Twilio, or to one of the servers that speak like it."""

    def __init__(self, address: Address) -> None:
        address.knows("from", "service", "reports")
        if not address.option("service"):
            address.needs("from")
        self._address = address
        self._account = quote(address.user, safe="")

    def send(self, message: Message) -> None:
        """Send one text."""
        address = self._address
        fields = {"To": message.recipient, "Body": message.body}
        if address.option("service"):
            fields["MessagingServiceSid"] = address.option("service")
        else:
            fields["From"] = address.option("from")
        if address.option("reports"):
            mark = "&" if "?" in address.option("reports") else "?"
            fields["StatusCallback"] = f"{address.option('reports')}{mark}id={message.id}"
        status, body = self._call("POST", "/Messages.json", fields, str(message.id))
        code = _error_code(body)
        if status == 400 and code in _PASSING:
            raise GatewayTrouble(f"twilio_{code}")
        if status == 400 and code:
            raise MessageRefused(f"twilio_{code}")
        check_status(status)

    def check(self) -> str:
        """Ask for our own account."""
        status, _ = self._call("GET", ".json")
        if status != 200:
            raise ConfigurationError(f"it answers {status}: wrong account or token")
        return "answers, and knows our token"

    def _call(
        self, method: str, path: str, fields: dict[str, str] | None = None, key: str = ""
    ) -> tuple[int, bytes]:
        address = self._address
        headers = {"Authorization": basic(address.user, address.secret)}
        if key:
            headers["Idempotency-Key"] = key
        body = None
        if fields is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            body = urlencode(fields).encode()
        whole = f"{address.path.rstrip('/')}/2010-04-01/Accounts/{self._account}{path}"
        is_tls = address.scheme != "twilio+http"
        return call(Request(method, address.host, address.port, whole, is_tls, body, headers))


class _Error(msgspec.Struct):
    code: int | None = None


def _error_code(body: bytes) -> int | None:
    try:
        return msgspec.json.decode(body, type=_Error).code
    except msgspec.DecodeError:
        return None
