"""GET /api/v1/jobs/{id}: how far long work is."""

from datetime import datetime

from litestar import Router, get
from msgspec import Struct

from api.guards import WithRuntime, staff
from api.parameters import IdPath
from core import jobs
from staff.permissions import Permission


class JobShown(Struct, frozen=True, kw_only=True):
    """How far long work is; `state` is running, done or failed."""

    id: str
    kind: str
    subject_id: str
    state: str
    done_count: int
    total_count: int
    created_at: datetime
    finished_at: datetime | None
    error: str | None


@get(
    "/{job_id:str}",
    guards=[staff(Permission.VIEW_BATCHES)],
    sync_to_thread=True,
    summary="Look after long work",
    operation_id="readJob",
)
def read_job(job_id: IdPath, runtime: WithRuntime) -> JobShown:
    """Return how far a job is."""
    with runtime.db.read() as session:
        job = jobs.get(session, job_id)
    return JobShown(
        id=str(job.id),
        kind=job.kind,
        subject_id=str(job.subject_id),
        state=job.state,
        done_count=job.done_count,
        total_count=job.total_count,
        created_at=job.created_at,
        finished_at=job.finished_at,
        error=job.error,
    )


router = Router("/jobs", route_handlers=[read_job], tags=["batches"])
