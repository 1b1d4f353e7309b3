"""Damage to stock counts, and to the limits of consigned stock."""

from tests.audit.damage import case

_OF = "(SELECT id FROM stock_count WHERE reference = '{}')".format
_ENDED = "(SELECT difference_id FROM difference_answer)"
_RECOUNTED = "(SELECT difference_id FROM difference_answer WHERE recount_id IS NOT NULL)"

CASES = (
    case(
        "a count says that more was found than its lines",
        "stock_counts",
        "UPDATE stock_count SET found_cards = found_cards + 1 WHERE reference = 'june'",
    ),
    case(
        "missing cards are struck from a count",
        "stock_counts",
        f"DELETE FROM stock_difference WHERE kind = 'missing' AND id NOT IN {_ENDED}",
    ),
    case(
        "a card is told missing that was found",
        "stock_counts",
        "UPDATE stock_difference SET first_serial = {c28}, last_serial = {c28}"
        f" WHERE id IN {_RECOUNTED}",
    ),
    case(
        "a card is told unexpected that was not found",
        "stock_counts",
        "UPDATE stock_difference SET first_serial = {c52}, last_serial = {c52}"
        " WHERE kind = 'unexpected'",
    ),
    case(
        "a difference ended by the move of other cards",
        "stock_counts",
        "UPDATE difference_movement SET movement_id = (SELECT max(id) FROM stock_movement"
        " WHERE move = 'receive')",
    ),
    case(
        "a difference ended by a move from before the count",
        "stock_counts",
        "UPDATE stock_count SET at = (SELECT at FROM difference_answer WHERE recount_id IS NULL)"
        " WHERE reference = 'june'",
    ),
    case(
        "a difference ended by no move at all",
        "stock_counts",
        "DELETE FROM difference_movement",
    ),
    case(
        "a difference ended by a count of another shop",
        "stock_counts",
        f"UPDATE stock_count SET party_id = {{far}} WHERE id = {_OF('july')}",
    ),
    case(
        "a difference ended by its own count",
        "stock_counts",
        f"UPDATE difference_answer SET recount_id = {_OF('june')} WHERE recount_id IS NOT NULL",
    ),
    case(
        "a difference ended by a count that has it too",
        "stock_counts",
        "UPDATE difference_answer SET difference_id = (SELECT min(d.id) FROM stock_difference d"
        f" WHERE d.kind = 'missing' AND d.count_id = {_OF('june')} AND d.id NOT IN {_ENDED})"
        " WHERE recount_id IS NOT NULL",
    ),
    case(
        "cards were consigned past the limit",
        "consigned_stock",
        "UPDATE contract SET limit_fen = 5000 WHERE sale_model = 'consignment'",
        "UPDATE contract_version SET limit_fen = 5000 WHERE sale_model = 'consignment'",
    ),
)
