"""Directories for one test run: quick, short in name, and gone afterwards.

They lie in memory where the machine has it (/dev/shm), which makes a fresh database per test cheap
although every commit is synced. A run that was killed leaves its directory to the next one.
"""

import fcntl
import os
import shutil
import tempfile
import time
from pathlib import Path

_PREFIX = f"wn{os.getuid()}-"
_ENOUGH_BYTES = 2 << 30
_GRACE_S = 60


def make_root() -> tuple[Path, int]:
    """Return a new directory and the open file that marks it as in use."""
    base = _base()
    _sweep(base)
    root = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=base))
    root.chmod(0o711)  # PostgreSQL passes through as another user; each directory below is 0700
    return root, _mark(root)


def remove_root(root: Path, mark: int) -> None:
    """Remove the directory with all that the run left in it."""
    shutil.rmtree(root, ignore_errors=True)
    os.close(mark)


def _base() -> Path:
    memory = Path("/dev/shm")  # noqa: S108 - mkdtemp makes a directory of our own in it
    if os.access(memory, os.W_OK) and shutil.disk_usage(memory).free >= _ENOUGH_BYTES:
        return memory
    return Path("/tmp")  # noqa: S108 - not TMPDIR: a socket's path must stay short


def _mark(root: Path) -> int:
    mark = os.open(root / "in_use", os.O_CREAT | os.O_RDWR, 0o600)
    fcntl.flock(mark, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return mark


def _sweep(base: Path) -> None:
    for root in base.glob(_PREFIX + "*"):
        try:
            if time.time() - root.stat().st_mtime < _GRACE_S:
                continue
            mark = _mark(root)
        except OSError:  # in use, or just being removed by another run
            continue
        remove_root(root, mark)
