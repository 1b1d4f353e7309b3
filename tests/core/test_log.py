"""What is logged, and what never is."""

import io
import json
import logging
import subprocess
import sys
import warnings
from collections.abc import Callable
from typing import Any

import pytest
import structlog

from core import log
from core.errors import ConfigurationError

pytestmark = pytest.mark.usefixtures("logging_put_back")

PIN = "680419129695212192"
SERIAL = "42251010007001008"


def lines(work: Callable[[], Any], log_format: str = "json") -> str:
    stream = io.StringIO()
    log.configure(log_format, stream=stream)
    work()
    return stream.getvalue()


def one(work: Callable[[], Any]) -> dict[str, Any]:
    text = lines(work)
    assert text.count("\n") == 1
    found = json.loads(text)
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize(
    "text",
    [
        PIN,
        "680419 129695 212192",
        "680419-129695-212192",
        "680419，129695，212192",
        "680419%20129695%20212192",
        "680419129695 212192",
        "６８０４１９１２９６９５２１２１９２",
        f"1234567890{PIN}",
        f"1234567890123{PIN}",
        "1234567890680419 129695 212192",
        f"{SERIAL}#{PIN}#1234567890",
        f"CZ{PIN}",
        f"a{PIN}b",
        PIN * 3,
    ],
)
def test_a_pin_is_masked_in_every_form_it_is_written(text: str) -> None:
    masked = log.mask_text(text)
    assert log.PIN_MASK in masked
    assert "129695" not in masked
    assert "１２９６９５" not in masked


@pytest.mark.parametrize(
    "text",
    [
        SERIAL,
        f"{SERIAL}-42251010007001099",
        "1234567890",
        "1234567890123",
        "25061100000123",
        "2025-06-11T09:30:00.123456Z",
        "13800001234",
        "户号尾号4567，余额17.90",
    ],
)
def test_serials_accounts_receipts_and_times_stay_readable(text: str) -> None:
    assert log.mask_text(text) == text


def test_pins_are_masked_anywhere_in_an_event() -> None:
    def work() -> None:
        structlog.get_logger("wanneng.test").info(
            f"got {PIN}",
            plain=PIN,
            nested={"deep": [{"er": (PIN, {PIN})}], PIN: "as a name"},
            thing=ValueError(PIN),
            raw=PIN.encode(),
            serial=SERIAL,
            **{f"x{PIN}": 1},
        )

    event = one(work)
    assert PIN not in json.dumps(event)
    assert event["event"] == "got [pin]"
    assert event["nested"] == {"deep": [{"er": ["[pin]", ["[pin]"]]}], "[pin]": "as a name"}
    assert event["raw"] == "<18 bytes>"
    assert event["serial"] == SERIAL


def test_numbers_that_are_no_text_are_kept() -> None:
    event = one(
        lambda: structlog.get_logger().info("done", id=123456789012345678, ok=True, took_s=0.5)
    )
    assert (event["id"], event["ok"], event["took_s"]) == (123456789012345678, True, 0.5)


def test_deep_nesting_ends() -> None:
    nested: Any = PIN
    for _ in range(50):
        nested = [nested]
    assert PIN not in lines(lambda: structlog.get_logger().info("deep", nested=nested))


@pytest.mark.parametrize("log_format", ["json", "text"])
def test_a_traceback_shows_no_pin(log_format: str) -> None:
    def work() -> None:
        try:
            raise ValueError(f"bad {PIN}")
        except ValueError:
            structlog.get_logger().exception("failed")
            logging.getLogger("litestar").exception("failed too")

    text = lines(work, log_format)
    assert text.count("bad [pin]") == 2
    assert "Traceback" in text
    assert PIN not in text


@pytest.mark.parametrize(
    "name", ["uvicorn", "uvicorn.error", "litestar", "sqlalchemy.engine.Engine", "any.other"]
)
def test_the_lines_of_libraries_pass_the_same_net(name: str) -> None:
    stray = logging.StreamHandler(io.StringIO())
    logging.getLogger(name).addHandler(stray)
    try:
        event = one(lambda: logging.getLogger(name).warning("GET %s?%s", "/x", f"pin={PIN}"))
    finally:
        logging.getLogger(name).removeHandler(stray)
    assert event["event"] == "GET /x?pin=[pin]"
    assert (event["logger"], event["level"]) == (name, "warning")
    if name != "any.other":
        assert stray.stream.getvalue() == ""


def test_the_http_server_configured_our_way_adds_no_handler_of_its_own() -> None:
    from uvicorn.config import Config

    def work() -> None:
        Config("none:at_all", log_config=None, access_log=False)
        logging.getLogger("uvicorn.access").info('%s "%s"', "192.0.2.1", f"GET /{PIN}")
        logging.getLogger("uvicorn.error").info("Starting")

    text = lines(work)
    assert [json.loads(line)["event"] for line in text.splitlines()] == ["Starting"]


def test_warnings_are_logged_too() -> None:
    def work() -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.warn(f"odd {PIN}", stacklevel=1)

    text = lines(work)
    assert "odd [pin]" in text
    assert PIN not in text


@pytest.mark.parametrize(
    "name", ["body", "headers", "Cookie", "cookies", "authorization", "password", "token", "pin"]
)
def test_request_parts_and_secrets_are_left_out(name: str) -> None:
    event = one(
        lambda: structlog.get_logger().info(
            "asked", **{name: "secret words"}, inner={name: "secret words"}, path="/api"
        )
    )
    assert "secret words" not in json.dumps(event)
    assert event["path"] == "/api"


def test_nobody_can_forge_a_line() -> None:
    text = lines(
        lambda: structlog.get_logger().info("asked", name="x\n2025 [error] forged\x1b[2J\u2028y"),
        "text",
    )
    assert text.count("\n") == 1
    assert "\x1b[2J" not in text


def test_the_last_call_of_configure_stands() -> None:
    def work() -> None:
        structlog.get_logger().info("once")

    assert lines(work).count("once") == 1
    assert lines(work, "text").count("once") == 1


def test_another_format_is_a_configuration_error() -> None:
    with pytest.raises(ConfigurationError):
        log.configure("xml")


def test_lines_go_to_stderr_and_leave_stdout_to_the_program() -> None:
    code = (
        "from core import log; import structlog; log.configure('json');"
        f"structlog.get_logger().info('hello', text='{PIN[:9]}' + '{PIN[9:]}')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == ""
    assert json.loads(done.stderr)["text"] == "[pin]"
