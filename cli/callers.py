"""`wanneng caller`: those who recharge, and their wrong PINs."""

import rich_click as click

from cli.app import App
from cli.command import command, pass_app
from cli.output import facts, table, when
from redemption.throttle import Limits
from redemption.unlock import look_at_caller, unlock_caller


@command("show", examples=["wanneng caller show tel:+8613800138000"])
@click.argument("identity")
@pass_app
def show(app: App, identity: str) -> None:
    """Show a caller's wrong PINs and locks.

    A caller is tel:NUMBER, partner:NAME/CALLER or staff:USERNAME.
    """
    actor, zone = app.actor, app.settings.zone
    limits = Limits.of(app.settings)
    view = app.db.transact(lambda session: look_at_caller(session, actor, limits, identity))
    state = view.state
    locks = [
        {
            "rule": lock.rule,
            "at": lock.at,
            "until": lock.until,
            "released_at": lock.released_at,
            "reason": lock.reason,
        }
        for lock in view.locks
    ]
    data = {
        "caller": identity,
        "locked": view.locked,
        "lock_rule": state.locked_rule,
        "locked_until": state.locked_until,
        "wrong_today": state.wrong_today,
        "wrong_in_row": state.wrong_in_row,
        "malformed_today": state.malformed_today,
        "tries_left": view.tries_left,
    }
    people = data | {"locked_until": when(state.locked_until, zone)}
    rows = [
        (
            lock.rule,
            when(lock.at, zone),
            when(lock.until, zone),
            when(lock.released_at, zone),
            lock.reason,
        )
        for lock in view.locks
    ]
    app.out.result(
        data | {"locks": locks},
        facts({name.replace("_", " "): value for name, value in people.items()}),
        *([table(["lock", "at", "until", "released", "reason"], rows)] if rows else []),
    )


@command(
    "unlock", examples=["wanneng caller unlock tel:+8613800138000 --reason 'identity checked'"]
)
@click.argument("identity")
@click.option("--reason", required=True, help="Why, for the record.")
@pass_app
def unlock(app: App, identity: str, reason: str) -> None:
    """Lift a caller's lock, for a reason.

    His counts of wrong PINs begin anew; who unlocked him and why is on record.
    """
    actor = app.actor
    app.db.transact(lambda session: unlock_caller(session, actor, identity, reason))
    app.out.result({"caller": identity, "locked": False}, f"{identity} is unlocked")
