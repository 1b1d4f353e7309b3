"""Small makers of rows for tests. They write tables directly, past the rules being tested.

Only add functions here; everybody uses them.
"""

from datetime import date
from itertools import count
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from accounts import ledger
from accounts.tables import bill, electricity_account
from core.db import Session
from distribution.tables import party
from redemption.tables import redemption
from staff.permissions import Actor
from staff.tables import approval, person, staff_member
from vouchers.serials import batch_of, first_serial
from vouchers.tables import batch, batch_order, denomination, lot, printer, stock_movement, voucher

PRINTED_EXPIRY = date(2028, 12, 31)
_FACE_CODES = {5_000: "01", 10_000: "02", 2_000: "03", 30_000: "04", 50_000: "05", 3_000: "06"}
_FACE_CODES |= {20_000: "07", 100_000: "08", 1_000: "10"}
_number = count(1)


def make_member(
    session: Session, role: str = "admin", party_id: int | None = None, username: str | None = None
) -> Actor:
    """Write a person with a staff account nobody can sign in to; return who he is."""
    person_id, member_id = session.new_id(), session.new_id()
    name = username or f"{role}-{next(_number)}"
    session.execute(
        person.insert(),
        {
            "id": person_id,
            "name": name,
            "identity_number": f"ID-{person_id}",
            "created_at": session.now,
        },
    )
    session.execute(
        staff_member.insert(),
        {
            "id": member_id,
            "person_id": person_id,
            "username": name,
            "role": role,
            "party_id": party_id,
            "password_hash": "",
            "totp_secret": b"",
            "active": True,
            "created_at": session.now,
        },
    )
    return Actor(member_id, person_id, name, role, party_id)


def make_approval(session: Session, kind: str = "batch_order") -> int:
    """Write an approval that one person asked for and another agreed to; return its id."""
    asks, agrees = make_member(session), make_member(session)
    approval_id = session.new_id()
    session.execute(
        approval.insert(),
        {
            "id": approval_id,
            "kind": kind,
            "content": "{}",
            "digest": "",
            "state": "agreed",
            "requested_by": asks.member_id,
            "requester_person_id": asks.person_id,
            "requested_at": session.now,
            "decided_by": agrees.member_id,
            "decider_person_id": agrees.person_id,
            "decided_at": session.now,
        },
    )
    return approval_id


def make_party(
    session: Session,
    kind: str = "outlet",
    parent_id: int | None = None,
    code: str | None = None,
    region: str = "4201",
) -> int:
    """Write a party below `parent_id` (default: the warehouse); return its id."""
    if kind != "warehouse" and parent_id is None:
        parent_id = make_warehouse(session)
    party_id = session.new_id()
    session.execute(
        party.insert(),
        {
            "id": party_id,
            "parent_id": parent_id,
            "kind": kind,
            "code": code or f"{kind}-{next(_number)}",
            "name": code or kind,
            "region": region,
            "created_at": session.now,
        },
    )
    return party_id


def make_warehouse(session: Session) -> int:
    """Return the id of the company warehouse, written if there is none."""
    found = session.execute(
        select(party.c.id).where(party.c.kind == "warehouse")
    ).scalar_one_or_none()
    return found or make_party(session, "warehouse", code="WAREHOUSE")


def make_denomination(session: Session, face_fen: int = 5_000, protection: str = "hmac") -> int:
    """Return the id of the denomination of a face value, written if there is none."""
    found = session.execute(
        select(denomination.c.id).where(denomination.c.face_fen == face_fen)
    ).scalar_one_or_none()
    if found is not None:
        return int(found)
    denomination_id = session.new_id()
    session.execute(
        denomination.insert(),
        {
            "id": denomination_id,
            "face_fen": face_fen,
            "face_code": _FACE_CODES[face_fen],
            "validity_days": 1_095,
            "protection": protection,
            "active": True,
        },
    )
    return denomination_id


def make_printer(session: Session, name: str = "printer", code: str = "1") -> int:
    """Return the id of an active printer with no usable key, written if there is none."""
    found = session.execute(select(printer.c.id).where(printer.c.name == name)).scalar_one_or_none()
    if found is not None:
        return int(found)
    printer_id = session.new_id()
    session.execute(
        printer.insert(),
        {
            "id": printer_id,
            "name": name,
            "code": code,
            "public_key": "",
            "fingerprint": "",
            "approval_id": make_approval(session, "printer"),
            "active": True,
        },
    )
    return printer_id


def make_batch(
    session: Session,
    size: int = 100,
    *,
    face_fen: int = 5_000,
    stage: str = "stocked",
    holder_id: int | None = None,
    in_transit_to: int | None = None,
    expires_on: date = PRINTED_EXPIRY,
    activated_on: date | None = None,
    with_vouchers: bool = True,
) -> int:
    """Write a generated batch as one lot of the given stage; return its first serial.

    The tags of its vouchers are their serials, so no PIN fits them. An active batch is at a shop
    that owes its face value, as if it had been activated there without commission.
    """
    first = _make_batch_row(session, size, face_fen, expires_on, stage)
    if with_vouchers:
        _make_vouchers(session, first, size)
    if holder_id is None:
        holder_id = make_shop(session) if stage == "active" else make_warehouse(session)
    facts = {
        "first_serial": first,
        "last_serial": first + size - 1,
        "batch_id": batch_of(first),
        "stage": stage,
        "holder_id": holder_id,
        "in_transit_to": in_transit_to,
        "expires_on": expires_on,
        "activated_on": (activated_on or session.today) if stage == "active" else None,
        "version": 1,
    }
    session.execute(lot.insert(), facts)
    money = _sell(session, facts, face_fen * size, face_fen) if stage == "active" else {}
    moved = {
        "id": session.new_id(),
        "at": session.now,
        "move": "activate" if stage == "active" else "generate",
        "to_stage": stage,
        "to_holder": holder_id,
    }
    shared = {name: value for name, value in facts.items() if name in stock_movement.c}
    session.execute(stock_movement.insert(), shared | moved | money)
    return first


def make_shop(session: Session) -> int:
    """Return the id of the outlet SHOP, written if there is none."""
    found = session.execute(select(party.c.id).where(party.c.code == "SHOP")).scalar_one_or_none()
    return found or make_party(session, "outlet", code="SHOP")


def make_electricity_account(
    session: Session, number: str | None = None, account_class: str = "residential"
) -> str:
    """Write an open electricity account with nothing in it; return its number."""
    number = number or f"{next(_number):010d}"
    session.execute(
        electricity_account.insert(),
        {
            "number": number,
            "holder_name": "王小明",
            "account_class": account_class,
            "state": "open",
            "balance_fen": 0,
            "version": 1,
        },
    )
    return number


def make_bill(
    session: Session, number: str, principal_fen: int, due_on: date, state: str = "open"
) -> int:
    """Write the row of a bill of which nothing was paid yet; return its id."""
    bill_id = session.new_id()
    session.execute(
        bill.insert(),
        {
            "id": bill_id,
            "account_number": number,
            "bill_number": f"B{bill_id}",
            "period": f"{due_on:%Y-%m}",
            "principal_fen": principal_fen,
            "due_on": due_on,
            "paid_principal_fen": 0,
            "charged_fee_fen": 0,
            "paid_fee_fen": 0,
            "state": state,
        },
    )
    return bill_id


def make_imported_bill(session: Session, number: str, principal_fen: int, due_on: date) -> int:
    """Write a bill with the entry that its import posts; return its id."""
    bill_id = make_bill(session, number, principal_fen, due_on)
    owed = ledger.Posting(
        ledger.LedgerCode.BILL_RECEIVABLE,
        ledger.LedgerCode.UTILITY_PAYABLE,
        principal_fen,
        account_number=number,
        bill_id=bill_id,
    )
    entry = ledger.Entry(session.new_id(), "bill_imported", number, (owed,))
    ledger.seed_chart(session)
    ledger.post(session, [entry], session.zone)
    return bill_id


def _make_batch_row(
    session: Session, size: int, face_fen: int, expires_on: date, stage: str
) -> int:
    batches = session.execute(select(func.count()).select_from(batch)).scalar_one()
    first = first_serial("42", 26, "1", _FACE_CODES[face_fen], batches + 1)
    row = {
        "id": batch_of(first),
        "denomination_id": make_denomination(session, face_fen),
        "printer_id": make_printer(session),
        "first_serial": first,
        "size": size,
        "expires_on": expires_on,
        "state": "generated",
        "generated_count": size,
        "exported_at": None if stage == "generated" else session.now,
        "delivered_count": size if stage in ("stocked", "in_transit", "active") else 0,
        "created_at": session.now,
    }
    order_id = _make_order(session, row["denomination_id"], row["printer_id"], size)
    session.execute(batch.insert(), row | {"order_id": order_id})
    return first


def _make_order(session: Session, denomination_id: Any, printer_id: Any, size: int) -> int:
    order_id = session.new_id()
    session.execute(
        batch_order.insert(),
        {
            "id": order_id,
            "denomination_id": denomination_id,
            "printer_id": printer_id,
            "card_count": size,
            "requested_by": make_member(session, "issuer").member_id,
            "approval_id": make_approval(session),
            "created_at": session.now,
        },
    )
    return order_id


def _make_vouchers(session: Session, first: int, size: int) -> None:
    rows = [
        {"serial": serial, "batch_id": batch_of(first), "pin_tag": UUID(int=serial)}
        for serial in range(first, first + size)
    ]
    session.execute(voucher.insert(), rows)


def _sell(session: Session, facts: dict[str, Any], total_fen: int, face_fen: int) -> dict[str, Any]:
    ledger.seed_chart(session)
    owes = facts["holder_id"]
    posting = ledger.Posting(
        ledger.LedgerCode.DISTRIBUTOR_RECEIVABLE,
        ledger.LedgerCode.VOUCHER_LIABILITY,
        total_fen,
        party_id=owes,
    )
    entry = ledger.Entry(session.new_id(), "activation", str(facts["batch_id"]), (posting,))
    ledger.post(session, [entry], session.zone)
    return {
        "owing_party_id": owes,
        "price_fen": face_fen,
        "commission_fen": 0,
        "entry_id": entry.id,
    }


def make_redemption(session: Session, serial: int, account_number: str | None = None) -> int:
    """Redeem a card past all rules: its row and its entry; return the entry's id."""
    face_fen = session.execute(
        select(denomination.c.face_fen)
        .join(batch, batch.c.denomination_id == denomination.c.id)
        .where(batch.c.id == batch_of(serial))
    ).scalar_one()
    number = account_number or make_electricity_account(session)
    posting = ledger.Posting(
        ledger.LedgerCode.VOUCHER_LIABILITY,
        ledger.LedgerCode.ELECTRICITY_ACCOUNT,
        face_fen,
        account_number=number,
    )
    entry = ledger.Entry(session.new_id(), "redemption", str(serial), (posting,))
    ledger.seed_chart(session)
    ledger.post(session, [entry], session.zone)
    session.execute(
        electricity_account.update()
        .where(electricity_account.c.number == number)
        .values(balance_fen=electricity_account.c.balance_fen + face_fen)
    )
    row = {
        "serial": serial,
        "account_number": number,
        "face_fen": face_fen,
        "channel": "sms",
        "sender": "gateway",
        "caller": "+8613800000001",
        "request_key": f"key-{next(_number)}",
        "receipt_number": f"{next(_number):014d}",
        "entry_id": entry.id,
        "at": session.now,
    }
    session.execute(redemption.insert(), row)
    return entry.id
