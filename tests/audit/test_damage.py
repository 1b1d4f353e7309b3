"""Each invariant sees the damage that breaks it, and no other invariant is troubled by it."""

from dataclasses import dataclass

import pytest

from audit.invariants import INVARIANTS
from tests.audit.damage import booked, broken_codes, damaged, redeemed
from tests.audit.world import World


@dataclass(frozen=True)
class Case:
    """Damage, the tables whose constraints would stop it, and every invariant it breaks."""

    what: str
    breaks: set[str]
    statements: tuple[str, ...]
    loose: tuple[str, ...] = ()


def case(what: str, breaks: str, *statements: str, loose: str = "") -> Case:
    return Case(what, set(breaks.split()), statements, tuple(loose.split()))


PAYMENT = "(SELECT id FROM journal_entry WHERE event = 'payment')"
ACTIVATION = "(SELECT min(id) FROM journal_entry WHERE event = 'activation')"
MIRROR = "(SELECT id FROM journal_entry WHERE reverses IS NOT NULL)"
C0_ENTRY = "(SELECT entry_id FROM redemption WHERE serial = {c0})"
THIRD = "'tel:+8613800000103'"

CASES = (
    # Cards
    case(
        "the ledger owes more than the cards are worth",
        "voucher_liability",
        *booked(2242, 2204, 5_000),
    ),
    case(
        "an active lot becomes unsold behind everybody's back",
        "voucher_liability movements_give_lots stock_adds_up",
        "UPDATE lot SET stage = 'stocked', activated_on = NULL WHERE first_serial = {c15}",
    ),
    case(
        "a batch has fewer cards than were requested",
        "batch_counts vouchers_complete",
        "UPDATE batch SET generated_count = 59 WHERE id = {big}",
        loose="batch",
    ),
    case(
        "a delivered card is forgotten",
        "batch_counts",
        "UPDATE batch SET delivered_count = delivered_count - 1 WHERE id = {big}",
    ),
    case(
        "a card is missing",
        "vouchers_complete",
        "DELETE FROM voucher WHERE serial = {c57}",
    ),
    case(
        "a card is too many",
        "vouchers_complete",
        "INSERT INTO voucher (serial, batch_id, pin_tag)"
        " VALUES ({c59} + 1, {big}, '00000000000000000000000000000001')",
    ),
    case(
        "a card is said to be of another batch",
        "vouchers_complete",
        "UPDATE voucher SET batch_id = {generated} WHERE serial = {c57}",
        loose="voucher",
    ),
    case(
        "a batch that nobody has generated has a card",
        "vouchers_complete",
        "INSERT INTO voucher (serial, batch_id, pin_tag)"
        " VALUES ({approved} * 100000, {approved}, '00000000000000000000000000000001')",
    ),
    case(
        "a lot ends too early",
        "lots_tile movements_give_lots stock_adds_up",
        "UPDATE lot SET last_serial = last_serial - 1 WHERE first_serial = {c51}",
    ),
    case(
        "a lot begins where another one has not ended",
        "lots_tile stock_adds_up",
        "UPDATE lot SET first_serial = first_serial - 1 WHERE first_serial = {c58}",
        loose="lot",
    ),
    case(
        "a batch has lost its lot",
        "lots_tile movements_give_lots stock_adds_up batch_counts",
        "DELETE FROM lot WHERE batch_id = {generated}",
    ),
    case(
        "a batch that failed can be sold",
        "lots_tile movements_give_lots stock_adds_up",
        "UPDATE lot SET stage = 'stocked' WHERE batch_id = {failed}",
    ),
    case(
        "a card is replaced by none",
        "replacements",
        "INSERT INTO voucher_hold (serial, hold, reason, at)"
        " SELECT {c57}, 'replaced', 'torn', at FROM voucher_hold",
        loose="voucher_hold",
    ),
    case(
        "a card is replaced by one of another value",
        "replacements",
        "INSERT INTO voucher_hold (serial, hold, replaced_by, reason, at)"
        " SELECT {c57}, 'replaced', (SELECT max(serial) FROM voucher), 'torn', at"
        " FROM voucher_hold",
    ),
    # Redemptions
    case(
        "a card is redeemed twice, properly each time",
        "one_redemption_per_card",
        *redeemed("c0"),
        loose="redemption",
    ),
    case(
        "two redemptions have one receipt number",
        "one_redemption_per_card redemption_entries redeemed_answers",
        "UPDATE redemption SET receipt_number ="
        " (SELECT receipt_number FROM redemption WHERE serial = {c1}) WHERE serial = {c0}",
        loose="redemption",
    ),
    case(
        "a redeemed card does not exist",
        "one_redemption_per_card vouchers_complete",
        "DELETE FROM voucher WHERE serial = {c0}",
        loose="voucher",
    ),
    case(
        "a card is redeemed before its activation",
        "redeemed_while_active",
        "UPDATE redemption SET at = (SELECT min(at) FROM stock_movement) WHERE serial = {c0}",
    ),
    case(
        "a card is redeemed that was never activated",
        "redeemed_while_active voucher_liability",
        *redeemed("c27"),
    ),
    case(
        "a card is redeemed after it was taken back",
        "redeemed_while_active voucher_liability",
        *redeemed("c6"),
    ),
    case(
        "a card is redeemed after it was made void",
        "redeemed_while_active",
        "UPDATE redemption SET at = (SELECT max(at) FROM attempt) WHERE serial = {c11}",
    ),
    case(
        "a used card was taken back",
        "redeemed_while_active",
        "UPDATE stock_movement SET at = (SELECT max(at) FROM attempt) WHERE move = 'deactivate'",
    ),
    case(
        "a redemption gave less than the face value",
        "redemption_entries",
        "UPDATE redemption SET face_fen = 2000 WHERE serial = {c0}",
    ),
    case(
        "the entry of a redemption moves another sum",
        "redemption_entries voucher_liability account_balances",
        f"UPDATE posting SET amount_fen = 4000 WHERE debit = 2204 AND entry_id = {C0_ENTRY}",
    ),
    case(
        "the entry of a redemption credits another account",
        "redemption_entries account_balances",
        "UPDATE posting SET account_number = '4200000003'"
        f" WHERE debit = 2204 AND entry_id = {C0_ENTRY}",
    ),
    case(
        "a redemption is gone, its money is not",
        "redemption_entries redeemed_answers voucher_liability",
        "DELETE FROM redemption WHERE serial = {c0}",
    ),
    case(
        "a customer was told 'redeemed' about a card that is not",
        "redeemed_answers",
        "INSERT INTO request (channel, sender, key, digest, key_version, code, answer, serial, at)"
        " SELECT channel, sender, 'more', digest, 1, code, answer, {c20}, at FROM request"
        " WHERE serial = {c0} AND code = 'redeemed'",
    ),
    case(
        "the answer of a redemption is gone",
        "redeemed_answers",
        "DELETE FROM request WHERE code = 'redeemed' AND serial = {c0}",
    ),
    case(
        "the customer was told another receipt number",
        "redeemed_answers",
        "UPDATE request SET answer = 'nothing' WHERE code = 'redeemed' AND serial = {c0}",
    ),
    # The books
    case(
        "an entry has no postings",
        "entries_complete",
        f"DELETE FROM posting WHERE entry_id = {PAYMENT}",
    ),
    case(
        "a posting belongs to no entry",
        "entries_complete",
        "UPDATE posting SET entry_id = 3 WHERE debit = 1002 AND credit = 1122",
        "DELETE FROM journal_entry WHERE event = 'payment'",
        loose="posting journal_entry",
    ),
    case(
        "a posting takes instead of giving",
        "entries_complete",
        f"UPDATE posting SET amount_fen = -amount_fen WHERE entry_id = {PAYMENT}",
        loose="posting",
    ),
    case(
        "a posting stands on an account that the chart does not have",
        "trial_balance",
        f"UPDATE posting SET debit = 9999 WHERE entry_id = {PAYMENT}",
        loose="posting",
    ),
    case(
        "a receivable is nobody's",
        "trial_balance",
        f"UPDATE posting SET party_id = NULL WHERE entry_id = {PAYMENT}",
    ),
    case(
        "a reversal takes back another sum",
        "reversals_mirror",
        f"UPDATE posting SET amount_fen = 600 WHERE entry_id = {MIRROR}",
    ),
    case(
        "a reversal is itself reversed",
        "reversals_mirror",
        *booked(1002, 2242, 700),
        f"UPDATE journal_entry SET reverses = {MIRROR} WHERE id = 2",
    ),
    case(
        "an entry is reversed twice",
        "reversals_mirror",
        *booked(2242, 1002, 700),
        "UPDATE journal_entry SET reverses = (SELECT reverses FROM journal_entry"
        f" WHERE id = {MIRROR}) WHERE id = 2",
        loose="journal_entry",
    ),
    case(
        "a balance is higher than what was posted",
        "account_balances",
        "UPDATE electricity_account SET balance_fen = balance_fen + 1 WHERE number = '4200000003'",
    ),
    case(
        "a bill says more was paid than was posted",
        "bill_payments",
        "UPDATE bill SET paid_principal_fen = paid_principal_fen + 1 WHERE bill_number = 'B3'",
    ),
    case(
        "a bill asks for more than was imported",
        "bill_payments",
        "UPDATE bill SET principal_fen = principal_fen + 1 WHERE bill_number = 'B3'",
    ),
    case(
        "a late fee was charged past the books",
        "bill_payments",
        "UPDATE bill SET charged_fee_fen = charged_fee_fen + 1 WHERE bill_number = 'B3'",
    ),
    case(
        "a paid bill is open again",
        "bill_states",
        "UPDATE bill SET state = 'open' WHERE bill_number = 'B1'",
    ),
    case(
        "a bill is paid with money still owed",
        "bill_states",
        "UPDATE bill SET state = 'paid' WHERE bill_number = 'B3'",
        loose="bill",
    ),
    # Movements
    case(
        "a lot expires on a day that no movement gave it",
        "movements_give_lots",
        "UPDATE lot SET expires_on = '2099-12-31' WHERE first_serial = {c20}",
        "UPDATE lot SET expires_on = '2099-12-31' WHERE first_serial = {c50}",
    ),
    case(
        "a movement begins where the cards were not",
        "movements_follow",
        "UPDATE stock_movement SET from_hold = 'lost' WHERE move = 'release'",
    ),
    case(
        "cards left a party that did not have them",
        "stock_adds_up movements_follow",
        "UPDATE stock_movement SET from_holder = {outlet2} WHERE move = 'transfer'",
    ),
    case(
        "a lot is held by another party",
        "stock_adds_up movements_give_lots",
        "UPDATE lot SET holder_id = {outlet2} WHERE first_serial = {c50}",
    ),
    case(
        "a movement is gone",
        "movements_give_lots stock_adds_up movements_follow movement_money redeemed_while_active",
        "DELETE FROM stock_movement WHERE move = 'activate' AND batch_id = {big}"
        " AND first_serial = {c0}",
    ),
    case(
        "returns clearing holds money of no card",
        "returns_clearing",
        *booked(2242, 2241, 5_000),
    ),
    # The money of moves
    case(
        "a movement tells another commission than was posted",
        "movement_money",
        "UPDATE stock_movement SET commission_fen = 0 WHERE move = 'activate'"
        " AND first_serial = {c0}",
    ),
    case(
        "another party owes for the cards",
        "movement_money",
        f"UPDATE posting SET party_id = {{city}} WHERE entry_id = {ACTIVATION}",
    ),
    case(
        "cards were activated for nothing",
        "movement_money",
        "UPDATE stock_movement SET price_fen = NULL, commission_fen = NULL, entry_id = NULL"
        " WHERE move = 'activate' AND first_serial = {c0}",
    ),
    case(
        "an activation moved no card",
        "movement_money",
        *booked(1122, 1002, 5_000, event="activation"),
    ),
    # Second persons
    case(
        "somebody refused his own request",
        "not_own_request",
        "UPDATE approval SET decider_person_id = requester_person_id WHERE state = 'refused'",
        loose="approval",
    ),
    case(
        "somebody agreed to his own batch",
        "not_own_request two_persons",
        "UPDATE approval SET decider_person_id = requester_person_id, decided_by = requested_by"
        " WHERE id = (SELECT approval_id FROM batch_order WHERE id ="
        " (SELECT order_id FROM batch WHERE id = {big}))",
        loose="approval",
    ),
    case(
        "an account passes to another person",
        "not_own_request",
        "UPDATE staff_member SET person_id = (SELECT person_id FROM staff_member"
        " WHERE username = 'auditor') WHERE username = 'finance'",
    ),
    case(
        "the text of a request is changed afterwards",
        "approval_texts",
        "UPDATE approval SET content = content || ' ' WHERE state = 'refused'",
    ),
    case(
        "cards were made void by one person",
        "two_persons",
        "UPDATE stock_movement SET approval_id = NULL WHERE move = 'void'",
    ),
    case(
        "a batch was made that was refused",
        "two_persons",
        "UPDATE approval SET state = 'refused' WHERE id = (SELECT approval_id FROM batch_order"
        " WHERE id = (SELECT order_id FROM batch WHERE id = {big}))",
    ),
    case(
        "a print file was handed out by one person",
        "two_persons",
        "UPDATE batch SET export_approval_id = NULL WHERE id = {big}",
    ),
    case(
        "a printer's key was exchanged",
        "two_persons",
        "UPDATE printer SET public_key = 'age1mine'",
    ),
    # Wrong PINs
    case(
        "a caller's wrong PINs are forgotten",
        "tries_counted",
        f"UPDATE caller SET wrong_today = 0 WHERE identity = {THIRD}",
    ),
    case(
        "a caller is blamed for tries that he did not make",
        "tries_counted",
        f"UPDATE caller SET wrong_in_row = 9 WHERE identity = {THIRD}",
    ),
    case(
        "tries are not on record",
        "tries_counted",
        f"DELETE FROM attempt WHERE caller = {THIRD}",
    ),
    case(
        "a lock is forgotten",
        "caller_locks",
        f"UPDATE caller SET locked_rule = NULL, locked_until = NULL WHERE identity = {THIRD}",
    ),
    case(
        "a lock is not on record",
        "caller_locks",
        f"DELETE FROM caller_lock WHERE caller = {THIRD}",
    ),
)


@pytest.mark.parametrize("damage", CASES, ids=lambda damage: damage.what.replace(" ", "_"))
def test_damage_breaks_the_invariants_it_touches_and_no_other(world: World, damage: Case) -> None:
    with damaged(world, damage.loose, damage.statements) as session:
        assert broken_codes(session) == damage.breaks


def test_every_invariant_is_broken_alone_or_with_those_it_cannot_be_told_from() -> None:
    touched = set().union(*(damage.breaks for damage in CASES))
    assert touched == {invariant.code for invariant in INVARIANTS}


def test_damage_is_gone_after_the_test(world: World) -> None:
    with damaged(world, ("lot",), ("DELETE FROM lot",)) as session:
        assert "lots_tile" in broken_codes(session)
    with damaged(world, (), ()) as session:
        assert broken_codes(session) == set()
