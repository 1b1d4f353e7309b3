"""What a contract allows: to owe so much, or to hold so much unsold."""

from sqlalchemy import func, or_, select

from core.db import Session
from core.money import format_yuan
from distribution.contracts import Contract, contract_area, lock_nearest_contract, nearest_contract
from distribution.errors import OverCreditLimit, OverStockLimit, PrepaidExhausted
from vouchers.tables import batch, denomination, lot


def check_may_owe(
    contract: Contract, owed_fen: int, more_fen: int, *, from_stock: bool = True
) -> None:
    """Raise unless the party may owe `more_fen` on top of `owed_fen` (below 0: paid ahead). Pure.

    Domain rule: prepaid never uses more than was paid, credit owes up to its limit, consignment
    is limited by its stock instead. Cards that come from no stock are bounded as credit is.
    """
    total_fen = owed_fen + more_fen
    if contract.sale_model == "prepaid" and total_fen > 0:
        raise PrepaidExhausted(
            f"this needs {format_yuan(more_fen)} yuan, paid ahead are {format_yuan(-owed_fen)}",
            needed_fen=more_fen,
            available_fen=-owed_fen,
        )
    owes_to_limit = contract.sale_model == "credit" or (
        contract.sale_model == "consignment" and not from_stock
    )
    if owes_to_limit and total_fen > contract.limit_fen:
        raise OverCreditLimit(
            f"{format_yuan(total_fen)} yuan would be owed, the limit is "
            f"{format_yuan(contract.limit_fen)}",
            owed_fen=owed_fen,
            needed_fen=more_fen,
            limit_fen=contract.limit_fen,
        )


def check_stock_limit(session: Session, sender_id: int, receiver_id: int) -> None:
    """Raise OverStockLimit where cards just sent exceed the receiver's consignment limit.

    Call it after the lots are written. Locks the receiver's contract party. Cards that move under
    one contract change nothing, and are not looked at.
    """
    found = nearest_contract(session, receiver_id)
    if found is None or found.sale_model != "consignment":
        return
    contract = lock_nearest_contract(session, receiver_id)
    sender = nearest_contract(session, sender_id)
    if sender is not None and sender.party_id == contract.party_id:
        return
    held_fen = unsold_stock_fen(session, contract.party_id)
    if contract.sale_model == "consignment" and held_fen > contract.limit_fen:
        raise OverStockLimit(
            f"{format_yuan(held_fen)} yuan of unsold cards would be held, the limit is "
            f"{format_yuan(contract.limit_fen)}",
            held_fen=held_fen,
            limit_fen=contract.limit_fen,
        )


def unsold_stock_fen(session: Session, party_id: int) -> int:
    """Return the face value of unsold cards that parties under this contract hold or await."""
    area = contract_area(party_id)
    count = lot.c.last_serial - lot.c.first_serial + 1
    total = session.execute(
        select(func.sum(count * denomination.c.face_fen))
        .select_from(lot)
        .join(batch, batch.c.id == lot.c.batch_id)
        .join(denomination, denomination.c.id == batch.c.denomination_id)
        .where(
            lot.c.stage.in_(("stocked", "in_transit")),
            or_(lot.c.holder_id.in_(area), lot.c.in_transit_to.in_(area)),
        )
    ).scalar()
    return int(total or 0)
