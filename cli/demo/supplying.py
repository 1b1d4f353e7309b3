"""Chapter: cards reach the shops by orders, consignments and receipts; what differs is claimed."""

from collections.abc import Mapping, Sequence

from cli.demo.parties import OWN_CONTRACT, REGIONS, Region
from cli.demo.people import People
from cli.demo.screen import expect
from cli.demo.stage import Stage
from cli.output import table
from core import pdf
from core.money import format_yuan
from distribution.claim_answers import answer_received, request_void
from distribution.claims import Claim, read_claim
from distribution.consignments import (
    Consignment,
    allocate_order,
    read_consignment,
)
from distribution.dispatching import send_consignment
from distribution.orders import Order, approve_order, place_order
from distribution.prints import consignment_note
from distribution.receipts import Arrival, GoodsReceipt, receive_consignment
from staff.permissions import Actor
from vouchers.serials import SerialRange, serial_text

Counts = Mapping[int, int]
"""Cards by face in fen."""

_ASKED: Mapping[str, Counts] = {
    "HB": {5_000: 1_000, 10_000: 400, 20_000: 50},
    "HN": {5_000: 900, 10_000: 300},
    "JX": {5_000: 500, 10_000: 300},
}
_AGREED: Counts = {5_000: 600, 10_000: 300}
"""What Hunan gets: cards for which it asked too early."""
_OUTLET: Counts = {5_000: 100, 10_000: 50}
_BIG_OUTLET: Counts = {5_000: 200, 10_000: 100, 20_000: 40}
_DAMAGED, _SHORT = 2, 3
ON_THE_WAY = 100


def supply(stage: Stage, people: People) -> None:
    """Tell how the cards of the month reach twelve shops."""
    orders = _order(stage, people)
    sent = _send(stage, people, orders)
    _receive(stage, people, sent)
    _receive_the_rest(stage, people, sent["HN"])
    _hand_down(stage, people)


def refill(stage: Stage, people: People) -> None:
    """Send cards at the end of the month that nobody has received yet."""
    stage.day(30, "Hunan orders again; its cards are on the way when the month ends")
    order = _ordered(stage, people, "HN", {5_000: ON_THE_WAY})
    sent = _dispatch(stage, people.warehouse, order.number)
    stage.screen.say(f"{sent.number}: {sent.cards} x 50 yuan to HN")


def send(stage: Stage, people: People, actor: Actor, number: str) -> Consignment:
    """Send a consignment, with the second person where one is needed."""
    done = send_consignment(stage.db, actor, number)
    if not isinstance(done, Consignment):
        done = stage.agree(people, done)
    assert isinstance(done, Consignment)  # noqa: S101 - what agreeing to one gives
    return done


def receive(
    stage: Stage, actor: Actor, consignment: Consignment, arrival: Arrival | None = None
) -> GoodsReceipt:
    """Receive a consignment, by default all of it, range by range."""
    all_of_it = Arrival(
        reference=f"scan-{consignment.number}", scans=[scan(x.cards) for x in consignment.lines]
    )
    return receive_consignment(stage.db, actor, consignment.number, arrival or all_of_it)


def _order(stage: Stage, people: People) -> dict[str, Order]:
    stage.day(4, "Three provinces order from the company, which agrees, to Hunan in part")
    orders = {party: _ordered(stage, people, party, counts) for party, counts in _ASKED.items()}
    rows = [(order.number, order.buyer, _asked(order), _agreed(order)) for order in orders.values()]
    stage.screen.show(table(["order", "by", "asked for (cards x yuan)", "agreed"], rows))
    return orders


def _ordered(stage: Stage, people: People, party: str, counts: Counts) -> Order:
    reference = f"order-{party}-{stage.clock().day}"
    placed = place_order(stage.db, people.of(party), counts, reference, party)
    agreed = _AGREED if party == "HN" and counts == _ASKED["HN"] else None
    # A province has one clerk, and nobody agrees to his own order: for it the company does.
    return approve_order(stage.db, people.warehouse, placed.number, agreed)


def _send(stage: Stage, people: People, orders: Mapping[str, Order]) -> dict[str, Consignment]:
    stage.day(5, "The warehouse sets whole cartons and packs apart, prints the notes, sends")
    sent = {
        party: _dispatch(stage, people.warehouse, order.number) for party, order in orders.items()
    }
    rows = [
        (item.number, item.receiver, len(item.lines), item.cards, format_yuan(item.face_value_fen))
        for item in sent.values()
    ]
    columns = ["consignment", "to", "ranges", "cards", "value yuan"]
    stage.screen.show(table(columns, rows, right=columns[2:]))
    _print_note(stage, sent["HN"])
    return sent


def _dispatch(stage: Stage, actor: Actor, order_number: str) -> Consignment:
    draft = allocate_order(stage.db, actor, order_number)
    done = send_consignment(stage.db, actor, draft.number)
    expect(isinstance(done, Consignment), "a consignment to a child waits for nobody")
    assert isinstance(done, Consignment)  # noqa: S101 - what was expected
    return done


def _print_note(stage: Stage, consignment: Consignment) -> None:
    path = stage.world.directory / f"{consignment.number}.pdf"
    with stage.db.read() as session:
        document = consignment_note(session, consignment)
    path.write_bytes(pdf.render(document, stage.world.settings.pdf_font))
    stage.screen.say(f"note with barcodes of the ranges: {path}")


def _receive(stage: Stage, people: People, sent: Mapping[str, Consignment]) -> None:
    stage.day(7, "Hubei and Jiangxi receive all by scanning; a part of Hunan's has come")
    for party in ("HB", "JX"):
        done = receive(stage, people.of(party), sent[party])
        stage.screen.say(f"{done.number}: {party} received {done.count('received')}")
    first = sent["HN"].lines[0].cards
    arrival = Arrival(reference="truck-1", scans=[f"{serial_text(first.first)[:14]}"])
    part = receive(stage, people.of("HN"), sent["HN"], arrival)
    left = sent["HN"].cards - part.count("received")
    stage.screen.say(
        f"{part.number}: HN received one pack of {part.count('received')}, {left} on the way"
    )


def _receive_the_rest(stage: Stage, people: People, sent: Consignment) -> None:
    stage.day(9, f"The second truck: {_DAMAGED} cards damaged, {_SHORT} missing")
    lines = [line.cards for line in sent.lines]
    last = lines[-1]
    damaged = SerialRange(last.last - _DAMAGED + 1, last.last)
    good = SerialRange(last.first, last.last - _DAMAGED - _SHORT)
    first = SerialRange(lines[0].first + 100, lines[0].last)
    arrival = Arrival(
        reference="truck-2",
        scans=[scan(cards) for cards in (first, *lines[1:-1], good)],
        damaged=[scan(damaged)],
        complete=True,
    )
    done = receive(stage, people.of("HN"), sent, arrival)
    stage.screen.say(
        f"{done.number}: HN received {done.count('received')}; claims {', '.join(done.claims)}"
    )
    _settle_claims(stage, people, done.claims)


def _settle_claims(stage: Stage, people: People, numbers: Sequence[str]) -> None:
    stage.day(10, "The claims end: missing cards are found, damaged ones void by two persons")
    for number in numbers:
        with stage.db.read() as session:
            kind = read_claim(session, people.warehouse, number).kind
        if kind == "short":
            done = answer_received(
                stage.db, people.warehouse, number, "found under the seat of the truck"
            )
        else:
            pending = request_void(stage.db, people.finance, number, "scratched", "WAREHOUSE")
            done = stage.agree(people, pending)
        stage.screen.say(_claim(done))


def _claim(claim: Claim) -> str:
    return f"{claim.number}: {claim.cards.count} {claim.kind}, {claim.state}"


def _hand_down(stage: Stage, people: People) -> None:
    stage.day(11, "From the provinces over the cities to twelve outlets, each by order and receipt")
    rows = []
    for region in REGIONS:
        city, wanted = region.city[0], _wanted(region)
        total = {face: sum(c.get(face, 0) for c in wanted.values()) for face in _faces(wanted)}
        _supplied(stage, people, city, total)
        for outlet, counts in wanted.items():
            stage.shelves.put(_supplied(stage, people, outlet, counts))
            rows.append(_outlet_row(region, outlet, counts))
    columns = ["outlet", "name", "50 yuan", "100 yuan", "200 yuan", "sells by"]
    stage.screen.show(table(columns, rows, right=columns[2:5]))


def _supplied(stage: Stage, people: People, party: str, counts: Counts) -> Consignment:
    order = _ordered(stage, people, party, counts)
    sent = _dispatch(stage, people.of(party), order.number)
    receive(stage, people.of(party), sent)
    with stage.db.read() as session:
        return read_consignment(session, people.warehouse, sent.number)


def _wanted(region: Region) -> dict[str, Counts]:
    return {code: _BIG_OUTLET if code == OWN_CONTRACT else _OUTLET for code in region.outlet_codes}


def _faces(wanted: Mapping[str, Counts]) -> list[int]:
    return sorted({face for counts in wanted.values() for face in counts})


def _outlet_row(region: Region, outlet: str, counts: Counts) -> tuple[object, ...]:
    name = next(name for code, name, _ in region.outlets if code == outlet)
    model = "credit, own contract" if outlet == OWN_CONTRACT else region.sale_model
    return (outlet, name, *(counts.get(face, "") for face in (5_000, 10_000, 20_000)), model)


def scan(cards: SerialRange) -> str:
    """Return what a scanner reads for a range."""
    return f"{serial_text(cards.first)}-{serial_text(cards.last)}"


def _asked(order: Order) -> str:
    return _told({line.face_fen: line.requested_count for line in order.lines})


def _agreed(order: Order) -> str:
    return _told({line.face_fen: line.approved_count or 0 for line in order.lines})


def _told(counts: Counts) -> str:
    return ", ".join(
        f"{count} x {format_yuan(face).removesuffix('.00')}" for face, count in counts.items()
    )
