"""A furnished house behind the server: people with tokens, parties, senders, accounts, cards."""

import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import Any

import pyrage

from accounts import bills, ledger
from core.db import Database, Session
from core.keyfile import Keys
from distribution.contracts import set_contract
from distribution.parties import add_party, seed_warehouse
from distribution.tills import add_till
from redemption.senders import ChannelKeys, add_channel, add_partner
from staff import approvals
from staff.permissions import Actor
from staff.tables import staff_session
from tests.codes import fresh_code
from tests.factories import make_electricity_account, make_imported_bill, make_member
from tests.redemption.cards import Card, make_cards
from vouchers import denominations, key_rotation
from vouchers.actions import ACTIONS
from vouchers.printers import request_printer

PRINTER = "Yangtze Card Works"
_account = count(1)


@dataclass
class World:
    """The database that a server serves, and what is needed to call it."""

    db: Database
    keys: Keys
    people: dict[str, Actor] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict, repr=False)
    partner_key: str = field(default="", repr=False)
    other_partner_key: str = field(default="", repr=False)
    gateway: ChannelKeys = field(default_factory=lambda: ChannelKeys("", ""))
    printer_key: str = field(default="", repr=False)
    till_key: str = field(default="", repr=False)
    till_secret: str = field(default="", repr=False)

    def as_till(self, key: str | None = None) -> dict[str, str]:
        """Return the headers of the till's next request, under a key of its own."""
        return {
            "Authorization": f"Bearer {self.till_key}",
            "Idempotency-Key": key or secrets.token_hex(8),
        }

    def as_staff(self, role: str) -> dict[str, str]:
        """Return the headers of a signed-in member, by role."""
        return {"Authorization": f"Bearer {self.tokens[role]}"}

    def as_partner(self, key: str | None = None) -> dict[str, str]:
        """Return the headers of the partner's next request, under a key of its own."""
        return {
            "Authorization": f"Bearer {self.partner_key}",
            "Idempotency-Key": key or secrets.token_hex(8),
        }

    def as_gateway(self) -> dict[str, str]:
        """Return the headers of the gateway."""
        return {"Authorization": f"Bearer {self.gateway.key}"}

    def decision(self, role: str, **more: str) -> dict[str, str]:
        """Return the body of a decision, with the code that the member's phone shows now."""
        return more | {"code": fresh_code(self.keys.get(), self.db, self.people[role])}

    def cards(self, number: int = 1, stage: str = "active", **more: Any) -> list[Card]:
        """Make new cards."""
        with self.db.write() as session:
            return make_cards(session, self.keys.get(), number, stage=stage, **more)

    def card(self, stage: str = "active") -> Card:
        """Make one new card."""
        return self.cards(1, stage)[0]

    def account(self, owes_fen: int = 0) -> str:
        """Make an electricity account, with one bill that was due long ago if it owes."""
        number = f"42{next(_account):08d}"
        with self.db.write() as session:
            make_electricity_account(session, number)
            if owes_fen:
                due_on = session.today - timedelta(days=20)
                make_imported_bill(session, number, owes_fen, due_on)
        return number


def furnish(db: Database, keys: Keys) -> World:
    """Fill an empty database by the product's own use cases, as `wanneng init` would."""
    world = World(db, keys)
    identity = pyrage.x25519.Identity.generate()
    world.printer_key = world.till_secret = str(identity)
    with db.write() as session:
        seed_warehouse(session)
        ledger.seed_chart(session)
        bills.seed_rates(session)
        denominations.seed(session, db.settings)
        key_rotation.register(session, keys.get())
        _add_people(session, world)
        admin, finance = world.people["admin"], world.people["finance"]
        add_party(session, admin, "province", "HUBEI", "湖北", "WAREHOUSE", "42")
        add_party(session, admin, "city", "WUHAN", "武汉", "HUBEI", "4201")
        outlet = add_party(session, admin, "outlet", "SHOP-1", "江汉路店", "WUHAN", "4201")
        set_contract(session, finance, "HUBEI", "credit", 10**10, {5_000: 100})
        world.people["distributor"] = make_member(session, "distributor", outlet.id)
        public_key = str(identity.to_public())
        seller = world.people["distributor"]
        _, world.till_key = add_till(session, seller, "SHOP-1", "SHOP-1-T1", public_key)
        for role, actor in world.people.items():
            world.tokens[role] = sign_in(session, actor)
        world.partner_key = add_partner(session, admin, "bank", 1_000_000)
        world.other_partner_key = add_partner(session, admin, "other bank", 1_000_000)
        world.gateway = add_channel(session, keys.get(), admin, "gateway")
        approval_id = request_printer(
            session, world.people["issuer"], PRINTER, "9", str(identity.to_public())
        )
    approvals.agree(db, world.people["second_issuer"], approval_id, ACTIONS)
    return world


def _add_people(session: Session, world: World) -> None:
    for role in ("admin", "issuer", "warehouse", "customer_service", "finance", "auditor"):
        world.people[role] = make_member(session, role)
    world.people["second_issuer"] = make_member(session, "issuer")
    world.people["second_finance"] = make_member(session, "finance")


def sign_in(session: Session, actor: Actor) -> str:
    """Sign a member in past password and code; return the token."""
    token = secrets.token_urlsafe(32)
    row = {
        "token_hash": hashlib.sha256(token.encode()).digest(),
        "member_id": actor.member_id,
        "created_at": session.now,
        "expires_at": session.now + timedelta(hours=12),
    }
    session.execute(staff_session.insert(), row)
    return token
