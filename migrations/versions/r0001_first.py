"""Every table of the first release."""

from migrations.first import (
    accounts,
    core,
    distribution,
    distribution_count,
    distribution_money,
    distribution_paper,
    distribution_till,
    redemption,
    staff,
    vouchers,
)

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make every table, those first that others refer to."""
    _make_1()
    _make_2()


def _make_1() -> None:
    redemption.create_alarm()
    redemption.create_attempt()
    redemption.create_caller()
    redemption.create_caller_language()
    redemption.create_channel()
    vouchers.create_denomination()
    accounts.create_electricity_account()
    core.create_job()
    accounts.create_journal_entry()
    accounts.create_late_fee_rate()
    core.create_lease()
    accounts.create_ledger_account()
    core.create_outbox()
    redemption.create_partner()
    distribution.create_party()
    staff.create_person()
    vouchers.create_pin_key()
    redemption.create_redeemed_pack()
    redemption.create_redemption()
    redemption.create_request()
    core.create_stored_answer()
    redemption.create_watermark()
    accounts.create_account_region_change()
    accounts.create_bill()
    redemption.create_caller_binding()
    distribution.create_contract()
    accounts.create_quote()
    staff.create_staff_member()
    distribution_till.create_till()
    staff.create_approval()
    staff.create_audit_event()
    redemption.create_caller_lock()
    distribution.create_contract_version()
    distribution_money.create_payment()
    accounts.create_posting()
    distribution_money.create_settlement()
    staff.create_staff_session()
    distribution_count.create_stock_count()
    distribution_paper.create_stock_order()
    distribution_till.create_till_sale()


def _make_2() -> None:
    distribution_money.create_adjustment()
    distribution.create_commission()
    distribution_paper.create_consignment()
    distribution_money.create_payment_reversal()
    distribution_till.create_pin_reveal()
    vouchers.create_printer()
    distribution_money.create_settlement_line()
    distribution_count.create_stock_count_line()
    distribution_count.create_stock_difference()
    distribution_paper.create_stock_order_line()
    vouchers.create_batch_order()
    distribution_paper.create_credit_note()
    distribution_count.create_difference_answer()
    distribution_paper.create_goods_receipt()
    vouchers.create_batch()
    distribution_paper.create_claim()
    distribution_paper.create_goods_receipt_line()
    distribution_paper.create_claim_event()
    distribution_paper.create_consignment_line()
    vouchers.create_lot()
    vouchers.create_print_file_part()
    vouchers.create_stock_movement()
    vouchers.create_voucher()
    vouchers.create_card_proof()
    distribution_paper.create_credit_note_line()
    distribution_count.create_difference_movement()
    redemption.create_redemption_reversal()
    distribution_till.create_sealed_pin()
    vouchers.create_voucher_hold()
    vouchers.create_voucher_hold_before()
