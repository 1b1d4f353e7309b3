"""What a second person reads before he agrees: the sentence tells all that will happen."""

from sqlalchemy import select

from api.actions import ACTIONS
from core.db import Database
from core.keyfile import Keys
from redemption.counter import request_proven_redemption
from redemption.reissue import request_reissue
from redemption.reversal import request_reversal
from staff import approvals
from staff.approvals import Summary
from staff.tables import approval
from tests.care.counter import Counter, readable, text
from tests.vouchers.making import PRINTER, open_house
from vouchers.card_proof import prove_card
from vouchers.export import request_export
from vouchers.lookup import ArgonPool
from vouchers.replacement import request_replacement


def _told(counter: Counter, approval_id: int) -> Summary:
    with counter.db.read() as session:
        return approvals.summarise(approvals.get(session, approval_id), ACTIONS)


def _holds(told: Summary, *facts: str) -> None:
    for sentence in (told.zh, told.en):
        assert [fact for fact in facts if fact not in sentence] == []


def test_moves_of_cards_are_told(counter: Counter) -> None:
    first, last = counter.sold[0].serial, counter.sold[2].serial
    for move, more in (("deactivate", {}), ("void", {"reason": "torn"}), ("return", {})):
        asked = counter.trade.pend("finance", move, first, last, **more)
        _holds(_told(counter, asked), "3", "50.00", text(counter.sold[0]), text(counter.sold[2]))


def test_a_replacement_is_told(counter: Counter) -> None:
    old, new = counter.sold[0], counter.spare[0]
    counter.hold(old)
    asked = request_replacement(counter.db, counter.service, text(old), text(new), "lost", "told")
    _holds(_told(counter, asked), text(old), text(new), "50.00", "told")


def test_a_reversal_and_the_card_for_it_are_told(counter: Counter) -> None:
    old, new = counter.sold[0], counter.spare[0]
    counter.owe(3_000)
    receipt = str(counter.redeemed(old).receipt_number)
    asked = request_reversal(counter.db, counter.service, receipt, "wrong")
    _holds(_told(counter, asked), receipt, counter.account, "50.00", text(old), "wrong")
    counter.agree(asked)
    again = request_reissue(counter.db, counter.service, text(old), text(new), "as asked")
    _holds(_told(counter, again), text(old), text(new), "50.00", "as asked")


def test_a_proven_card_is_told(counter: Counter, argon: ArgonPool) -> None:
    card = counter.sold[0]
    prove_card(counter.db, counter.keys, argon, counter.service, text(card), readable(card, 1, 2))
    asked = request_proven_redemption(
        counter.db, counter.service, text(card), counter.account, "torn"
    )
    _holds(_told(counter, asked), text(card), counter.account, "50.00", "torn", "service")


def test_printers_orders_and_exports_are_told(db: Database, keys: Keys) -> None:
    house = open_house(db, keys)
    ordered, batch_id = house.order(7), house.generated(5)
    with db.write() as session:
        asked = request_export(session, house.asks, batch_id)
    with db.read() as session:
        ids = session.execute(select(approval.c.id).where(approval.c.kind == "printer")).scalars()
        told = {
            each: approvals.summarise(approvals.get(session, each), ACTIONS)
            for each in (*ids, ordered.approval_id, asked)
        }
    _holds(told[ordered.approval_id], "7", "50.00", PRINTER)
    _holds(told[asked], str(batch_id))
    for summary in told.values():
        assert summary.zh != summary.en


def test_a_kind_without_a_sentence_is_told_by_its_content(counter: Counter) -> None:
    with counter.db.write() as session:
        asked = approvals.request(session, counter.service, "new_kind", {"cards": 3, "to": "X"})
    assert _told(counter, asked).en == "new kind: cards 3; to X"
