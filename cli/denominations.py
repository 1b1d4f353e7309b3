"""`wanneng denomination`."""

from cli.app import App
from cli.command import command, pass_app
from cli.output import table
from core.money import format_yuan
from vouchers.denominations import list_denominations


@command("list", examples=["wanneng denomination list"])
@pass_app
def list_all(app: App) -> None:
    """List the face values.

    With the two digits that stand for each in serial numbers, and how its PINs are protected.
    """
    with app.db.read() as session:
        found = list_denominations(session)
    rows = [
        {
            "face_fen": item.face_fen,
            "face_code": item.face_code,
            "validity_days": item.validity_days,
            "protection": item.protection,
            "active": item.active,
        }
        for item in found
    ]
    shown = [
        (format_yuan(item.face_fen), item.face_code, item.validity_days, item.protection)
        for item in found
    ]
    columns = ["face yuan", "code", "days valid", "PIN protection"]
    app.out.result(
        {"denominations": rows}, table(columns, shown, right=["face yuan", "days valid"])
    )
