"""Long work: how far it is, which process does it, and whether that process still lives."""

import os
import socket
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
from sqlalchemy import Row, select

from core.db import Session
from core.errors import DomainError, NotFound
from core.tables import job

SILENCE = timedelta(seconds=60)
"""A job of a process we cannot see is taken for dead after this long without a heartbeat."""


class JobLost(DomainError):
    """The job was declared dead meanwhile; nothing more may be written for it."""

    code = "job_lost"


@dataclass(frozen=True)
class Job:
    """A row of table job; `state` is running, done or failed."""

    id: int
    kind: str
    subject_id: int
    state: str
    done_count: int
    total_count: int
    owner: str
    created_at: datetime
    heartbeat_at: datetime
    finished_at: datetime | None
    error: str | None


_running: set[int] = set()
_running_lock = threading.Lock()


def start(session: Session, kind: str, subject_id: int, total_count: int) -> int:
    """Store a job as running in this process; return its id. Pair it with `forget`."""
    job_id = session.new_id()
    row = {
        "id": job_id,
        "kind": kind,
        "subject_id": subject_id,
        "state": "running",
        "done_count": 0,
        "total_count": total_count,
        "owner": own_name(),
        "created_at": session.now,
        "heartbeat_at": session.now,
    }
    session.execute(job.insert(), row)
    with _running_lock:
        _running.add(job_id)
    return job_id


def forget(job_id: int) -> None:
    """Say that this process works on the job no longer, however it ended."""
    with _running_lock:
        _running.discard(job_id)


def beat(session: Session, job_id: int, done_count: int) -> None:
    """Store the progress; JobLost when the job is no longer running, so that its work ends."""
    _change(session, job_id, done_count=done_count, heartbeat_at=session.now)


def finish(session: Session, job_id: int, done_count: int) -> None:
    """Store that the job is done; JobLost as `beat`."""
    _change(session, job_id, state="done", done_count=done_count, finished_at=session.now)


def fail(session: Session, job_id: int, error: str) -> None:
    """Store that the job failed and why, in words for people; JobLost as `beat`."""
    _change(session, job_id, state="failed", error=error, finished_at=session.now)


def get(session: Session, job_id: int) -> Job:
    """Return a job; NotFound if there is none."""
    row = session.execute(select(job).where(job.c.id == job_id)).one_or_none()
    if row is None:
        raise NotFound(f"there is no job {job_id}")
    return _job(row)


def running(session: Session, kind: str) -> list[Job]:
    """Return the jobs of a kind that are stored as running, oldest first."""
    query = select(job).where(job.c.kind == kind, job.c.state == "running").order_by(job.c.id)
    return [_job(row) for row in session.execute(query)]


def is_alive(item: Job, now: datetime) -> bool:
    """Tell whether somebody still works on a running job.

    A process that we can see must exist, and if it is ours must be at work on it; of any other
    only the heartbeat is known.
    """
    place, _, process = item.owner.rpartition("#")
    if place != _place():
        return now - item.heartbeat_at <= SILENCE
    if item.owner == own_name():
        with _running_lock:
            return item.id in _running
    pid, _, started = process.partition("@")
    return pid.isdigit() and _started(int(pid)) == started


def own_name() -> str:
    """Return what names this process among all: host, boot, process table, pid, start."""
    return f"{_place()}#{os.getpid()}@{_started(os.getpid())}"


def _place() -> str:
    """Name the table of processes we see; two containers of one host have two."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
        table = str(Path("/proc/self/ns/pid").readlink())
    except OSError:  # not Linux: one table for each boot
        boot, table = f"{psutil.boot_time():.0f}", ""
    return f"{socket.gethostname()}/{boot}/{table}"


def _started(pid: int) -> str | None:
    """Tell when a process began; None where there is none."""
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        # Linux counts from the boot, and psutil adds that: setting the clock must change nothing.
        began = process.create_time() - (psutil.boot_time() if psutil.LINUX else 0)
        return f"{began:.2f}"
    except psutil.Error:
        return None


def _change(session: Session, job_id: int, **values: Any) -> None:
    changed = session.execute(
        job.update().where(job.c.id == job_id, job.c.state == "running").values(**values)
    )
    if changed.rowcount != 1:
        raise JobLost(f"job {job_id} was declared dead")


def _job(row: Row[Any]) -> Job:
    return Job(**row._mapping)
