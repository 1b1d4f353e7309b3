"""The files of the reference till: its keys, and the sale that is under way."""

import os
import stat
from pathlib import Path
from typing import Any

import msgspec

from core.errors import ConfigurationError, InvalidInput
from core.files import sync_directory, write_new


class TillFile(msgspec.Struct, forbid_unknown_fields=True):
    """Where the server is, the till's secret age key, and its API key once it has one."""

    url: str
    secret_key: str
    api_key: str = ""

    def __repr__(self) -> str:
        return f"TillFile({self.url!r}, keys hidden)"


class Pending(msgspec.Struct, forbid_unknown_fields=True):
    """A sale asked for and not yet finished: its request key and body. It holds no PIN."""

    key: str
    body: dict[str, Any]


def write_till(path: Path, file: TillFile, *, replace: bool = False) -> None:
    """Write the till's file, mode 0600; InvalidInput where there is one and it is not replaced."""
    if path.exists() and not replace:
        raise InvalidInput(f"there is a file {path} already")
    _put(path, msgspec.json.encode(file))


def read_till(path: Path) -> TillFile:
    """Return the till's file; ConfigurationError where others may read it or it is none."""
    try:
        mode, content = path.stat().st_mode, path.read_bytes()
    except FileNotFoundError:
        raise ConfigurationError(f"there is no {path}; begin with `wanneng till new-key`") from None
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise ConfigurationError(f"{path} must be readable by its owner only: chmod 600 {path}")
    try:
        return msgspec.json.decode(content, type=TillFile)
    except msgspec.MsgspecError:
        raise ConfigurationError(f"{path} is no till's file") from None


def keep_pending(path: Path, pending: Pending) -> None:
    """Write down a sale before it is asked for."""
    _put(_pending(path), msgspec.json.encode(pending))


def read_pending(path: Path) -> Pending | None:
    """Return the sale that was not finished, if there is one."""
    try:
        return msgspec.json.decode(_pending(path).read_bytes(), type=Pending)
    except FileNotFoundError:
        return None


def forget_pending(path: Path) -> None:
    """Take note that the sale is finished, or was refused."""
    _pending(path).unlink(missing_ok=True)
    sync_directory(path.parent)


def _pending(path: Path) -> Path:
    return path.with_name(path.name + ".pending")


def _put(path: Path, content: bytes) -> None:
    new = path.with_name(f"{path.name}.{os.getpid()}.new")
    new.unlink(missing_ok=True)
    write_new(new, content)
    new.replace(path)
    sync_directory(path.parent)
