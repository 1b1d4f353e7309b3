"""The SQL of the reference's two flavours: tables, rows, function, and what must be true after."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Flavour:
    """One form of the reference; `makes_tables` is empty where the product's schema is used."""

    database: str
    function: str
    makes_tables: str
    makes_rows: str
    makes_function: str
    counts: str


BARE = Flavour(
    database="bare",
    function="bare_redeem",
    makes_tables="""
CREATE TABLE bare_voucher (serial bigint PRIMARY KEY, batch_id bigint NOT NULL,
                           pin_tag uuid NOT NULL UNIQUE);
CREATE TABLE bare_lot (first_serial bigint PRIMARY KEY, last_serial bigint NOT NULL,
                       stage text NOT NULL, face_fen bigint NOT NULL);
CREATE TABLE bare_account (number bigint PRIMARY KEY, balance_fen bigint NOT NULL);
CREATE TABLE bare_redemption (serial bigint PRIMARY KEY, account_number bigint NOT NULL,
                              face_fen bigint NOT NULL, at timestamptz NOT NULL);
CREATE TABLE bare_posting (id bigint PRIMARY KEY, debit int NOT NULL, credit int NOT NULL,
                           amount_fen bigint NOT NULL, account_number bigint NOT NULL);
""",
    makes_rows="""
INSERT INTO bare_voucher SELECT i, i / 100000, CAST(md5(CAST(i AS text)) AS uuid)
FROM generate_series(0, {cards} - 1) i;
INSERT INTO bare_lot SELECT i, i + {lot} - 1, 'active', 5000
FROM generate_series(0, {cards} - 1, {lot}) i;
INSERT INTO bare_account SELECT i, 0 FROM generate_series(1, {accounts}) i;
""",
    makes_function="""
CREATE FUNCTION bare_redeem(card bigint, account bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    hit record;
BEGIN
    SELECT v.serial, l.stage, l.face_fen INTO hit
    FROM bare_voucher v
    CROSS JOIN LATERAL (SELECT stage, face_fen FROM bare_lot WHERE first_serial <= v.serial
                        ORDER BY first_serial DESC LIMIT 1) l
    WHERE v.pin_tag = CAST(md5(CAST(card AS text)) AS uuid);
    IF NOT FOUND OR hit.stage <> 'active' THEN
        RAISE EXCEPTION 'not redeemable';
    END IF;
    INSERT INTO bare_redemption VALUES (hit.serial, account, hit.face_fen, now());
    INSERT INTO bare_posting VALUES (hit.serial, 2204, 2203, hit.face_fen, account);
    UPDATE bare_account SET balance_fen = balance_fen + hit.face_fen WHERE number = account;
    RETURN hit.serial;
END $$;
""",
    counts="""
SELECT (SELECT count(*) FROM bare_redemption), (SELECT count(*) FROM bare_posting),
       (SELECT coalesce(sum(amount_fen), 0) FROM bare_posting)
       = (SELECT sum(balance_fen) FROM bare_account)
""",
)
OWN = Flavour(
    database="own",
    function="own_redeem",
    makes_tables="",
    makes_rows="""
SET LOCAL session_replication_role = replica;
INSERT INTO ledger_account VALUES (2203, 'accounts', 'liability'), (2204, 'cards', 'liability');
INSERT INTO denomination VALUES (1, 5000, '01', 1095, 'hmac', true);
INSERT INTO batch (id, order_id, denomination_id, printer_id, first_serial, size, expires_on,
                   state, created_at)
SELECT i, 1, 1, 1, i * 100000, 100000, '2099-12-31', 'approved', now()
FROM generate_series(0, ({cards} - 1) / 100000) i;
INSERT INTO voucher SELECT i, i / 100000, CAST(md5(CAST(i AS text)) AS uuid)
FROM generate_series(0, {cards} - 1) i;
INSERT INTO lot (first_serial, last_serial, batch_id, stage, holder_id, expires_on, activated_on,
                 version)
SELECT i, least(i + {lot}, {cards}) - 1, i / 100000, 'active', 1, '2099-12-31', '2025-01-01', 1
FROM generate_series(0, {cards} - 1, {lot}) i;
INSERT INTO electricity_account (number, holder_name, account_class, state, balance_fen, version)
SELECT lpad(CAST(i AS text), 10, '0'), 'customer', 'residential', 'open', 0, 1
FROM generate_series(1, {accounts}) i;
""",
    makes_function="""
CREATE FUNCTION own_redeem(card bigint, account bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    hit record;
    target text := lpad(CAST(account AS text), 10, '0');
    receipt text := lpad(CAST(card AS text), 14, '0');
BEGIN
    SELECT v.serial, l.stage, d.face_fen INTO hit
    FROM voucher v
    JOIN batch b ON b.id = v.batch_id
    JOIN denomination d ON d.id = b.denomination_id
    CROSS JOIN LATERAL (SELECT stage FROM lot WHERE first_serial <= v.serial
                        ORDER BY first_serial DESC LIMIT 1) l
    WHERE v.pin_tag = CAST(md5(CAST(card AS text)) AS uuid);
    IF NOT FOUND OR hit.stage <> 'active' THEN
        RAISE EXCEPTION 'not redeemable';
    END IF;
    INSERT INTO journal_entry (id, at, business_day, event, reference)
    VALUES (card, now(), current_date, 'redemption', receipt);
    INSERT INTO redemption (serial, account_number, face_fen, channel, sender, caller, request_key,
                            receipt_number, entry_id, at)
    VALUES (hit.serial, target, hit.face_fen, 'partner', 'bench', 'partner:bench', receipt,
            receipt, card, now());
    INSERT INTO posting (id, entry_id, debit, credit, amount_fen, account_number)
    VALUES (card, card, 2204, 2203, hit.face_fen, target);
    UPDATE electricity_account
    SET balance_fen = balance_fen + hit.face_fen, version = version + 1 WHERE number = target;
    RETURN hit.serial;
END $$;
""",
    counts="""
SELECT (SELECT count(*) FROM redemption), (SELECT count(*) FROM posting),
       (SELECT coalesce(sum(amount_fen), 0) FROM posting)
       = (SELECT sum(balance_fen) FROM electricity_account)
""",
)
