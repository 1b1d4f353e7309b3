"""Answers that came when the caller had already been told that he would get them by text."""

from core.db import Database
from core.outbox import put
from redemption.dialogue.words import Place, sms_text
from redemption.requests import Answer, Code, RedeemRequest


def text_late_answer(db: Database, request: RedeemRequest, answer: Answer) -> None:
    """Put an answer to a call into the outbox; a receipt stands there already."""
    if request.notify is None or answer.code is Code.REDEEMED:
        return
    with db.write() as session:
        text = sms_text(answer, request.language, Place.of(db.settings, session.now))
        put(session, "receipt", request.notify, text)
