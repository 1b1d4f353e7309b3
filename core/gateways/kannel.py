"""Kannel's sendsms: `kannel+http://user@host:13013/cgi-bin/sendsms?from=95598`.

Options: `from` our number; `smsc` which way out; `reports` the whole address, keys included, that
delivery reports go to; `plus=no` where the numbers must have no `+`.
"""

from urllib.parse import urlencode

from core.errors import ConfigurationError
from core.gateways.address import Address
from core.gateways.gsm import is_gsm
from core.gateways.http import Request, call, check_status
from core.outbox import Message

_ALL_REPORTS = "31"


class Kannel:
    """A sink that hands messages to a Kannel."""

    def __init__(self, address: Address) -> None:
        address.knows("from", "smsc", "reports", "plus")
        self._address = address

    def send(self, message: Message) -> None:
        """Send one text; what the GSM alphabet cannot say goes out as UCS-2."""
        number = message.recipient
        if self._address.option("plus") == "no":
            number = number.removeprefix("+")
        fields = {
            "to": number,
            "text": message.body,
            "charset": "UTF-8",
            "coding": "0" if is_gsm(message.body) else "2",
        }
        reports = self._address.option("reports")
        if reports:
            fields |= {"dlr-mask": _ALL_REPORTS, "dlr-url": report_url(reports, message.id)}
        for name in ("from", "smsc"):
            if self._address.option(name):
                fields[name] = self._address.option(name)
        status, _ = self._call(fields)
        check_status(status)

    def check(self) -> str:
        """Ask it to send to nobody: it looks at the password first, and then refuses."""
        status, body = self._call({"text": "check"})
        if status == 403:
            raise ConfigurationError("it answers 403: wrong user or password")
        if status == 400 or b"receiver" in body:
            return "answers, and knows our password"
        raise ConfigurationError(f"it answers {status}, not like a Kannel's sendsms")

    def _call(self, fields: dict[str, str]) -> tuple[int, bytes]:
        address = self._address
        login = {"username": address.user, "password": address.secret}
        path = f"{address.path or '/cgi-bin/sendsms'}?{urlencode(login | fields)}"
        is_tls = address.scheme.endswith("https")
        return call(Request("GET", address.host, address.port, path, is_tls))


def report_url(base: str, message_id: int) -> str:
    """Return where Kannel is to report of a message, with the places it fills in."""
    mark = "&" if "?" in base else "?"
    return f"{base}{mark}id={message_id}&d=%d&ts=%T"
