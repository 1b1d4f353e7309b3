"""All words in English. `MESSAGES` fit one text message; `PROMPTS` are spoken or shown."""

MESSAGES: dict[str, str] = {
    # -- recharging
    "redeemed": "Top-up OK: CNY {face} to a/c ..{tail}. Balance {balance}. Ref {receipt}",
    "redeemed_arrears": (
        "Top-up OK: CNY {face} to a/c ..{tail}. Arrears paid {arrears}. "
        "Balance {balance}. Ref {receipt}"
    ),
    "redeemed_late_fee": (
        "Top-up OK: CNY {face} to a/c ..{tail}. Arrears paid {arrears} (late fee {late_fee}). "
        "Balance {balance}. Ref {receipt}"
    ),
    "redeemed_bank": (
        "Top-up OK: CNY {face} to a/c ..{tail}. Balance {balance}. "
        "Your bill is with the bank for debit. Ref {receipt}"
    ),
    "redeemed_bank_short": (
        "Top-up OK: CNY {face} to a/c ..{tail}. Balance {balance}. Bill at bank. Ref {receipt}"
    ),
    "redeemable": "This card is good for CNY {face}. To recharge send TOPUP account PIN.",
    "pin_malformed": (
        "Top-up failed: digits of the PIN are missing or wrong. "
        "Check account and 18-digit PIN and resend: TOPUP account PIN."
    ),
    "pin_unknown": (
        "Top-up failed: PIN not valid. {tries} tries left today. Check and resend. HELP for help."
    ),
    "pin_unknown_last": (
        "Top-up failed: PIN not valid. {tries} try left today. Check and resend. HELP for help."
    ),
    "pin_unknown_plain": "Top-up failed: PIN not valid. Check and resend. HELP for help.",
    "locked_day": "{wrong} wrong PINs today: top-up blocked until 24:00. Call {hotline}.",
    "locked_until": "Top-up blocked until {until}. Call {hotline}.",
    "locked": "Top-up blocked. Call {hotline}.",
    "used_by_you": (
        "Card already used {at} for a/c ..{tail}. You were not charged twice. Call {hotline}."
    ),
    "used_by_another": (
        "Card already used {at} by somebody else for a/c ..{tail}. "
        "Nothing was added now. Call {hotline}."
    ),
    "voucher_on_hold": (
        "Top-up failed: this card is on hold and was not used. Keep it and call {hotline}."
    ),
    "voucher_expired": (
        "Top-up failed: this card has expired. Its value is kept; exchange it free of charge. "
        "Call {hotline}."
    ),
    "voucher_void": (
        "Top-up failed: this card is void. Questions: call {hotline} with the card at hand."
    ),
    "voucher_replaced": (
        "Top-up failed: this card was exchanged, please use the new one. Call {hotline}."
    ),
    "account_unknown": (
        "No such account; the card was not used. Check the number on your bill and resend."
    ),
    "account_closed": (
        "Account ..{tail} is closed; the card was not used. Name another account or call {hotline}."
    ),
    "account_closed_plain": (
        "This account is closed; the card was not used. Name another account or call {hotline}."
    ),
    "account_missing": (
        "Please send account and PIN together: TOPUP account PIN. The account number is on "
        "your bill. The card was not used."
    ),
    "request_conflict": (
        "This message differs from an earlier one of the same number and was not processed. "
        "Please send a new message."
    ),
    "try_later": (
        "The system is busy, nothing was done. Please resend in a while. Call {hotline}."
    ),
    "pending": "Top-up in progress. We will text the result. Do not resend.",
    # -- asking
    "account_malformed": "An account number has {lengths} digits. Check and resend.",
    "account_not_found": "No such account. Check the number on your bill and resend.",
    "arrears_account_missing": "Send DUE account. The account number is on your bill.",
    "balance": (
        "A/c ..{tail}: balance CNY {balance}, arrears CNY {arrears} (late fee {late_fee})."
    ),
    "balance_short": "A/c ..{tail}: balance CNY {balance}, arrears CNY {arrears}.",
    "balance_clear": "A/c ..{tail}: balance CNY {balance}, no arrears.",
    "arrears": (
        "A/c ..{tail}: arrears CNY {arrears} (late fee {late_fee}). "
        "To recharge send TOPUP account PIN."
    ),
    "arrears_short": "A/c ..{tail}: arrears CNY {arrears}. To recharge send TOPUP account PIN.",
    "arrears_clear": "A/c ..{tail}: no arrears.",
    "not_bound": (
        "This account is not registered for your number. Send BIND account first, "
        "or call {hotline}."
    ),
    "none_bound": "No account is registered for your number. Send BIND account first.",
    "history": "A/c ..{tail}, latest top-ups: {entries}.",
    "history_entry": "{at} CNY {face}",
    "history_none": "A/c ..{tail}: no top-ups yet.",
    # -- cards
    "card_not_activated": (
        "This card is not activated and cannot be used. Ask the shop that sold it, "
        "or call {hotline}."
    ),
    "card_active": "This card is good for CNY {face}. To recharge send TOPUP account PIN.",
    "card_used": "This card of CNY {face} has been used. Questions: call {hotline}.",
    "card_on_hold": "This card is on hold. Keep it and call {hotline}.",
    "card_expired": (
        "This card has expired. Its value of CNY {face} is kept; exchange it free of charge. "
        "Call {hotline}."
    ),
    "card_void": "This card is void. Questions: call {hotline} with the card at hand.",
    "card_replaced": "This card was exchanged, please use the new one. Call {hotline}.",
    "card_unknown": "No card has this serial number. Check and resend, or call {hotline}.",
    "serial_malformed": (
        "Send CARD and the 17-digit serial number. Check and resend. Never send the PIN for this."
    ),
    # -- registering
    "bind_account_missing": "Send BIND account. The account number is on your bill.",
    "code": (
        "Code {code} registers account ..{tail} for the phone ..{caller}, valid 10 minutes. "
        "If you did not ask for it, tell it to nobody."
    ),
    "code_sent": (
        "A code was texted to the phone on the account's file. "
        "Reply to this number with its 6 digits within 10 minutes."
    ),
    "code_too_many": "No more codes today. Try again tomorrow or call {hotline}.",
    "code_wrong": "Wrong code, {tries} tries left.",
    "code_wrong_last": "Wrong code, {tries} try left.",
    "code_gone": "The code is not valid any more. Send BIND account again.",
    "no_phone": (
        "No phone is on file for this account. Register at a service counter with your "
        "identity card. Call {hotline}."
    ),
    "bound": "Account ..{tail} is registered. To recharge it, send TOPUP PIN from now on.",
    "unbound": "Account ..{tail} is no longer registered for your number.",
    "unbound_all": "No account is registered for your number any more.",
    # -- the rest
    "language_set": "Messages will be in English.",
    "language_unclear": "Send LANG ZH for Chinese, LANG EN for English.",
    "help": (
        "TOPUP account PIN: recharge. BAL: balance. DUE account: arrears. CARD serial: check a "
        "card. BIND account: register. HIST: history. LANG ZH: Chinese."
    ),
    "fault": (
        "There is a fault. If you sent a card it may have been taken: check before you resend. "
        "Call {hotline}."
    ),
    "unclear": (
        "Not understood. To recharge send TOPUP account PIN. HELP for help. Call {hotline}."
    ),
}

PROMPTS: dict[str, str] = {
    # -- every node's question
    "welcome": "Welcome to Universal Recharge. 中文请按1。For English press 2.",
    "menu": (
        "To recharge press 1; balance and arrears 2; recent recharges 3; check a card 4; "
        "register your account 5; repeat 9; operator 0."
    ),
    "own_account": "For the account ending {tail} press 1; for another account press 2.",
    "account": "Enter the account number, then hash.",
    "account_confirm": (
        "Account {account}, name {name}, arrears {arrears_fen} yuan including late fee "
        "{late_fee_fen}. If correct press 1; to enter again press 2."
    ),
    "account_confirm_short": (
        "Account {account}, name {name}, arrears {arrears_fen} yuan. "
        "If correct press 1; to enter again press 2."
    ),
    "account_confirm_clear": (
        "Account {account}, name {name}, no arrears. If correct press 1; to enter again press 2."
    ),
    "pin": ("Scratch the card and enter the 18-digit PIN, then hash. To start again press star."),
    "confirm": (
        "This card is worth {face_fen} yuan, for the account ending {tail}. "
        "Press hash to confirm or star to cancel."
    ),
    "another": "Another card press 1; main menu star.",
    "locked_keys": "Operator press 0; main menu star.",
    "serial": "Enter the 17-digit serial number of the card, then hash. Do not enter the PIN.",
    "code": "Enter the 6-digit code, then hash.",
    # -- recharging
    "done": "{face_fen} yuan added, balance {balance_fen}. Reference {receipt}.",
    "done_arrears": (
        "{face_fen} yuan added, {arrears_fen} paid off arrears, balance {balance_fen}. "
        "Reference {receipt}."
    ),
    "waits_for_bank": "Your bill is with the bank for debit; the money is kept as balance.",
    "text_follows": "A text message follows.",
    "card_limit": "At most 5 cards in one call. Please call again.",
    "cancelled": "Cancelled, the card was not used.",
    "pending": "Accepted. The result will be texted. Please do not repeat.",
    "pin_malformed": "Digits of the PIN are missing or wrong. Please check all 18.",
    "pin_unknown": "The PIN is not valid. {tries} tries left today.",
    "pin_unknown_last": "The PIN is not valid. {tries} try left today.",
    "pin_unknown_plain": "The PIN is not valid.",
    "used_by_you": (
        "This card was already used on {at} for the account ending {tail}. "
        "You were not charged twice."
    ),
    "used_by_another": (
        "This card was already used on {at} by somebody else, for the account ending {tail}. "
        "Nothing was added now."
    ),
    "voucher_on_hold": "This card is on hold. Please keep it and ask the operator.",
    "voucher_expired": "This card has expired. Its value is kept; the exchange is free.",
    "voucher_void": "This card is void.",
    "voucher_replaced": "This card was exchanged. Please use the new one.",
    "locked_day": "Too many wrong PINs. Recharge is blocked until midnight.",
    "locked_until": "Too many wrong PINs. Recharge is blocked until {until}.",
    "locked": "Too many wrong PINs. Recharge is blocked until an operator unlocks it.",
    # -- accounts
    "account_malformed": "An account number has {lengths} digits.",
    "account_unknown": "There is no such account. Please check the number.",
    "account_closed": "This account is closed and cannot be recharged.",
    "arrears": (
        "The account ending {tail} owes {arrears_fen} yuan including late fee {late_fee_fen}."
    ),
    "arrears_short": "The account ending {tail} owes {arrears_fen} yuan.",
    "arrears_clear": "The account ending {tail} has no arrears.",
    "balance": "Its balance is {balance_fen} yuan.",
    "none_bound": (
        "No account is registered for your number. Press 5 in the main menu to register one."
    ),
    "withheld": "Your number is withheld, so no account can be registered for it.",
    "history": "Recent recharges of the account ending {tail}:",
    "history_entry": "{at}, {face_fen} yuan.",
    "history_none": "The account ending {tail} has no recharges yet.",
    "code_sent": "A code was texted to the phone on the account's file, valid for 10 minutes.",
    "code_too_many": "No more codes today. Please try again tomorrow.",
    "code_wrong": "Wrong code, {tries} tries left.",
    "code_wrong_last": "Wrong code, {tries} try left.",
    "code_gone": "The code is not valid any more.",
    "no_phone": (
        "No phone is on file for this account. Please register at a service counter with your "
        "identity card."
    ),
    "bound": "The account ending {tail} is registered.",
    # -- cards
    "serial_malformed": "A serial number has 17 digits. Please check it.",
    "card_not_activated": "This card is not activated. Please ask the shop that sold it.",
    "card_active": "This card is good for {face_fen} yuan.",
    "card_used": "This card of {face_fen} yuan has been used.",
    "card_on_hold": "This card is on hold. Please ask the operator.",
    "card_expired": (
        "This card has expired. Its value of {face_fen} yuan is kept; the exchange is free."
    ),
    "card_void": "This card is void.",
    "card_replaced": "This card was exchanged. Please use the new one.",
    "card_unknown": "No card has this serial number.",
    # -- the rest
    "no_input": "I did not hear a key.",
    "wrong_key": "That key is not in use here.",
    "cleared": "Cleared.",
    "too_many_mistakes": "Too many wrong entries. Please check and call again.",
    "operator": "You are being connected to the operator, {hotline}.",
    "try_later": "The system is busy, nothing was done. Please try again later.",
    "wait": "One moment please.",
    "fault": (
        "Sorry, there is a fault. If you confirmed a recharge it may be done: please check before "
        "you call again."
    ),
    "goodbye": "Thank you for using Universal Recharge. Goodbye.",
}

SCREENS: dict[str, str] = {
    "welcome": "Universal Recharge\n1 中文\n2 English",
    "menu": (
        "1 Recharge\n2 Balance and arrears\n3 Recent recharges\n4 Check a card\n"
        "5 Register account\n0 Operator"
    ),
    "own_account": "1 Account ..{tail}\n2 Another account",
    "account": "Account number:",
    "account_confirm": (
        "A/c {account}\nArrears {arrears_fen} yuan, late fee {late_fee_fen} in it\n"
        "1 Correct\n2 Enter again"
    ),
    "account_confirm_short": (
        "A/c {account}\nArrears {arrears_fen} yuan\n1 Correct\n2 Enter again"
    ),
    "account_confirm_clear": "A/c {account}\nNo arrears\n1 Correct\n2 Enter again",
    "pin": "18-digit PIN of the card:",
    "serial": "17-digit serial number of the card, not the PIN:",
    "code": "6-digit code:",
    "operator": "Please call the operator: {hotline}.",
}
"""What a telephone's display shows instead, where it must be shorter."""
