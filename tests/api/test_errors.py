"""Every error code has its status, and nothing else is left to chance."""

import importlib
import pkgutil

import pytest
import structlog
from litestar import get
from litestar.params import FromPath
from litestar.testing import create_test_client
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

import accounts
import api
import audit
import core
import distribution
import redemption
import staff
import vouchers
from api.channels import SmsBody
from api.dialogues import EventItem, TurnBody
from api.errors import STATUS, Problem, problem, status_of
from api.handlers import HANDLERS
from api.redeeming import BulkBody, BulkItem, RedeemBody
from api.refusals import STATUS_OF_ANSWER, refusal
from api.sessions import SignInBody
from core.errors import ConfigurationError, DomainError, TryLater
from redemption.requests import Answer, Code

PIN = "680419129695212192"
# The errors of the commands and of the benchmark never go over HTTP.
_PACKAGES = (accounts, api, audit, core, distribution, redemption, staff, vouchers)


def _all_errors() -> list[type[DomainError]]:
    for package in _PACKAGES:
        for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
            importlib.import_module(module.name)
    found: list[type[DomainError]] = []
    waiting = [DomainError]
    while waiting:
        error = waiting.pop()
        found.append(error)
        waiting += error.__subclasses__()
    served = {package.__name__ for package in _PACKAGES}
    return [error for error in found if error.__module__.partition(".")[0] in served]


def test_every_domain_error_has_a_status_in_the_one_table() -> None:
    missing = {error.code for error in _all_errors() if error.code not in STATUS}
    assert missing == set()


def test_every_code_in_the_table_is_still_in_use() -> None:
    used = {error.code for error in _all_errors()}
    of_the_framework = {"body_too_large", "head_too_long", "method_not_allowed", "request_refused"}
    of_the_framework |= {"internal", "database_unavailable"}
    assert set(STATUS) - used == of_the_framework


def test_every_answer_of_the_engine_has_a_status() -> None:
    assert set(STATUS_OF_ANSWER) == set(Code)


@pytest.mark.parametrize("code", [code for code in Code if STATUS_OF_ANSWER[code] >= 400])
def test_every_refusal_is_told_in_both_languages(code: Code) -> None:
    told = refusal(Answer(code=code))
    assert told.detail.isascii() and told.detail.endswith(".")
    assert told.detail_zh.endswith("。")


@pytest.mark.parametrize(
    "body",
    [
        RedeemBody(pin=PIN, account_number="4200001234"),
        BulkBody([BulkItem(pin=PIN, account_number="4200001234", key="k")]),
        SmsBody(sender="1", text=PIN, message_id="m"),
        TurnBody(caller="1", turn=1, event=EventItem(kind="input", value=PIN)),
        EventItem(kind="input", value=PIN),
        SignInBody(username="u", password=PIN, code="1"),
    ],
)
def test_a_body_that_may_hold_a_secret_does_not_show_it(body: object) -> None:
    assert PIN not in repr(body)


@pytest.mark.parametrize("code", sorted(STATUS))
def test_a_status_is_an_error_status(code: str) -> None:
    assert 400 <= status_of(code) < 600


class Odd(Exception):
    """Nobody expects it."""


@get("/{what:str}", sync_to_thread=False)
def failing(what: FromPath[str]) -> None:
    """Fail as told; the text holds what must never come out."""
    errors: dict[str, Exception] = {
        "odd": Odd(f"secret {PIN}"),
        "database": OperationalError("SELECT secret", {"pin": PIN}, Exception(PIN)),
        "pool": PoolTimeout(f"secret {PIN}"),
        "configuration": ConfigurationError(f"secret /etc/{PIN}"),
        "later": TryLater(f"busy {PIN}"),
    }
    raise errors[what]


@pytest.mark.parametrize(
    ("what", "status", "code"),
    [
        ("odd", 500, "internal"),
        ("database", 503, "database_unavailable"),
        ("pool", 503, "database_unavailable"),
        ("configuration", 500, "configuration"),
        ("later", 503, "try_later"),
    ],
)
def test_our_own_trouble_is_told_without_its_cause(what: str, status: int, code: str) -> None:
    with (
        structlog.testing.capture_logs() as logged,
        create_test_client([failing], exception_handlers=HANDLERS, logging_config=None) as client,
    ):
        answer = client.get(f"/{what}")
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert ("retry-after" in answer.headers) == (status == 503)
    assert [word for word in (PIN, "Traceback", "SELECT", "secret") if word in answer.text] == []
    assert [entry for entry in logged if PIN in str(entry) and what != "configuration"] == []
    assert logged != [] or what == "later"


def test_a_pin_in_an_error_text_is_masked() -> None:
    told = problem("invalid_input", "you sent 680419 129695 212192 and 680419129695212192")
    assert isinstance(told, Problem)
    assert "680419" not in told.detail
