"""TwiML, the markup of telephone providers: the proof of who asks, and what is told him. Pure.

Only verbs that all providers of this markup know: Gather, Say, Play, Redirect, Hangup, Reject,
and Message for texts.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit
from xml.sax.saxutils import escape, quoteattr

from api.forms import Fields
from redemption.dialogue.call_records import CallReply, Said

MEDIA_TYPE = "text/xml"

_HEAD = '<?xml version="1.0" encoding="UTF-8"?>'
_DIGESTS = {"HMAC_SHA1": hashlib.sha1, "HMAC_SHA256": hashlib.sha256}
_PORTS = {"https": 443, "http": 80}
_LONGEST_HEADER = 200
# XML 1.0 has no way to write these.
_NOT_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

Clips = Callable[[Said, str], Sequence[str]]
"""The addresses of a prompt's recordings in a language; none where it must be read out."""


@dataclass(frozen=True, slots=True)
class Voice:
    """How our replies sound: the provider's language names, the recordings, the next address."""

    languages: Mapping[str, str]
    clips: Clips
    action: str


def is_signed(
    tokens: Sequence[str], url: str, fields: Fields, signature: str, settings: str = ""
) -> bool:
    """Tell whether one of the tokens signed this address and form.

    `settings` is the header that names another digest than HMAC-SHA-1. Providers disagree on
    whether the usual port stands in the address, so either will do.
    """
    digest = _DIGESTS.get(_algorithm(settings))
    if digest is None or len(signature) > _LONGEST_HEADER:
        return False
    names = sorted({name for name, _ in fields})
    form = "".join(
        name + value
        for name in names
        for value in sorted({value for key, value in fields if key == name})
    )
    fits = False
    for token in tokens:
        for address in _spellings(url):
            content = (address + form).encode("utf-8", "replace")
            wanted = base64.b64encode(hmac.new(token.encode(), content, digest).digest())
            fits |= hmac.compare_digest(wanted, signature.encode("utf-8", "replace"))
    return fits


def _algorithm(settings: str) -> str:
    for part in settings.split(","):
        name, _, value = part.partition("=")
        if name.strip() == "algorithm" and value.strip():
            return value.strip().upper()
    return "HMAC_SHA1"


def _spellings(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    if parts.port is None:
        return url, parts._replace(netloc=f"{host}:{_PORTS.get(parts.scheme, 80)}").geturl()
    return url, parts._replace(netloc=host.rpartition(":")[0]).geturl()


def document(*verbs: str) -> bytes:
    """Return the document of these verbs."""
    return (_HEAD + "<Response>" + "".join(verbs) + "</Response>").encode()


def say(text: str, language: str) -> str:
    """Return the verb that reads a text out."""
    return f"<Say language={_attribute(language)}>{_text(text)}</Say>"


def redirect(url: str) -> str:
    """Return the verb that asks us again."""
    return f'<Redirect method="POST">{_text(url)}</Redirect>'


def reply_document(reply: CallReply, voice: Voice) -> bytes:
    """Return what a reply says, and the question for the keys of the next turn.

    With a finishing key no number of keys ends the question: the key, pressed out of habit after
    the last digit, would answer the next one, which may be the confirmation.
    """
    said = "".join(_prompt(one, reply.language, voice) for one in reply.prompts)
    if reply.end or reply.expect is None:
        return document(said, "<Hangup/>")
    next_url = f"{voice.action}?turn={reply.turn + 1}"
    ends = (
        'numDigits="1" finishOnKey=""'
        if reply.expect.finish_key is None
        else f"finishOnKey={_attribute(reply.expect.finish_key)}"
    )
    timeout = max(reply.expect.timeout_s, reply.expect.interdigit_s)
    gather = (
        f'<Gather input="dtmf" {ends} timeout="{timeout}" method="POST" '
        f"action={_attribute(next_url)}>{said}</Gather>"
    )
    return document(gather, redirect(next_url + "&ev=silence"))


def message_document(text: str) -> bytes:
    """Return the document that texts back; nothing for an empty text."""
    return document(f"<Message>{_text(text)}</Message>" if text else "")


def _prompt(one: Said, language: str, voice: Voice) -> str:
    clips = voice.clips(one, language)
    if clips:
        return "".join(f"<Play>{_text(url)}</Play>" for url in clips)
    return say(one.text, voice.languages[language])


def _text(text: str) -> str:
    return escape(_NOT_XML.sub("", text))


def _attribute(text: str) -> str:
    return quoteattr(_NOT_XML.sub("", text))
