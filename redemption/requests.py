"""What is asked of the engine and what it answers, whatever the channel."""

from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from vouchers.pins import Pin


class Code(StrEnum):
    """All answers a channel can give; domain rule: the first that holds, in this order."""

    REQUEST_CONFLICT = "request_conflict"
    PIN_MALFORMED = "pin_malformed"
    CALLER_LOCKED = "caller_locked"
    ACCOUNT_UNKNOWN = "account_unknown"
    ACCOUNT_CLOSED = "account_closed"
    VOUCHER_USED = "voucher_used"
    VOUCHER_REPLACED = "voucher_replaced"
    PIN_UNKNOWN = "pin_unknown"
    VOUCHER_VOID = "voucher_void"
    VOUCHER_ON_HOLD = "voucher_on_hold"
    VOUCHER_EXPIRED = "voucher_expired"
    REDEEMABLE = "redeemable"
    REDEEMED = "redeemed"
    TRY_LATER = "try_later"


class Purpose(StrEnum):
    """REDEEM moves the value; CHECK looks the card up, which is the try, and moves nothing."""

    REDEEM = "redeem"
    CHECK = "check"


class Budget(StrEnum):
    """Whose wrong PINs are counted together: one caller's, a trunk's withheld ones, nobody's."""

    OWN = "own"
    SHARED = "shared"
    NONE = "none"


class Caller(Struct, frozen=True, gc=False, omit_defaults=True):
    """The one who recharges; never the account named (domain rule: wrong PINs)."""

    identity: str
    budget: Budget = Budget.OWN


def caller_of_phone(number: str) -> Caller:
    """Return the caller of a telephone number in E.164 form; the same by call and by text."""
    return Caller(f"tel:{number}")


def caller_withheld(trunk: str) -> Caller:
    """Return the caller that all withheld numbers of one trunk share."""
    return Caller(f"withheld:{trunk}", Budget.SHARED)


def caller_of_partner(partner: str, named: str | None) -> Caller:
    """Return whom a partner serves; without a name only the partner's hourly budget counts."""
    if named is None:
        return Caller(f"partner:{partner}", Budget.NONE)
    return Caller(f"partner:{partner}/{named}")


class RedeemRequest(Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """One request, told apart by (channel, sender, key) for ever.

    `pin` and `serial` both empty: what was sent is not of a PIN's form. `serial` alone: a card that
    a dialogue already looked up. Both: the serial must be the PIN's own. `is_own_account`: the
    sender named no account, so which one it is (now) is no part of the content. `notify` is the
    phone number that gets the receipt as a text message, in `language`.
    """

    channel: str
    sender: str
    key: str
    caller: Caller
    account_number: str | None = None
    is_own_account: bool = False
    pin: Pin | None = None
    serial: int | None = None
    purpose: Purpose = Purpose.REDEEM
    notify: str | None = None
    language: str = "zh"
    sender_wrong_per_hour: int | None = None

    @property
    def reference(self) -> tuple[str, str, str]:
        """The key under which the answer is stored."""
        return (self.channel, self.sender, self.key)

    @property
    def is_malformed(self) -> bool:
        """Whether no card was named in a form that could be one."""
        return self.pin is None and self.serial is None


class Answer(Struct, frozen=True, gc=False, omit_defaults=True, kw_only=True):
    """One answer; its JSON is what is stored and replayed. Money in fen.

    `arrears_paid_fen` holds the late fee of `late_fee_fen`. A `pin_unknown` that used up the last
    try carries the lock it caused (`lock_rule`, and `locked_until` unless an operator must
    unlock). `silent`: a text message gets no reply any more today.
    """

    code: Code
    at: datetime | None = None
    serial: str | None = None
    face_fen: int | None = None
    account_tail: str | None = None
    receipt_number: str | None = None
    arrears_paid_fen: int | None = None
    late_fee_fen: int | None = None
    balance_fen: int | None = None
    waits_for_bank: bool = False
    used_by_you: bool | None = None
    tries_left: int | None = None
    wrong_today: int | None = None
    lock_rule: str | None = None
    locked_until: datetime | None = None
    silent: bool = False


class Outcome(Struct, frozen=True, gc=False, omit_defaults=True):
    """An answer, whether it had been given before, and how long a slowed sender must wait.

    `is_unknown`: the commit was begun and its answer lost, so a `try_later` may have had its
    effect; only the same request sent again finds out.
    """

    answer: Answer
    replayed: bool = False
    delay_s: int = 0
    is_unknown: bool = False
