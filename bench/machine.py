"""What the numbers were measured on."""

import importlib.metadata
import os
import platform
import re
import time
from pathlib import Path
from typing import Any

import psutil

from bench.errors import CannotMeasure
from bench.statistics import percentile

_LIBRARIES = ("httptools", "litestar", "msgspec", "psycopg", "sqlalchemy", "uvicorn", "wanneng")
_NOT_A_DISK = ("tmpfs", "ramfs")
_SYNCS = 200
_PAGE = b"\0" * 8192


def describe(directory: Path) -> dict[str, Any]:
    """Return CPU, memory, kernel, the disk below `directory`, and the versions of what runs."""
    return {
        "cpu": cpu_model(),
        "cores": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "kernel": f"{platform.system()} {platform.release()}",
        "disk": describe_disk(directory),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "versions": {name: _version(name) for name in _LIBRARIES},
    }


def cpu_model() -> str:
    """Return the name that the CPU gives itself."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        text = ""
    found = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return found[1] if found else platform.processor() or platform.machine()


def describe_disk(directory: Path) -> dict[str, Any]:
    """Return the file system of a directory, and how long a write takes to be durable there."""
    mount = mount_of(directory)
    microseconds = sorted(sync_times_us(directory))
    return {
        "device": mount.device,
        "file_system": mount.fstype,
        "options": mount.opts,
        "rotational": _is_rotational(mount.device),
        "fdatasync_us": {
            "median": round(percentile(microseconds, 0.5)),
            "p99": round(percentile(microseconds, 0.99)),
        },
    }


def check_disk(directory: Path) -> None:
    """Raise CannotMeasure where the directory lies in memory: no commit would be durable there."""
    if mount_of(directory).fstype in _NOT_A_DISK:
        raise CannotMeasure(f"{directory} lies in memory: name a directory on a disk with --data")


def mount_of(directory: Path) -> Any:
    """Return the mount that a directory lies on."""
    path = directory.resolve()
    mounts = psutil.disk_partitions(all=True)
    holding = [item for item in mounts if path.is_relative_to(item.mountpoint)]
    if not holding:
        raise CannotMeasure(f"it is not known what {directory} lies on")
    return max(holding, key=lambda item: len(item.mountpoint))


def sync_times_us(directory: Path) -> list[float]:
    """Write 8 KiB again and again, each time until it is durable; return the times."""
    path = directory / "sync-test"
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY, 0o600)
    try:
        os.write(descriptor, _PAGE * _SYNCS)
        os.fsync(descriptor)
        return [_sync_us(descriptor, i) for i in range(_SYNCS)]
    finally:
        os.close(descriptor)
        path.unlink()


def _sync_us(descriptor: int, page: int) -> float:
    started = time.perf_counter()
    os.pwrite(descriptor, _PAGE, page * len(_PAGE))
    os.fdatasync(descriptor)
    return (time.perf_counter() - started) * 1e6


def _is_rotational(device: str) -> bool | None:
    name = re.sub(r"p?\d+$", "", Path(device).name)
    for each in (Path(device).name, name):
        path = Path("/sys/block") / each / "queue/rotational"
        if path.exists():
            return path.read_text().strip() == "1"
    return None


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
