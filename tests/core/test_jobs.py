"""Jobs: progress, an end, and telling a living process from a dead one."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import psutil
import pytest

from core import jobs
from core.db import Database
from core.errors import NotFound
from core.jobs import Job, JobLost
from tests.clocks import FakeClock


@pytest.fixture
def job_id(db: Database) -> Iterator[int]:
    with db.write() as session:
        made = jobs.start(session, "test", 7, 100)
    yield made
    jobs.forget(made)


def _get(db: Database, job_id: int) -> Job:
    with db.read() as session:
        return jobs.get(session, job_id)


def test_a_job_shows_its_progress_and_its_end(db: Database, job_id: int) -> None:
    with db.write() as session:
        assert [job.id for job in jobs.running(session, "test")] == [job_id]
        jobs.beat(session, job_id, 40)
    assert (_get(db, job_id).state, _get(db, job_id).done_count) == ("running", 40)
    with db.write() as session:
        jobs.finish(session, job_id, 100)
        assert jobs.running(session, "test") == []
    assert (_get(db, job_id).state, _get(db, job_id).done_count) == ("done", 100)


def test_a_failed_job_tells_why(db: Database, job_id: int) -> None:
    with db.write() as session:
        jobs.fail(session, job_id, "no room")
    assert (_get(db, job_id).state, _get(db, job_id).error) == ("failed", "no room")


def test_nothing_can_be_written_for_a_job_that_ended(db: Database, job_id: int) -> None:
    with db.write() as session:
        jobs.fail(session, job_id, "given up")
    with pytest.raises(JobLost), db.write() as session:
        jobs.beat(session, job_id, 1)
    with pytest.raises(JobLost), db.write() as session:
        jobs.finish(session, job_id, 1)
    with pytest.raises(JobLost), db.write() as session:
        jobs.fail(session, job_id, "again")
    assert _get(db, job_id).error == "given up"


def test_an_unknown_job_is_told(db: Database) -> None:
    with pytest.raises(NotFound):
        _get(db, 1)


def test_a_job_of_this_process_lives_until_it_is_forgotten(db: Database, job_id: int) -> None:
    item = _get(db, job_id)
    assert jobs.is_alive(item, item.heartbeat_at)
    jobs.forget(job_id)
    assert not jobs.is_alive(item, item.heartbeat_at)


@contextmanager
def _another_process() -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run a process of ours; give it and its name."""
    code = "import sys; from core import jobs; print(jobs.own_name(), flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        yield process, process.stdout.readline().strip()
        process.kill()


def test_a_job_of_another_process_here_lives_as_long_as_that(
    db: Database, job_id: int, clock: FakeClock
) -> None:
    with _another_process() as (process, name):
        item = replace(_get(db, job_id), owner=name)
        clock.advance(days=1)
        alive = jobs.is_alive(item, clock())
        process.kill()
        process.wait()
        assert alive
        assert not jobs.is_alive(item, clock())


def test_setting_the_clock_makes_nobody_dead(
    db: Database, job_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, booted = _get(db, job_id), psutil.boot_time()
    with _another_process() as (_, name):
        # Linux tells when it booted by the clock of now, so that each correction moves it.
        monkeypatch.setattr("psutil._pslinux.boot_time", lambda: booted + 1)
        for item in (own, replace(own, owner=name)):
            assert jobs.is_alive(item, item.heartbeat_at)


def test_another_process_with_the_same_number_is_not_taken_for_it(
    db: Database, job_id: int
) -> None:
    item = _get(db, job_id)
    place, _, started = item.owner.rpartition("@")
    older = replace(item, owner=f"{place}@{float(started) - 60:.2f}")
    assert not jobs.is_alive(older, item.heartbeat_at)


def test_a_job_elsewhere_lives_by_its_heartbeat(
    db: Database, job_id: int, clock: FakeClock
) -> None:
    item = replace(_get(db, job_id), owner="far/away/pid:[1]#1@1.00")
    clock.advance(seconds=60)
    assert jobs.is_alive(item, clock())
    clock.advance(seconds=1)
    assert not jobs.is_alive(item, clock())
