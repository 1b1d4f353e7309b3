"""`wanneng doctor`: look for what is wrong, and say what to do."""

from rich.text import Text

from cli.app import App
from cli.checks import CHECKS, Check, Finding
from cli.command import command, pass_app
from cli.failures import REFUSED, end
from cli.output import table
from core.errors import DomainError

_MARKS = {"ok": ("✓", "green"), "warning": ("!", "yellow"), "failed": ("✗", "bold red")}


@command("doctor", examples=["wanneng doctor", "wanneng doctor --json"])
@pass_app
def doctor(app: App) -> None:
    """Look for what is wrong, and say what to do.

    Settings, database, schema, Redis, key file, clock, disk, members, gateways. Changes nothing;
    nobody needs to be signed in. Exit code 1 where a check failed; a warning alone is exit code 0.
    """
    found = [(name, _look(app, check)) for name, check in CHECKS.items()]
    data = [
        {"check": name, "state": item.state, "found": item.found, "next": item.next_step}
        for name, item in found
    ]
    rows = [
        (Text(*_MARKS[item.state]), name, item.found, item.next_step or "") for name, item in found
    ]
    app.out.result({"checks": data}, table(["", "check", "found", "what to do"], rows))
    if any(item.state == "failed" for _, item in found):
        end(REFUSED)


def _look(app: App, check: Check) -> Finding:
    """Return what a check finds; whatever it meets is a finding too."""
    try:
        return check(app)
    except DomainError as error:
        return Finding("failed", error.message)
    except Exception as error:
        return Finding("failed", type(error).__name__)
