"""Batches whose making ended early: each becomes one void lot, its serials are never used again."""

from collections.abc import Callable

from msgspec.structs import asdict
from sqlalchemy import func, select

from core import jobs
from core.db import Database, Session
from core.jobs import JobLost
from staff import events
from vouchers.batches import Batch, get_batch
from vouchers.lots import Lot
from vouchers.movements import Cause, Step, record_movements
from vouchers.tables import batch, lot, print_file_part, voucher

JOB_KIND = "generate"


def recover_unfinished(db: Database, holder_id: int) -> list[int]:
    """Make void every batch that a dead process left half made; return their ids.

    Call it when a process starts and then every minute: a process on another host is known to be
    dead only after 60 s of silence. A living one's batch is never touched. The void lots belong to
    `holder_id`, the warehouse. Safe to run in several processes at once.
    """
    with db.read() as session:
        dead = [
            job for job in jobs.running(session, JOB_KIND) if not jobs.is_alive(job, session.now)
        ]
    voided = []
    for job in dead:
        try:
            reason = "the process that made it ended"
            db.transact(_voiding(job.subject_id, job.id, holder_id, reason))
        except JobLost:  # another process was first
            continue
        voided.append(job.subject_id)
    return voided


def void_unfinished(session: Session, item: Batch, job_id: int, holder_id: int, why: str) -> None:
    """Turn a batch in the making into one void lot over its whole range, and end its job.

    JobLost when somebody else did so before.
    """
    jobs.fail(session, job_id, why)
    # What was encrypted goes first: on a full disk this makes room for the rest.
    session.execute(print_file_part.delete().where(print_file_part.c.batch_id == item.id))
    made = select(func.count()).where(voucher.c.serial.between(item.cards.first, item.cards.last))
    done = session.execute(
        batch.update()
        .where(batch.c.id == item.id, batch.c.state == "generating")
        .values(state="failed", generated_count=made.scalar_subquery())
    )
    if done.rowcount != 1:
        raise JobLost(f"batch {item.id} is not being generated")
    add_first_lot(session, item, "void", holder_id, Cause(member_id=None, reason=why))
    events.record(session, None, "batch.failed", f"batch:{item.id}", reason=why)


def add_first_lot(session: Session, item: Batch, stage: str, holder_id: int, cause: Cause) -> None:
    """Write the lot that covers a whole batch, and the movement it begins with."""
    born = Lot(
        first_serial=item.cards.first,
        last_serial=item.cards.last,
        batch_id=item.id,
        stage=stage,
        holder_id=holder_id,
        in_transit_to=None,
        hold=None,
        expires_on=item.expires_on,
        activated_on=None,
        version=1,
    )
    record_movements(session, [Step(move="generate", before=None, after=born)], cause)
    session.execute(lot.insert(), asdict(born))


def _voiding(batch_id: int, job_id: int, holder_id: int, why: str) -> Callable[[Session], None]:
    return lambda session: void_unfinished(
        session, get_batch(session, batch_id), job_id, holder_id, why
    )
