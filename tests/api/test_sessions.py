"""Signing in and out over HTTP, and what a role may do."""

import secrets
from collections.abc import Callable
from datetime import timedelta
from urllib.parse import parse_qs, urlparse

import httpx
import pyotp
import pytest

from staff.members import add_member
from tests.api.world import World

URL = "/api/v1/sessions"
PASSWORD = "a long enough password"


@pytest.fixture
def member(world: World) -> tuple[str, Callable[[int], str]]:
    """A new auditor: the username, and the code of a time step near now."""
    username = f"auditor-{secrets.token_hex(4)}"
    with world.db.write() as session:
        enrolment = add_member(
            session,
            world.keys.get(),
            world.people["admin"],
            "Li Wei",
            secrets.token_hex(8),
            username,
            PASSWORD,
            "auditor",
        )
    secret = parse_qs(urlparse(enrolment.otpauth_uri).query)["secret"][0]

    def code(step: int = 0) -> str:
        return pyotp.TOTP(secret).at(world.db.clock() + timedelta(seconds=30 * step))

    return username, code


def sign_in(
    client: httpx.Client, username: str, code: str, password: str = PASSWORD
) -> httpx.Response:
    """Try to sign in."""
    return client.post(URL, json={"username": username, "password": password, "code": code})


def test_a_member_signs_in_works_and_signs_out(
    client: httpx.Client, member: tuple[str, Callable[[int], str]]
) -> None:
    username, code = member
    signed_in = sign_in(client, username, code(0))
    assert signed_in.status_code == 201
    headers = {"Authorization": f"Bearer {signed_in.json()['token']}"}
    assert client.get("/api/v1/reports/inventory", headers=headers).status_code == 200
    assert client.delete(URL, headers=headers).status_code == 204
    after = client.get("/api/v1/reports/inventory", headers=headers)
    assert (after.status_code, after.json()["code"]) == (401, "unauthenticated")


def test_a_code_works_once_and_nothing_tells_what_was_wrong(
    client: httpx.Client, member: tuple[str, Callable[[int], str]]
) -> None:
    username, code = member
    used = code(0)  # made once: half a minute later there is another
    assert sign_in(client, username, used).status_code == 201
    wrong = [
        sign_in(client, username, used),
        sign_in(client, username, code(1), "another password"),
        sign_in(client, "nobody-of-that-name", code(1)),
        sign_in(client, username, "000000"),
    ]
    assert {answer.status_code for answer in wrong} == {401}
    assert len({answer.content for answer in wrong}) == 1
    assert wrong[0].json()["code"] == "sign_in_failed"


def test_too_many_tries_have_to_wait(client: httpx.Client) -> None:
    name = f"victim-{secrets.token_hex(4)}"
    answers = [sign_in(client, name, "000000") for _ in range(11)]
    assert answers[0].status_code == 401
    assert (answers[-1].status_code, answers[-1].json()["code"]) == (429, "too_many_sign_ins")
    assert int(answers[-1].headers["retry-after"]) > 0


@pytest.mark.parametrize(
    ("method", "url"),
    [
        ("GET", "/api/v1/reports/inventory"),
        ("GET", "/api/v1/reports/liability"),
        ("GET", "/api/v1/approvals"),
        ("GET", "/api/v1/batches"),
        ("POST", "/api/v1/batches"),
        ("POST", "/api/v1/lots/activate"),
        ("DELETE", "/api/v1/sessions"),
    ],
)
def test_what_is_for_staff_is_closed_to_everybody_else(
    client: httpx.Client, world: World, method: str, url: str
) -> None:
    for headers in ({}, world.as_partner(), world.as_gateway(), {"Authorization": "Bearer x"}):
        asked = client.request(method, url, headers=headers)
        assert (asked.status_code, asked.json()["code"]) == (401, "unauthenticated")


def test_a_role_without_the_permission_is_refused(client: httpx.Client, world: World) -> None:
    asked = client.get("/api/v1/reports/liability", headers=world.as_staff("distributor"))
    assert (asked.status_code, asked.json()["code"]) == (403, "forbidden")
    assert asked.json()["details"] == {"permission": "view_reports"}
