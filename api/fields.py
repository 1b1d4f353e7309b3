"""Types of single values in bodies: form, bounds, description, example.

Those in addresses and headers are in `api/parameters.py`.

In JSON serials, PINs, account and receipt numbers and all ids are strings: a number there loses
digits in many languages. Money is whole fen.
"""

from typing import Annotated

from msgspec import Meta

MAX_ID = 2**63 - 1
# In Python `$` also matches before a line break at the end; elsewhere it does not.
END = r"$(?!\n)"
SERIAL = r"^[0-9]{17}" + END
ACCOUNT = r"^([0-9]{10}|[0-9]{13})" + END
NAME = r"^[^\u0000-\u001f\u007f]+" + END
KEY = r"^[ -~]+" + END
# All that can be an id, and nothing that a column of 64 bits cannot hold.
_ID = r"^([0-9]{1,18}|[1-8][0-9]{18}|9[01][0-9]{17})" + END
LONGEST_KEY = 128

SerialText = Annotated[
    str,
    Meta(
        pattern=SERIAL,
        min_length=17,
        max_length=17,
        description="Serial number, 17 digits, the check digit included.",
        examples=["42251010007001008"],
    ),
]
PinText = Annotated[
    str,
    Meta(
        max_length=64,
        description="The 18 digits under the scratch layer; blanks and hyphens between them, as "
        "printed, and full-width digits are understood.",
        examples=["680419 129695 212192"],
    ),
]
AccountNumber = Annotated[
    str,
    Meta(
        pattern=ACCOUNT,
        max_length=13,
        description="Electricity account number, 10 or 13 digits.",
        examples=["4200001234"],
    ),
]
Key = Annotated[
    str,
    Meta(
        pattern=KEY,
        min_length=1,
        max_length=LONGEST_KEY,
        description="Your own reference of this request, printable ASCII; never the PIN.",
        examples=["order-20250611-000123"],
    ),
]
CallerName = Annotated[
    str,
    Meta(
        pattern=NAME,
        min_length=1,
        max_length=64,
        description="Whom you serve: your customer's id. Wrong PINs count on this name; without it "
        "on you alone. Never the PIN.",
        examples=["customer-81723"],
    ),
]
FaceFen = Annotated[int, Meta(ge=1, le=100_000, description="Face value in fen.", examples=[5000])]
CardCount = Annotated[int, Meta(ge=1, le=10_000_000, description="How many cards.")]
IdText = Annotated[
    str,
    Meta(
        pattern=_ID,
        min_length=1,
        max_length=19,
        description="An id; digits.",
        examples=["7340112233445566"],
    ),
]
Name = Annotated[str, Meta(pattern=NAME, min_length=1, max_length=100)]
PartyCode = Annotated[
    str,
    Meta(
        pattern=NAME,
        min_length=1,
        max_length=60,
        description="Code of the party the cards go to.",
        examples=["WH-OUTLET-1"],
    ),
]
PayingParty = Annotated[
    str,
    Meta(
        pattern=NAME,
        min_length=1,
        max_length=60,
        description="Code of the party whose contract it is.",
        examples=["WH-OUTLET-1"],
    ),
]
BankReference = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9./_-]*" + END,
        min_length=1,
        max_length=64,
        description="The bank's own reference of the payment; small and capital letters are the "
        "same.",
        examples=["ICBC-20250611-000417"],
    ),
]
AmountFen = Annotated[
    int, Meta(ge=1, lt=10**15, description="A sum in whole fen.", examples=[500_000])
]
Document = Annotated[
    str,
    Meta(
        pattern=NAME,
        min_length=1,
        max_length=200,
        description="Number of the paper behind this: delivery note, order, bank reference.",
    ),
]
Reason = Annotated[
    str, Meta(pattern=NAME, min_length=1, max_length=500, description="Why, for the record.")
]
Username = Annotated[str, Meta(pattern=NAME, min_length=1, max_length=100, examples=["li.wei"])]
Password = Annotated[str, Meta(min_length=1, max_length=400)]
OneTimeCode = Annotated[
    str, Meta(min_length=1, max_length=20, description="The authenticator's six digits.")
]
MessageText = Annotated[
    str,
    Meta(
        max_length=1000,
        pattern=r"^[^\u0000]*$",
        description="The text message as it came.",
        examples=["CZ 4200001234 680419129695212192"],
    ),
]
Phone = Annotated[
    str,
    Meta(
        max_length=40,
        pattern=r"^[^\u0000-\u001f\u007f]*" + END,
        description="The sender's number, best as +8613800138000; empty if withheld.",
        examples=["+8613800138000"],
    ),
]
Reference = Annotated[
    str,
    Meta(
        pattern=KEY,
        min_length=1,
        max_length=LONGEST_KEY,
        description="The gateway's own unique reference.",
        examples=["msg-77120934"],
    ),
]
Digits = Annotated[
    str,
    Meta(
        max_length=64,
        pattern=r"^[0-9*#]*" + END,
        description="The keys pressed, with # and *; null for none in time, absent on the first "
        "turn.",
        examples=["1"],
    ),
]

TillCode = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*" + END,
        min_length=1,
        max_length=32,
        description="A till's code: letters, digits, dots, dashes; never given to another.",
        examples=["WH-1-T1"],
    ),
]
TillKey = Annotated[
    str,
    Meta(
        pattern=r"^age1[0-9a-z]+" + END,
        max_length=100,
        description="The till's age public key (X25519), age1…; PINs are sealed to it.",
    ),
]
