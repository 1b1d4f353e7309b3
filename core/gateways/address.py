"""The address of a gateway, as a setting gives it: a URL without its secret."""

import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from core.errors import ConfigurationError


@dataclass(frozen=True)
class Address:
    """A gateway's URL in parts, and its secret; its repr shows neither secret nor options.

    `options` are the parts behind the `?`; what each means is told by the gateway's own module.
    """

    scheme: str
    user: str
    host: str
    port: int | None
    path: str
    options: Mapping[str, str] = field(repr=False)
    secret: str = field(repr=False)

    @property
    def shown(self) -> str:
        """Who and where it is, for people."""
        port = "" if self.port is None else f":{self.port}"
        return f"{self.scheme}://{self.host}{port}{self.path}"

    def option(self, name: str, default: str = "") -> str:
        """Return one of the options."""
        return self.options.get(name, default)

    def needs(self, *names: str) -> None:
        """Raise ConfigurationError unless these options are given."""
        for name in names:
            if not self.option(name):
                raise ConfigurationError(f"the gateway {self.shown} needs ?{name}=… in its address")

    def knows(self, *names: str) -> None:
        """Raise ConfigurationError for an option that is none of these: a slip of the pen."""
        for name in self.options:
            if name not in names:
                raise ConfigurationError(
                    f"the gateway {self.shown} knows no option {name}; "
                    f"it has {', '.join(names) or 'none'}"
                )


def parse_address(url: str, secret: str = "", secret_file: str = "") -> Address:
    """Return the parts of a gateway's URL; ConfigurationError where it is none.

    A password must not stand in the URL: settings are shown, secrets are not.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ConfigurationError("a gateway's address is not a URL") from None
    if not parts.scheme:
        raise ConfigurationError("a gateway's address must begin like log:, kannel+http://…")
    if parts.password is not None:
        raise ConfigurationError(
            "a gateway's password must not stand in its address: use the setting …_SECRET_FILE"
        )
    return Address(
        scheme=parts.scheme,
        user=unquote(parts.username or ""),
        host=parts.hostname or "",
        port=port,
        path=parts.path,
        options=dict(parse_qsl(parts.query, keep_blank_values=True)),
        secret=_secret(secret, secret_file),
    )


def _secret(secret: str, secret_file: str) -> str:
    if not secret_file:
        return secret
    path = Path(secret_file)
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise ConfigurationError(f"the gateway's secret file {path} cannot be read") from None
    if mode & 0o077:
        raise ConfigurationError(f"others may read {path}, mode {mode:04o}: chmod 600 it")
    return text
