"""PINs: their form and check digit, and the only functions of a PIN that may be stored.

Two protections (domain rule: the face value decides). `hmac`: the row carries `full_tag`.
`hmac_argon2id`: the row carries `hybrid_tag` of `short_tag`, only 28 bits, and `verifier`; a
full-width fast function of such a PIN may exist nowhere, or the slow one is worth nothing.
"""

import hashlib
import hmac
import re
import secrets
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple, NoReturn

from argon2.low_level import Type, hash_secret_raw

from core.errors import ConfigurationError, InvalidInput
from core.keyfile import PinKey
from core.settings import Settings

PIN_DIGITS = 18
SALT_BYTES = 16
TAG_BYTES = 16

_FORM = re.compile(r"[0-9]{18}")
_SHORT_BITS = 28
_HASH_BYTES = 32
_SHA256_BLOCK_BYTES = 64
_MAX_MEMORY_KIB = 2**24 - 1
# The usual published quasigroup of order 10, totally anti-symmetric, zeros on its diagonal.
DAMM = (
    (0, 3, 1, 7, 5, 9, 8, 6, 4, 2),
    (7, 0, 9, 2, 1, 5, 4, 8, 6, 3),
    (4, 2, 0, 6, 8, 7, 1, 3, 5, 9),
    (1, 7, 5, 0, 9, 8, 3, 4, 2, 6),
    (6, 1, 2, 3, 0, 4, 5, 9, 7, 8),
    (3, 6, 7, 4, 2, 0, 9, 5, 8, 1),
    (5, 8, 6, 9, 7, 2, 0, 1, 3, 4),
    (8, 9, 4, 5, 3, 6, 2, 0, 1, 7),
    (9, 4, 3, 8, 6, 1, 7, 2, 0, 5),
    (2, 5, 8, 1, 4, 3, 6, 7, 9, 0),
)
"""State and digit -> next state; the check digit is the state that is reached from 0."""


class PinMalformed(InvalidInput):
    """Not 18 digits, or the check digit does not fit: a typing slip, not a try."""

    code = "pin_malformed"


class Pin:
    """18 secret digits with a fitting check digit. Immutable; repr and str hide the digits.

    Not a dataclass on purpose: neither pickle nor a JSON library nor `asdict` can write it out.
    Only `redemption.wire` does, to a child process.
    """

    __slots__ = ("digits",)
    digits: str

    def __init__(self, digits: str) -> None:
        if _FORM.fullmatch(digits) is None:
            raise PinMalformed("a PIN has exactly 18 digits")
        if damm_digit(digits) != "0":
            raise PinMalformed("the check digit does not fit, please compare the PIN")
        object.__setattr__(self, "digits", digits)

    @classmethod
    def parse(cls, text: str) -> "Pin":
        """Return the PIN of 18 ASCII digits; PinMalformed for anything else.

        Channels normalise full-width digits and separators before.
        """
        return cls(text)

    @classmethod
    def checked(cls, digits: str) -> "Pin":
        """Return the PIN whose digits another process of ours has checked."""
        pin = object.__new__(cls)
        object.__setattr__(pin, "digits", digits)
        return pin

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("a PIN is immutable")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Pin) and self.digits == other.digits

    def __hash__(self) -> int:
        return hash(self.digits)

    def __repr__(self) -> str:
        return "Pin(hidden)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a PIN is never serialised")


def damm_digit(digits: str) -> str:
    """Return the Damm check digit of a row of digits; "0" when its own one is its last."""
    state = 0
    for digit in digits:
        state = DAMM[state][ord(digit) - 48]
    return chr(state + 48)


def draw() -> Pin:
    """Return a PIN of 17 digits from the operating system's secure source and a check digit."""
    digits = f"{secrets.randbelow(10 ** (PIN_DIGITS - 1)):017d}"
    return Pin(digits + damm_digit(digits))


def grouped(pin: Pin) -> str:
    """Return the digits as printed on the card, 6-6-6."""
    return f"{pin.digits[:6]} {pin.digits[6:12]} {pin.digits[12:]}"


def full_tag(key: PinKey, pin: Pin) -> uuid.UUID:
    """Return the tag of a card protected by `hmac`: 16 bytes of the keyed HMAC-SHA-256."""
    return uuid.UUID(bytes=_keyed(key, pin)[:TAG_BYTES])


def short_tag(key: PinKey, pin: Pin) -> int:
    """Return the first 28 bits of the keyed HMAC; what may be stored of any PIN."""
    return short_of(_keyed(key, pin))


def hybrid_tag(version: int, short: int) -> uuid.UUID:
    """Return the tag of a card protected by `hmac_argon2id`: zeros, key version, 28 bits."""
    return uuid.UUID(bytes=hybrid_bytes(version, short))


def hybrid_bytes(version: int, short: int) -> bytes:
    """Return a `hybrid_tag` as bytes."""
    return (version << 32 | short).to_bytes(TAG_BYTES, "big")


class Candidate(NamedTuple):
    """The two tags under which the card of a PIN may be stored, by its protection, for one key.

    They are `full_tag` and `hybrid_tag`, 16 bytes each; `short` is its `short_tag`.
    """

    key_version: int
    full: bytes
    hybrid: bytes
    short: int

    @property
    def both(self) -> tuple[bytes, bytes]:
        """The two tags."""
        return (self.full, self.hybrid)


def candidate_tags(keys: Iterable[PinKey], pins: Iterable[Pin]) -> dict[Pin, list[Candidate]]:
    """Return every tag under which the card of each PIN may be stored, two for each key."""
    functions = [(key.version, hmac_sha256(key.tag_key)) for key in keys]
    return {
        pin: [_candidate(version, of(_bytes(pin))) for version, of in functions] for pin in pins
    }


def hmac_sha256(key: bytes) -> Callable[[bytes], bytes]:
    """Return HMAC-SHA-256 under one key, which is hashed once and not with each message.

    The key has at most 64 bytes.
    """
    if len(key) > _SHA256_BLOCK_BYTES:
        raise ValueError("a key longer than a block would have to be hashed first")
    block = key.ljust(_SHA256_BLOCK_BYTES, b"\0")
    begun_inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in block)).copy
    begun_outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in block)).copy

    def keyed(message: bytes) -> bytes:
        inner = begun_inner()
        inner.update(message)
        outer = begun_outer()
        outer.update(inner.digest())
        return outer.digest()

    return keyed


def _candidate(version: int, keyed: bytes) -> Candidate:
    short = short_of(keyed)
    return Candidate(version, keyed[:TAG_BYTES], hybrid_bytes(version, short), short)


@dataclass(frozen=True, slots=True)
class Argon2Cost:
    """What one argon2id costs: memory in KiB, and passes over it."""

    memory_kib: int
    passes: int

    def __post_init__(self) -> None:
        if not (8 <= self.memory_kib <= _MAX_MEMORY_KIB and 1 <= self.passes <= 255):
            raise InvalidInput("argon2id needs 8 to 16777215 KiB and 1 to 255 passes")

    @classmethod
    def of(cls, settings: Settings) -> "Argon2Cost":
        """Return the cost that new cards get; ConfigurationError for one that cannot be."""
        try:
            return cls(settings.argon2_memory_kib, settings.argon2_time_cost)
        except InvalidInput as error:
            raise ConfigurationError(f"WANNENG_ARGON2_…: {error.message}") from error


def verifier(key: PinKey, cost: Argon2Cost, salt: bytes, message: bytes) -> bytes:
    """Return the cost (4 bytes) and argon2id (32 bytes) of a `verifier_message`. Slow: 5 ms.

    The cost is kept with each card, so that other settings never make old cards unknown.
    """
    secret = hmac.digest(key.verifier_key, message, hashlib.sha256)
    head = cost.passes.to_bytes(1, "big") + cost.memory_kib.to_bytes(3, "big")
    return head + hash_secret_raw(
        secret,
        salt,
        time_cost=cost.passes,
        memory_cost=cost.memory_kib,
        parallelism=1,
        hash_len=_HASH_BYTES,
        type=Type.ID,
    )


def verifier_message(serial: int, face_fen: int, pin: Pin) -> bytes:
    """Return what a verifier is made over: serial, face and PIN in fields of fixed width."""
    return serial.to_bytes(8, "big") + face_fen.to_bytes(8, "big") + pin.digits.encode("ascii")


def verifies(key: PinKey, stored: bytes, salt: bytes, message: bytes) -> bool:
    """Tell whether a stored verifier was made over this message. Slow, as `verifier`."""
    cost = Argon2Cost(int.from_bytes(stored[1:4], "big"), stored[0])
    return hmac.compare_digest(verifier(key, cost, salt, message), stored)


def short_of(keyed: bytes) -> int:
    """Return the `short_tag` of a PIN whose whole HMAC this is."""
    return int.from_bytes(keyed[:4], "big") >> (32 - _SHORT_BITS)


def _keyed(key: PinKey, pin: Pin) -> bytes:
    return hmac.digest(key.tag_key, _bytes(pin), hashlib.sha256)


def _bytes(pin: Pin) -> bytes:
    return pin.digits.encode("ascii")
