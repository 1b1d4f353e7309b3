"""The directory of the demo: its database, its keys, and what a reader needs to play with it.

It never touches any other database: its settings are its own, whatever the environment says.
"""

import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import ConfigurationError, DomainError
from core.settings import PREFIX, Settings

_MARK = ".wanneng-demo"


class DemoBusy(DomainError):
    """The demo's directory is in use."""

    code = "demo_busy"


class DemoMissing(DomainError):
    """There is no demo in this directory yet."""

    code = "demo_missing"


@dataclass(frozen=True)
class World:
    """One demo directory."""

    directory: Path

    @property
    def settings(self) -> Settings:
        """The settings of everything that works with this directory."""
        return Settings(
            database_url=f"sqlite:///{self.directory / 'wanneng.db'}",
            key_file=self.directory / "keys.json",
        )

    @property
    def variables(self) -> dict[str, str]:
        """The same settings for another process."""
        return {
            f"{PREFIX}DATABASE_URL": self.settings.database_url,
            f"{PREFIX}KEY_FILE": str(self.settings.key_file),
        }

    @property
    def printer_key(self) -> Path:
        """The demo printer's secret age key; a real one never leaves the printer."""
        return self.directory / "printer.key"

    @property
    def partner_key(self) -> Path:
        """The partner's API key."""
        return self.directory / "partner.key"

    @property
    def channel_key(self) -> Path:
        """The bearer key of the gateway of texts and calls."""
        return self.directory / "channel.key"

    @property
    def server_log(self) -> Path:
        """What the demo's server had to say."""
        return self.directory / "server.log"

    @property
    def environment_file(self) -> Path:
        """The settings, for a shell to read in."""
        return self.directory / "env"

    def print_file(self, batch_id: int) -> Path:
        """Where the encrypted print file of a batch lies."""
        return self.directory / f"batch-{batch_id}.age"

    def begin(self) -> None:
        """Empty the directory, which must be a demo's own or new; ConfigurationError otherwise."""
        mark = self.directory / _MARK
        if any(self.directory.iterdir()) and not mark.exists():
            raise ConfigurationError(
                f"{self.directory} holds other things; name an empty directory with --directory"
            )
        for item in self.directory.iterdir():
            if item.is_dir():
                shutil.rmtree(item)
            else:
                item.unlink()
        mark.touch()
        (self.directory / "wanneng.db").touch(mode=0o600)

    def remember(self, facts: Mapping[str, Any]) -> None:
        """Store what `wanneng demo card` needs; nothing secret."""
        (self.directory / "world.json").write_text(json.dumps(facts, indent=2), encoding="utf-8")

    def recall(self) -> dict[str, Any]:
        """Return what was stored at the end of a demo; raises DemoMissing."""
        try:
            facts: dict[str, Any] = json.loads(
                (self.directory / "world.json").read_text(encoding="utf-8")
            )
        except FileNotFoundError:
            raise DemoMissing(
                f"there is no finished demo in {self.directory}; run `wanneng demo` first"
            ) from None
        return facts

    def environment(self) -> dict[str, str]:
        """Return this process's environment with the demo's settings and no others of ours."""
        others = {name: v for name, v in os.environ.items() if not name.startswith(PREFIX)}
        return others | self.variables


@contextmanager
def opened(directory: Path, *, alone: bool) -> Iterator[World]:
    """Hold a demo directory, alone or with others who only serve it; raises DemoBusy."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(directory, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DemoBusy(
                f"{directory} is in use: stop `wanneng demo serve` first, or use --directory"
            ) from None
        yield World(directory)
    finally:
        os.close(handle)
