"""What the phone menu remembers, hears, asks for and says. None of it ever holds a PIN but
`Digits`, `CheckCard` and `Recharge`, which live for one step."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from redemption.dialogue.words import Place, Prompt
from redemption.requests import Answer
from vouchers.pins import Pin


class Node(StrEnum):
    """Where in the menu a call stands."""

    WELCOME = "welcome"
    MENU = "menu"
    OWN_ACCOUNT = "own_account"
    ACCOUNT = "account"
    ACCOUNT_CONFIRM = "account_confirm"
    PIN = "pin"
    CONFIRM = "confirm"
    DONE = "done"
    LOCKED = "locked"
    SERIAL = "serial"
    CODE = "code"
    ENDED = "ended"


class Goal(StrEnum):
    """What the account that is asked for is wanted for."""

    RECHARGE = "recharge"
    BALANCE = "balance"
    REGISTER = "register"


class MenuState(Struct, frozen=True, omit_defaults=True):
    """One call between two steps; JSON-able. Holds the found card's serial, never its PIN.

    `said` is the question last asked, for repeating it; `misses` counts silences and wrong keys at
    it; `known` tells whether the caller's number is, `texted` whether a text reaches him;
    `at_once`: the PIN is asked last and redeems without a confirmation, and each answer ends.
    """

    node: Node = Node.WELCOME
    language: str = "zh"
    goal: Goal = Goal.RECHARGE
    own_account: str | None = None
    account: str | None = None
    serial: int | None = None
    known: bool = False
    texted: bool = False
    at_once: bool = False
    misses: int = 0
    malformed: int = 0
    unknown: int = 0
    cards: int = 0
    turns: int = 0
    said: tuple[Prompt, ...] = ()


class Expect(Struct, frozen=True, omit_defaults=True):
    """What the gateway is to collect next. `sensitive`: it must not log the digits."""

    kind: str
    min: int
    max: int
    finish_key: str | None = None
    timeout_s: int = 8
    interdigit_s: int = 5
    sensitive: bool = False


@dataclass(frozen=True, slots=True)
class MenuRules:
    """What the menu must know beside its state."""

    account_lengths: Sequence[int]
    place: Place

    def time_text(self, at: datetime) -> str:
        """Return a local time as it is said."""
        return self.place.time_text(at)


# -- what a caller does


@dataclass(frozen=True, slots=True)
class Start:
    """The call begins; what is known of the caller."""

    own_account: str | None = None
    known: bool = False
    texted: bool = False
    at_once: bool = False


@dataclass(frozen=True, slots=True)
class Digits:
    """The keys pressed, with or without the finishing `#`."""

    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Silence:
    """No key within the time."""


@dataclass(frozen=True, slots=True)
class Hangup:
    """The caller is gone."""


# -- what the menu wants done


@dataclass(frozen=True, slots=True)
class RememberLanguage:
    """Write to this caller in this language from now on; nothing comes back."""

    language: str


@dataclass(frozen=True, slots=True)
class FindAccount:
    """Look an account up and tell its arrears."""

    account_number: str


@dataclass(frozen=True, slots=True)
class CheckCard:
    """Look the card up: this is the try. Without `pin` what was entered cannot be one."""

    pin: Pin | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Redeem:
    """Redeem the card that was looked up."""

    serial: int
    account_number: str


@dataclass(frozen=True, slots=True)
class Recharge:
    """Redeem the card of this PIN. Without `pin` what was entered cannot be one."""

    account_number: str
    pin: Pin | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class RecentRecharges:
    """Look up the latest recharges of the caller's own account."""

    account_number: str


@dataclass(frozen=True, slots=True)
class CheckSerial:
    """Tell where a card stands, by its public serial."""

    serial: int


@dataclass(frozen=True, slots=True)
class SendCode:
    """Text a code to the phone on the account's file."""

    account_number: str


@dataclass(frozen=True, slots=True)
class EnterCode:
    """Register the account for which this code was texted."""

    code: str = field(repr=False)


Effect = (
    RememberLanguage | FindAccount | CheckCard | Redeem | Recharge | RecentRecharges
    | CheckSerial | SendCode | EnterCode
)  # fmt: skip


# -- what came of it


@dataclass(frozen=True, slots=True)
class AccountFound:
    """An account; its holder's name masked. `arrears_fen` holds the late fee."""

    number: str
    name: str
    arrears_fen: int
    late_fee_fen: int
    balance_fen: int
    is_open: bool = True


@dataclass(frozen=True, slots=True)
class AccountMissing:
    """There is no such account."""


@dataclass(frozen=True, slots=True)
class CardAnswered:
    """What the engine answered, to CheckCard or Redeem."""

    answer: Answer


@dataclass(frozen=True, slots=True)
class Pending:
    """The redemption was accepted and takes long; its result will be texted."""


@dataclass(frozen=True, slots=True)
class Recharged:
    """The latest recharges, newest first: when, and the face value in fen."""

    account_number: str
    recharges: tuple[tuple[datetime, int], ...]


@dataclass(frozen=True, slots=True)
class CardStatus:
    """Where a card stands, in the words of the card's status; None: there is no such card."""

    status: str | None
    face_fen: int = 0


@dataclass(frozen=True, slots=True)
class CodeSent:
    """A code is on its way, or still valid from before."""


@dataclass(frozen=True, slots=True)
class CodeRefused:
    """No code was sent: `no_phone` on file, or `code_too_many` today."""

    reason: str


@dataclass(frozen=True, slots=True)
class Bound:
    """The account is registered for the caller."""

    account_number: str


@dataclass(frozen=True, slots=True)
class CodeWrong:
    """Not the code. With no tries left a new one must be asked for."""

    tries_left: int


@dataclass(frozen=True, slots=True)
class CodeGone:
    """No code is waiting: it ran out, was used up or never asked for."""


@dataclass(frozen=True, slots=True)
class Unavailable:
    """The database or Redis did not answer; nothing happened, or a redemption that may be done."""

    may_be_done: bool = False


Result = (
    AccountFound | AccountMissing | CardAnswered | Pending | Recharged | CardStatus | CodeSent
    | CodeRefused | Bound | CodeWrong | CodeGone | Unavailable
)  # fmt: skip
Event = Start | Digits | Silence | Hangup | Result


@dataclass(frozen=True, slots=True)
class Step:
    """One step: what to remember, to say, to collect, and to do before the next event."""

    state: MenuState
    prompts: tuple[Prompt, ...] = ()
    expect: Expect | None = None
    effect: Effect | None = None
    end: bool = False
