"""Reading a body: strict JSON, decoded once, straight into the type that the handler asks for."""

import re
from typing import Any

import msgspec
from litestar import Request
from litestar.connection import ASGIConnection
from litestar.handlers.base import BaseRouteHandler

from api.errors import BodyMalformed, Flaw, InputRefused, MediaTypeUnsupported, expected

_JSON_TYPE = re.compile(r'application/json(\s*;\s*charset\s*=\s*"?utf-8"?)?\s*', re.IGNORECASE)
_PLACE = re.compile(r" - at `(?:key in )?(\$[^`]*)`$")
_LONGEST_PLACE = 100


class StrictRequest(Request[Any, Any, Any]):
    """A request whose body must be JSON of exactly the declared type, without conversions."""

    async def json(self) -> Any:
        """Return the body as the type of the handler's `data`.

        Raises MediaTypeUnsupported, BodyMalformed, and InputRefused for a wrong shape.
        """
        self._require_plain_json()
        field = self.route_handler.parsed_fn_signature.parameters["data"]
        return decode(await self.body(), field.annotation)

    def _require_plain_json(self) -> None:
        if _JSON_TYPE.fullmatch(self.headers.get("content-type", "")) is None:
            raise MediaTypeUnsupported("send the body as application/json in UTF-8")
        if self.headers.get("content-encoding", "identity").lower() != "identity":
            raise MediaTypeUnsupported("send the body without compression")


async def no_body(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """Guard calls that take no body: nothing may be sent with them but an empty object."""
    if isinstance(connection, Request) and (await connection.body()).strip() not in (b"", b"{}"):
        raise InputRefused("this call takes no body", [Flaw("$", "nothing, or an empty object")])


def decode(body: bytes, wanted: Any) -> Any:
    """Return JSON as the wanted type; raises BodyMalformed, or InputRefused for a wrong shape."""
    try:
        return msgspec.json.decode(body, type=wanted)
    except msgspec.ValidationError as error:
        message = str(error)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        # The cause is cut off everywhere here: it holds what was sent.
        raise BodyMalformed("the body is not JSON in UTF-8") from None
    raise InputRefused("a field of the body is not of the form asked for", [_flaw(message)])


def _flaw(message: str) -> Flaw:
    found = _PLACE.search(message)
    text = message[: found.start()] if found else message
    return Flaw(found[1][:_LONGEST_PLACE] if found else "$", expected(text))
