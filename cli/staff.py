"""`wanneng staff`: accounts of people who sign in."""

import os
from pathlib import Path
from typing import Any

import rich_click as click

from cli.app import App
from cli.command import command, pass_app
from cli.output import table, when
from cli.prompts import ask, ask_new_secret, ask_secrets
from cli.qr_code import as_png, as_text
from core.errors import InvalidInput
from distribution.parties import party_by_code
from staff import members
from staff.limits import SignInLimits
from staff.permissions import ROLE_PERMISSIONS, Actor, Permission, require

_FIRST_MEMBERS = 2


@command(
    "add",
    examples=[
        "wanneng staff add li.wei --role admin --name 李伟",
        "wanneng staff add shop1 --role distributor --party WH-SHOP1 --name 王芳",
        'echo "$PASSWORD" | wanneng staff add chen.jie --role issuer --name 陈洁 \\',
        "    --identity-number 420106199001011234 --qr-png chen.png",
    ],
)
@click.argument("username")
@click.option("--role", required=True, type=click.Choice(list(ROLE_PERMISSIONS)), help="The role.")
@click.option("--name", help="The person's name; asked for if missing.")
@click.option(
    "--identity-number",
    help="Number of an identity document, which tells persons apart; asked for if missing.",
)
@click.option("--party", help="Code of the party the member acts for.")
@click.option(
    "--qr-png",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Also write the QR into a new file, mode 0600.",
)
@pass_app
def add(
    app: App,
    username: str,
    role: str,
    name: str | None,
    identity_number: str | None,
    party: str | None,
    qr_png: Path | None,
) -> None:
    """Open an account, with its one-time codes.

    The first two accounts need no sign-in; one of them must be an admin. The password is asked
    for, or read from stdin. The QR for the authenticator app is shown once and never again.
    """
    _check_free(qr_png)
    actor = _adding(app)
    full_name = ask("The person's name", name)
    number = ask("Number of an identity document", identity_number)
    password = ask_new_secret(f"New password of {username}")
    keyfile = app.keys.get()

    def work(session: Any) -> members.Enrolment:
        party_id = None if party is None else party_by_code(session, party).id
        return members.add_member(
            session, keyfile, actor, full_name, number, username, password, role, party_id
        )

    enrolled = app.db.transact(work)
    if qr_png is not None:
        _write_png(qr_png, enrolled.otpauth_uri)
    _show_enrolment(app, username, enrolled)


@command("list", examples=["wanneng staff list"])
@pass_app
def list_all(app: App) -> None:
    """List all accounts.

    Closed ones as well, since what they did stays in the books.
    """
    require(app.actor, Permission.MANAGE_STAFF)
    with app.db.read() as session:
        found = members.list_members(session)
    rows = [
        {
            "username": item.username,
            "name": item.person_name,
            "role": item.role,
            "active": item.active,
            "created_at": item.created_at,
        }
        for item in found
    ]
    zone = app.settings.zone
    shown = [
        (item.username, item.person_name, item.role, _state(item), when(item.created_at, zone))
        for item in found
    ]
    app.out.result({"members": rows}, table(["username", "name", "role", "state", "since"], shown))


@command("disable", examples=["wanneng staff disable li.wei"])
@click.argument("username")
@pass_app
def disable(app: App, username: str) -> None:
    """Close an account for good.

    Its tokens stop at once. Who lost the phone with the codes gets a new account.
    """
    actor = app.actor
    app.db.transact(lambda session: members.disable_member(session, actor, username))
    app.out.result({"username": username, "active": False}, f"{username} is closed")


@command("password", examples=["wanneng staff password"])
@pass_app
def password(app: App) -> None:
    """Change your own password.

    All your sign-ins end; sign in again with the new one.
    """
    actor = app.actor
    (current,) = ask_secrets("Current password")
    new = ask_new_secret("New password")
    limits = SignInLimits.of(app.settings.redis_url)
    app.db.transact(lambda session: members.change_password(session, limits, actor, current, new))
    app.out.result({"username": actor.username}, "the password is changed; sign in again")


def _adding(app: App) -> Actor | None:
    """Return who adds an account: nobody for the first two."""
    with app.db.read() as session:
        count = len(members.list_members(session))
    return None if count < _FIRST_MEMBERS else app.actor


def _check_free(path: Path | None) -> None:
    if path is not None and path.exists():
        raise InvalidInput(f"there is a file {path} already")


def _write_png(path: Path, uri: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(as_png(uri))


def _show_enrolment(app: App, username: str, enrolled: members.Enrolment) -> None:
    app.out.note("Scan this with an authenticator app now; it is not shown again.")
    app.out.result(
        {
            "member_id": str(enrolled.member_id),
            "username": username,
            "otpauth_uri": enrolled.otpauth_uri,
        },
        as_text(enrolled.otpauth_uri),
        enrolled.otpauth_uri,
    )
    app.out.note(f"Then: wanneng login {username}")


def _state(item: members.Member) -> str:
    return "active" if item.active else "closed"
