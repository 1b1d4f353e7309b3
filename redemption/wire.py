"""Lists of requests, and their answers, between a worker and its child processes.

A frame is its length in four bytes, then MessagePack. PINs are in it as in the body of the request
that brought them; it goes through a socket that only the two processes have, and is kept nowhere.
"""

import struct
from collections.abc import Sequence
from typing import Any

import msgspec

from core.settings import Settings, load, variables
from redemption.requests import Outcome, RedeemRequest
from vouchers.pins import Pin

_LENGTH = struct.Struct("!I")
HEAD_BYTES = _LENGTH.size


def frame(payload: bytes) -> bytes:
    """Return what is sent of a payload; one that is empty says that the sender is ready."""
    return _LENGTH.pack(len(payload)) + payload


def payload_bytes(head: bytes) -> int:
    """Return how long the payload is that follows the head of a frame."""
    length: int = _LENGTH.unpack(head)[0]
    return length


def settings_to(settings: Settings) -> bytes:
    """Return the settings that a child is to work with as a payload, the first of all."""
    return msgspec.msgpack.encode(variables(settings))


def settings_of(payload: bytes) -> Settings:
    """Return the settings of a payload."""
    return load(msgspec.msgpack.decode(payload, type=dict[str, str]))


def requests_to(requests: Sequence[RedeemRequest]) -> bytes:
    """Return requests as a payload."""
    return _to_requests.encode(requests)


def requests_of(payload: bytes) -> list[RedeemRequest]:
    """Return the requests of a payload."""
    return _requests.decode(payload)


def outcomes_to(outcomes: Sequence[Outcome]) -> bytes:
    """Return outcomes as a payload."""
    return _to_outcomes.encode(outcomes)


def outcomes_of(payload: bytes) -> list[Outcome]:
    """Return the outcomes of a payload."""
    return _outcomes.decode(payload)


def _digits(value: Any) -> str:
    if isinstance(value, Pin):
        return value.digits
    raise TypeError(f"no part of a request: {type(value).__name__}")


def _pin(_: type, digits: Any) -> Pin:
    if type(digits) is not str:
        raise TypeError("a PIN travels as text")
    return Pin.checked(digits)


_to_requests = msgspec.msgpack.Encoder(enc_hook=_digits)
_requests = msgspec.msgpack.Decoder(list[RedeemRequest], dec_hook=_pin)
_to_outcomes = msgspec.msgpack.Encoder()
_outcomes = msgspec.msgpack.Decoder(list[Outcome])
