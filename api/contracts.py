"""/api/v1/parties/{code}/contract: on what terms a party is sold to, now and before.

Writing the terms that stand already changes nothing, so a request may be sent again.
"""

from datetime import date, datetime
from typing import Annotated

from litestar import Router, get, put
from litestar.openapi.spec import Example
from litestar.params import Body
from msgspec import Meta, Struct

from api.fields import FaceFen
from api.guards import WithActor, WithRuntime, staff
from api.parameters import PartyPath
from api.refusals import Fen
from core.db import Session
from distribution.commissions import MAX_CARDS, MAX_RATES, Rate
from distribution.contracts import ContractVersion, contract_versions, set_contract
from staff.permissions import Permission

_TERMS = Example(
    summary="On credit, with more commission from the 1,001st card of a month on",
    value={
        "sale_model": "credit",
        "limit_fen": 10_000_000,
        "rates": [
            {"face_fen": 5_000, "effective_from": "2025-07-01", "commission_fen": 100},
            {
                "face_fen": 5_000,
                "effective_from": "2025-07-01",
                "after_cards": 1_000,
                "commission_fen": 125,
            },
        ],
    },
)


class RateItem(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Commission on each card of a face from a day on, after so many sold in the month."""

    face_fen: FaceFen
    effective_from: date
    after_cards: Annotated[int, Meta(ge=0, le=MAX_CARDS)] = 0
    commission_fen: Annotated[int, Meta(ge=0, le=100_000)]


class ContractBody(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The whole contract; it replaces the one before. A face without a rate earns nothing.

    `sale_model` is prepaid, credit or consignment; `limit_fen` what may be owed (credit) or held
    unsold (consignment).
    """

    sale_model: Annotated[str, Meta(max_length=20, examples=["credit"])]
    limit_fen: Annotated[int, Meta(ge=0, lt=10**15)] = 0
    rates: Annotated[list[RateItem], Meta(max_length=MAX_RATES)] = []


class RateShown(Struct, frozen=True, kw_only=True):
    """Commission on each card of a face."""

    face_fen: Fen
    effective_from: date
    after_cards: int
    commission_fen: Fen


class ContractShown(Struct, frozen=True, kw_only=True):
    """One form of a contract; `owed_fen` is what the party owed when it was written."""

    version: int
    sale_model: str
    limit_fen: Fen
    owed_fen: int
    written_at: datetime
    rates: list[RateShown]


class ContractHistory(Struct, frozen=True):
    """Every form the contract ever had; the last one stands now."""

    party: str
    versions: list[ContractShown]


@put(
    "/{code:str}/contract",
    guards=[staff(Permission.MANAGE_PARTIES)],
    sync_to_thread=True,
    summary="Write a contract",
    operation_id="writeContract",
)
def write_contract(
    code: PartyPath,
    data: Annotated[ContractBody, Body(examples=[_TERMS])],
    runtime: WithRuntime,
    actor: WithActor,
) -> ContractShown:
    """Write or replace a party's contract; the one before is kept in its history."""
    rates = [
        Rate(
            face_fen=item.face_fen,
            effective_from=item.effective_from,
            after_cards=item.after_cards,
            commission_fen=item.commission_fen,
        )
        for item in data.rates
    ]

    def work(session: Session) -> ContractVersion:
        set_contract(session, actor, code, data.sale_model, data.limit_fen, rates=rates)
        return contract_versions(session, actor, code)[-1]

    return _shown(runtime.db.transact(work))


@get(
    "/{code:str}/contract",
    guards=[staff(Permission.VIEW_SETTLEMENTS)],
    sync_to_thread=True,
    summary="Read a contract and its history",
    operation_id="readContract",
)
def read_contract(code: PartyPath, runtime: WithRuntime, actor: WithActor) -> ContractHistory:
    """Return every form a party's own contract ever had, oldest first."""
    with runtime.db.read() as session:
        found = contract_versions(session, actor, code)
    return ContractHistory(code, [_shown(item) for item in found])


def _shown(item: ContractVersion) -> ContractShown:
    return ContractShown(
        version=item.version,
        sale_model=item.sale_model,
        limit_fen=item.limit_fen,
        owed_fen=item.owed_fen,
        written_at=item.at,
        rates=[
            RateShown(
                face_fen=rate.face_fen,
                effective_from=rate.effective_from,
                after_cards=rate.after_cards,
                commission_fen=rate.commission_fen,
            )
            for rate in item.rates
        ],
    )


router = Router("/parties", route_handlers=[write_contract, read_contract], tags=["parties"])
