"""The print file: what the printer needs of each card, encrypted to his key from the first byte.

The plain form is UTF-8 text with `\\n` at the end of every line. The first line is

    serial_number,pin,face_yuan,expires_on,qr

and then one line for each card, in the order of the serial numbers, fields parted by commas:

    42251010007001008,680419 129695 212192,50.00,2028-06-10,https://pay.example/c#680419129695212192

the serial number with its check digit, the PIN in its printed groups, the face in yuan, the
printed date, and the text of the QR. That text is an address whose fragment (after `#`) is the
PIN: browsers never send it to a server. The plain form exists in memory only; what is stored is
one age stream (https://age-encryption.org/v1) to the printer's X25519 key.

A manifest goes with it: a JSON object of count, serials, face, printed date, the printer's
fingerprint and the digest of the ciphertext, signed with the platform's Ed25519 key.
"""

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import pyrage
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from core.errors import ConfigurationError, InvalidInput
from core.keyfile import KeyFile
from core.money import format_yuan, parse_yuan
from staff.events import canonical_json
from vouchers.pin_list import Pins
from vouchers.pins import Pin, grouped
from vouchers.serials import parse_serial, serial_texts

HEADER = b"serial_number,pin,face_yuan,expires_on,qr\n"

MAX_URL_BYTES = 87
"""The longest address before `#`: with the PIN it fills the QR of vouchers.qr."""

_URL = re.compile(r"https?://[!-+\--~]+", re.ASCII)  # printable, no blank, no comma


class PrintFileInvalid(InvalidInput):
    """Not a print file, or not for this key. Never says what stands in it."""

    code = "print_file_invalid"


class ManifestInvalid(InvalidInput):
    """The manifest was not signed by this key, or was changed."""

    code = "manifest_invalid"


@dataclass(frozen=True, slots=True)
class PrintedCard:
    """What stands on one card; its repr hides the PIN."""

    serial: int
    pin: Pin
    face_fen: int
    expires_on: date
    page_url: str

    @property
    def qr_text(self) -> str:
        """The text of the card's QR, with the PIN in the fragment."""
        return qr_text(self.page_url, self.pin)


@dataclass(frozen=True, slots=True)
class LineMaker:
    """What all lines of a batch share."""

    face_fen: int
    expires_on: date
    page_url: str

    def lines(self, first_serial: int, pins: Pins) -> bytes:
        """Return the lines of consecutive cards."""
        serials = range(first_serial, first_serial + len(pins))
        shared = f"{format_yuan(self.face_fen)},{self.expires_on.isoformat()},{self.page_url}#"
        text = [
            f"{serial},{pin[:6]} {pin[6:12]} {pin[12:]},{shared}{pin}\n"
            for serial, pin in zip(serial_texts(serials), pins.digits, strict=True)
        ]
        return "".join(text).encode("ascii")


def page_url(public_url: str) -> str:
    """Return the address of the customers' page for cards; ConfigurationError if not printable."""
    url = public_url.rstrip("/") + "/c"
    if _URL.fullmatch(url) is None or "#" in url or len(url) > MAX_URL_BYTES:
        raise ConfigurationError(
            "WANNENG_PUBLIC_URL must be an http or https address without blanks, commas and `#`, "
            f"of at most {MAX_URL_BYTES - 2} characters: it stands in the QR of every card"
        )
    return url


def qr_text(url: str, pin: Pin) -> str:
    """Return the text of a card's QR: the PIN stands in the fragment, which no server sees."""
    return f"{url}#{pin.digits}"


def read_print_file(ciphertext: bytes, identity: str) -> Iterator[PrintedCard]:
    """Open a print file with the printer's secret key (AGE-SECRET-KEY-…), card by card.

    Raises PrintFileInvalid; nothing of the content stands in the error.
    """
    lines = _decrypt(ciphertext, identity).split(b"\n")
    if lines[0] + b"\n" != HEADER or lines[-1] != b"":
        raise PrintFileInvalid("this is not a print file, or it is cut off")
    return (_card(number, line) for number, line in enumerate(lines[1:-1], 2))


def sign_manifest(keyfile: KeyFile, content: Mapping[str, Any]) -> dict[str, Any]:
    """Return the content with our public key and an Ed25519 signature over its canonical JSON."""
    named = {**content, "public_key": keyfile.public_key_text}
    signature = keyfile.sign(canonical_json(named).encode("ascii"))
    return {**named, "signature": base64.b64encode(signature).decode("ascii")}


def verify_manifest(manifest: Mapping[str, Any], public_key: str) -> None:
    """Raise ManifestInvalid unless this key (32 bytes in base64) signed all of the manifest.

    Take the key from where you trust it, not from the manifest.
    """
    content = {name: value for name, value in manifest.items() if name != "signature"}
    try:
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key, validate=True))
        signature = base64.b64decode(str(manifest.get("signature", "")), validate=True)
        key.verify(signature, canonical_json(content).encode("ascii"))
    except (InvalidSignature, binascii.Error, ValueError, TypeError):
        raise ManifestInvalid("the manifest is not signed by this key") from None
    if manifest.get("public_key") != public_key:
        raise ManifestInvalid("the manifest names another key than the one that signed it")


def _decrypt(ciphertext: bytes, identity: str) -> bytes:
    try:
        key = pyrage.x25519.Identity.from_str(identity.strip())
        return bytes(pyrage.decrypt(ciphertext, [key]))
    except (pyrage.IdentityError, pyrage.DecryptError, UnicodeEncodeError):
        raise PrintFileInvalid("the print file cannot be opened with this key") from None


def _card(number: int, line: bytes) -> PrintedCard:
    try:
        serial, pin, face, expires_on, qr = line.decode("ascii").split(",")
        url, _, fragment = qr.partition("#")
        card = PrintedCard(
            parse_serial(serial),
            Pin.parse(pin.replace(" ", "")),
            parse_yuan(face),
            date.fromisoformat(expires_on),
            url,
        )
    except (ValueError, InvalidInput):
        raise PrintFileInvalid(f"line {number} of the print file is damaged") from None
    if fragment != card.pin.digits or pin != grouped(card.pin):
        raise PrintFileInvalid(f"line {number} of the print file is damaged")
    return card
