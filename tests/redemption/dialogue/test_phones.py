"""Telephone numbers as gateways write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redemption.dialogue.phones import Phone, parse_phone

MOBILE = Phone("+8613800000001", takes_texts=True, language="zh")


@pytest.mark.parametrize(
    "written",
    [
        "13800000001",
        "8613800000001",
        "+8613800000001",
        "008613800000001",
        " +86 138-0000-0001 ",
        "13800000001".translate({48 + n: 0xFF10 + n for n in range(10)}),
    ],
)
def test_one_subscriber_has_many_spellings(written: str) -> None:
    assert parse_phone(written) == MOBILE


@pytest.mark.parametrize(
    "written",
    [
        "", "anonymous", "client:x", "sip:a@b", "BANK", "10086", "95598", "1001", "+8695598",
        "106575160000", "1069012345678", "+266696687", "1-800-FLOWERS", "1" * 300, "\0", "\ud800",
        "١٣٨٠٠٠٠٠٠٠١", "+", "(",
    ],
)  # fmt: skip
def test_services_and_withheld_numbers_are_nobody(written: str) -> None:
    assert parse_phone(written) is None


def test_a_landline_is_known_but_takes_no_texts() -> None:
    wuhan = parse_phone("027-8888-9999")
    assert wuhan == Phone("+862788889999", takes_texts=False, language="zh")
    london = parse_phone("+442079460000")
    assert london == Phone("+442079460000", takes_texts=False, language="en")


def test_a_new_range_of_mobile_numbers_is_not_refused() -> None:
    assert parse_phone("+8614100000001") is not None


def test_the_country_speaks_its_language() -> None:
    hong_kong = parse_phone("+85291234567")
    assert hong_kong is not None
    assert hong_kong.language == "zh"


@given(st.text())
def test_no_number_raises(written: str) -> None:
    found = parse_phone(written)
    assert found is None or found.number.startswith("+")
