"""`wanneng job show`."""

import rich_click as click

from cli.app import App
from cli.command import command, pass_app
from cli.options import ID
from cli.output import facts, when
from core import jobs
from staff.permissions import Permission, require


@command("show", examples=["wanneng job show 8412345678901234567"])
@click.argument("job_id", type=ID)
@pass_app
def show(app: App, job_id: int) -> None:
    """Show how far a job is."""
    require(app.actor, Permission.VIEW_BATCHES)
    with app.db.read() as session:
        item = jobs.get(session, job_id)
    data = {
        "id": str(item.id),
        "kind": item.kind,
        "subject_id": str(item.subject_id),
        "state": item.state,
        "done_count": item.done_count,
        "total_count": item.total_count,
        "created_at": item.created_at,
        "finished_at": item.finished_at,
        "error": item.error,
    }
    zone = app.settings.zone
    people = data | {
        "created_at": when(item.created_at, zone),
        "finished_at": when(item.finished_at, zone),
    }
    app.out.result(data, facts({name.replace("_", " "): value for name, value in people.items()}))
