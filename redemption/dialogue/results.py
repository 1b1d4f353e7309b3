"""What the menu says to the result of an effect. Pure."""

from msgspec.structs import replace

from redemption.dialogue.moves import CHANCES, end, go, missed, prompts, to_menu
from redemption.dialogue.state import (
    AccountFound,
    AccountMissing,
    Bound,
    CardAnswered,
    CardStatus,
    CodeGone,
    CodeRefused,
    CodeSent,
    CodeWrong,
    Goal,
    MenuRules,
    MenuState,
    Node,
    Pending,
    Recharged,
    Result,
    Step,
    Unavailable,
)
from redemption.dialogue.words import Prompt, refusal_id
from redemption.requests import Answer, Code
from vouchers.serials import parse_serial

MAX_CARDS = 5
"""Cards redeemed in one call at most."""


def on_result(state: MenuState, result: Result, rules: MenuRules) -> Step:
    """Return the step after an effect; with `at_once` an answer is the end, a question is not."""
    done = _on_result(state, result, rules)
    if not state.at_once or done.end or done.effect is not None:
        return done
    if state.node is not Node.PIN and done.state.node in _ASKING:
        return done
    return end(done.state, *done.prompts[: len(done.prompts) - len(done.state.said)])


_ASKING = {
    Node.OWN_ACCOUNT, Node.ACCOUNT, Node.ACCOUNT_CONFIRM, Node.PIN, Node.SERIAL, Node.CODE
}  # fmt: skip


def _on_result(state: MenuState, result: Result, rules: MenuRules) -> Step:
    match result:
        case AccountFound():
            return _found(state, result)
        case AccountMissing():
            return _no_account(state, Prompt("account_unknown"))
        case CardAnswered(answer) if state.node is Node.CONFIRM or _is_done(state, answer):
            return _redeemed(state, answer, rules)
        case CardAnswered(answer):
            return _checked(state, answer, rules)
        case Pending():
            return _after_card(state, Prompt("pending"))
        case Recharged():
            return to_menu(state, *_history(result, rules))
        case CardStatus(status, face_fen):
            return _card_status(state, status, face_fen)
        case Unavailable(may_be_done):
            return _outage(state, may_be_done)
        case CodeSent() | CodeRefused() | Bound() | CodeWrong() | CodeGone():
            return _on_code(state, result)


# -- accounts


def _found(state: MenuState, found: AccountFound) -> Step:
    if state.goal is Goal.BALANCE:
        return to_menu(state, *_balance(state, found))
    if not found.is_open:
        return _no_account(state, Prompt("account_closed"))
    state = replace(state, account=found.number)
    if state.node is Node.OWN_ACCOUNT:
        return go(state, Node.PIN, _arrears(found))
    return go(state, Node.ACCOUNT_CONFIRM, question=(_read_back(found),))


def _no_account(state: MenuState, why: Prompt) -> Step:
    return missed(state, why) if state.node is Node.ACCOUNT else to_menu(state, why)


def _balance(state: MenuState, found: AccountFound) -> tuple[Prompt, ...]:
    if found.number != state.own_account:
        return (_arrears(found),)  # the balance is for the holder only
    return (_arrears(found), Prompt("balance", {"balance_fen": found.balance_fen}))


def _arrears(found: AccountFound) -> Prompt:
    return _owed("arrears", {"tail": found.number[-4:]}, found)


def _read_back(found: AccountFound) -> Prompt:
    said: dict[str, str | int] = {"account": grouped_account(found.number), "name": found.name}
    return _owed("account_confirm", said, found)


def _owed(prompt_id: str, said: dict[str, str | int], found: AccountFound) -> Prompt:
    """Tell of arrears, and of a late fee, only where there are some."""
    if not found.arrears_fen:
        return Prompt(f"{prompt_id}_clear", said)
    said = {**said, "arrears_fen": found.arrears_fen}
    if not found.late_fee_fen:
        return Prompt(f"{prompt_id}_short", said)
    return Prompt(prompt_id, {**said, "late_fee_fen": found.late_fee_fen})


def grouped_account(number: str) -> str:
    """Return an account number as it is read back: threes, and four at the end."""
    *threes, last = [number[i : i + 3] for i in range(0, len(number) - 1, 3)]
    return " ".join([*threes, last + number[len(number) - 1 :]])


# -- cards


def _checked(state: MenuState, answer: Answer, rules: MenuRules) -> Step:
    if answer.code is Code.REDEEMABLE and answer.serial is not None:
        return _ask_confirmation(state, answer)
    if answer.code is Code.PIN_MALFORMED:
        return _malformed(state, answer)
    if answer.code is Code.PIN_UNKNOWN and answer.lock_rule is None:
        return _unknown(state, answer)
    if answer.code in (Code.TRY_LATER, Code.REQUEST_CONFLICT):
        return missed(state, Prompt("try_later"))
    return _refused(state, answer, rules)


def _ask_confirmation(state: MenuState, answer: Answer) -> Step:
    state = replace(state, serial=parse_serial(answer.serial or ""))
    tail = (state.account or "")[-4:]
    question = Prompt("confirm", {"face_fen": answer.face_fen or 0, "tail": tail})
    return go(state, Node.CONFIRM, question=(question,))


def _malformed(state: MenuState, answer: Answer) -> Step:
    state = replace(state, malformed=state.malformed + 1)
    if state.malformed >= CHANCES or answer.silent:
        return end(state, *prompts("pin_malformed", "too_many_mistakes", "goodbye"))
    return go(state, Node.PIN, Prompt("pin_malformed"))


def _unknown(state: MenuState, answer: Answer) -> Step:
    state = replace(state, unknown=state.unknown + 1)
    said = Prompt(refusal_id(answer), {"tries": answer.tries_left or 0})
    if state.unknown >= CHANCES:
        return end(state, said, *prompts("too_many_mistakes", "goodbye"))
    return go(state, Node.PIN, said)


def _redeemed(state: MenuState, answer: Answer, rules: MenuRules) -> Step:
    if answer.code is Code.REDEEMED:
        return _after_card(state, *_receipt(state, answer))
    if answer.code is Code.TRY_LATER:
        return missed(state, Prompt("try_later"))
    return _refused(state, answer, rules)


def _receipt(state: MenuState, answer: Answer) -> tuple[Prompt, ...]:
    facts: dict[str, str | int] = {
        "face_fen": answer.face_fen or 0,
        "balance_fen": answer.balance_fen or 0,
        "receipt": answer.receipt_number or "",
    }
    if answer.arrears_paid_fen:
        said = [Prompt("done_arrears", {**facts, "arrears_fen": answer.arrears_paid_fen})]
    else:
        said = [Prompt("done", facts)]
    if answer.waits_for_bank:
        said.append(Prompt("waits_for_bank"))
    if state.texted:
        said.append(Prompt("text_follows"))
    return tuple(said)


def _is_done(state: MenuState, answer: Answer) -> bool:
    return state.at_once and answer.code is Code.REDEEMED


def _after_card(state: MenuState, *said: Prompt) -> Step:
    if state.at_once:
        return end(state, *said)
    state = replace(state, cards=state.cards + 1, serial=None)
    if state.cards >= MAX_CARDS:
        return end(state, *said, *prompts("card_limit", "goodbye"))
    return go(state, Node.DONE, question=(*said, Prompt("another")))


def _refused(state: MenuState, answer: Answer, rules: MenuRules) -> Step:
    if answer.lock_rule is not None or answer.code is Code.CALLER_LOCKED:
        until = "" if answer.locked_until is None else rules.time_text(answer.locked_until)
        lock = Prompt(refusal_id(answer), {"until": until})
        return go(replace(state, account=None, serial=None), Node.LOCKED, lock)
    facts: dict[str, str | int] = {}
    if answer.code is Code.VOUCHER_USED:
        at = "" if answer.at is None else rules.time_text(answer.at)
        facts = {"at": at, "tail": answer.account_tail or ""}
    return to_menu(state, Prompt(_REFUSALS.get(answer.code) or refusal_id(answer), facts))


_REFUSALS = {
    Code.PIN_UNKNOWN: "pin_unknown_plain",  # de-activated since it was looked up
    Code.REQUEST_CONFLICT: "try_later",
    Code.REDEEMABLE: "try_later",
}


# -- the rest


def _outage(state: MenuState, may_be_done: bool) -> Step:
    if may_be_done:
        return end(state, *prompts("fault", "goodbye"))
    return missed(state, Prompt("try_later"))


def _history(result: Recharged, rules: MenuRules) -> tuple[Prompt, ...]:
    tail: dict[str, str | int] = {"tail": result.account_number[-4:]}
    if not result.recharges:
        return (Prompt("history_none", tail),)
    entries = [
        Prompt("history_entry", {"at": rules.time_text(at), "face_fen": face_fen})
        for at, face_fen in result.recharges
    ]
    return (Prompt("history", tail), *entries)


def _card_status(state: MenuState, status: str | None, face_fen: int) -> Step:
    if status is None:
        return missed(state, Prompt("card_unknown"))
    return to_menu(state, Prompt(f"card_{status}", {"face_fen": face_fen}))


def _on_code(
    state: MenuState, result: CodeSent | CodeRefused | Bound | CodeWrong | CodeGone
) -> Step:
    match result:
        case CodeSent():
            return go(state, Node.CODE, Prompt("code_sent"))
        case CodeRefused(reason):
            return to_menu(state, Prompt(reason))
        case Bound(number):
            state = replace(state, own_account=number)
            return to_menu(state, Prompt("bound", {"tail": number[-4:]}))
        case CodeWrong(tries) if tries > 0:
            wrong = "code_wrong_last" if tries == 1 else "code_wrong"
            return missed(state, Prompt(wrong, {"tries": tries}))
        case _:
            return to_menu(state, Prompt("code_gone"))
