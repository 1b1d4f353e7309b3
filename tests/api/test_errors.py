"""Every error code has its status, and nothing else is left to chance."""

import importlib
import pkgutil

import pytest

import accounts
import api
import audit
import cli
import core
import distribution
import redemption
import staff
import vouchers
from api.errors import STATUS, Problem, problem, status_of
from api.refusals import STATUS_OF_ANSWER
from core.errors import DomainError
from redemption.requests import Code

_PACKAGES = (accounts, api, audit, cli, core, distribution, redemption, staff, vouchers)


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
    return [error for error in found if not error.__module__.startswith("tests.")]


def test_every_domain_error_has_a_status_in_the_one_table() -> None:
    missing = {error.code for error in _all_errors() if error.code not in STATUS}
    assert missing == set()


def test_every_code_in_the_table_is_still_in_use() -> None:
    used = {error.code for error in _all_errors()}
    of_the_framework = {"body_too_large", "method_not_allowed", "request_refused"}
    of_the_framework |= {"internal", "database_unavailable"}
    assert set(STATUS) - used == of_the_framework


def test_every_answer_of_the_engine_has_a_status() -> None:
    assert set(STATUS_OF_ANSWER) == set(Code)


@pytest.mark.parametrize("code", sorted(STATUS))
def test_a_status_is_an_error_status(code: str) -> None:
    assert 400 <= status_of(code) < 600


def test_a_pin_in_an_error_text_is_masked() -> None:
    told = problem("invalid_input", "you sent 680419 129695 212192 and 680419129695212192")
    assert isinstance(told, Problem)
    assert "680419" not in told.detail
