"""The QR of an enrolment, for a terminal and as PNG; in memory only."""

import io

from qrcode import QRCode
from qrcode.image.pil import PilImage


def as_text(content: str) -> str:
    """Return the QR in half blocks, light on dark, readable on dark and light terminals."""
    code: QRCode[PilImage] = QRCode(border=2)
    code.add_data(content)
    target = io.StringIO()
    code.print_ascii(out=target, invert=True)
    return target.getvalue().rstrip("\n")


def as_png(content: str) -> bytes:
    """Return the QR as a PNG image."""
    code: QRCode[PilImage] = QRCode(image_factory=PilImage)
    code.add_data(content)
    target = io.BytesIO()
    code.make_image().save(target, format="PNG")
    return target.getvalue()
