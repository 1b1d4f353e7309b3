"""Who decides at the terminal: the signed-in member, with the code that he reads now."""

from cli.app import App
from cli.prompts import ask_secrets
from staff.limits import SignInLimits
from staff.second_person import Decider


def decider(app: App) -> Decider:
    """Ask for the one-time code; return who decides."""
    actor = app.actor
    (code,) = ask_secrets("One-time code")
    return Decider(actor, code, app.keys.get(), SignInLimits.of(app.settings.redis_url))
