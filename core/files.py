"""Files that must outlive a crash."""

import os
from pathlib import Path


def write_new(path: Path, content: bytes) -> None:
    """Write a new file, mode 0600, that is on the disk with its name when this returns.

    FileExistsError if there is one already; after any other OSError there is none.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(descriptor, 0o600)  # a strict umask must not shut ourselves out
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        sync_directory(path.parent)
    except OSError:
        path.unlink()  # half a file would be taken for a foreign one
        raise


def sync_directory(directory: Path) -> None:
    """Have the names in a directory on the disk, as after a rename."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
