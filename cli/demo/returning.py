"""Chapter: what goes back, what a count finds, and what is agreed between two persons."""

from datetime import date

from cli.actions import ACTIONS
from cli.demo.parties import OWN_CONTRACT
from cli.demo.people import People
from cli.demo.screen import expect
from cli.demo.selling import USED_HERE, pay
from cli.demo.stage import Stage
from cli.demo.supplying import receive, scan, send
from core.money import format_yuan
from distribution.adjustments import NewAdjustment, request_adjustment
from distribution.consignments import draw_up
from distribution.credit_notes import list_credit_notes
from distribution.differences import answer_difference
from distribution.stock_counts import record_count
from staff import approvals
from vouchers.serials import SerialRange, serial_text

_COUNTED = "NC-2"
RETURNED = 20
_PROMOTION_FEN = 5_000


def give_back(stage: Stage, people: People) -> None:
    """Return sold cards of which some were used: the rest is credited, the used ones stay."""
    stage.day(20, f"WH-1 gives {RETURNED} sold cards back, {USED_HERE} of them used meanwhile")
    sold = stage.shelves.sold[OWN_CONTRACT, 5_000]
    cards = SerialRange(sold.last - RETURNED + 1, sold.last)
    clerk = people.of("WH")
    draft = draw_up(
        stage.db,
        clerk,
        "return",
        [(serial_text(cards.first), serial_text(cards.last))],
        "return-1",
        sender_code=OWN_CONTRACT,
        receiver_code="WH",
        reason="shelf cleared",
    )
    sent = send(stage, people, clerk, draft.number)
    receive(stage, clerk, sent)
    with stage.db.read() as session:
        (note,) = list_credit_notes(session, people.finance)
    expect(note.cards == RETURNED - USED_HERE, "used cards were credited")
    stage.screen.say(
        f"{sent.number} sent after a second person agreed: {sent.cards} cards, the used ones stay"
    )
    stage.screen.say(
        f"credit note {note.number}: {note.cards} x 50 yuan less {format_yuan(note.commission_fen)}"
        f" commission taken back = {format_yuan(note.credit_fen)} yuan"
    )


def count_a_shelf(stage: Stage, people: People) -> None:
    """Count a shelf on which a card is missing; it is put on hold, and the difference ends."""
    stage.day(24, f"{_COUNTED} counts its shelf by scanning")
    clerk = people.of(_COUNTED)
    shelf = stage.shelves.left(_COUNTED)
    gone = shelf[0].last
    found = [SerialRange(shelf[0].first, gone - 1), *shelf[1:]]
    count = record_count(
        stage.db, clerk, _COUNTED, [scan(cards) for cards in found], "count-1", "month's count"
    )
    (difference,) = count.differences
    stage.screen.say(
        f"{count.expected_cards} cards by the books, {count.found_cards} found; "
        f"{difference.kind}: {serial_text(gone)}"
    )
    card = SerialRange(gone, gone)
    held = stage.move(people.warehouse, "hold", card, hold="lost", reason="missing at the count")
    answer_difference(
        stage.db, clerk, difference.id, "put on hold as lost", movement_ids=held.movement_ids
    )
    stage.screen.say("the card is put on hold as lost: nobody can use it; the difference has ended")


def settle_up(stage: Stage, people: People) -> None:
    """Pay, and adjust by two persons."""
    stage.day(28, "Payments, and a promotion that two persons of finance agree to")
    pay(stage, people, OWN_CONTRACT, 1_000_000, "CMB-7001")
    pay(stage, people, "WH", 1_188_000, "CMB-7002")
    pay(stage, people, "NC", 600_000, "BOC-3001")
    pending = request_adjustment(stage.db, people.finance, _promotion(stage.clock.month))
    approvals.agree(stage.db, people.second_finance, pending, ACTIONS)
    stage.screen.say(f"WH-1 is credited {format_yuan(_PROMOTION_FEN)} yuan for its opening week")


def _promotion(month: date) -> NewAdjustment:
    return NewAdjustment(
        reference="PROMO-1",
        party_code=OWN_CONTRACT,
        direction="credit",
        amount_fen=_PROMOTION_FEN,
        against="commission",
        reason="opening week promotion",
        concerns_on=month,
    )
