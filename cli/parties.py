"""`wanneng party`: who holds cards, and on what terms."""

import rich_click as click

from cli.app import App
from cli.command import command, pass_app
from cli.options import YUAN
from cli.output import table
from core.errors import InvalidInput
from core.money import format_yuan, parse_yuan
from distribution.contracts import SALE_MODELS, set_contract
from distribution.parties import KINDS, Party, add_party, list_parties

_PAGE = 500


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
    "--commission", multiple=True, metavar="FACE=YUAN", help="Earned per card of a face; repeat."
)
@pass_app
def contract(app: App, code: str, model: str, limit: int, commission: tuple[str, ...]) -> None:
    """Write a party's contract.

    It replaces the one before. The nearest party at or above an outlet that has a contract owes
    for the cards activated there, and earns the commission.
    """
    actor, commissions = app.actor, dict(_commission(text) for text in commission)
    app.db.transact(lambda session: set_contract(session, actor, code, model, limit, commissions))
    data = {
        "party": code,
        "sale_model": model,
        "limit_fen": limit,
        "commission_fen": {str(face): fen for face, fen in commissions.items()},
    }
    app.out.result(data, f"{code}: {model}, limit {format_yuan(limit)} yuan")


def _commission(text: str) -> tuple[int, int]:
    face, equals, earned = text.partition("=")
    if not equals:
        raise InvalidInput("a commission is written FACE=YUAN, like 50=1.00")
    both = [part if "." in part else f"{part}.00" for part in (face, earned)]
    return parse_yuan(both[0]), parse_yuan(both[1])


def _plain(item: Party, parent: str | None) -> dict[str, str | None]:
    return {
        "code": item.code,
        "kind": item.kind,
        "name": item.name,
        "parent": parent,
        "region": item.region,
    }
