"""Text that people type."""

import pytest

from core.errors import InvalidInput
from core.text import clean


def test_text_is_trimmed_and_composed() -> None:
    assert clean("  王 小明\n", "the name") == "王 小明"
    assert clean("cafe\u0301", "the name") == "caf\u00e9"


@pytest.mark.parametrize("text", ["", "   ", "a\x00b", "a\nb", "\ud800", "a\x7f", "x" * 11])
def test_text_that_cannot_be_kept_is_refused_by_name(text: str) -> None:
    with pytest.raises(InvalidInput, match="the reason"):
        clean(text, "the reason", 10)
