"""The tree of parties and their contracts."""

import pytest
from sqlalchemy import select

from core.db import Database
from core.errors import DomainError, InvalidInput
from distribution.commissions import commission_of
from distribution.contracts import nearest_contract, set_contract
from distribution.errors import NotHolder, PartyExists, PartyMisplaced, PartyUnknown
from distribution.parties import (
    Party,
    add_party,
    ancestors,
    list_parties,
    party_by_code,
    require_scope,
    seed_warehouse,
    subtree_ids,
    warehouse_id,
)
from distribution.tables import party
from staff.permissions import Forbidden
from tests.distribution.trade import FACE_FEN, Trade
from tests.factories import make_denomination, make_member


def add(trade: Trade, kind: str, code: str, parent_code: str, who: str = "finance") -> Party:
    with trade.db.write() as session:
        return add_party(session, trade.people[who], kind, code, "武昌店", parent_code, "4201")


def test_the_warehouse_is_written_once(db: Database) -> None:
    with db.write() as session:
        with pytest.raises(PartyUnknown):
            warehouse_id(session)
        first = seed_warehouse(session)
        assert seed_warehouse(session) == first == warehouse_id(session)
        assert party_by_code(session, "WAREHOUSE").id == first


def test_a_party_stands_below_any_party_of_a_higher_kind(trade: Trade) -> None:
    city = add(trade, "city", "HB-WH", "WAREHOUSE")
    assert (city.kind, city.parent_id) == ("city", trade.party_ids["warehouse"])
    assert add(trade, "outlet", "HB-WH-1", "HB-WH").parent_id == city.id
    assert add(trade, "outlet", "HB-1", "PROVINCE").parent_id == trade.party_ids["province"]


@pytest.mark.parametrize(
    ("kind", "parent_code"),
    [("province", "PROVINCE"), ("province", "CITY"), ("city", "OUTLET"), ("outlet", "OUTLET")],
)
def test_a_party_never_stands_below_one_of_its_own_or_a_lower_kind(
    trade: Trade, kind: str, parent_code: str
) -> None:
    with pytest.raises(PartyMisplaced):
        add(trade, kind, "NEW", parent_code)


@pytest.mark.parametrize("code", ["", "x" * 33, "a b", "城市", "-a", "A\n", "\x00"])
def test_a_code_is_short_and_plain(trade: Trade, code: str) -> None:
    with pytest.raises(InvalidInput):
        add(trade, "outlet", code, "CITY")


def test_a_party_is_added_with_all_it_needs(trade: Trade) -> None:
    with pytest.raises(PartyExists):
        add(trade, "outlet", "OUTLET2", "CITY")
    with pytest.raises(PartyUnknown):
        add(trade, "outlet", "NEW", "NOWHERE")
    with pytest.raises(InvalidInput):
        add(trade, "warehouse", "NEW", "WAREHOUSE")
    with pytest.raises(Forbidden):
        add(trade, "outlet", "NEW", "CITY", "keeper")


def test_the_tree_is_walked_up_and_down(trade: Trade) -> None:
    ids = trade.party_ids
    with trade.db.read() as session:
        assert subtree_ids(session, ids["city"]) == {ids["city"], ids["outlet"], ids["outlet2"]}
        assert subtree_ids(session, ids["warehouse"]) == set(ids.values())
        line = [item.code for item in ancestors(session, ids["outlet"])]
    assert line == ["OUTLET", "CITY", "PROVINCE", "WAREHOUSE"]


def test_a_member_of_a_party_acts_for_it_and_those_below(trade: Trade) -> None:
    ids = trade.party_ids
    with trade.db.read() as session:
        require_scope(session, trade.people["agent"], {ids["city"], ids["outlet2"]})
        require_scope(session, trade.people["keeper"], set(ids.values()))
        for at in ("province", "far"):
            with pytest.raises(NotHolder):
                require_scope(session, trade.people["agent"], {ids["city"], ids[at]})


def test_parties_are_listed_in_pages_by_code(trade: Trade) -> None:
    with trade.db.read() as session:
        first = [item.code for item in list_parties(session, limit=2)]
        rest = [item.code for item in list_parties(session, after_code=first[-1])]
        codes = session.execute(select(party.c.code).order_by(party.c.code)).scalars().all()
        with pytest.raises(InvalidInput):
            list_parties(session, after_code="\x00")
    assert [*first, *rest] == codes


def test_the_nearest_contract_at_or_above_counts(trade: Trade) -> None:
    ids = trade.party_ids
    with trade.db.read() as session:
        assert nearest_contract(session, ids["outlet"]) is None
    trade.contract("province", "credit", 100)
    trade.contract("city", "consignment", 200)
    trade.contract("outlet2", "prepaid")
    with trade.db.read() as session:
        found = {
            at: contract.party_id
            for at in ("far", "outlet", "outlet2", "warehouse")
            if (contract := nearest_contract(session, ids[at])) is not None
        }
    assert found == {
        "far": ids["province"],
        "outlet": ids["city"],
        "outlet2": ids["outlet2"],
    }


def test_a_contract_is_replaced_as_a_whole(trade: Trade) -> None:
    with trade.db.write() as session:
        small = make_denomination(session, 1_000)
        large = make_denomination(session, FACE_FEN)
        finance = trade.people["finance"]
        set_contract(session, finance, "CITY", "credit", 500, {1_000: 30, FACE_FEN: 150})
        set_contract(session, finance, "CITY", "consignment", 900, {FACE_FEN: 200})
        city = trade.party_ids["city"]
        earned = [commission_of(session, (city, 2), each, 1) for each in (small, large)]
        found = nearest_contract(session, city)
    assert found is not None
    assert (found.sale_model, found.limit_fen, earned) == (
        "consignment",
        900,
        [[(1, 0)], [(1, 200)]],
    )


@pytest.mark.parametrize(
    ("code", "sale_model", "limit_fen", "commissions"),
    [
        ("CITY", "barter", 0, {}),
        ("CITY", "credit", -1, {}),
        ("CITY", "credit", 10**15, {}),
        ("CITY", "credit", 0, {FACE_FEN: FACE_FEN + 1}),
        ("CITY", "credit", 0, {FACE_FEN: -1}),
        ("CITY", "credit", 0, {777: 1}),
        ("WAREHOUSE", "credit", 0, {}),
        ("NOWHERE", "credit", 0, {}),
    ],
)
def test_impossible_terms_are_refused(
    trade: Trade, code: str, sale_model: str, limit_fen: int, commissions: dict[int, int]
) -> None:
    with pytest.raises(DomainError), trade.db.write() as session:
        set_contract(session, trade.people["finance"], code, sale_model, limit_fen, commissions)
    with trade.db.read() as session:
        assert nearest_contract(session, trade.party_ids["outlet"]) is None


def test_contracts_are_made_by_those_who_manage_parties(trade: Trade) -> None:
    with pytest.raises(Forbidden), trade.db.write() as session:
        set_contract(session, trade.people["agent"], "CITY", "credit", 10**9)
    with trade.db.write() as session:
        local = make_member(session, "finance", trade.party_ids["city"])
    with pytest.raises(NotHolder), trade.db.write() as session:
        set_contract(session, local, "PROVINCE", "credit", 10**9)
