"""The print file and its manifest."""

from datetime import date
from pathlib import Path

import pyrage
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core import keyfile
from core.errors import ConfigurationError
from vouchers.pin_list import Pins, draw_pins
from vouchers.pins import Pin
from vouchers.print_file import (
    HEADER,
    LineMaker,
    ManifestInvalid,
    PrintedCard,
    PrintFileInvalid,
    page_url,
    read_print_file,
    sign_manifest,
    verify_manifest,
)
from vouchers.print_stream import PrintStream

IDENTITY = pyrage.x25519.Identity.generate()
SERIAL = 4225101000700100
PIN = Pin.parse("680419129695212192")
LINES = LineMaker(5_000, date(2028, 6, 10), "https://pay.example/c")
LINE = (
    b"42251010007001008,680419 129695 212192,50.00,2028-06-10,"
    b"https://pay.example/c#680419129695212192\n"
)


def _encrypted(plain: bytes) -> bytes:
    return bytes(pyrage.encrypt(plain, [IDENTITY.to_public()]))


def _read(plain: bytes) -> list[PrintedCard]:
    return list(read_print_file(_encrypted(plain), str(IDENTITY)))


def test_a_line_holds_what_stands_on_the_card() -> None:
    assert LINES.lines(SERIAL, Pins([PIN.digits])) == LINE


def test_a_printer_reads_back_what_was_written() -> None:
    drawn = draw_pins(250)
    read = _read(HEADER + LINES.lines(SERIAL + 30, drawn))
    assert [card.serial for card in read] == [SERIAL + 30 + i for i in range(250)]
    assert [card.pin.digits for card in read] == drawn.digits
    assert read[0].face_fen == 5_000
    assert read[0].expires_on == date(2028, 6, 10)
    assert read[0].qr_text == f"https://pay.example/c#{read[0].pin.digits}"


def test_a_printed_card_hides_its_pin() -> None:
    (card,) = _read(HEADER + LINE)
    assert PIN.digits not in repr(card)
    assert "680419" not in repr(card)


@pytest.mark.parametrize(
    "plain",
    [
        b"",
        HEADER[:-1],
        LINE,
        HEADER + LINE[:-1],
        HEADER + LINE.replace(b",", b";"),
        HEADER + LINE.replace(b"680419 129695", b"680419 129696"),
        HEADER + LINE.replace(b"#680419", b"#680418"),
        HEADER + LINE.replace(b"680419 129695 212192", b"680419129695212192"),
        HEADER + LINE.replace(b"2028", b"20x8"),
        HEADER + LINE.replace(b"50.00", b"50"),
        HEADER + LINE.replace(b"7001008", b"7001009"),
        HEADER + b"\xff" + LINE,
    ],
)
def test_a_damaged_file_is_refused_without_telling_its_content(plain: bytes) -> None:
    with pytest.raises(PrintFileInvalid) as caught:
        _read(plain)
    assert caught.value.__cause__ is None
    assert "680419" not in str(caught.value)


def test_another_key_does_not_open_the_file() -> None:
    other = str(pyrage.x25519.Identity.generate())
    for ciphertext, identity in (
        (_encrypted(HEADER), other),
        (_encrypted(HEADER)[:-1], str(IDENTITY)),
        (b"not age", str(IDENTITY)),
        (_encrypted(HEADER), "AGE-SECRET-KEY-1NONSENSE"),
        (_encrypted(HEADER), "\ud800"),
    ):
        with pytest.raises(PrintFileInvalid) as caught:
            read_print_file(ciphertext, identity)
        assert identity not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    ["ftp://x", "https://a b", "https://a,b", "https://a#b", "https://ä", "https://" + "x" * 80],
)
def test_an_address_that_does_not_fit_on_a_card_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="WANNENG_PUBLIC_URL"):
        page_url(url)


def test_the_address_of_a_card_is_the_customer_page() -> None:
    assert page_url("https://pay.example/") == page_url("https://pay.example")
    assert page_url("https://pay.example") == "https://pay.example/c"


@settings(deadline=None)
@given(st.lists(st.binary(max_size=200_000), max_size=6))
def test_a_stream_fed_in_pieces_is_one_age_file(pieces: list[bytes]) -> None:
    with PrintStream(str(IDENTITY.to_public())) as stream:
        out = [stream.feed(piece) for piece in pieces] + [stream.finish()]
    assert pyrage.decrypt(b"".join(out), [IDENTITY]) == b"".join(pieces)


def test_ciphertext_comes_out_while_plain_text_goes_in() -> None:
    with PrintStream(str(IDENTITY.to_public())) as stream:
        out = [len(stream.feed(b"x" * 100_000)) for _ in range(5)]
        assert sum(out) > 400_000
        assert stream.finish()


def test_a_stream_that_is_given_up_ends_its_thread() -> None:
    with PrintStream(str(IDENTITY.to_public())) as stream:
        stream.feed(b"x" * 1_000)
    assert not stream._thread.is_alive()


def test_a_manifest_is_proved_by_the_key_that_signed_it(scratch: Path) -> None:
    keys = keyfile.create(scratch / "keys.json")
    other = keyfile.create(scratch / "other.json")
    manifest = sign_manifest(keys, {"count": 100, "first_serial": "42251010007001008"})
    verify_manifest(manifest, keys.public_key_text)
    forged = [
        manifest | {"count": 101},
        manifest | {"more": 1},
        {name: value for name, value in manifest.items() if name != "count"},
        manifest | {"signature": ""},
        manifest | {"signature": 1},
        sign_manifest(other, {"count": 100}),
        {},
    ]
    for wrong in forged:
        with pytest.raises(ManifestInvalid):
            verify_manifest(wrong, keys.public_key_text)
    with pytest.raises(ManifestInvalid):
        verify_manifest(manifest, "nonsense")
