"""Types of single values in addresses and headers: form, bounds, description, example.

They stand apart from `api/fields.py` since they load the framework, which the quick way spares.
"""

from typing import Annotated

from litestar.params import HeaderParameter, PathParameter, QueryParameter

from api.fields import ACCOUNT, END, KEY, LONGEST_KEY, MAX_ID, NAME, SERIAL

MAX_PAGE = 200

TillPath = Annotated[
    str,
    PathParameter(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*" + END, max_length=32, description="A till's code."
    ),
]

SerialPath = Annotated[
    str,
    PathParameter(
        pattern=SERIAL,
        min_length=17,
        max_length=17,
        description="Serial number, 17 digits.",
        schema_extra={"examples": ["42251010007001008"]},
    ),
]
AccountPath = Annotated[
    str, PathParameter(pattern=ACCOUNT, max_length=13, description="Electricity account number.")
]
ReceiptPath = Annotated[
    str,
    PathParameter(
        pattern=r"^[0-9]{14}" + END,
        min_length=14,
        max_length=14,
        description="Receipt number, 14 digits.",
    ),
]
BatchPath = Annotated[
    int, PathParameter(ge=1, le=99_999_999_999, description="The 11 digits of a batch.")
]
IdPath = Annotated[int, PathParameter(ge=1, le=MAX_ID, description="An id; digits.")]
PartyPath = Annotated[
    str,
    PathParameter(pattern=NAME, min_length=1, max_length=60, description="Code of a party."),
]
MonthPath = Annotated[
    str,
    PathParameter(
        pattern=r"^20[0-9]{2}-(0[1-9]|1[0-2])" + END,
        min_length=7,
        max_length=7,
        description="A month, like 2025-06.",
    ),
]
MovePath = Annotated[
    str, PathParameter(pattern=r"^[a-z_]+" + END, max_length=40, description="The name of a move.")
]
DialoguePath = Annotated[
    str,
    PathParameter(
        pattern=KEY,
        min_length=1,
        max_length=LONGEST_KEY,
        description="Your own reference of this dialogue, printable ASCII, no slash.",
        schema_extra={"examples": ["call-5512"]},
    ),
]
IdempotencyKey = Annotated[
    str,
    HeaderParameter(
        name="Idempotency-Key",
        pattern=KEY,
        min_length=1,
        max_length=LONGEST_KEY,
        description="Your own reference of this request, unique for you for ever, 1 to 128 "
        "printable ASCII characters, never the PIN. The same key with the same content gets the "
        "same answer and no second effect; with other content it is a conflict.",
    ),
]
PartyQuery = Annotated[
    str | None,
    QueryParameter(
        pattern=NAME, min_length=1, max_length=60, description="Of this party only: its code."
    ),
]
AfterId = Annotated[
    int | None,
    QueryParameter(
        ge=0, le=MAX_ID, description="Begin after this id: `next_after` of the page before."
    ),
]
Limit = Annotated[int, QueryParameter(ge=1, le=MAX_PAGE, description="How many entries at most.")]
