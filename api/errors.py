"""What goes wrong, told over HTTP: one table from code to status, one shape (RFC 9457)."""

from typing import Any

from msgspec import UNSET, Struct, UnsetType

from core.errors import InvalidInput
from core.log import mask_text

PROBLEM_JSON = "application/problem+json"

STATUS: dict[str, int] = {
    # What was sent is not of the form asked for; the same again will never do.
    "as_of_too_late": 422,
    "body_malformed": 400,
    "body_too_large": 413,
    "body_too_slow": 408,
    "file_unreadable": 422,
    "encoding_unknown": 422,
    "head_too_long": 431,
    "header_duplicated": 400,
    "header_wrong": 422,
    "idempotency_key_invalid": 400,
    "invalid_input": 422,
    "manifest_invalid": 422,
    "media_type_unsupported": 415,
    "move_unknown": 404,
    "password_weak": 422,
    "password_wrong": 422,
    "needs_reason": 422,
    "pin_malformed": 422,
    "posting_invalid": 422,
    "print_file_invalid": 422,
    "printer_key_invalid": 422,
    "range_outside_batch": 422,
    "range_reversed": 422,
    "readable_digits_invalid": 422,
    "request_refused": 400,
    "serial_invalid": 422,
    "scan_unreadable": 422,
    "sealed_pin_unreadable": 422,
    "till_key_invalid": 422,
    "spoilt_outside_range": 422,
    # Who asks.
    "code_wrong": 403,
    "forbidden": 403,
    "same_person": 403,
    "sign_in_failed": 401,
    "too_many_sign_ins": 429,
    "too_many_turns": 429,
    "unauthenticated": 401,
    # There is no such thing.
    "account_unknown": 404,
    "batch_unknown": 404,
    "bill_unknown": 404,
    "caller_unknown": 404,
    "dialogue_unknown": 404,
    "entry_unknown": 404,
    "face_unknown": 404,
    "method_not_allowed": 405,
    "not_found": 404,
    "party_unknown": 404,
    "payment_unknown": 404,
    "paper_unknown": 404,
    "no_sealed_pin": 404,
    "sale_unknown": 404,
    "till_unknown": 404,
    "printer_unknown": 404,
    "report_unknown": 404,
    # There was such a thing.
    "dialogue_ended": 410,
    # It does not fit the facts of now.
    "already_exported": 409,
    "already_redeemed": 409,
    "already_reversed": 409,
    "approval_closed": 409,
    "balance_too_low": 409,
    "batch_already_generated": 409,
    "batch_not_approved": 409,
    "batch_not_generated": 409,
    "batch_not_ready": 409,
    "batch_numbers_used_up": 409,
    "bill_paid_since": 409,
    "bill_state_wrong": 409,
    "bill_with_bank": 409,
    "caller_not_locked": 409,
    "card_not_provable": 409,
    "card_not_redeemable": 409,
    "card_unfit": 409,
    "content_changed": 409,
    "difference_answered": 409,
    "difference_not_covered": 409,
    "entry_touches_bills": 409,
    "entry_touches_cards": 409,
    "error": 409,
    "export_not_approved": 409,
    "identity_conflict": 409,
    "in_consignment": 409,
    "job_lost": 409,
    "key_full": 409,
    "key_in_use": 409,
    "last_admin": 409,
    "lot_on_hold": 409,
    "message_not_given_up": 409,
    "name_taken": 409,
    "no_contract": 409,
    "not_a_child": 409,
    "not_at_outlet": 409,
    "not_enough_stock": 409,
    "not_holder": 409,
    "not_on_hold": 409,
    "not_receiver": 409,
    "not_reissuable": 409,
    "not_replaceable": 409,
    "not_the_parent": 409,
    "nothing_to_move": 409,
    "over_credit_limit": 409,
    "over_stock_limit": 409,
    "paper_state_wrong": 409,
    "party_exists": 409,
    "party_misplaced": 409,
    "period_not_over": 409,
    "period_out_of_order": 409,
    "prepaid_exhausted": 409,
    "printer_exists": 409,
    "reference_used": 409,
    "proof_missing": 409,
    "proof_tries_used_up": 409,
    "request_conflict": 409,
    "turn_conflict": 409,
    "username_taken": 409,
    "batch_electronic": 409,
    "cards_electronic": 409,
    "electronic_sold_out": 409,
    "not_electronic": 409,
    "pin_gone": 409,
    "pin_texts_off": 409,
    "sale_too_old": 409,
    "sale_undone": 409,
    "till_exists": 409,
    "wrong_stage": 409,
    # Our own trouble.
    "books_disagree": 500,
    "ciphertext_damaged": 500,
    "configuration": 500,
    "generation_failed": 500,
    "no_free_pin": 500,
    "internal": 500,
    "database_unavailable": 503,
    "try_later": 503,
}
"""The HTTP status of every error code of the product; a test holds it complete."""

# Messages of the decoder that name only what we asked for; the others may repeat what was sent.
_SAFE = ("Expected ", "Object missing required field", "Number out of range", "Invalid RFC3339")


class BodyMalformed(InvalidInput):
    """The body is not JSON in UTF-8."""

    code = "body_malformed"


class BodyTooSlow(InvalidInput):
    """The body did not come within the time a client has for it."""

    code = "body_too_slow"


class MediaTypeUnsupported(InvalidInput):
    """The body is not declared as plain JSON."""

    code = "media_type_unsupported"


class HeaderDuplicated(InvalidInput):
    """A header that decides something was sent twice."""

    code = "header_duplicated"


class IdempotencyKeyInvalid(InvalidInput):
    """The header Idempotency-Key is missing or not of its form."""

    code = "idempotency_key_invalid"


class Flaw(Struct, frozen=True):
    """One thing wrong with what was sent: where it stands, and what was expected there."""

    at: str
    expected: str


class Problem(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """An error (RFC 9457). `code` is stable; `detail` is for people and says what to do next.

    `details` holds facts that belong to the code, `errors` what is wrong with the input. Nothing
    that was sent is ever repeated here.
    """

    type: str
    title: str
    status: int
    code: str
    detail: str
    details: dict[str, Any] | UnsetType = UNSET
    errors: list[Flaw] | UnsetType = UNSET


class InputRefused(InvalidInput):
    """Fields of the input are not of the form asked for; `flaws` says which."""

    def __init__(self, message: str, flaws: list[Flaw]) -> None:
        super().__init__(message)
        self.flaws = flaws


def status_of(code: str) -> int:
    """Return the HTTP status of an error code."""
    return STATUS.get(code, 409)


def title_of(code: str) -> str:
    """Return the code as a short heading."""
    return code.replace("_", " ").capitalize()


def problem(code: str, detail: str, **more: Any) -> Problem:
    """Return the problem of a code, masked so that no PIN can stand in it."""
    return Problem(
        type=f"urn:wanneng:problem:{code}",
        title=title_of(code),
        status=status_of(code),
        code=code,
        detail=mask_text(detail),
        **more,
    )


def expected(message: str) -> str:
    """Return a decoder's message where it names only what we asked for, else less."""
    if message.startswith("Object contains unknown field"):
        return "no field besides the documented ones"
    return message if message.startswith(_SAFE) else "another value"
