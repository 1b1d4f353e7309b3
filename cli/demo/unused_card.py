"""One card of the demo that nobody has redeemed yet, read from the encrypted print file."""

from cli.demo.world import World
from core.db import Database, Session
from core.errors import NotFound
from vouchers.print_file import PrintedCard, read_print_file
from vouchers.queries import voucher_view

_ACCOUNTS = ("4201100074", "4213100407", "4210100185", "4202100007460", "4211100333")
"""Accounts of examples/accounts.csv that owe something."""


class CardsUsedUp(NotFound):
    """Every active card of the demo is redeemed."""

    code = "demo_cards_used_up"


def unused_card(world: World) -> dict[str, str]:
    """Return the body of a redemption: the PIN of an unused card, and an account that owes.

    Raises DemoMissing, CardsUsedUp.
    """
    batch_ids = world.recall()["batches"]
    identity = world.printer_key.read_text(encoding="ascii")
    db = Database(world.settings)
    try:
        with db.read() as session:
            for batch_id in batch_ids:
                printed = read_print_file(world.print_file(batch_id).read_bytes(), identity)
                found = next((card for card in printed if _is_unused(session, card)), None)
                if found is not None:
                    account = _ACCOUNTS[found.serial % len(_ACCOUNTS)]
                    return {"pin": found.pin.digits, "account_number": account}
    finally:
        db.dispose()
    raise CardsUsedUp("every active demo card is redeemed; run `wanneng demo` again")


def _is_unused(session: Session, card: PrintedCard) -> bool:
    return voucher_view(session, card.serial, session.today).status == "active"
