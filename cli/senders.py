"""`wanneng partner` and `wanneng channel`: who may send redemptions."""

from collections.abc import Sequence

import rich_click as click

from cli.app import App
from cli.command import command, pass_app
from cli.output import facts, table, when
from redemption.senders import (
    ChannelKeys,
    Sender,
    add_channel,
    add_partner,
    disable_channel,
    disable_partner,
    list_channels,
    list_partners,
    rotate_channel_keys,
    rotate_partner_key,
)
from staff.permissions import Permission, require

_ONCE = "Keep it now: only its hash is stored, and it is not shown again."


@command("add", examples=["wanneng partner add 'Corner Pay'"])
@click.argument("name")
@click.option(
    "--wrong-per-hour", type=int, help="Wrong PINs an hour that slow it (default: a setting)."
)
@pass_app
def add_one_partner(app: App, name: str, wrong_per_hour: int | None) -> None:
    """Register a partner; shows its key once.

    The key goes into the header `Authorization: Bearer KEY` of the JSON API.
    """
    actor, budget = app.actor, wrong_per_hour or app.settings.partner_wrong_per_hour
    key = app.db.transact(lambda session: add_partner(session, actor, name, budget))
    _show_partner_key(app, name, key)


@command("list", examples=["wanneng partner list"])
@pass_app
def list_all_partners(app: App) -> None:
    """List the partners."""
    require(app.actor, Permission.MANAGE_SENDERS)
    with app.db.read() as session:
        _show_list(app, "partners", list_partners(session))


@command("rotate-key", examples=["wanneng partner rotate-key 'Corner Pay'"])
@click.argument("name")
@pass_app
def new_partner_key(app: App, name: str) -> None:
    """Give a partner a new key.

    The old one ends at once. A disabled partner is let in again.
    """
    actor = app.actor
    key = app.db.transact(lambda session: rotate_partner_key(session, actor, name))
    _show_partner_key(app, name, key)


@command("disable", examples=["wanneng partner disable 'Corner Pay'"])
@click.argument("name")
@pass_app
def disable_one_partner(app: App, name: str) -> None:
    """Refuse a partner from now on."""
    actor = app.actor
    app.db.transact(lambda session: disable_partner(session, actor, name))
    app.out.result({"name": name, "active": False}, f"{name} is disabled")


@command("add", examples=["wanneng channel add sms-gateway"])
@click.argument("name")
@pass_app
def add_one_channel(app: App, name: str) -> None:
    """Register a gateway; shows its keys once.

    Either will do: the bearer key, or the secret with which the gateway signs time and body.
    """
    actor, keyfile = app.actor, app.keys.get()
    keys = app.db.transact(lambda session: add_channel(session, keyfile, actor, name))
    _show_channel_keys(app, name, keys)


@command("list", examples=["wanneng channel list"])
@pass_app
def list_all_channels(app: App) -> None:
    """List the gateways."""
    require(app.actor, Permission.MANAGE_SENDERS)
    with app.db.read() as session:
        _show_list(app, "channels", list_channels(session))


@command("rotate-keys", examples=["wanneng channel rotate-keys sms-gateway"])
@click.argument("name")
@pass_app
def new_channel_keys(app: App, name: str) -> None:
    """Give a gateway new keys.

    The old ones end at once. A disabled gateway is let in again.
    """
    actor, keyfile = app.actor, app.keys.get()
    keys = app.db.transact(lambda session: rotate_channel_keys(session, keyfile, actor, name))
    _show_channel_keys(app, name, keys)


@command("disable", examples=["wanneng channel disable sms-gateway"])
@click.argument("name")
@pass_app
def disable_one_channel(app: App, name: str) -> None:
    """Refuse a gateway from now on."""
    actor = app.actor
    app.db.transact(lambda session: disable_channel(session, actor, name))
    app.out.result({"name": name, "active": False}, f"{name} is disabled")


def _show_partner_key(app: App, name: str, key: str) -> None:
    app.out.result({"name": name, "key": key}, key)
    app.out.note(_ONCE)


def _show_channel_keys(app: App, name: str, keys: ChannelKeys) -> None:
    both = {"key": keys.key, "hmac_secret": keys.hmac_secret}
    app.out.result({"name": name, **both}, facts(both))
    app.out.note(_ONCE)


def _show_list(app: App, title: str, found: Sequence[Sender]) -> None:
    rows = [
        {"name": item.name, "active": item.active, "created_at": item.created_at} for item in found
    ]
    zone = app.settings.zone
    shown = [
        (item.name, "active" if item.active else "disabled", when(item.created_at, zone))
        for item in found
    ]
    app.out.result({title: rows}, table(["name", "state", "since"], shown))
