"""Damage to tills, their sales and the PINs sealed for them."""

from tests.audit.damage import case

CASES = (
    case(
        "a sale at a till is gone",
        "till_answers",
        "DELETE FROM till_sale WHERE kind = 'card'",
        loose="till_sale",
    ),
    case(
        "a sale tells of another card",
        "till_sales",
        "UPDATE till_sale SET first_serial = first_serial + 1, last_serial = last_serial + 1"
        " WHERE kind = 'card'",
    ),
    case(
        "a sale tells of another entry",
        "till_sales",
        "UPDATE till_sale SET entry_id = (SELECT max(entry_id) FROM redemption)"
        " WHERE kind = 'card'",
    ),
    case(
        "a sale was made by a till of another outlet",
        "till_sales",
        "UPDATE till SET party_id = {outlet2}",
    ),
    case(
        "a card of plastic is sold as an electronic one",
        "till_sales sealed_pins",
        "UPDATE till_sale SET kind = 'electronic' WHERE kind = 'card'",
    ),
    case(
        "an electronic batch counts a card that nobody sold",
        "batch_counts vouchers_complete lots_tile",
        "UPDATE batch SET generated_count = generated_count + 1 WHERE id = {open}",
    ),
    case(
        "an electronic card exists that nobody sold",
        "vouchers_complete till_sales",
        "INSERT INTO voucher (serial, batch_id, pin_tag)"
        " SELECT first_serial + generated_count, id, '00000000000000000000000000000001'"
        " FROM batch WHERE id = {open}",
    ),
    case(
        "an electronic batch was printed",
        "batch_counts",
        "UPDATE batch SET delivered_count = 1 WHERE id = {open}",
        loose="batch",
    ),
    case(
        "the answer to a sale is gone",
        "till_answers",
        "DELETE FROM stored_answer WHERE key = (SELECT request_key FROM till_sale"
        " WHERE kind = 'card')",
    ),
    case(
        "a till was told of a sale that is not",
        "till_answers",
        "INSERT INTO stored_answer (realm, sender, key, digest, code, answer, at)"
        " SELECT realm, sender, 'more', digest, code, answer, at FROM stored_answer"
        " WHERE key = (SELECT request_key FROM till_sale WHERE kind = 'card')",
    ),
    case(
        "a PIN is still sealed after its card was taken back",
        "sealed_pins",
        "UPDATE sealed_pin SET serial = (SELECT first_serial FROM till_sale WHERE id ="
        " (SELECT sale_id FROM pin_reveal WHERE outcome = 'withdrawn')),"
        " sale_id = (SELECT sale_id FROM pin_reveal WHERE outcome = 'withdrawn')",
        "DELETE FROM pin_reveal WHERE outcome = 'withdrawn'",
        "INSERT INTO pin_reveal (sale_id, outcome, at) SELECT id, 'confirmed', at FROM till_sale"
        " WHERE kind = 'electronic' AND id NOT IN (SELECT sale_id FROM pin_reveal)"
        " AND id NOT IN (SELECT sale_id FROM sealed_pin)",
    ),
    case(
        "a PIN is still sealed after it was revealed",
        "sealed_pins",
        "INSERT INTO pin_reveal (sale_id, outcome, at) SELECT sale_id, 'confirmed', created_at"
        " FROM sealed_pin",
    ),
    case(
        "nobody knows what became of a PIN",
        "sealed_pins",
        "DELETE FROM pin_reveal WHERE outcome = 'expired'",
    ),
    case(
        "a PIN is sealed for another till",
        "sealed_pins",
        "UPDATE sealed_pin SET till_id = 1",
        loose="sealed_pin",
    ),
)
