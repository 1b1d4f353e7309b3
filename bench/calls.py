"""Requests to the JSON API as bytes, and what their replies must say."""

import json
import re
from collections.abc import Sequence

from bench.errors import expect
from bench.load import Replies
from bench.people import FACE_FEN
from bench.server import HOST
from bench.world import World

ITEMS = 50
"""Cards in one request of the bulk endpoint."""

_SPREAD = 48_271
_HOT = 1
_RECEIPT = re.compile(r"\d{14}")


class Calls:
    """Makes the requests of one world. Every card goes into one account, by one customer.

    In memory only: the PINs of the deck are written to no file.
    """

    def __init__(self, world: World, label: str) -> None:
        self._world = world
        self._label = label
        self._head = (
            f"Host: {HOST}\r\nAuthorization: Bearer {world.partner_key}\r\n"
            "Content-Type: application/json\r\n"
        )

    def single(self, numbers: Sequence[int], *, hot: bool = False) -> list[bytes]:
        """Return one request for each card; `hot`: all into the same electricity account."""
        return [self._one(number, hot) for number in numbers]

    def bulk(self, numbers: Sequence[int]) -> list[bytes]:
        """Return requests of ITEMS cards each; a rest is left out."""
        ends = range(ITEMS, len(numbers) + 1, ITEMS)
        return [self._many(numbers[end - ITEMS : end]) for end in ends]

    def check_single(self, numbers: Sequence[int], replies: Replies, *, hot: bool = False) -> None:
        """Raise CheckFailed unless the sampled receipts are of these cards and accounts."""
        for index, _, body in replies.samples:
            self._check(json.loads(body), numbers[index], hot)

    def check_bulk(self, numbers: Sequence[int], replies: Replies) -> None:
        """Do as `check_single` for every answer of the sampled replies."""
        for index, _, body in replies.samples:
            answers = json.loads(body)["answers"]
            part = numbers[index * ITEMS : (index + 1) * ITEMS]
            for number, answer in zip(part, answers, strict=True):
                expect(answer["key"] == self._key(number), "an answer has another item's key")
                self._check(answer["receipt"], number, hot=False)

    def _one(self, number: int, hot: bool) -> bytes:
        body = f"{{{self._card(number, hot)}}}"
        return (
            f"POST /api/v1/redemptions HTTP/1.1\r\n{self._head}"
            f"Idempotency-Key: {self._key(number)}\r\nContent-Length: {len(body)}\r\n\r\n{body}"
        ).encode()

    def _many(self, numbers: Sequence[int]) -> bytes:
        items = [f'{{"key":"{self._key(n)}",{self._card(n, False)}}}' for n in numbers]
        body = f'{{"items":[{",".join(items)}]}}'
        return (
            f"POST /api/v1/redemptions/bulk HTTP/1.1\r\n{self._head}"
            f"Content-Length: {len(body)}\r\n\r\n{body}"
        ).encode()

    def _card(self, number: int, hot: bool) -> str:
        return (
            f'"pin":"{self._world.deck.digits(number)}",'
            f'"account_number":"{self._account(number, hot)}",'
            f'"caller":"customer-{self._customer(number):07d}"'
        )

    def _account(self, number: int, hot: bool) -> str:
        return self._world.account(_HOT if hot else self._customer(number))

    def _customer(self, number: int) -> int:
        return number * _SPREAD % self._world.accounts

    def _key(self, number: int) -> str:
        return f"{self._label}-{number}"

    def _check(self, receipt: dict[str, object], number: int, hot: bool) -> None:
        account = self._account(number, hot)
        expect(receipt["amount_fen"] == FACE_FEN, "a receipt is not of the card's value")
        expect(receipt["account_tail"] == account[-4:], "a receipt is of another account")
        known = _RECEIPT.fullmatch(str(receipt["receipt_number"]))
        expect(known is not None, "a receipt has no number")


def one(status: bytes, _body: bytes) -> int:
    """Judge the reply to a single request: it redeemed a card, or not."""
    return int(status == b"201")


def many(status: bytes, body: bytes) -> int:
    """Judge the reply to a bulk request: how many cards it redeemed."""
    return body.count(b'"status":201') if status == b"200" else 0
