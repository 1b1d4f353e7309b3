"""The QR of a card, for proofs and samples. Everything stays in memory."""

import io
from typing import Any

import qrcode
import qrcode.constants
from qrcode.image.pil import PilImage
from qrcode.image.svg import SvgPathImage

from core.errors import InvalidInput

MAX_BYTES = 106
"""What version 6 at error correction M holds in byte mode."""

_VERSION = 6  # fixed, like the mask: choosing them for each card takes six times as long
_MASK = 3
_MODULE_PIXELS = 8
_QUIET_MODULES = 4


def qr_png(text: str) -> bytes:
    """Return the QR as PNG; InvalidInput when the text is longer than MAX_BYTES bytes."""
    image = _code(text).make_image(image_factory=PilImage)
    return _saved(image, format="PNG")


def qr_svg(text: str) -> bytes:
    """Return the QR as SVG, one path; InvalidInput as `qr_png`."""
    return _saved(_code(text).make_image(image_factory=SvgPathImage))


def _code(text: str) -> "qrcode.QRCode[Any]":
    if len(text.encode("utf-8", "replace")) > MAX_BYTES:
        raise InvalidInput(f"the text of a QR may have at most {MAX_BYTES} bytes")
    code: qrcode.QRCode[Any] = qrcode.QRCode(
        version=_VERSION,
        error_correction=qrcode.constants.ERROR_CORRECT_M,
        box_size=_MODULE_PIXELS,
        border=_QUIET_MODULES,
        mask_pattern=_MASK,
    )
    code.add_data(text, optimize=0)
    code.make(fit=False)
    return code


def _saved(image: Any, **options: Any) -> bytes:
    target = io.BytesIO()
    image.save(target, **options)
    return target.getvalue()
