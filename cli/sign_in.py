"""`wanneng login`, `logout` and `whoami`."""

import rich_click as click

from cli.app import App
from cli.command import command, pass_app
from cli.output import facts
from cli.prompts import ask_secrets
from cli.sign_in_file import delete_token, read_token, write_private
from distribution.parties import party_by_id
from staff.limits import SignInLimits
from staff.permissions import ROLE_PERMISSIONS, Actor
from staff.signin import TOKEN_LIFETIME, authenticate, sign_in, sign_out


@command(
    "login",
    examples=[
        "wanneng login li.wei",
        'printf \'%s\\n\' "$PASSWORD" "$CODE" | wanneng login li.wei',
    ],
)
@click.argument("username")
@pass_app
def login(app: App, username: str) -> None:
    """Sign in with password and one-time code.

    Both are asked for without echo, or read from stdin, one line each. Whoever was signed in
    before is signed out. The token is kept in a file with mode 0600, for 12 hours at most.
    """
    password, code = ask_secrets("Password", "One-time code")
    limits = SignInLimits.of(app.settings.redis_url)
    token = sign_in(app.db, app.keys.get(), username, password, code, limits=limits)
    _end(app)
    write_private(app.sign_in_path, token)
    with app.db.read() as session:
        actor = authenticate(session, token)
    hours = int(TOKEN_LIFETIME.total_seconds() // 3600)
    app.out.result(_shown(actor), f"signed in as {actor.username} ({actor.role}) for {hours} hours")


@command("logout", examples=["wanneng logout"])
@pass_app
def logout(app: App) -> None:
    """Sign out and forget the token.

    The token stops at once, also for others who may have it. A second time changes nothing.
    """
    _end(app)
    app.out.result({"signed_in": False}, "signed out")


@command("whoami", examples=["wanneng whoami", "wanneng whoami --json"])
@pass_app
def whoami(app: App) -> None:
    """Show who is signed in.

    With the role, the party if any, and what the role may do.
    """
    actor = app.actor
    code = None
    if actor.party_id is not None:
        with app.db.read() as session:
            code = party_by_id(session, actor.party_id).code
    may = sorted(str(permission) for permission in ROLE_PERMISSIONS[actor.role])
    app.out.result(
        _shown(actor) | {"party": code, "permissions": may},
        facts(
            {
                "username": actor.username,
                "role": actor.role,
                "party": code,
                "may": ", ".join(may),
            }
        ),
    )


def _end(app: App) -> None:
    """End the sign-in that is stored, if there is one."""
    token = read_token(app.sign_in_path)
    if token is not None:
        app.db.transact(lambda session: sign_out(session, token))
    delete_token(app.sign_in_path)


def _shown(actor: Actor) -> dict[str, object]:
    return {"username": actor.username, "role": actor.role}
