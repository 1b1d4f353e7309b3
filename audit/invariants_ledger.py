"""Invariants of the books, the electricity accounts and the bills."""

from typing import Any

from sqlalchemy import Select, Subquery, and_, func, literal, or_, select, union_all

from accounts.ledger import LedgerCode
from accounts.tables import bill, electricity_account, journal_entry, ledger_account, posting
from audit.books import between, credited, touches
from audit.invariant import Invariant, none_of
from audit.ranges import total


def _entry_without_postings() -> Select[Any]:
    return (
        select(journal_entry.c.id.label("entry"), journal_entry.c.event)
        .outerjoin(posting, posting.c.entry_id == journal_entry.c.id)
        .where(posting.c.id.is_(None))
    )


def _posting_that_moves_nothing() -> Select[Any]:
    return (
        select(
            posting.c.id.label("posting"),
            posting.c.entry_id.label("entry"),
            posting.c.debit,
            posting.c.credit,
            posting.c.amount_fen,
        )
        .outerjoin(journal_entry, journal_entry.c.id == posting.c.entry_id)
        .where(
            or_(
                journal_entry.c.id.is_(None),
                posting.c.amount_fen <= 0,
                posting.c.debit == posting.c.credit,
            )
        )
    )


def _posting_outside_the_chart() -> Select[Any]:
    debit, credit = ledger_account.alias(), ledger_account.alias()
    return (
        select(
            posting.c.id.label("posting"),
            posting.c.entry_id.label("entry"),
            posting.c.debit,
            posting.c.credit,
        )
        .outerjoin(debit, debit.c.code == posting.c.debit)
        .outerjoin(credit, credit.c.code == posting.c.credit)
        .where(or_(debit.c.code.is_(None), credit.c.code.is_(None)))
    )


def _posting_that_names_nobody() -> Select[Any]:
    nobody = {
        LedgerCode.DISTRIBUTOR_RECEIVABLE: posting.c.party_id.is_(None),
        LedgerCode.ELECTRICITY_ACCOUNT: posting.c.account_number.is_(None),
        LedgerCode.BILL_RECEIVABLE: or_(
            posting.c.account_number.is_(None), posting.c.bill_id.is_(None)
        ),
    }
    return select(
        posting.c.id.label("posting"),
        posting.c.entry_id.label("entry"),
        posting.c.debit,
        posting.c.credit,
    ).where(or_(*(and_(touches(code), missing) for code, missing in nobody.items())))


def _mirror_that_differs() -> Select[Any]:
    rest = (posting.c.amount_fen, posting.c.party_id, posting.c.account_number, posting.c.bill_id)
    mirrored = (
        select(
            journal_entry.c.id.label("entry"),
            posting.c.debit,
            posting.c.credit,
            *rest,
            literal(1).label("times"),
        )
        .join(posting, posting.c.entry_id == journal_entry.c.id)
        .where(journal_entry.c.reverses.is_not(None))
    )
    original = select(
        journal_entry.c.id.label("entry"),
        posting.c.credit.label("debit"),
        posting.c.debit.label("credit"),
        *rest,
        literal(-1).label("times"),
    ).join(posting, posting.c.entry_id == journal_entry.c.reverses)
    both = union_all(mirrored, original).subquery()
    key = [column for column in both.c if column.name != "times"]
    return (
        select(*key, func.sum(both.c.times).label("times"))
        .group_by(*key)
        .having(func.sum(both.c.times) != 0)
    )


def _reversal_of_a_reversal() -> Select[Any]:
    first = journal_entry.alias()
    return (
        select(journal_entry.c.id.label("entry"), journal_entry.c.reverses)
        .outerjoin(first, first.c.id == journal_entry.c.reverses)
        .where(
            journal_entry.c.reverses.is_not(None),
            or_(first.c.id.is_(None), first.c.reverses.is_not(None)),
        )
    )


def _entry_reversed_twice() -> Select[Any]:
    return (
        select(journal_entry.c.reverses.label("entry"), func.count().label("times_reversed"))
        .where(journal_entry.c.reverses.is_not(None))
        .group_by(journal_entry.c.reverses)
        .having(func.count() > 1)
    )


def _posted_balances() -> Subquery:
    code = LedgerCode.ELECTRICITY_ACCOUNT
    return (
        select(posting.c.account_number, total(credited(code)).label("fen"))
        .where(touches(code))
        .group_by(posting.c.account_number)
        .subquery()
    )


def _balance_unlike_postings() -> Select[Any]:
    posted = _posted_balances()
    posted_fen = func.coalesce(posted.c.fen, 0)
    return (
        select(
            electricity_account.c.number.label("account"),
            electricity_account.c.balance_fen,
            posted_fen.label("postings_fen"),
        )
        .outerjoin(posted, posted.c.account_number == electricity_account.c.number)
        .where(electricity_account.c.balance_fen != posted_fen)
    )


def _postings_of_no_account() -> Select[Any]:
    posted = _posted_balances()
    return (
        select(posted.c.account_number.label("account"), posted.c.fen.label("postings_fen"))
        .outerjoin(electricity_account, electricity_account.c.number == posted.c.account_number)
        .where(electricity_account.c.number.is_(None))
    )


def _posted_bills() -> Subquery:
    owed = between(LedgerCode.BILL_RECEIVABLE, LedgerCode.UTILITY_PAYABLE)
    charged = between(LedgerCode.BILL_RECEIVABLE, LedgerCode.LATE_FEE_INCOME)
    # Whoever pays, from a prepaid balance or otherwise: what leaves the receivable is paid.
    paid = credited(LedgerCode.BILL_RECEIVABLE) + owed + charged
    return (
        select(
            posting.c.bill_id,
            posting.c.account_number,
            total(owed).label("owed_fen"),
            total(charged).label("charged_fen"),
            total(paid).label("paid_fen"),
        )
        .where(posting.c.bill_id.is_not(None))
        .group_by(posting.c.bill_id, posting.c.account_number)
        .subquery()
    )


def _bill_unlike_postings() -> Select[Any]:
    posted = _posted_bills()
    paid_fen = bill.c.paid_principal_fen + bill.c.paid_fee_fen
    return (
        select(
            bill.c.id.label("bill"),
            bill.c.account_number.label("account"),
            bill.c.principal_fen,
            posted.c.owed_fen.label("posted_principal_fen"),
            bill.c.charged_fee_fen,
            posted.c.charged_fen.label("posted_fee_fen"),
            paid_fen.label("paid_fen"),
            posted.c.paid_fen.label("posted_paid_fen"),
        )
        .outerjoin(posted, posted.c.bill_id == bill.c.id)
        .where(
            or_(
                posted.c.bill_id.is_(None),
                posted.c.account_number != bill.c.account_number,
                posted.c.owed_fen != bill.c.principal_fen,
                posted.c.charged_fen != bill.c.charged_fee_fen,
                posted.c.paid_fen != paid_fen,
            )
        )
    )


def _postings_of_no_bill() -> Select[Any]:
    return (
        select(posting.c.bill_id.label("bill"), posting.c.id.label("posting"))
        .outerjoin(bill, bill.c.id == posting.c.bill_id)
        .where(posting.c.bill_id.is_not(None), bill.c.id.is_(None))
    )


def _bill_in_the_wrong_state() -> Select[Any]:
    rest_fen = bill.c.principal_fen - bill.c.paid_principal_fen
    fee_rest_fen = bill.c.charged_fee_fen - bill.c.paid_fee_fen
    return select(
        bill.c.id.label("bill"),
        bill.c.account_number.label("account"),
        bill.c.state,
        rest_fen.label("principal_rest_fen"),
        fee_rest_fen.label("fee_rest_fen"),
    ).where(
        or_(
            rest_fen < 0,
            fee_rest_fen < 0,
            and_(bill.c.state == "paid", or_(rest_fen != 0, fee_rest_fen != 0)),
            and_(bill.c.state != "paid", rest_fen == 0, fee_rest_fen == 0),
        )
    )


LEDGER = (
    Invariant(
        "entries_complete",
        "每笔凭证都有分录，每条分录都在两个不同科目之间转移大于零的金额。",
        "Every entry has postings, and every posting moves more than 0 between two accounts.",
        none_of(_entry_without_postings(), _posting_that_moves_nothing()),
    ),
    Invariant(
        "trial_balance",
        "借贷相等：所有分录只用科目表中的科目，并写明代理商、户号或账单。",
        "Debits equal credits: all postings stand on accounts of the chart and say whose they are.",
        none_of(_posting_outside_the_chart(), _posting_that_names_nobody()),
    ),
    Invariant(
        "reversals_mirror",
        "冲正凭证与原凭证逐条相反，每笔凭证至多冲正一次。",
        "A reversal is the mirror of its entry, posting by posting, and an entry has at most one.",
        none_of(_mirror_that_differs(), _reversal_of_a_reversal(), _entry_reversed_twice()),
    ),
    Invariant(
        "account_balances",
        "每个户号的预收余额等于其分录之和。",
        "The balance of every electricity account is the sum of its postings.",
        none_of(_balance_unlike_postings(), _postings_of_no_account()),
    ),
    Invariant(
        "bill_payments",
        "每张账单的本金、违约金和已付金额等于其分录之和。",
        "A bill's principal, charged fee and paid sums are those of its postings.",
        none_of(_bill_unlike_postings(), _postings_of_no_bill()),
    ),
    Invariant(
        "bill_states",
        "账单当且仅当本金和违约金全部付清时为已付。",
        "A bill is paid if, and only if, its principal and its late fee are paid in full.",
        none_of(_bill_in_the_wrong_state()),
    ),
)
