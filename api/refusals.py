"""Answers of the redemption engine over HTTP: the receipt, or a problem of a fitting status.

The status of an answer follows from its code alone, and its body from the answer alone, so that a
request sent again gets the same bytes. 404 is left to addresses that do not exist.

| status | codes |
|---|---|
| 201, again 200 | `redeemed` |
| 409 | `request_conflict`; what becomes of the card named: used, held, expired, void, replaced |
| 422 | what is named wrongly: `pin_malformed`, `pin_unknown`, `account_unknown`/`_closed` |
| 429 | `caller_locked`, with Retry-After where the lock has an end |
| 503 | `try_later`, with Retry-After |
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from api.errors import PROBLEM_JSON, Problem, title_of
from redemption.requests import Answer, Code, Outcome, RedeemRequest

RETRY_AFTER_S = 1

STATUS_OF_ANSWER: dict[Code, int] = {
    Code.REQUEST_CONFLICT: 409,
    Code.PIN_MALFORMED: 422,
    Code.CALLER_LOCKED: 429,
    Code.ACCOUNT_UNKNOWN: 422,
    Code.ACCOUNT_CLOSED: 422,
    Code.VOUCHER_USED: 409,
    Code.VOUCHER_REPLACED: 409,
    Code.PIN_UNKNOWN: 422,
    Code.VOUCHER_VOID: 409,
    Code.VOUCHER_ON_HOLD: 409,
    Code.VOUCHER_EXPIRED: 409,
    Code.REDEEMABLE: 200,
    Code.REDEEMED: 201,
    Code.TRY_LATER: 503,
}

_DETAILS: dict[Code, tuple[str, str]] = {
    Code.REQUEST_CONFLICT: (
        "This key was used for other content. Take a new key for a new request.",
        "该请求编号已用于其他内容，新的请求请使用新的编号。",
    ),
    Code.PIN_MALFORMED: (
        "This cannot be a PIN: 18 digits with a fitting check digit. Compare it with the card; it "
        "was not counted as a try.",
        "密码格式有误：应为18位数字且校验位相符。请与卡面核对，本次不计入错误次数。",
    ),
    Code.CALLER_LOCKED: (
        "Too many wrong PINs. Wait until the lock ends, or call the hotline.",
        "密码错误次数过多，请等待锁定结束或拨打服务热线。",
    ),
    Code.ACCOUNT_UNKNOWN: (
        "There is no electricity account of this number. Compare it with a bill.",
        "该户号不存在，请与电费单核对。",
    ),
    Code.ACCOUNT_CLOSED: (
        "This electricity account is closed. Choose another account.",
        "该户号已销户，请选择其他户号。",
    ),
    Code.VOUCHER_USED: (
        "This card was redeemed before. Nothing was charged twice.",
        "该卡此前已充值，未重复扣款。",
    ),
    Code.VOUCHER_REPLACED: (
        "This card was replaced by another one. Use that card.",
        "该卡已换卡，请使用新卡。",
    ),
    Code.PIN_UNKNOWN: (
        "No card has this PIN. Compare it with the card before the next try.",
        "密码有误，请与卡面核对后再试。",
    ),
    Code.VOUCHER_VOID: (
        "This card is void. Call the hotline with the card at hand.",
        "该卡已作废，请持卡拨打服务热线。",
    ),
    Code.VOUCHER_ON_HOLD: (
        "This card is on hold. Call the hotline with the card at hand.",
        "该卡已被锁定，请持卡拨打服务热线。",
    ),
    Code.VOUCHER_EXPIRED: (
        "This card is past its date. It is exchanged free of charge; call the hotline.",
        "该卡已过有效期，可免费换卡，请拨打服务热线。",
    ),
    Code.TRY_LATER: (
        "Nothing happened. Send the same request with the same key again.",
        "系统繁忙，本次未作任何处理，请用同一编号重发。",
    ),
}
"""What to tell, in English and Chinese, and what to do next."""

Fen = Annotated[int, Meta(description="Whole fen.")]


class Receipt(Struct, frozen=True, gc=False, kw_only=True):
    """A redemption that happened. `arrears_paid_fen` holds the late fee of `late_fee_fen`.

    `waits_for_bank`: a bill is out with a bank for debit, so the money waits in the balance.
    """

    code: str
    receipt_number: Annotated[str, Meta(description="14 digits.", examples=["25061100000123"])]
    serial_number: str
    amount_fen: Fen
    account_tail: Annotated[str, Meta(description="Last 4 digits of the account.")]
    arrears_paid_fen: Fen
    late_fee_fen: Fen
    balance_fen: Fen
    waits_for_bank: bool
    redeemed_at: datetime


class Refusal(Struct, frozen=True, gc=False, omit_defaults=True, kw_only=True):
    """A redemption that did not happen: a problem (RFC 9457) and what may be told of the card."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    detail_zh: str
    serial_number: str | None = None
    amount_fen: int | None = None
    account_tail: str | None = None
    used_at: datetime | None = None
    used_by_you: bool | None = None
    tries_left: int | None = None
    lock_rule: str | None = None
    locked_until: datetime | None = None


class BulkAnswer(Struct, frozen=True, gc=False, omit_defaults=True, kw_only=True):
    """The answer to one item: the status it would have had alone, and the receipt or refusal."""

    key: str
    status: int
    receipt: Receipt | UnsetType = UNSET
    refusal: Refusal | UnsetType = UNSET


class BulkAnswers(Struct, frozen=True, gc=False):
    """The answers, in the order of the items."""

    answers: list[BulkAnswer]


@dataclass(frozen=True, slots=True)
class Rendered:
    """An answer as it goes out."""

    status: int
    content: Struct
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def body(self) -> bytes:
        """The JSON."""
        return msgspec.json.encode(self.content)

    @property
    def media_type(self) -> str:
        """JSON, or a problem's JSON."""
        is_problem = isinstance(self.content, Refusal | Problem)
        return PROBLEM_JSON if is_problem else "application/json"


def render(outcome: Outcome, now: datetime) -> Rendered:
    """Return an outcome as it goes out. `now` only makes the Retry-After header."""
    answer, status = outcome.answer, status_of(outcome)
    if answer.code is Code.REDEEMED:
        return Rendered(status, receipt(answer))
    return Rendered(status, refusal(answer), _retry_after(answer, now))


def status_of(outcome: Outcome) -> int:
    """Return the HTTP status of an outcome; a redemption told again is 200."""
    if outcome.replayed and outcome.answer.code is Code.REDEEMED:
        return 200
    return STATUS_OF_ANSWER[outcome.answer.code]


def receipt(answer: Answer) -> Receipt:
    """Return the receipt of an answer that says `redeemed`."""
    return Receipt(
        code=answer.code.value,
        receipt_number=answer.receipt_number or "",
        serial_number=answer.serial or "",
        amount_fen=answer.face_fen or 0,
        account_tail=answer.account_tail or "",
        arrears_paid_fen=answer.arrears_paid_fen or 0,
        late_fee_fen=answer.late_fee_fen or 0,
        balance_fen=answer.balance_fen or 0,
        waits_for_bank=answer.waits_for_bank,
        redeemed_at=_known(answer.at),
    )


def refusal(answer: Answer) -> Refusal:
    """Return the problem of an answer that says anything else."""
    code = answer.code.value
    detail, detail_zh = _DETAILS.get(answer.code, ("", ""))
    return Refusal(
        type=f"urn:wanneng:problem:{code}",
        title=title_of(code),
        status=STATUS_OF_ANSWER[answer.code],
        code=code,
        detail=detail,
        detail_zh=detail_zh,
        serial_number=answer.serial,
        amount_fen=answer.face_fen,
        account_tail=answer.account_tail,
        used_at=answer.at if answer.code is Code.VOUCHER_USED else None,
        used_by_you=answer.used_by_you,
        tries_left=answer.tries_left,
        lock_rule=answer.lock_rule,
        locked_until=answer.locked_until,
    )


def bulk_answers(requests: Sequence[RedeemRequest], outcomes: Sequence[Outcome]) -> BulkAnswers:
    """Return the answers to the items, in their order."""
    pairs = zip(requests, outcomes, strict=True)
    return BulkAnswers([_bulk_answer(one.key, outcome) for one, outcome in pairs])


def _bulk_answer(key: str, outcome: Outcome) -> BulkAnswer:
    answer, status = outcome.answer, status_of(outcome)
    if answer.code is Code.REDEEMED:
        return BulkAnswer(key=key, status=status, receipt=receipt(answer))
    return BulkAnswer(key=key, status=status, refusal=refusal(answer))


def _known(at: datetime | None) -> datetime:
    if at is None:
        raise AssertionError("a receipt has its instant")
    return at


def _retry_after(answer: Answer, now: datetime) -> dict[str, str]:
    if answer.code is Code.TRY_LATER:
        return {"Retry-After": str(RETRY_AFTER_S)}
    if answer.code is Code.CALLER_LOCKED and answer.locked_until is not None:
        seconds = max(1, int((answer.locked_until - now).total_seconds()) + 1)
        return {"Retry-After": str(seconds)}
    return {}
