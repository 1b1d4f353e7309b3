"""Which message leaves by which gateway: the settings' answer, checked when a process starts."""

from collections.abc import Callable, Mapping
from typing import Protocol

from core.errors import ConfigurationError
from core.gateways.address import Address, parse_address
from core.gateways.kannel import Kannel
from core.gateways.mail import Mail
from core.gateways.twilio import Twilio
from core.gateways.webhook import Webhook, check_port
from core.outbox import ALL_KINDS, Kinds, LogSink, Message
from core.settings import Settings

ALARM = "alarm"
"""The kind of message that goes to staff; all others are texts to customers."""

AT_ONCE = 8
"""So many messages of one process are on their way to a gateway at once."""

SMPP = "smpp"


class Gateway(Protocol):
    """A sink that can be looked at."""

    def send(self, message: Message) -> None:
        """As for core.outbox.Sink."""

    def check(self) -> str:
        """Say that it works, without sending anything; ConfigurationError or GatewayTrouble."""


class Log(LogSink):
    """No gateway: each message is a line of the log."""

    def check(self) -> str:
        """There is nothing to look at."""
        return "messages are only written to the log"


class _ByOtherProcess:
    """SMPP: one process holds the connection, `wanneng serve-smpp`, and sends by it."""

    def __init__(self, address: Address) -> None:
        address.knows("from", "from-ton", "from-npi", "system-type", "enquire")
        address.needs("from")
        for name in ("from-ton", "from-npi", "enquire"):
            if not address.option(name, "1").isdecimal():
                raise ConfigurationError(f"the gateway's option {name} must be a number")
        self._address = address

    def send(self, message: Message) -> None:
        """Never called: see `kinds_of`."""
        raise AssertionError(f"message {message.id} is another process's")

    def check(self) -> str:
        """Connect to the centre."""
        return check_port(self._address.host, self._address.port or 2775)


_MAKERS: Mapping[str, Callable[[Address], Gateway]] = {
    "log": lambda _: Log(),
    "kannel+http": Kannel,
    "kannel+https": Kannel,
    "twilio": Twilio,
    "twilio+http": Twilio,
    "webhook+http": Webhook,
    "webhook+https": Webhook,
    "smtp": Mail,
    "smtps": Mail,
    SMPP: _ByOtherProcess,
}
_NOT_FOR_TEXTS = {"smtp", "smtps"}
_NOT_FOR_ALARMS = {SMPP, "twilio", "twilio+http", "kannel+http", "kannel+https"}


class Routes:
    """A sink that hands each message to the gateway of its kind."""

    def __init__(self, texts: Gateway, alarms: Gateway) -> None:
        self._texts = texts
        self._alarms = alarms

    def send(self, message: Message) -> None:
        """Send by the kind's gateway."""
        (self._alarms if message.kind == ALARM else self._texts).send(message)


def routes(settings: Settings) -> Routes:
    """Return where messages go; ConfigurationError for an address that is none of ours."""
    return Routes(text_gateway(settings), alarm_gateway(settings))


def kinds_of(settings: Settings) -> Kinds:
    """Return which messages a serving process sends; over SMPP `wanneng serve-smpp` sends texts."""
    if text_address(settings).scheme == SMPP:
        return Kinds(only=frozenset({ALARM}))
    return ALL_KINDS


def text_address(settings: Settings) -> Address:
    """Return the parts of WANNENG_SMS_GATEWAY; ConfigurationError."""
    return parse_address(
        settings.sms_gateway, settings.sms_gateway_secret, settings.sms_gateway_secret_file
    )


def text_gateway(settings: Settings) -> Gateway:
    """Return the gateway of texts; ConfigurationError."""
    return _made(text_address(settings), "WANNENG_SMS_GATEWAY", _NOT_FOR_TEXTS)


def alarm_gateway(settings: Settings) -> Gateway:
    """Return the gateway of alarms; ConfigurationError."""
    address = parse_address(
        settings.alarm_gateway, settings.alarm_gateway_secret, settings.alarm_gateway_secret_file
    )
    return _made(address, "WANNENG_ALARM_GATEWAY", _NOT_FOR_ALARMS)


def _made(address: Address, variable: str, unfit: set[str]) -> Gateway:
    maker = _MAKERS.get(address.scheme)
    if maker is None or address.scheme in unfit:
        fit = ", ".join(sorted(set(_MAKERS) - unfit))
        raise ConfigurationError(f"{variable} may begin with {fit}")
    if address.scheme != "log" and not address.host:
        raise ConfigurationError(f"{variable} names no host")
    return maker(address)
