"""`wanneng approval`: what waits for a second person."""

from typing import Any

import rich_click as click

from cli.actions import ACTIONS
from cli.app import App
from cli.command import command, pass_app
from cli.deciding import decider
from cli.options import ID, limit_option
from cli.output import facts, table, when
from staff import approvals, second_person
from staff.approvals import Approval
from staff.permissions import Permission, require


@command("list", examples=["wanneng approval list"])
@limit_option
@pass_app
def list_all(app: App, limit: int) -> None:
    """List what waits for a second person.

    The oldest first. After 7 days a request is closed.
    """
    require(app.actor, Permission.VIEW_APPROVALS)
    with app.db.read() as session:
        found = approvals.list_open(session, limit=limit)
    zone = app.settings.zone
    shown = [
        (item.id, item.kind, item.requester.username, when(item.requested_at, zone), _brief(item))
        for item in found
    ]
    columns = ["approval", "kind", "asked by", "at", "content"]
    app.out.result({"approvals": [_plain(item) for item in found]}, table(columns, shown))


@command("show", examples=["wanneng approval show 8412345678901234567"])
@click.argument("approval_id", type=ID)
@pass_app
def show(app: App, approval_id: int) -> None:
    """Show exactly what would be carried out."""
    require(app.actor, Permission.VIEW_APPROVALS)
    with app.db.read() as session:
        item = approvals.get(session, approval_id)
    zone, told = app.settings.zone, approvals.summarise(item, ACTIONS)
    head = {
        "approval": item.id,
        "kind": item.kind,
        "what will happen": told.en,
        "将要发生": told.zh,
        "state": item.state,
        "asked by": item.requester.username,
        "asked at": when(item.requested_at, zone),
        "open until": when(item.expires_at, zone),
        "decided by": item.decider,
        "decided at": when(item.decided_at, zone),
        "reason": item.reason,
        "digest": item.digest,
    }
    app.out.result(_plain(item), facts(head | _lines(item.content)))


@command("agree", examples=["wanneng approval agree 8412345678901234567"])
@click.argument("approval_id", type=ID)
@pass_app
def agree(app: App, approval_id: int) -> None:
    """Agree as the second person, and carry it out.

    You must be another person than the one who asked, whatever accounts you both have. The
    authenticator's code of now is asked for without echo, or read from stdin; it works once.
    """
    second_person.agree(app.db, decider(app), approval_id, ACTIONS)
    app.out.result(
        {"approval_id": str(approval_id), "state": "agreed"},
        f"agreed and carried out: approval {approval_id}",
    )


@command("refuse", examples=["wanneng approval refuse 8412345678901234567 --reason 'wrong face'"])
@click.argument("approval_id", type=ID)
@click.option("--reason", required=True, help="Why, for the record.")
@pass_app
def refuse(app: App, approval_id: int, reason: str) -> None:
    """Refuse with a reason.

    The authenticator's code of now is asked for, as for agreeing.
    """
    second_person.refuse(app.db, decider(app), approval_id, reason, ACTIONS)
    app.out.result(
        {"approval_id": str(approval_id), "state": "refused"}, f"refused: approval {approval_id}"
    )


def _plain(item: Approval) -> dict[str, Any]:
    told = approvals.summarise(item, ACTIONS)
    return {
        "summary_zh": told.zh,
        "summary_en": told.en,
        "id": str(item.id),
        "kind": item.kind,
        "state": item.state,
        "content": item.content,
        "digest": item.digest,
        "requested_by": item.requester.username,
        "requested_at": item.requested_at,
        "expires_at": item.expires_at,
        "decided_by": item.decider,
        "decided_at": item.decided_at,
        "reason": item.reason,
    }


def _brief(item: Approval) -> str:
    content = item.content
    known = ("face_fen", "count", "cards", "first_serial", "last_serial", "name", "to", "printer")
    return " ".join(f"{name}={content[name]}" for name in known if content.get(name) is not None)


def _lines(content: dict[str, Any]) -> dict[str, object]:
    """Return the content one value a line, lists one item a line."""
    lines: dict[str, object] = {}
    for name, value in content.items():
        if isinstance(value, list):
            for number, item in enumerate(value, 1):
                lines[f"  {name} {number}"] = item
        else:
            lines[f"  {name}"] = value
    return lines
