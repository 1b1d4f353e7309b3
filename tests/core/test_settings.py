"""Settings that cannot be meant are told before anything is done with them."""

import pytest

from core.errors import ConfigurationError
from core.settings import Settings, load


@pytest.mark.parametrize("text", ["10", "13", "10,13", " 13, 10 "])
def test_account_numbers_have_one_or_both_of_their_lengths(text: str) -> None:
    lengths = load({"WANNENG_ACCOUNT_DIGITS": text}).account_lengths
    assert sorted(str(length) for length in lengths) == sorted(text.replace(" ", "").split(","))


@pytest.mark.parametrize("text", ["", "10,abc", "10,13x", "10;13", "²", "11", "10,"])
def test_a_slip_in_the_lengths_of_account_numbers_is_told(text: str) -> None:
    with pytest.raises(ConfigurationError, match="WANNENG_ACCOUNT_DIGITS"):
        load({"WANNENG_ACCOUNT_DIGITS": text})


@pytest.mark.parametrize("text", ["", "Asia", "Asia/Nowhere", "../../etc/passwd", "a\0b"])
def test_a_zone_that_is_none_is_told(text: str) -> None:
    with pytest.raises(ConfigurationError, match="WANNENG_TIMEZONE"):
        load({"WANNENG_TIMEZONE": text})


@pytest.mark.parametrize("count", [-1, 9])
def test_more_engine_processes_than_there_may_be_are_told(count: int) -> None:
    with pytest.raises(ConfigurationError, match="ENGINE_PROCESSES may be 0 to 8"):
        Settings(engine_processes=count)
