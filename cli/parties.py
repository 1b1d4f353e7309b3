"""`wanneng party`: who holds cards, and on what terms."""

import re
from datetime import date
from typing import Any

import rich_click as click

from cli.app import App
from cli.command import command, pass_app
from cli.options import YUAN
from cli.output import table, when
from core.db import Session
from core.errors import InvalidInput
from core.money import format_yuan, parse_yuan
from distribution.commissions import Rate
from distribution.contracts import (
    SALE_MODELS,
    ContractVersion,
    contract_versions,
    set_contract,
)
from distribution.parties import KINDS, Party, add_party, list_parties

_PAGE = 500
_COMMISSION = re.compile(r"([\d.]+)=([\d.]+)(?:@([\d-]{10}))?(?:\+(\d{1,10}))?", re.ASCII)


@command(
    "add",
    examples=[
        "wanneng party add WH --kind city --name 武汉 --parent WAREHOUSE --region 4201",
        "wanneng party add WH-SHOP1 --kind outlet --name 街角超市 --parent WH --region 420106",
    ],
)
@click.argument("code")
@click.option("--kind", required=True, type=click.Choice(KINDS[1:]), help="What it is.")
@click.option("--name", required=True, help="Its name.")
@click.option("--parent", default="WAREHOUSE", show_default=True, help="The party above it.")
@click.option("--region", required=True, help="Where it sells.")
@pass_app
def add(app: App, code: str, kind: str, name: str, parent: str, region: str) -> None:
    """Add a party.

    A province, a city or an outlet, below the warehouse or another party.
    """
    actor = app.actor
    made = app.db.transact(
        lambda session: add_party(session, actor, kind, code, name, parent, region)
    )
    app.out.result(_plain(made, parent), f"{kind} {code} added below {parent}")


@command("list", examples=["wanneng party list"])
@pass_app
def list_all(app: App) -> None:
    """List the parties.

    By code; the one above each is named.
    """
    _ = app.actor
    found: list[Party] = []
    with app.db.read() as session:
        while page := list_parties(session, found[-1].code if found else "", _PAGE):
            found += page
    codes: dict[int | None, str] = {item.id: item.code for item in found}
    rows = [_plain(item, codes.get(item.parent_id)) for item in found]
    columns = ["code", "kind", "name", "parent", "region"]
    app.out.result(
        {"parties": rows}, table(columns, [[row[name] for name in columns] for row in rows])
    )


@command(
    "contract",
    examples=[
        "wanneng party contract WH --model credit --limit 100000 --commission 50=1.00",
        "wanneng party contract WH --model credit --limit 100000 --commission 50=1.00"
        " --commission 50=1.25@2025-07-01 --commission 50=1.50@2025-07-01+1000",
        "wanneng party contract WH-SHOP1 --model prepaid",
    ],
)
@click.argument("code")
@click.option("--model", required=True, type=click.Choice(SALE_MODELS), help="The sale model.")
@click.option(
    "--limit",
    type=YUAN,
    default="0",
    help="Yuan it may owe (credit), or hold unsold (consignment).",
)
@click.option(
    "--commission",
    multiple=True,
    metavar="FACE=YUAN[@DAY][+CARDS]",
    help="Earned per card of a face; from a day on (today); after so many in the month; repeat.",
)
@pass_app
def contract(app: App, code: str, model: str, limit: int, commission: tuple[str, ...]) -> None:
    """Write a party's contract.

    It replaces the one before, which `party contracts` still shows. The nearest party at or above
    an outlet that has a contract owes for the cards activated there, and earns the commission.
    """
    actor = app.actor

    def work(session: Session) -> ContractVersion:
        rates = [_rate(text, session.today) for text in commission]
        set_contract(session, actor, code, model, limit, rates=rates)
        return contract_versions(session, actor, code)[-1]

    done = app.db.transact(work)
    app.out.result(
        {"party": code, **_plain_version(done)}, f"{code}: {model}, limit {format_yuan(limit)} yuan"
    )


@command("contracts", examples=["wanneng party contracts WH"])
@click.argument("code")
@pass_app
def contracts(app: App, code: str) -> None:
    """Show every form a party's contract ever had.

    The last one stands now.
    """
    actor = app.actor
    with app.db.read() as session:
        found = contract_versions(session, actor, code)
    rows = [
        (
            item.version,
            when(item.at, app.settings.zone),
            item.sale_model,
            format_yuan(item.limit_fen),
            format_yuan(item.owed_fen),
            "\n".join(_written(rate) for rate in item.rates),
        )
        for item in found
    ]
    columns = ["version", "written at", "model", "limit yuan", "owed then", "commission"]
    data = {"party": code, "versions": [_plain_version(item) for item in found]}
    app.out.result(data, table(columns, rows, right=columns[3:5]))


def _rate(text: str, today: date) -> Rate:
    found = _COMMISSION.fullmatch(text)
    if found is None:
        raise InvalidInput("a commission is written FACE=YUAN[@DAY][+CARDS], like 50=1.00")
    face, earned = (part if "." in part else f"{part}.00" for part in found.group(1, 2))
    try:
        day = date.fromisoformat(found[3]) if found[3] else today
    except ValueError:
        raise InvalidInput("a commission's day is written like 2025-07-01") from None
    return Rate(
        face_fen=parse_yuan(face),
        effective_from=day,
        after_cards=int(found[4] or 0),
        commission_fen=parse_yuan(earned),
    )


def _written(rate: Rate) -> str:
    after = f"+{rate.after_cards}" if rate.after_cards else ""
    earned = f"{format_yuan(rate.face_fen)}={format_yuan(rate.commission_fen)}"
    return f"{earned}@{rate.effective_from}{after}"


def _plain_version(item: ContractVersion) -> dict[str, Any]:
    rates = [
        {
            "face_fen": rate.face_fen,
            "effective_from": rate.effective_from,
            "after_cards": rate.after_cards,
            "commission_fen": rate.commission_fen,
        }
        for rate in item.rates
    ]
    return {
        "version": item.version,
        "sale_model": item.sale_model,
        "limit_fen": item.limit_fen,
        "owed_fen": item.owed_fen,
        "written_at": item.at,
        "rates": rates,
    }


def _plain(item: Party, parent: str | None) -> dict[str, str | None]:
    return {
        "code": item.code,
        "kind": item.kind,
        "name": item.name,
        "parent": parent,
        "region": item.region,
    }
