"""What every chapter of the demo works with."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cli.actions import ACTIONS
from cli.demo.clock import DemoClock
from cli.demo.people import People
from cli.demo.screen import Screen, expect
from cli.demo.world import World
from cli.output import Out
from core.db import Database
from core.keyfile import Keys
from distribution.consignments import Consignment
from distribution.moves import Moved, PendingApproval, request_move
from distribution.requests import MoveRequest
from staff import approvals
from staff.permissions import Actor
from vouchers.print_file import PrintedCard
from vouchers.serials import SerialRange, serial_text


@dataclass(frozen=True)
class Stage:
    """The demo's own directory, database, clock and screen, and which cards lie on which shelf."""

    world: World
    db: Database
    keys: Keys
    clock: DemoClock
    screen: Screen
    out: Out
    shelves: "Shelves" = field(default_factory=lambda: Shelves())

    def day(self, day: int, title: str, hour: int = 9) -> None:
        """Go to a day of the month and begin a step there."""
        at = self.clock.set(day, hour)
        self.screen.step(f"{at.day} {at:%b}: {title}")

    def move(self, actor: Actor, name: str, cards: SerialRange, **more: Any) -> Moved:
        """Move cards that need no second person."""
        request = MoveRequest(
            move=name,
            first_serial=serial_text(cards.first),
            last_serial=serial_text(cards.last),
            **more,
        )
        done = request_move(self.db, actor, request)
        expect(isinstance(done, Moved), f"the move {name} was not made")
        assert isinstance(done, Moved)  # noqa: S101 - what was expected
        return done

    def agree(self, people: People, pending: object) -> Any:
        """Have the second person of finance agree to what was asked for."""
        expect(isinstance(pending, PendingApproval), "no second person was asked")
        assert isinstance(pending, PendingApproval)  # noqa: S101 - what was expected
        return approvals.agree(self.db, people.second_finance, pending.approval_id, ACTIONS)


class Shelves:
    """Which cards the parties have, as somebody sees who stands before the shelf."""

    def __init__(self) -> None:
        self._ranges: dict[tuple[str, int], list[SerialRange]] = {}
        self.sold: dict[tuple[str, int], SerialRange] = {}
        """What a party first sold of a face."""

    def put(self, consignment: Consignment) -> None:
        """Put what came with a consignment on its receiver's shelf."""
        for line in consignment.lines:
            key = (consignment.receiver, line.face_fen)
            self._ranges.setdefault(key, []).append(line.cards)

    def look(self, party: str, face_fen: int, count: int) -> SerialRange:
        """Return the next cards of a face on a shelf: neighbours, as they lie in their pack."""
        cards = self._ranges[party, face_fen][0]
        expect(cards.count >= count, f"{party} has no {count} cards of {face_fen} fen together")
        return SerialRange(cards.first, cards.first + count - 1)

    def sell(self, party: str, face_fen: int, count: int) -> SerialRange:
        """Take these cards from the shelf."""
        sold, cards = self.look(party, face_fen, count), self._ranges[party, face_fen].pop(0)
        if sold.last < cards.last:
            self._ranges[party, face_fen].insert(0, SerialRange(sold.last + 1, cards.last))
        self.sold.setdefault((party, face_fen), sold)
        return sold

    def left(self, party: str) -> list[SerialRange]:
        """Return all that lies on a shelf."""
        return [x for (code, _), found in self._ranges.items() if code == party for x in found]


@dataclass(frozen=True)
class Cards:
    """The cards of all batches by serial, as their buyers hold them in hand."""

    by_serial: Mapping[int, PrintedCard]

    def of(self, cards: SerialRange, place: int = 0) -> PrintedCard:
        """Return one card of a range, from its end where the place is below 0."""
        return self.by_serial[range(cards.first, cards.last + 1)[place]]
