"""What the tests of the core share."""

import logging
from collections.abc import Iterator

import pytest
import structlog


@pytest.fixture
def logging_put_back() -> Iterator[None]:
    """Put the logging of the test run back as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(False)
    structlog.reset_defaults()
