"""All settings, read once from the environment and passed in; nothing reads it at import."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from core.errors import ConfigurationError
from core.networks import Network, parse_networks

PREFIX = "WANNENG_"
MAX_ENGINE_PROCESSES = 8


def _setting(default: Any, help_text: str) -> Any:
    return field(default=default, metadata={"help": help_text})


def _secret(help_text: str) -> Any:
    return field(default="", repr=False, metadata={"help": help_text, "secret": True})


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Every setting with its default; the variable is WANNENG_ and the name in capitals."""

    database_url: str = _setting(
        "sqlite:///var/wanneng.db", "SQLAlchemy URL: sqlite:///path or postgresql+psycopg://…"
    )
    redis_url: str = _setting("", "redis://… ; empty: kept inside the one process")
    key_file: Path = _setting(Path("var/keys.json"), "the keys, mode 0600")
    public_url: str = _setting(
        "http://127.0.0.1:8000", "where customers reach us; stands in the QR of each card"
    )
    timezone: str = _setting("Asia/Shanghai", "the zone whose days count")
    issuer_code: str = _setting("42", "first two digits of every serial number")
    account_digits: str = _setting("10,13", "lengths an electricity account number may have")
    hotline: str = _setting("95598", "telephone number named in messages")
    late_fee_minimum_fen: int = _setting(100, "a late fee above 0 is at least this; may be 0")
    quote_minutes: int = _setting(10, "how long a late fee that was told stays frozen")
    argon2_threshold_fen: int = _setting(20_000, "faces from here on are protected by argon2id")
    argon2_memory_kib: int = _setting(8192, "argon2id memory per PIN")
    argon2_time_cost: int = _setting(1, "argon2id passes per PIN")
    argon2_threads: int = _setting(2, "argon2id computations at once per worker")
    argon2_queue: int = _setting(128, "argon2id computations that may wait; more get try_later")
    wrong_pins_per_day: int = _setting(5, "wrong PINs a caller may send in a calendar day")
    wrong_pins_in_row: int = _setting(10, "wrong PINs in a row until an operator must unlock")
    malformed_per_day: int = _setting(20, "malformed PINs a caller may send in a day")
    withheld_per_day: int = _setting(20, "wrong PINs a day of all withheld numbers of a trunk")
    partner_wrong_per_hour: int = _setting(200, "a partner's wrong PINs an hour until it is slowed")
    slow_seconds: int = _setting(2, "how long a slowed sender waits for each answer")
    reorder_lead_days: int = _setting(7, "days from an outlet's order to its cards, for low stock")
    reorder_service_percent: int = _setting(95, "how often stock should outlast that, 50 to 99")
    engine_processes: int = _setting(
        2,
        "processes beside a worker for its lists, 0 to 8, on PostgreSQL; 0: its own threads;"
        " not set: 2 divided among the workers, at least 1 each",
    )
    batch_limit: int = _setting(512, "redemptions in one transaction at most")
    queue_limit: int = _setting(2048, "redemptions waiting in one worker at most")
    lock_timeout_ms: int = _setting(500, "how long a redemption waits for a row")
    statement_timeout_ms: int = _setting(30_000, "longest statement on PostgreSQL")
    pool_size: int = _setting(14, "database connections per worker")
    max_body_bytes: int = _setting(1_000_000, "largest request body")
    arrival_seconds: int = _setting(30, "how long a head, then its body, may take to come")
    access_log: str = _setting("failures", "requests that are logged: failures or all")
    log_format: str = _setting("text", "text or json")
    in_transit_days: int = _setting(7, "cards that travel longer than so many days are overdue")
    pdf_font: str = _setting(
        "", "TrueType font of documents; empty: one with Chinese is looked for"
    )
    prompts_directory: str = _setting(
        "", "studio recordings, zh/….wav and en/….wav; they replace the program's own one for one"
    )
    agi_peers: str = _setting(
        "127.0.0.1,::1", "exchanges that may connect to serve-agi: addresses or networks"
    )
    agi_secret: str = _secret("what serve-agi's callers give as ?k=; empty: nothing")
    agi_lines: int = _setting(200, "calls at once that serve-agi leads")
    agi_sounds: str = _setting("wanneng", "where the prompts lie in the exchange's sounds")
    sms_gateway: str = _setting(
        "log:",
        "where receipts and codes go: log:, kannel+http://…, twilio://…, smpp://…, …",
    )
    sms_gateway_secret: str = _secret("the password or token of that gateway")
    sms_gateway_secret_file: str = _setting("", "a file that holds it instead, mode 0600")
    alarm_gateway: str = _setting("log:", "where alarms go: log:, webhook+https://…, smtp://…")
    alarm_gateway_secret: str = _secret("the password or token of that gateway")
    alarm_gateway_secret_file: str = _setting("", "a file that holds it instead, mode 0600")
    message_attempts: int = _setting(15, "tries until a message is given up; 15 take 5 hours")
    twiml_tokens: str = _secret(
        "auth tokens of TwiML providers, by commas; several while one is changed; empty: closed"
    )
    twiml_voices: str = _setting(
        "zh=cmn-CN,en=en-US", "names of the languages that a TwiML provider speaks"
    )
    own_numbers: str = _setting(
        "", "our own telephone numbers, by commas: what comes from them is not answered"
    )
    turns_per_minute: int = _setting(
        120, "turns of one caller in menus over JSON in a minute; 0: any number"
    )
    gateway_networks: str = _setting(
        "", "networks from which Kannel and USSD gateways may come, by commas; empty: any"
    )
    trusted_proxies: str = _setting(
        "", "networks of our own proxies, by commas: their X-Forwarded-For is believed"
    )
    gateway_get: str = _setting(
        "off", "off or on: whether gateways may bring keys and texts in addresses (GET)"
    )
    sealed_pin_hours: int = _setting(24, "how long a till may take to reveal an electronic card")
    till_cancel_minutes: int = _setting(30, "how long a till's sale can be cancelled")
    pin_text_gateway: str = _setting(
        "", "module:function that texts PINs of electronic cards; empty: not offered"
    )

    def __post_init__(self) -> None:
        try:
            ZoneInfo(self.timezone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ConfigurationError(f"WANNENG_TIMEZONE is unknown: {self.timezone}") from error
        if not (
            len(self.issuer_code) == 2 and self.issuer_code.isascii() and self.issuer_code.isdigit()
        ):
            raise ConfigurationError("WANNENG_ISSUER_CODE must be two digits")
        if not {n.strip() for n in self.account_digits.split(",")} <= {"10", "13"}:
            raise ConfigurationError("WANNENG_ACCOUNT_DIGITS may hold 10, 13 or both")
        if self.gateway_get not in ("off", "on"):
            raise ConfigurationError("WANNENG_GATEWAY_GET may be off or on")
        if set(self.voices) != {"zh", "en"}:
            raise ConfigurationError("WANNENG_TWIML_VOICES must be like zh=cmn-CN,en=en-US")
        self.allowed_networks, self.proxies  # noqa: B018  they raise what is wrong with them
        if not 0 <= self.engine_processes <= MAX_ENGINE_PROCESSES:
            raise ConfigurationError(f"WANNENG_ENGINE_PROCESSES may be 0 to {MAX_ENGINE_PROCESSES}")
        if not 50 <= self.reorder_service_percent <= 99:
            raise ConfigurationError("WANNENG_REORDER_SERVICE_PERCENT may be 50 to 99")
        for item in fields(self):
            value = getattr(self, item.name)
            if isinstance(value, int) and value < 0:
                raise ConfigurationError(f"{variable(item.name)} must not be negative")

    @property
    def zone(self) -> ZoneInfo:
        """The zone whose calendar days count."""
        return ZoneInfo(self.timezone)

    @property
    def account_lengths(self) -> tuple[int, ...]:
        """The lengths an electricity account number may have."""
        return tuple(int(n) for n in self.account_digits.split(","))

    @property
    def voices(self) -> dict[str, str]:
        """The provider's name of each language that we speak."""
        pairs = [pair.partition("=") for pair in _listed(self.twiml_voices)]
        return {ours.strip(): theirs.strip() for ours, _, theirs in pairs if theirs.strip()}

    @property
    def tokens(self) -> tuple[str, ...]:
        """The secrets with which TwiML providers sign."""
        return _listed(self.twiml_tokens)

    @property
    def allowed_networks(self) -> tuple[Network, ...]:
        """Where gateways without a signature may come from; none: from anywhere."""
        return parse_networks(_listed(self.gateway_networks))

    @property
    def proxies(self) -> tuple[Network, ...]:
        """Where our own proxies are."""
        return parse_networks(_listed(self.trusted_proxies))

    @property
    def numbers(self) -> tuple[str, ...]:
        """Our own telephone numbers, as written."""
        return _listed(self.own_numbers)

    @property
    def is_sqlite(self) -> bool:
        """Whether the embedded database is used."""
        return self.database_url.startswith("sqlite")


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def variable(name: str) -> str:
    """Return the environment variable of a setting."""
    return PREFIX + name.upper()


def variables(settings: Settings) -> dict[str, str]:
    """Return the variables from which `load` makes the same settings, but for defaults."""
    given = {item: getattr(settings, item.name) for item in fields(settings)}
    return {variable(i.name): str(value) for i, value in given.items() if value != i.default}


def load(environ: Mapping[str, str]) -> Settings:
    """Return the settings of an environment; an unknown WANNENG_ name is a ConfigurationError."""
    known = {variable(item.name): item for item in fields(Settings)}
    values: dict[str, Any] = {}
    for name, text in environ.items():
        if not name.startswith(PREFIX):
            continue
        if name not in known:
            raise ConfigurationError(f"unknown setting {name}; see `wanneng settings`")
        values[known[name].name] = _convert(name, known[name].default, text)
    return Settings(**values)


def _convert(name: str, default: object, text: str) -> Any:
    if isinstance(default, Path):
        return Path(text)
    if isinstance(default, int):
        try:
            return int(text)
        except ValueError as error:
            raise ConfigurationError(f"{name} must be a whole number") from error
    return text
