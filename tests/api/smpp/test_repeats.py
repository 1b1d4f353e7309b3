"""The same text again over SMPP: a repeat where its answer is kept, else a new message."""

from sqlalchemy import select

from accounts.tables import electricity_account
from core.tables import outbox
from redemption.tables import attempt, redemption
from tests.api.smpp.centre import text
from tests.api.smpp.test_smpp import Texting, texting
from tests.clocks import FakeClock
from vouchers.pins import draw

__all__ = ["texting"]

SENDER, HOLDER = "+8613800000001", "+8613800000009"


def bodies(texting: Texting, recipient: str) -> list[str]:
    """Return what was texted to a phone, in order."""
    query = select(outbox.c.body).where(outbox.c.recipient == recipient).order_by(outbox.c.id)
    with texting.world.db.read() as session:
        return list(session.execute(query).scalars())


def test_a_locked_callers_text_is_carried_out_behind_the_locks_end(
    texting: Texting, clock: FakeClock
) -> None:
    account, card = texting.world.account(), texting.world.card()
    for _ in range(5):
        texting.centre.deliver(text(f"CZ {account} {draw().digits}".encode()))
    body = text(f"CZ {account} {card.pin.digits}".encode())
    texting.centre.deliver(body, body)
    assert (texting.count(attempt), texting.count(redemption)) == (5, 0)
    assert ["锁定" in told for told in bodies(texting, SENDER)[5:]] == [True, True]
    clock.advance(days=1)
    texting.centre.deliver(body, body)
    assert (texting.count(attempt), texting.count(redemption)) == (5, 1)
    assert [told.startswith("充值50.00元") for told in bodies(texting, SENDER)[7:]] == [True]


def test_who_asks_for_a_code_again_gets_another_and_a_reply(texting: Texting) -> None:
    account = texting.world.account()
    with texting.world.db.write() as session:
        session.execute(
            electricity_account.update()
            .where(electricity_account.c.number == account)
            .values(phone=HOLDER)
        )
    body = text(f"BD {account}".encode())
    texting.centre.deliver(body, body)
    assert ["验证码已发至" in told for told in bodies(texting, SENDER)] == [True, True]
    codes = bodies(texting, HOLDER)
    assert ["验证码" in told for told in codes] == [True, True]
    wrong = next(n for n in ("100000", "100001", "100002") if not any(n in told for told in codes))
    texting.centre.deliver(text(wrong.encode()), text(wrong.encode()))
    assert ["还可尝试2次" in told for told in bodies(texting, SENDER)[2:]] == [True]


def test_a_question_that_is_asked_twice_is_answered_twice(texting: Texting) -> None:
    body = text(f"QF {texting.world.account(owes_fen=3_210)}".encode())
    texting.centre.deliver(body, body)
    assert ["欠费" in told for told in bodies(texting, SENDER)] == [True, True]
