"""The file that holds the token of `wanneng login`, mode 0600."""

import os
import secrets
import stat
from pathlib import Path

from core.errors import ConfigurationError


def read_token(path: Path) -> str | None:
    """Return the token, None without one; ConfigurationError when others may read the file."""
    try:
        with path.open("r", encoding="ascii") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            if mode & 0o077:
                raise ConfigurationError(f"{path} has mode {mode:04o}: delete it and sign in again")
            return file.read().strip() or None
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} cannot be read; delete it and sign in again") from error


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, replacing one that is there as a whole."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            os.fchmod(descriptor, 0o600)
            file.write(text + "\n")
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def delete_token(path: Path) -> None:
    """Forget the token."""
    path.unlink(missing_ok=True)
