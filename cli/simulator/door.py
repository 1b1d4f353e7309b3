"""One HTTP request at a time to a running server, with a gateway's key."""

from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

import msgspec

from core.errors import DomainError, InvalidInput, TryLater
from core.gateways.http import Request, call
from core.outbox import GatewayTrouble


class NoServer(TryLater):
    """Nothing answers at the address."""

    code = "no_server"


class Refused(DomainError):
    """The server did not take what the telephone sent; the message names its own code."""

    code = "refused_by_server"


class _Problem(msgspec.Struct):
    code: str = ""
    detail: str = ""


@dataclass(frozen=True)
class Door:
    """Where a server is, and the key of the gateway that we play."""

    url: str
    key: str = field(repr=False)

    def post_json(self, path: str, body: object) -> bytes:
        """Send JSON; return the answer's body. Raises NoServer, Refused, InvalidInput."""
        return self._post(path, msgspec.json.encode(body), "application/json")

    def post_form(self, path: str, fields: dict[str, str]) -> bytes:
        """Send a form; as `post_json`."""
        return self._post(path, urlencode(fields).encode(), "application/x-www-form-urlencoded")

    def _post(self, path: str, body: bytes, kind: str) -> bytes:
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise InvalidInput("the server's address must be http://… or https://…")
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": kind}
        whole = parts.path.rstrip("/") + path
        request = Request(
            "POST", parts.hostname, parts.port, whole, parts.scheme == "https", body, headers
        )
        try:
            status, answer = call(request)
        except GatewayTrouble as trouble:
            raise NoServer(f"no server answers at {self.url}; start `wanneng serve`") from trouble
        if status != 200:
            raise Refused(f"the server answers {status}{_told(answer)}", status=status)
        return answer


def _told(answer: bytes) -> str:
    try:
        problem = msgspec.json.decode(answer, type=_Problem)
    except msgspec.DecodeError:
        return ""
    return f" {problem.code}: {problem.detail}"
