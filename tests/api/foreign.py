"""A party with everything that can be its own, and every call that could name it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import Any

from accounts.tables import journal_entry
from audit.reports.catalogue import REPORTS
from core.clock import system_clock
from core.db import Database, Session
from distribution import count_tables, till_tables
from distribution.contracts import set_contract
from distribution.moves import PendingApproval, request_move
from distribution.paper_tables import claim, claim_event, consignment, goods_receipt, stock_order
from distribution.payments import NewPayment, record_payment
from distribution.requests import MOVE_NAMES, MoveRequest
from redemption.tables import redemption, redemption_reversal
from staff.permissions import ROLE_PERMISSIONS, Actor
from staff.tables import approval
from tests.api.foreign_papers import PAPER_CALLS, PaperNumbers, furnish_papers
from tests.api.foreign_tills import TILL_CALLS, CounterNames, furnish_counter
from tests.api.world import World, sign_in
from tests.factories import make_batch, make_member, make_party, make_redemption
from vouchers.serials import batch_of, serial_text
from vouchers.tables import card_proof, lot, stock_movement, voucher_hold

CODE = "VICTIM-SHOP"
WATCHED = (
    *(lot, stock_movement, voucher_hold, card_proof),
    *(redemption, redemption_reversal, approval, journal_entry),
    *(stock_order, consignment, goods_receipt, claim, claim_event),
    *(till_tables.till, till_tables.till_sale, till_tables.sealed_pin, till_tables.pin_reveal),
    *(count_tables.stock_count, count_tables.stock_count_line, count_tables.stock_difference),
    *(count_tables.difference_answer, count_tables.difference_movement),
)


@dataclass
class Victim:
    """What a foreign party must neither see nor move, by name."""

    party_id: int = 0
    stocked: int = 0
    active: int = 0
    on_the_way: int = 0
    used: int = 0
    account: str = ""
    receipt: str = ""
    approval_id: int = 0
    papers: PaperNumbers = field(default_factory=PaperNumbers)
    counter: CounterNames = field(default_factory=CounterNames)
    bank_reference: str = "VICTIM-BANK-1"
    members: list[str] = field(default_factory=list)

    @property
    def marks(self) -> list[str]:
        """What stands in an answer that tells of it."""
        batches = {str(batch_of(s)) for s in (self.stocked, self.active, self.on_the_way)}
        papers = (self.papers.order, self.papers.claim, self.papers.credit_note)
        counter = (self.counter.sale, self.counter.count, self.counter.difference)
        known = [CODE, "VICTIM", self.account, self.receipt, *self.members, *papers, *counter]
        return [*known, *sorted(batches)]


@dataclass(frozen=True)
class Attempt:
    """One call that names something of the victim's."""

    method: str
    url: str
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


def furnish_victim(world: World) -> Victim:
    """Give a party of its own cards at each stage, a contract, a payment, papers, a counter."""
    # Some time ago: reports tell only what can no longer change.
    db = Database(world.db.settings, lambda: system_clock() - timedelta(minutes=10))
    try:
        return _furnish(world, db)
    finally:
        db.dispose()


def _furnish(world: World, db: Database) -> Victim:
    victim = Victim()
    with db.write() as session:
        _write_cards(session, victim)
        finance = world.people["finance"]
        set_contract(session, finance, CODE, "credit", 10**9, {5_000: 77})
        seller = make_member(session, "distributor", victim.party_id, "victim.seller")
        victim.members = [seller.username]
        victim.account = str(session.execute(_first(session, victim)).scalar_one())
        victim.receipt = str(
            session.execute(redemption.select().where(redemption.c.serial == victim.used))
            .one()
            .receipt_number
        )
    paid = NewPayment(
        reference=victim.bank_reference,
        party_code=CODE,
        amount_fen=1_000,
        paid_on=db.clock().date(),
    )
    record_payment(db, finance, paid)
    text = serial_text(victim.active + 50)
    asked = request_move(
        db, seller, MoveRequest(move="deactivate", first_serial=text, last_serial=text)
    )
    assert isinstance(asked, PendingApproval)
    victim.approval_id = asked.approval_id
    victim.papers = furnish_papers(db, world, seller, victim.stocked, victim.active)
    victim.counter = furnish_counter(db, world, seller, CODE, victim.stocked)
    return victim


@dataclass(frozen=True)
class Stranger:
    """A member of another party, signed in."""

    actor: Actor
    headers: Mapping[str, str]


def strangers(world: World) -> dict[str, Stranger]:
    """Return a member of another party for every role there is."""
    found = {}
    with world.db.write() as session:
        party_id = make_party(session, "outlet", code="STRANGER-SHOP")
        for role in ROLE_PERMISSIONS:
            actor: Actor = make_member(session, role, party_id)
            token = {"Authorization": f"Bearer {sign_in(session, actor)}"}
            found[role] = Stranger(actor, token)
    return found


def snapshot(world: World) -> list[Any]:
    """Return every row that such a call could have changed."""
    with world.db.read() as session:
        return [
            sorted(str(tuple(row)) for row in session.execute(table.select())) for table in WATCHED
        ]


def _write_cards(session: Session, victim: Victim) -> None:
    victim.party_id = make_party(session, "outlet", code=CODE)
    other = make_party(session, "outlet", code="VICTIM-SHOP-2")
    victim.stocked = make_batch(session, 100, holder_id=victim.party_id)
    victim.active = make_batch(session, 100, stage="active", holder_id=victim.party_id)
    victim.on_the_way = make_batch(
        session, 100, stage="in_transit", holder_id=victim.party_id, in_transit_to=other
    )
    victim.used = victim.active
    make_redemption(session, victim.used)


def _first(_session: Session, victim: Victim) -> Any:
    return (
        redemption.select()
        .with_only_columns(redemption.c.account_number)
        .where(redemption.c.serial == victim.used)
    )


Makes = Callable[[Victim], Sequence[Attempt]]
_KEY = {"Idempotency-Key": "a-stranger-tries"}
_SPARE = "42251010007001016"


def _of(method: str, url: str, body: Any = None, **headers: str) -> Makes:
    """Return the maker of one attempt, the victim's names put into its address and body."""

    def make(victim: Victim) -> Sequence[Attempt]:
        names = {
            "active": serial_text(victim.active + 1),
            "used": serial_text(victim.used),
            "batch": str(batch_of(victim.active)),
            "account": victim.account,
            "receipt": victim.receipt,
            "approval": str(victim.approval_id),
            "reference": victim.bank_reference,
            "code": CODE,
            **asdict(victim.papers),
            **asdict(victim.counter),
        }
        filled = None
        if body is not None:
            filled = {name: _fill(value, names) for name, value in body.items()}
        return [Attempt(method, url.format(**names), filled, headers)]

    return make


def _fill(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, list):
        return [_fill(item, names) for item in value]
    if isinstance(value, dict):
        return {name: _fill(item, names) for name, item in value.items()}
    return value.format(**names) if isinstance(value, str) else value


def _moves(victim: Victim) -> Sequence[Attempt]:
    found = []
    for move in MOVE_NAMES:
        for first in (victim.stocked, victim.active, victim.on_the_way):
            body: dict[str, Any] = {
                "first_serial": serial_text(first),
                "last_serial": serial_text(first + 99),
            }
            if move in ("dispatch", "receive"):
                body["to"] = "STRANGER-SHOP"
            if move == "hold":
                body["hold"] = "stolen"
            if move in ("hold", "release", "void"):
                body["reason"] = "mine"
            found.append(Attempt("POST", f"/api/v1/lots/{move}", body))
    return found


def _reports(victim: Victim) -> Sequence[Attempt]:
    del victim
    return [
        Attempt("GET", f"/api/v1/reports/{name}?format={form}")
        for name in REPORTS
        for form in ("json", "csv")
    ]


_WHY = "wanted by a stranger"
_CODE = "123456"
ATTEMPTS: Mapping[tuple[str, str], Makes] = {
    ("POST", "/api/v1/redemptions"): _of(
        "POST",
        "/api/v1/redemptions",
        {"pin": "680419129695212192", "account_number": "{account}"},
        **_KEY,
    ),
    ("POST", "/api/v1/redemptions/bulk"): _of("POST", "/api/v1/redemptions/bulk", {"items": []}),
    ("GET", "/api/v1/redemptions/{receipt_number}"): _of("GET", "/api/v1/redemptions/{receipt}"),
    ("POST", "/api/v1/redemptions/{receipt_number}/reversal"): _of(
        "POST", "/api/v1/redemptions/{receipt}/reversal", {"reason": _WHY}
    ),
    ("GET", "/api/v1/accounts/{number}"): _of("GET", "/api/v1/accounts/{account}"),
    ("GET", "/api/v1/accounts/{number}/statement"): _of(
        "GET", "/api/v1/accounts/{account}/statement"
    ),
    ("GET", "/api/v1/batches"): _of("GET", "/api/v1/batches"),
    ("POST", "/api/v1/batches"): _of(
        "POST", "/api/v1/batches", {"face_fen": 5_000, "count": 5, "printer": "Yangtze Card Works"}
    ),
    ("GET", "/api/v1/batches/{batch_id}"): _of("GET", "/api/v1/batches/{batch}"),
    ("POST", "/api/v1/batches/{batch_id}/approve"): _of(
        "POST", "/api/v1/batches/{batch}/approve", {"code": _CODE}
    ),
    ("POST", "/api/v1/batches/{batch_id}/generate"): _of(
        "POST", "/api/v1/batches/{batch}/generate"
    ),
    ("POST", "/api/v1/batches/{batch_id}/export"): _of("POST", "/api/v1/batches/{batch}/export"),
    ("GET", "/api/v1/batches/{batch_id}/manifest"): _of("GET", "/api/v1/batches/{batch}/manifest"),
    ("GET", "/api/v1/jobs/{job_id}"): _of("GET", "/api/v1/jobs/{approval}"),
    ("POST", "/api/v1/lots/{move}"): _moves,
    ("GET", "/api/v1/messages"): _of("GET", "/api/v1/messages"),
    ("POST", "/api/v1/messages/{message_id}/resend"): _of("POST", "/api/v1/messages/1/resend"),
    ("GET", "/api/v1/vouchers/{serial_number}"): _of("GET", "/api/v1/vouchers/{active}"),
    ("GET", "/api/v1/vouchers/{serial_number}/timeline"): _of(
        "GET", "/api/v1/vouchers/{used}/timeline"
    ),
    ("POST", "/api/v1/vouchers/{serial_number}/proofs"): _of(
        "POST", "/api/v1/vouchers/{active}/proofs", {"readable_pin": "680419 1296?? 21????"}
    ),
    ("POST", "/api/v1/vouchers/{serial_number}/redemption"): _of(
        "POST",
        "/api/v1/vouchers/{active}/redemption",
        {"account_number": "{account}", "reason": _WHY},
    ),
    ("POST", "/api/v1/vouchers/{serial_number}/replacement"): _of(
        "POST",
        "/api/v1/vouchers/{active}/replacement",
        {"new_serial_number": _SPARE, "ground": "lost", "reason": _WHY},
    ),
    ("POST", "/api/v1/vouchers/{serial_number}/reissue"): _of(
        "POST",
        "/api/v1/vouchers/{used}/reissue",
        {"new_serial_number": _SPARE, "reason": _WHY},
    ),
    ("POST", "/api/v1/vouchers/{serial_number}/extension"): _of(
        "POST",
        "/api/v1/vouchers/{active}/extension",
        {"expires_on": "2027-12-31", "reason": _WHY},
    ),
    ("GET", "/api/v1/callers"): _of("GET", "/api/v1/callers?caller=tel:%2B8613800000001"),
    ("POST", "/api/v1/callers/unlock"): _of(
        "POST", "/api/v1/callers/unlock", {"caller": "tel:+8613800000001", "reason": _WHY}
    ),
    ("GET", "/api/v1/payments"): lambda _: [
        Attempt("GET", "/api/v1/payments"),
        Attempt("GET", f"/api/v1/payments?party={CODE}"),
    ],
    ("POST", "/api/v1/payments"): _of(
        "POST",
        "/api/v1/payments",
        {"reference": "S-1", "party": "{code}", "amount_fen": 5, "paid_on": "2025-06-11"},
    ),
    ("POST", "/api/v1/payments/reversals"): _of(
        "POST", "/api/v1/payments/reversals", {"reference": "{reference}", "reason": _WHY}
    ),
    ("GET", "/api/v1/parties/{code}/contract"): _of("GET", "/api/v1/parties/{code}/contract"),
    ("PUT", "/api/v1/parties/{code}/contract"): _of(
        "PUT", "/api/v1/parties/{code}/contract", {"sale_model": "credit", "limit_fen": 1}
    ),
    ("GET", "/api/v1/adjustments"): lambda _: [
        Attempt("GET", "/api/v1/adjustments"),
        Attempt("GET", f"/api/v1/adjustments?party={CODE}"),
    ],
    ("POST", "/api/v1/adjustments"): _of(
        "POST",
        "/api/v1/adjustments",
        {
            "reference": "S-2",
            "party": "{code}",
            "direction": "charge",
            "amount_fen": 5,
            "against": "suspense",
            "reason": _WHY,
        },
    ),
    ("GET", "/api/v1/settlements"): lambda _: [
        Attempt("GET", "/api/v1/settlements"),
        Attempt("GET", f"/api/v1/settlements?party={CODE}"),
    ],
    ("GET", "/api/v1/settlements/{code}/{month}"): _of("GET", "/api/v1/settlements/{code}/2025-06"),
    ("POST", "/api/v1/settlements/{code}/{month}/close"): _of(
        "POST", "/api/v1/settlements/{code}/2025-06/close"
    ),
    ("GET", "/api/v1/settlements/{code}/{month}/export"): _of(
        "GET", "/api/v1/settlements/{code}/2025-06/export?format=csv"
    ),
    ("GET", "/api/v1/reports/{name}"): _reports,
    ("GET", "/api/v1/approvals"): _of("GET", "/api/v1/approvals"),
    ("GET", "/api/v1/approvals/{approval_id}"): _of("GET", "/api/v1/approvals/{approval}"),
    ("POST", "/api/v1/approvals/{approval_id}/agree"): _of(
        "POST", "/api/v1/approvals/{approval}/agree", {"code": _CODE}
    ),
    ("POST", "/api/v1/approvals/{approval_id}/refuse"): _of(
        "POST", "/api/v1/approvals/{approval}/refuse", {"code": _CODE, "reason": _WHY}
    ),
    ("POST", "/api/v1/dialogues/{dialogue_id}/turns"): _of(
        "POST", "/api/v1/dialogues/call-1/turns", {}
    ),
    **{
        (method, f"/api/v1{path}"): _of(method, f"/api/v1{url}", body, **_KEY)
        for method, path, url, body in (*PAPER_CALLS, *TILL_CALLS)
    },
    # Nothing of a party's stands behind these: one's own token.
    ("POST", "/api/v1/sessions"): lambda _: [],
    ("DELETE", "/api/v1/sessions"): lambda _: [],
}
"""Every call of the API, and how a stranger would use it against the victim."""
