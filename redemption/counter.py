"""A proven card's value goes to its holder's account, by the engine's own rules, by serial.

Two persons: the one who proved the card asks, another agrees. What waits is the proof, never the
digits that made it.
"""

from msgspec.structs import replace

from core.db import Database, Session, take_block
from core.errors import DomainError, TryLater
from core.settings import Settings
from core.text import clean
from redemption.apply import Raced, apply
from redemption.facts import Facts, RuleSettings, load
from redemption.prepare import Prepared, without_pin
from redemption.requests import Answer, Budget, Caller, Code, RedeemRequest
from redemption.rules import Decided, decide
from staff import approvals, events
from staff.approvals import ContentChanged, Decision
from staff.permissions import Actor, Permission, require
from vouchers.card_facts import LotMoved
from vouchers.card_proof import ProofMissing, latest_proof, proof_facts
from vouchers.handing_out import lock_cards, require_company
from vouchers.queries import batch_terms
from vouchers.serials import batch_of, parse_serial, serial_text

KIND = "redeem_proven"
CHANNEL = "counter"
_NO_RECEIPT = "0" * 14


class CardNotRedeemable(DomainError):
    """The engine would refuse the card or the account; `answer` is its code."""

    code = "card_not_redeemable"


def request_proven_redemption(
    db: Database, actor: Actor, serial_number: str, account_number: str, reason: str
) -> int:
    """Ask a second person to redeem a card that the actor proved; return the approval's id.

    Raises ProofMissing, CardNotRedeemable, BatchUnknown, Forbidden.
    """
    require(actor, Permission.PROVE_CARD)
    require_company(actor)
    why, serial = clean(reason, "the reason", 500), parse_serial(serial_number)

    def work(session: Session) -> int:
        lock_cards(session, [serial])
        proof = latest_proof(session, serial)
        if proof is None or proof.person_id != actor.person_id:
            raise ProofMissing("prove the card first, by its serial number and readable digits")
        # Decided as it will be, and not written: nobody shall agree to what cannot be done.
        asked = _request(actor, serial, account_number, proof.number)
        prepared = without_pin(asked, _NO_RECEIPT)
        _check(decide([prepared], _facts(session, db.settings, prepared)))
        content = {
            "serial_number": serial_text(serial),
            "account_number": account_number,
            "face_fen": batch_terms(session, batch_of(serial)).face_fen,
            "proof": proof_facts(proof),
            "reason": why,
        }
        return approvals.request(session, actor, KIND, content)

    return db.transact(work)


def carry_out_proven_redemption(session: Session, decision: Decision) -> Answer:
    """Redeem the proven card for the account that two persons named; return the engine's answer.

    Raises ContentChanged where the card or the account can no longer be redeemed so.
    """
    asked, settings = decision.content, decision.settings
    serial = parse_serial(asked["serial_number"])
    request = _request(decision.requester, serial, asked["account_number"], asked["proof"]["try"])
    prepared = without_pin(request, _NO_RECEIPT)
    facts = _facts(session, settings, prepared)
    numbered = replace(prepared, receipt_number=_receipt_number(session))
    try:
        decided = decide([numbered], facts)
        answer = _check(decided)
        apply(session, decided, settings)
    except CardNotRedeemable as error:
        raise ContentChanged(f"it can no longer be redeemed so: {error.message}") from error
    except Raced as error:
        raise ContentChanged("the proof was used before") from error
    events.record(
        session,
        decision.decider,
        "voucher.redeemed_by_proof",
        f"voucher:{asked['serial_number']}",
        receipt_number=answer.receipt_number,
        approval_id=str(decision.approval_id),
    )
    return answer


def _request(actor: Actor, serial: int, account_number: str, number: int) -> RedeemRequest:
    return RedeemRequest(
        channel=CHANNEL,
        sender=actor.username,
        key=f"proof-{serial_text(serial)}-{number}",
        caller=Caller(f"staff:{actor.username}", Budget.NONE),
        account_number=account_number,
        serial=serial,
    )


def _facts(session: Session, settings: Settings, prepared: Prepared) -> Facts:
    try:
        return load(session, [prepared], RuleSettings.of(settings))
    except LotMoved as error:
        raise TryLater("the card is being moved, try again") from error


def _check(decided: Decided) -> Answer:
    """Return the answer of a redemption that happens now; CardNotRedeemable for any other."""
    (only,) = decided.decisions
    answer = only.outcome.answer
    if answer.code is Code.TRY_LATER:
        raise TryLater("the redemption must wait, try again")
    if only.credit is None:
        raise CardNotRedeemable(f"the answer would be {answer.code}", answer=str(answer.code))
    return answer


def _receipt_number(session: Session) -> str:
    """Take one number in this transaction: a lease of its own would wait for it on SQLite.

    Only once the card and the account are locked: until the end all wait that lease numbers.
    """
    prefix = f"{session.today:%y%m%d}"
    return f"{prefix}{take_block(session.connection, f'receipt:{prefix}', 1):08d}"
