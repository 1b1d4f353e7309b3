"""Answers that came when the customer had already been told that he would get them by text."""

from core.answers import Reference, once
from core.db import Database, Session
from core.outbox import put
from redemption.dialogue.phones import parse_phone
from redemption.dialogue.texter import REPLY
from redemption.dialogue.words import Place, outcome_text
from redemption.requests import Code, Outcome, RedeemRequest


def text_late_answer(db: Database, request: RedeemRequest, outcome: Outcome) -> None:
    """Put an answer to a call into the outbox; a receipt stands there already."""
    if request.notify is None or outcome.answer.code is Code.REDEEMED:
        return
    with db.write() as session:
        text = outcome_text(outcome, request.language, Place.of(db.settings, session.now))
        put(session, "receipt", request.notify, text)


def text_late_reply(
    db: Database, gateway: str, sender_phone: str, message_id: str, text: str
) -> None:
    """Put the reply to a text into the outbox, once however often the text was delivered."""
    phone = parse_phone(sender_phone)
    if phone is None or not text:
        return

    def work(session: Session) -> dict[str, str]:
        put(session, REPLY, phone.number, text)
        return {}

    reference = Reference("late_reply", gateway, f"{phone.number}:{message_id}")
    db.transact(lambda session: once(session, reference, {}, work))
