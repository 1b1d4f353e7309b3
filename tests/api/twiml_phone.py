"""A telephone behind a TwiML provider: it signs, follows the markup and presses keys."""

import secrets
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree

import httpx
from twilio.request_validator import RequestValidator

PUBLIC_URL = "https://recharge.example/up"
TOKEN = "token of today"
VOICE = "/channels/voice/twiml"
SMS = "/channels/sms/twiml"


def mobile() -> str:
    """Return a mobile number nobody else uses."""
    return f"+86136{secrets.randbelow(10**8):08d}"


def signature(url: str, form: dict[str, str], token: str = TOKEN) -> str:
    """Return what the provider's own package signs."""
    return str(RequestValidator(token).compute_signature(url, form))


def post(client: httpx.Client, path: str, form: dict[str, str], **more: Any) -> httpx.Response:
    """Send a form as the provider does; `more` are headers to change."""
    signed = {"X-Twilio-Signature": signature(PUBLIC_URL + path, form)}
    return client.post(path, data=form, headers=signed | more)


@dataclass
class TwimlPhone:
    """One call. `path` is where the next keys go, `silent` where silence goes."""

    client: httpx.Client
    caller: str = field(default_factory=mobile)
    call_id: str = field(default_factory=lambda: "CA" + secrets.token_hex(16))
    path: str = VOICE
    silent: str = ""
    last: bytes = b""
    root: ElementTree.Element = field(default_factory=lambda: ElementTree.Element("none"))

    @property
    def form(self) -> dict[str, str]:
        """What the provider always sends."""
        return {
            "CallSid": self.call_id,
            "AccountSid": "AC" + "0" * 32,
            "From": self.caller,
            "To": "+862795598001",
            "CallStatus": "in-progress",
            "Direction": "inbound",
            "FromCity": "",
        }

    def ring(self) -> "TwimlPhone":
        """Begin the call."""
        return self.take(self.send(VOICE))

    def press(self, *keys: str) -> "TwimlPhone":
        """Press keys at one question after the other; `#` ends an input as at a telephone."""
        for one in keys:
            gather = self.root.find("Gather")
            assert gather is not None, "nothing is asked"
            digits = one.removesuffix(gather.get("finishOnKey", "#") or "none")
            self.take(self.send(self.path, digits))
        return self

    def wait(self) -> "TwimlPhone":
        """Press nothing."""
        return self.take(self.send(self.silent))

    def send(self, path: str, digits: str | None = None) -> httpx.Response:
        """Send one request without going on."""
        form = self.form if digits is None else self.form | {"Digits": digits}
        return post(self.client, path, form)

    def take(self, answer: httpx.Response) -> "TwimlPhone":
        """Follow an answer."""
        assert answer.status_code == 200, (answer.status_code, answer.text)
        assert answer.headers["content-type"] == "text/xml; charset=utf-8"
        self.last = answer.content
        self.root = ElementTree.fromstring(answer.content)
        gather, redirect = self.root.find("Gather"), self.root.find("Redirect")
        if gather is not None:
            self.path = _local(gather.get("action", ""))
        if redirect is not None:
            self.silent = _local(redirect.text or "")
        return self

    @property
    def heard(self) -> str:
        """What was read out."""
        return " ".join(said.text or "" for said in self.root.iter("Say"))

    @property
    def turn(self) -> int:
        """The turn that comes next."""
        return int(parse_qs(urlsplit(self.path).query)["turn"][0])

    @property
    def is_over(self) -> bool:
        """Whether we hung up."""
        return self.root.find("Hangup") is not None


def _local(url: str) -> str:
    assert url.startswith(PUBLIC_URL)
    return url.removeprefix(PUBLIC_URL)
