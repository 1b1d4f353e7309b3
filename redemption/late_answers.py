"""Answers that came when the caller had already been told that he would get them by text."""

from core.db import Database
from core.outbox import put
from redemption.dialogue.words import Place, outcome_text
from redemption.requests import Code, Outcome, RedeemRequest


def text_late_answer(db: Database, request: RedeemRequest, outcome: Outcome) -> None:
    """Put an answer to a call into the outbox; a receipt stands there already."""
    if request.notify is None or outcome.answer.code is Code.REDEEMED:
        return
    with db.write() as session:
        text = outcome_text(outcome, request.language, Place.of(db.settings, session.now))
        put(session, "receipt", request.notify, text)
