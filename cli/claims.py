"""`wanneng claim` and `wanneng credit-note`: differences and their answers, what was credited."""

from pathlib import Path
from typing import Any

import rich_click as click

from cli.app import App
from cli.command import command, pass_app
from cli.consignments import TO, plain_ranges, write_document
from cli.options import limit_option
from cli.output import facts, table, when
from cli.pending import show_pending
from core.money import format_yuan
from distribution import claim_answers, claims, credit_notes
from distribution.claims import Claim
from distribution.prints import credit_note_print
from vouchers.serials import serial_text

_NUMBER = "CL-20250611-000001"
_REASON = click.option("--reason", required=True, help="Why, for the record.")


@command("list", examples=["wanneng claim list --state open"])
@click.option("--state", help="open, received, void or dismissed.")
@limit_option
@pass_app
def list_all(app: App, state: str | None, limit: int) -> None:
    """List claims, the oldest first, with owner and age."""
    actor = app.actor
    with app.db.read() as session:
        found = claims.list_claims(session, actor, state, limit=limit)
    rows = [
        (
            item.number,
            item.consignment,
            item.kind,
            item.cards.count,
            item.state,
            item.owner_party,
            item.owner,
            item.age_days,
        )
        for item in found
    ]
    columns = [
        "claim",
        "consignment",
        "kind",
        "cards",
        "state",
        "must answer",
        "seen to by",
        "days",
    ]
    shown = table(columns, rows, right=["cards", "days"])
    app.out.result({"claims": [_plain(item) for item in found]}, shown)


@command("show", examples=[f"wanneng claim show {_NUMBER}"])
@click.argument("number")
@pass_app
def show(app: App, number: str) -> None:
    """Show a claim and all its changes."""
    actor = app.actor
    with app.db.read() as session:
        item = claims.read_claim(session, actor, number)
    _show(app, item)


@command("assign", examples=[f"wanneng claim assign {_NUMBER} li.wei --reason 'knows the shop'"])
@click.argument("number")
@click.argument("username")
@_REASON
@pass_app
def assign(app: App, number: str, username: str, reason: str) -> None:
    """Say which member of staff sees to a claim."""
    _show(app, claims.assign_claim(app.db, app.actor, number, username, reason))


@command("found", examples=[f"wanneng claim found {_NUMBER} --reason 'behind the counter'"])
@click.argument("number")
@click.option("--first", help="First card that is there; all of the claim if left out.")
@click.option("--last", help="Last card that is there.")
@_REASON
@pass_app
def found(app: App, number: str, first: str | None, last: str | None, reason: str) -> None:
    """Take the cards of a claim, or a part of them, into the receiver's stock.

    What was not found goes on in a claim of its own.
    """
    part = None if first is None else (first, last or first)
    _show(app, claim_answers.answer_received(app.db, app.actor, number, reason, part))


@command("hold", examples=[f"wanneng claim hold {_NUMBER} --reason 'reported to the police'"])
@click.argument("number")
@_REASON
@pass_app
def hold(app: App, number: str, reason: str) -> None:
    """Put the cards of a claim on hold as lost; it stays open."""
    _show(app, claim_answers.hold_as_lost(app.db, app.actor, number, reason))


@command("void", examples=[f"wanneng claim void {_NUMBER} --charge WH --reason 'never found'"])
@click.argument("number")
@click.option("--charge", required=True, help="Code of the party that bears the loss.")
@_REASON
@pass_app
def void(app: App, number: str, charge: str, reason: str) -> None:
    """Make the cards of a claim void for ever (two persons)."""
    asked = claim_answers.request_void(app.db, app.actor, number, reason, charge)
    show_pending(app, asked.approval_id)


@command("dismiss", examples=[f"wanneng claim dismiss {_NUMBER} --reason 'sent on'"])
@click.argument("number")
@_REASON
@pass_app
def dismiss(app: App, number: str, reason: str) -> None:
    """Close the claim of unexpected cards; they stay where the books have them."""
    _show(app, claim_answers.dismiss(app.db, app.actor, number, reason))


@command("list", examples=["wanneng credit-note list"])
@limit_option
@pass_app
def list_notes(app: App, limit: int) -> None:
    """List credit notes, the oldest first."""
    actor = app.actor
    with app.db.read() as session:
        notes = credit_notes.list_credit_notes(session, actor, limit=limit)
    zone = app.settings.zone
    rows = [
        (
            item.number,
            item.party,
            item.consignment,
            item.cards,
            format_yuan(item.credit_fen),
            when(item.at, zone),
        )
        for item in notes
    ]
    data = [
        {
            "id": str(item.id),
            "number": item.number,
            "consignment": item.consignment,
            "party": item.party,
            "cards": item.cards,
            "face_value_fen": item.face_value_fen,
            "commission_fen": item.commission_fen,
            "credit_fen": item.credit_fen,
            "at": item.at,
        }
        for item in notes
    ]
    columns = ["credit note", "party", "consignment", "cards", "credit", "at"]
    app.out.result({"credit_notes": data}, table(columns, rows, right=["cards", "credit"]))


@command("print", examples=["wanneng credit-note print CR-20250611-000001 --to credit.pdf"])
@click.argument("number")
@TO
@pass_app
def print_note(app: App, number: str, target: Path) -> None:
    """Write a credit note as PDF."""
    actor = app.actor
    with app.db.read() as session:
        document = credit_note_print(session, credit_notes.read_credit_note(session, actor, number))
    write_document(app, document, target)


def _plain(item: Claim) -> dict[str, Any]:
    return {
        "id": str(item.id),
        "number": item.number,
        "consignment": item.consignment,
        "kind": item.kind,
        **plain_ranges([item.cards])[0],
        "state": item.state,
        "owner_party": item.owner_party,
        "owner": item.owner,
        "charged_to": item.charged_to,
        "opened_at": item.opened_at,
        "closed_at": item.closed_at,
        "age_days": item.age_days,
    }


def _show(app: App, item: Claim) -> None:
    zone = app.settings.zone
    head = {
        "claim": item.number,
        "consignment": item.consignment,
        "kind": item.kind,
        "first": serial_text(item.cards.first),
        "last": serial_text(item.cards.last),
        "cards": item.cards.count,
        "state": item.state,
        "must answer": item.owner_party,
        "seen to by": item.owner,
        "charged to": item.charged_to,
        "days": item.age_days,
    }
    rows = [
        (when(each.at, zone), each.by, each.state, each.owner, each.cards.count, each.reason)
        for each in item.history
    ]
    history = table(["at", "by", "state", "seen to by", "cards", "reason"], rows, right=["cards"])
    data = _plain(item) | {
        "history": [
            {"at": each.at, "by": each.by, "state": each.state, "reason": each.reason}
            for each in item.history
        ]
    }
    app.out.result(data, facts(head), history)
