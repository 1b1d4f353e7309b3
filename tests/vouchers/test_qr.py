"""The QR of a card."""

import io

import pytest
from PIL import Image

from core.errors import InvalidInput
from vouchers import pins
from vouchers.print_file import MAX_URL_BYTES, qr_text
from vouchers.qr import MAX_BYTES, qr_png, qr_svg


def test_the_longest_text_of_a_card_fits() -> None:
    text = qr_text("u" * MAX_URL_BYTES, pins.draw())
    assert len(text) == MAX_BYTES
    assert qr_png(text).startswith(b"\x89PNG")


def test_a_picture_has_the_same_size_for_every_card() -> None:
    sizes = {Image.open(io.BytesIO(qr_png(text))).size for text in ("a", "x" * MAX_BYTES)}
    assert sizes == {(392, 392)}


def test_pictures_differ_by_their_text_alone() -> None:
    assert qr_png("one") == qr_png("one")
    assert qr_png("one") != qr_png("two")
    assert qr_svg("one") != qr_svg("two")


def test_the_text_itself_stands_in_no_picture() -> None:
    pin = pins.draw()
    text = qr_text("https://pay.example/c", pin)
    assert pin.digits.encode() not in qr_png(text)
    assert pin.digits.encode() not in qr_svg(text)


@pytest.mark.parametrize("draw", [qr_png, qr_svg])
def test_a_text_that_is_too_long_is_refused(draw: object) -> None:
    with pytest.raises(InvalidInput):
        draw("x" * (MAX_BYTES + 1))  # type: ignore[operator]
