"""What can be wrong with a move of cards, or with a party. Every refusal changes nothing.

| code | when | raised by |
|---|---|---|
| `serial_invalid` | not 17 digits, or the check digit does not fit | vouchers.serials |
| `range_reversed` | the last serial number lies before the first | vouchers.serials |
| `range_outside_batch` | the range leaves its batch | vouchers.serials, vouchers.lots |
| `batch_unknown` | no batch has these serial numbers | vouchers.lots |
| `batch_not_ready` | the cards of the batch are not made yet | vouchers.lots |
| `move_unknown` | no move has this name | vouchers.moves |
| `wrong_stage` | a lot in the range is not where the move starts from | vouchers.moves |
| `lot_on_hold` | a lot, or a single card, in the range is on hold | vouchers.moves |
| `not_on_hold` | release of cards that are not on hold | vouchers.moves |
| `not_holder` | cards held by another party than the one that moves them | here |
| `not_receiver` | cards that are on the way to somebody else | here |
| `not_a_child` | dispatch to a party that is neither child nor sibling of the holder | here |
| `not_the_parent` | a return to another party than the holder's parent | here |
| `not_at_outlet` | activation of cards that no outlet holds | here |
| `party_unknown`, `party_exists`, `party_misplaced` | the tree of parties | here |
| `no_contract` | nobody at or above the holder has a contract | here |
| `over_credit_limit` | more would be owed than the limit | here |
| `prepaid_exhausted` | more than what was paid in advance | here |
| `over_stock_limit` | more unsold stock than a consignment contract allows | here |
| `reference_used` | a bank reference that stands for another payment already | here |
| `period_not_over` | closing a month that can still grow | here |
| `period_out_of_order` | closing a month that does not follow the last closed one | here |
| `books_disagree` | a statement that is not what the books say | here |
| `payment_unknown` | no payment has this bank reference | here |
| `already_redeemed` | de-activation of a range that holds redeemed or replaced cards | here |
| `nothing_to_move` | a return of cards that are all redeemed or replaced | here |
| `paper_unknown` | no order, consignment, claim or note has this number | here |
| `paper_state_wrong` | it is not in the state that this starts from | here |
| `request_conflict` | the same reference with other content | here |
| `not_enough_stock` | fewer free cards than shall go out | distribution.allocation |
| `in_consignment` | cards on the way in a consignment, received or made void past it | here |
| `scan_unreadable` | neither card, pack, carton nor range | distribution.scans |
| `spoilt_outside_range` | a spoilt card that is not in the delivered range | here |
| `cards_electronic` | a move of electronic cards that only cards of plastic make | here |
| `needs_reason` | a hold, release or void without a reason | here |
| `difference_answered` | a difference of a stock count that has ended before | here |
| `difference_not_covered` | moves or a recount that do not clear up all of a difference | here |
| `invalid_input` | a hold, document or party of a wrong form | core.errors |
| `forbidden` | the role does not allow the move | staff.permissions |
| `content_changed` | the lots are no longer as the approval saw them | staff.approvals |
| `try_later` | the rows were in use for too long | core.errors |
"""

from core.errors import DomainError, InvalidInput, NotFound


class NotHolder(DomainError):
    """The cards are held by a party that the actor does not act for, or by several."""

    code = "not_holder"


class NotReceiver(DomainError):
    """The cards are not on the way to the party that receives them."""

    code = "not_receiver"


class NotAChild(DomainError):
    """Cards go to a child of their holder, or to a sibling by an approved transfer."""

    code = "not_a_child"


class NotTheParent(DomainError):
    """Cards are returned to the holder's parent only."""

    code = "not_the_parent"


class NotAtOutlet(DomainError):
    """Cards are activated where they are sold: at an outlet."""

    code = "not_at_outlet"


class PartyUnknown(NotFound):
    """No party has this code."""

    code = "party_unknown"


class PartyExists(DomainError):
    """A party has this code already."""

    code = "party_exists"


class PartyMisplaced(DomainError):
    """A party must stand below a party of a higher kind."""

    code = "party_misplaced"


class NoContract(DomainError):
    """Nobody at or above the holder has a contract, so nobody could owe for the cards."""

    code = "no_contract"


class OverCreditLimit(DomainError):
    """More would be owed than the limit: of credit, or of consignment for electronic cards."""

    code = "over_credit_limit"


class PrepaidExhausted(DomainError):
    """The party would use more than it has paid in advance."""

    code = "prepaid_exhausted"


class OverStockLimit(DomainError):
    """The party would hold more unsold stock than its consignment contract allows."""

    code = "over_stock_limit"


class AlreadyRedeemed(DomainError):
    """Cards of the range are redeemed or replaced; nothing leads out of that."""

    code = "already_redeemed"


class NothingToMove(DomainError):
    """No card of the range can be moved."""

    code = "nothing_to_move"


class SpoiltOutsideRange(DomainError):
    """A spoilt card is not in the range that was delivered."""

    code = "spoilt_outside_range"


class CardsElectronic(DomainError):
    """Electronic cards are sold at tills, and are in nobody's stock."""

    code = "cards_electronic"


class NeedsReason(InvalidInput):
    """The move must say why."""

    code = "needs_reason"


class ReferenceUsed(DomainError):
    """The reference stands for something else already, for ever."""

    code = "reference_used"


class PaymentUnknown(NotFound):
    """No payment was recorded under this bank reference."""

    code = "payment_unknown"


class PaperUnknown(NotFound):
    """No order, consignment, claim or note has this number."""

    code = "paper_unknown"


class PaperStateWrong(DomainError):
    """The order, consignment or claim is not in the state that this starts from."""

    code = "paper_state_wrong"


class RequestConflict(DomainError):
    """The reference was used before, for other content."""

    code = "request_conflict"


class InConsignment(DomainError):
    """The cards travel in a consignment; they are received there, or made void by its claim."""

    code = "in_consignment"


class DifferenceAnswered(DomainError):
    """The difference has ended before."""

    code = "difference_answered"


class NotAnswered(DomainError):
    """Neither the moves named nor the later count clear up the whole difference."""

    code = "difference_not_covered"


class PeriodNotOver(DomainError):
    """The month can still grow."""

    code = "period_not_over"


class PeriodOutOfOrder(DomainError):
    """Months are closed one after the other."""

    code = "period_out_of_order"


class BooksDisagree(DomainError):
    """The statement is not what the books say, so it must not be closed."""

    code = "books_disagree"
