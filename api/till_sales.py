"""/api/v1/till/sales: what a till itself calls, with its own API key.

The answer to a lost call is asked for with the same Idempotency-Key; never sell anew.
"""

import base64
from datetime import date, datetime
from typing import Annotated, Any

from litestar import Response, Router, get, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Example
from litestar.params import Body
from msgspec import Meta, Struct

from api.fields import FaceFen, SerialText
from api.guards import WithRuntime, WithTill, till_only
from api.parameters import IdempotencyKey, IdPath
from api.refusals import Fen
from api.strict import no_body
from distribution.till_sales import Counter, Sale, SaleRequest, confirm_sale, find_sale, sell

PackText = Annotated[
    str,
    Meta(
        pattern=r"^[0-9]{14}$(?!\n)",
        min_length=14,
        max_length=14,
        description="A pack's number: the 14 digits of its label.",
        examples=["42251010007001"],
    ),
]
BuyersPhone = Annotated[
    str,
    Meta(
        pattern=r"^\+[1-9][0-9]{6,14}$(?!\n)",
        max_length=16,
        description="Also text the PIN there, if this server does that.",
        examples=["+8613800138000"],
    ),
]

_CARD = Example(
    summary="A card from the shelf",
    value={"serial_number": "42251010007001008", "language": "zh"},
)
_ELECTRONIC = Example(
    summary="An electronic card of 50 yuan", value={"face_fen": 5000, "language": "zh"}
)


class SaleBody(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One of: a card's serial number, a pack's number, the face of an electronic card."""

    language: Annotated[
        str, Meta(pattern=r"^(zh|en)$(?!\n)", description="Of the receipt.", examples=["zh"])
    ]
    serial_number: SerialText | None = None
    pack: PackText | None = None
    face_fen: FaceFen | None = None
    phone: BuyersPhone | None = None


class SealedPin(Struct, frozen=True, kw_only=True):
    """How far the PIN of an electronic card is: sealed, confirmed, expired or withdrawn.

    `ciphertext` (base64, age to the till's key) is there while it is sealed. Decrypted it is JSON:
    serial_number, face_fen, pin.
    """

    state: str
    ciphertext: str | None


class SaleShown(Struct, frozen=True, kw_only=True):
    """A sale. `receipt_text` has 32 columns, and `{PIN}` where the till writes the PIN."""

    sale_id: str
    kind: str
    first_serial: str
    last_serial: str
    cards: int
    face_fen: Fen
    amount_fen: Fen
    expires_on: date
    sold_at: datetime
    receipt_text: str
    pin: SealedPin | None
    texted: bool | None


@post(
    "/",
    guards=[till_only],
    sync_to_thread=True,
    summary="Sell",
    operation_id="sellAtTill",
    responses={
        201: ResponseSpec(SaleShown, description="Sold now"),
        200: ResponseSpec(SaleShown, description="Sold before, under this very key"),
    },
)
def sell_at_till(
    data: Annotated[SaleBody, Body(examples=[_CARD, _ELECTRONIC])],
    idempotency_key: IdempotencyKey,
    runtime: WithRuntime,
    till: WithTill,
) -> Response[Any]:
    """Activate a card or a pack that your outlet holds, or make an electronic card, as it is paid.

    Your contract's money moves in the same transaction. After no answer, or `try_later` (503), send
    the same again under the same key: it has one effect, and the same PIN comes back until you
    confirm it. A refusal is an answer too, and stays the answer to its key.
    """
    request = SaleRequest(
        serial=data.serial_number,
        pack=data.pack,
        face_fen=data.face_fen,
        language=data.language,
        phone=data.phone,
    )
    counter = Counter(keys=runtime.keys, texter=runtime.texter)
    sale = sell(runtime.db, counter, till, idempotency_key, request)
    return Response(_shown(sale), status_code=200 if sale.replayed else 201)


@get(
    "/{sale_id:str}",
    guards=[till_only],
    sync_to_thread=True,
    summary="Read a sale",
    operation_id="readTillSale",
)
def read_sale(sale_id: IdPath, runtime: WithRuntime, till: WithTill) -> SaleShown:
    """Return a sale of this till; to it those of others do not exist."""
    with runtime.db.read() as session:
        return _shown(find_sale(session, runtime.settings, till, sale_id))


@post(
    "/{sale_id:str}/confirm",
    status_code=200,
    guards=[till_only, no_body],
    sync_to_thread=True,
    summary="Confirm that the buyer has the PIN",
    operation_id="confirmReveal",
)
def confirm(sale_id: IdPath, runtime: WithRuntime, till: WithTill) -> SaleShown:
    """Delete the sealed PIN here: from now on only the buyer has it. May be repeated."""
    return _shown(
        runtime.db.transact(lambda session: confirm_sale(session, runtime.settings, till, sale_id))
    )


def _shown(sale: Sale) -> SaleShown:
    reveal = sale.reveal
    pin = None
    if reveal is not None:
        text = None if reveal.ciphertext is None else base64.b64encode(reveal.ciphertext).decode()
        pin = SealedPin(state=reveal.state, ciphertext=text)
    answer = sale.answer | {
        "expires_on": date.fromisoformat(sale.answer["expires_on"]),
        "sold_at": datetime.fromisoformat(sale.answer["sold_at"]),
    }
    return SaleShown(**answer, pin=pin, texted=sale.texted)


router = Router("/till/sales", route_handlers=[sell_at_till, read_sale, confirm], tags=["till"])
