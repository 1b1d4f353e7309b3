"""All commands at a glance. Each is imported only when it is run; a test compares the words."""

from collections.abc import Mapping

from cli.command import Branch, Leaf

SYSTEM = "The system"
PEOPLE = "People"
CARDS = "Cards and stock"
MONEY = "Accounts and redemptions"
LOOKING = "Looking after it"

ENTRIES: Mapping[str, Leaf | Branch] = {
    "demo": Branch(
        "Run a month of trade in var/demo, and play with what it leaves.",
        {
            "run": Leaf("cli.demo.command:run", "Run a month of trade, from scratch."),
            "serve": Leaf("cli.demo.command:serve", "Serve what `wanneng demo` has made."),
            "card": Leaf("cli.demo.command:card", "Print one unused demo card as a JSON body."),
        },
        SYSTEM,
        default="run",
    ),
    "init": Leaf("cli.init:init", "Make the database, the key file, and what they need.", SYSTEM),
    "serve": Leaf("cli.serve:serve", "Serve the API and the channels over HTTP.", SYSTEM),
    "serve-agi": Leaf(
        "cli.serve_agi:serve_agi",
        "Lead the callers of an Asterisk through the phone menu (FastAGI).",
        SYSTEM,
    ),
    "serve-smpp": Leaf(
        "cli.serve_smpp:serve_smpp", "Take and send text messages over SMPP 3.4.", SYSTEM
    ),
    "simulate": Branch(
        "A telephone in the terminal, at a running server.",
        {
            "call": Leaf("cli.simulate:call", "Call the phone menu of a running server."),
            "sms": Leaf(
                "cli.simulate:sms",
                "Send text messages to a running server, one a line, and show the replies.",
            ),
            "ussd": Leaf(
                "cli.simulate:ussd", "Go through the menu that a telephone's display shows (USSD)."
            ),
        },
        SYSTEM,
    ),
    "settings": Leaf("cli.settings_table:settings", "Show all settings and their values.", SYSTEM),
    "doctor": Leaf("cli.doctor:doctor", "Look for what is wrong, and say what to do.", SYSTEM),
    "bench": Leaf("cli.bench:bench", "Measure speed and size against what is promised.", SYSTEM),
    "completion": Leaf(
        "cli.completion:completion", "Print the completion script for a shell.", SYSTEM
    ),
    "login": Leaf("cli.sign_in:login", "Sign in with password and one-time code.", PEOPLE),
    "logout": Leaf("cli.sign_in:logout", "Sign out and forget the token.", PEOPLE),
    "whoami": Leaf("cli.sign_in:whoami", "Show who is signed in.", PEOPLE),
    "staff": Branch(
        "Accounts of people who sign in.",
        {
            "add": Leaf("cli.staff:add", "Open an account, with its one-time codes."),
            "list": Leaf("cli.staff:list_all", "List all accounts."),
            "disable": Leaf("cli.staff:disable", "Close an account for good."),
            "password": Leaf("cli.staff:password", "Change your own password."),
        },
        PEOPLE,
    ),
    "approval": Branch(
        "What waits for a second person.",
        {
            "list": Leaf("cli.approvals:list_all", "List what waits for a second person."),
            "show": Leaf("cli.approvals:show", "Show exactly what would be carried out."),
            "agree": Leaf("cli.approvals:agree", "Agree as the second person, and carry it out."),
            "refuse": Leaf("cli.approvals:refuse", "Refuse with a reason."),
        },
        PEOPLE,
    ),
    "denomination": Branch(
        "Face values of cards.",
        {"list": Leaf("cli.denominations:list_all", "List the face values.")},
        CARDS,
    ),
    "printer": Branch(
        "Printers and their keys.",
        {
            "add": Leaf("cli.printers:add", "Ask for a printer's key to be registered."),
            "list": Leaf("cli.printers:list_all", "List the printers."),
            "specimen": Leaf(
                "cli.specimen:specimen", "Draw the QR of a specimen card, for proofs."
            ),
        },
        CARDS,
    ),
    "batch": Branch(
        "Orders of cards: ask, agree, make, hand to the printer.",
        {
            "create": Leaf("cli.batches:create", "Order cards."),
            "list": Leaf("cli.batches:list_all", "List batches, the newest first."),
            "show": Leaf("cli.batches:show", "Show a batch."),
            "approve": Leaf("cli.batches:approve", "Agree to a batch's order."),
            "generate": Leaf("cli.batches:generate", "Make the cards of an approved batch."),
            "open": Leaf("cli.batches:open_for_sale", "Let tills sell an electronic batch."),
            "close": Leaf("cli.batches:close_for_sale", "End the sale of an electronic batch."),
            "export": Leaf("cli.batches:export", "Hand out the encrypted print file, once."),
            "manifest": Leaf("cli.batches:manifest", "Show the signed manifest of an export."),
        },
        CARDS,
    ),
    "party": Branch(
        "Who holds cards: warehouse, provinces, cities, outlets.",
        {
            "add": Leaf("cli.parties:add", "Add a party."),
            "list": Leaf("cli.parties:list_all", "List the parties."),
            "contract": Leaf("cli.parties:contract", "Write a party's contract."),
            "contracts": Leaf(
                "cli.parties:contracts", "Show every form a party's contract ever had."
            ),
        },
        CARDS,
    ),
    "till": Branch(
        "Counters that sell cards, and a till for reference.",
        {
            "add": Leaf("cli.tills:add", "Register a till; shows its API key once."),
            "list": Leaf("cli.tills:list_all", "List the tills of your outlets."),
            "rotate-key": Leaf("cli.tills:rotate_key", "Give a till a new API key."),
            "disable": Leaf("cli.tills:disable", "Refuse a till from now on."),
            "cancel": Leaf(
                "cli.tills:cancel", "Ask to undo a till's sale of a few minutes ago (two persons)."
            ),
            "new-key": Leaf("cli.till:new_key", "Make this till's own key; shows the public one."),
            "connect": Leaf("cli.till:connect", "Keep the API key that the outlet was shown."),
            "sell": Leaf("cli.till:sell", "Sell, print the receipt, and confirm it."),
        },
        CARDS,
    ),
    "lot": Branch(
        "Ranges of cards and their moves.",
        {
            "show": Leaf("cli.lots:show", "Show where the cards of a batch or range are."),
            "take-into-stock": Leaf("cli.moves:take_into_stock", "Take printed cards into stock."),
            "dispatch": Leaf("cli.moves:dispatch", "Send cards to a party below their holder."),
            "receive": Leaf("cli.moves:receive", "Confirm that cards have arrived."),
            "activate": Leaf("cli.moves:activate", "Activate cards at their outlet."),
            "deactivate": Leaf("cli.moves:deactivate", "Take an activation back (two persons)."),
            "return": Leaf("cli.moves:return_cards", "Return cards to the party above."),
            "hold": Leaf("cli.moves:hold", "Put cards on hold."),
            "release": Leaf("cli.moves:release", "Release cards from a hold."),
            "void": Leaf("cli.moves:void", "Make cards void for ever (two persons)."),
        },
        CARDS,
    ),
    "order": Branch(
        "Orders of stock: what a party wants from the one above.",
        {
            "create": Leaf("cli.orders:create", "Order cards from the party above."),
            "list": Leaf("cli.orders:list_all", "List orders, the oldest first."),
            "show": Leaf("cli.orders:show", "Show an order."),
            "approve": Leaf("cli.orders:approve", "Agree to an order as its supplier."),
            "refuse": Leaf("cli.orders:refuse", "Refuse an order as its supplier."),
            "cancel": Leaf("cli.orders:cancel", "Withdraw an order that nobody has decided on."),
            "allocate": Leaf(
                "cli.orders:allocate", "Set cards of the supplier's stock apart for an order."
            ),
        },
        CARDS,
    ),
    "consignment": Branch(
        "Cards that travel together, their papers and their receipt.",
        {
            "create": Leaf("cli.consignments:create", "Draw up a consignment of named ranges."),
            "list": Leaf("cli.consignments:list_all", "List consignments, the oldest first."),
            "show": Leaf("cli.consignments:show", "Show a consignment and its ranges."),
            "note": Leaf(
                "cli.consignments:note",
                "Write the consignment note as PDF, with barcodes to scan.",
            ),
            "send": Leaf("cli.consignments:send", "Send all ranges of a draft, or none."),
            "cancel": Leaf("cli.consignments:cancel", "Give the cards of a draft free again."),
            "receive": Leaf("cli.consignments:receive", "Receive what was scanned."),
            "overdue": Leaf(
                "cli.consignments:overdue", "List the cards that are on the way for too long."
            ),
        },
        CARDS,
    ),
    "claim": Branch(
        "Differences between what was sent and what arrived.",
        {
            "list": Leaf(
                "cli.claims:list_all", "List claims, the oldest first, with owner and age."
            ),
            "show": Leaf("cli.claims:show", "Show a claim and all its changes."),
            "assign": Leaf("cli.claims:assign", "Say which member of staff sees to a claim."),
            "found": Leaf(
                "cli.claims:found",
                "Take the cards of a claim, or a part of them, into the receiver's stock.",
            ),
            "hold": Leaf(
                "cli.claims:hold", "Put the cards of a claim on hold as lost; it stays open."
            ),
            "void": Leaf(
                "cli.claims:void", "Make the cards of a claim void for ever (two persons)."
            ),
            "dismiss": Leaf(
                "cli.claims:dismiss",
                "Close the claim of unexpected cards; they stay where the books have them.",
            ),
        },
        CARDS,
    ),
    "credit-note": Branch(
        "What parties were credited for cards that came back.",
        {
            "list": Leaf("cli.claims:list_notes", "List credit notes, the oldest first."),
            "print": Leaf("cli.claims:print_note", "Write a credit note as PDF."),
        },
        CARDS,
    ),
    "stock": Branch(
        "Counting shelves.",
        {
            "count": Leaf("cli.stock:count", "Record what was found on a party's shelf."),
            "list": Leaf("cli.stock:list_all", "List stock counts, oldest first."),
            "show": Leaf("cli.stock:show", "Show a stock count with its differences."),
            "answer": Leaf("cli.stock:answer", "End a difference by the moves that cleared it up."),
        },
        CARDS,
    ),
    "voucher": Branch(
        "Single cards.",
        {
            "show": Leaf("cli.vouchers:show", "Show a card's life, never its PIN."),
            "history": Leaf(
                "cli.vouchers:history", "Tell a card's whole life: made, moved, sold, tried, used."
            ),
            "prove": Leaf("cli.care:prove", "Prove a damaged card by its readable digits."),
            "redeem-proven": Leaf(
                "cli.care:redeem_proven", "Redeem a card that you proved (two persons)."
            ),
            "replace": Leaf(
                "cli.care:replace", "Replace an expired, damaged or lost card (two persons)."
            ),
            "extend": Leaf(
                "cli.care:extend_card", "Let an expired card be used until another day."
            ),
            "reverse": Leaf("cli.care:reverse", "Take a redemption back (two persons)."),
            "reissue": Leaf(
                "cli.care:reissue", "Hand out a card for a reversed redemption (two persons)."
            ),
        },
        CARDS,
    ),
    "key": Branch(
        "Versions of the PIN keys.",
        {
            "list": Leaf("cli.keys:list_all", "List the key versions."),
            "rotate": Leaf("cli.keys:rotate", "Make a new key version for new cards."),
            "retire": Leaf("cli.keys:retire", "Stop using an old key version."),
        },
        CARDS,
    ),
    "redeem": Leaf("cli.redeem:redeem", "Redeem a card into an electricity account.", MONEY),
    "account": Branch(
        "Electricity accounts.",
        {
            "import": Leaf("cli.accounts:import_file", "Import accounts from CSV."),
            "show": Leaf("cli.accounts:show", "Show an account's arrears and balance."),
            "statement": Leaf("cli.accounts:statement", "Show the movements of a balance."),
        },
        MONEY,
    ),
    "bill": Branch(
        "Electricity bills.",
        {
            "import": Leaf("cli.bills:import_file", "Import bills from CSV."),
            "to-bank": Leaf("cli.bills:to_bank", "Mark bills as out for debit by a bank."),
            "from-bank": Leaf("cli.bills:from_bank", "Take back bills that a bank left unpaid."),
        },
        MONEY,
    ),
    "payment": Branch(
        "What parties paid into the bank.",
        {
            "record": Leaf("cli.payments:record", "Record a payment by its bank reference."),
            "import": Leaf("cli.payments:import_file", "Import a bank's statement from CSV."),
            "list": Leaf("cli.payments:list_all", "List payments, the oldest first."),
            "reverse": Leaf("cli.payments:reverse", "Take a bounced payment back."),
        },
        MONEY,
    ),
    "adjustment": Branch(
        "What is charged or credited to a party beside its sales.",
        {
            "request": Leaf("cli.adjustments:ask", "Ask for an adjustment (two persons)."),
            "list": Leaf("cli.adjustments:list_all", "List posted adjustments, the oldest first."),
        },
        MONEY,
    ),
    "settlement": Branch(
        "What a party owes by month, and why.",
        {
            "show": Leaf("cli.settlements:show", "Show a party's month."),
            "close": Leaf("cli.settlements:close", "Close a party's month."),
            "list": Leaf("cli.settlements:list_all", "List closed months, the oldest first."),
            "export": Leaf(
                "cli.settlements:export",
                "Write a party's month as PDF, workbook or CSV (the lines only).",
            ),
        },
        MONEY,
    ),
    "partner": Branch(
        "Companies that redeem for their customers.",
        {
            "add": Leaf("cli.senders:add_one_partner", "Register a partner; shows its key once."),
            "list": Leaf("cli.senders:list_all_partners", "List the partners."),
            "rotate-key": Leaf("cli.senders:new_partner_key", "Give a partner a new key."),
            "disable": Leaf("cli.senders:disable_one_partner", "Refuse a partner from now on."),
        },
        MONEY,
    ),
    "channel": Branch(
        "Gateways of texts and calls.",
        {
            "add": Leaf("cli.senders:add_one_channel", "Register a gateway; shows its keys once."),
            "list": Leaf("cli.senders:list_all_channels", "List the gateways."),
            "rotate-keys": Leaf("cli.senders:new_channel_keys", "Give a gateway new keys."),
            "disable": Leaf("cli.senders:disable_one_channel", "Refuse a gateway from now on."),
        },
        MONEY,
    ),
    "prompts": Branch(
        "The recorded voice of the phone menu.",
        {
            "export": Leaf(
                "cli.prompt_audio:export",
                "Write all prompts into a directory, as DIRECTORY/zh/….wav and en/….wav.",
            ),
            "check": Leaf(
                "cli.prompt_audio:check",
                "Check the studio's recordings, and list the words that still need one.",
            ),
        },
        MONEY,
    ),
    "caller": Branch(
        "Those who recharge, and their wrong PINs.",
        {
            "show": Leaf("cli.callers:show", "Show a caller's wrong PINs and locks."),
            "unlock": Leaf("cli.callers:unlock", "Lift a caller's lock, for a reason."),
        },
        MONEY,
    ),
    "message": Branch(
        "Messages to customers and staff.",
        {
            "list": Leaf(
                "cli.messages:list_all", "List messages to customers and staff, the newest first."
            ),
            "resend": Leaf(
                "cli.messages:resend", "Send a message that was given up again, under its own id."
            ),
        },
        LOOKING,
    ),
    "report": Leaf("cli.reports:report", "Make a report of stock or money.", LOOKING),
    "audit": Branch(
        "Proof from the stored rows.",
        {
            "verify": Leaf("cli.audit:verify_all", "Check that everything adds up."),
            "roll-up": Leaf("cli.audit:roll_up_counters", "Count redeemed cards for reports."),
        },
        LOOKING,
    ),
    "job": Branch("Long work.", {"show": Leaf("cli.jobs:show", "Show how far a job is.")}, LOOKING),
    "event": Branch(
        "Who did what.",
        {"list": Leaf("cli.events:list_all", "List deeds, the newest first.")},
        LOOKING,
    ),
    "alarm": Branch(
        "What a person must look at.",
        {"list": Leaf("cli.alarms:list_all", "List alarms, the newest first.")},
        LOOKING,
    ),
}
