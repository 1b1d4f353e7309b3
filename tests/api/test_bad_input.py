"""Whatever is sent to a POST, the answer is a 4xx with a code, never a 500, never an echo."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.api.routes import Call, posts
from tests.api.world import World

SECRET = "680419129695212192"
HUGE_NUMBER = "1" + "0" * 400

POSTS = posts()
WITH_BODY = [call for call in POSTS if call.example is not None]


def name(call: Call) -> str:
    """Return how a test names a call."""
    return call.path


BODIES: dict[str, bytes] = {
    "not JSON": b"{",
    "another thing": SECRET.encode(),
    "a list": b"[]",
    "null": b"null",
    "a string": json.dumps(SECRET).encode(),
    "NaN": b'{"a": NaN}',
    "unknown field": json.dumps({SECRET: SECRET}).encode(),
    "10^400": HUGE_NUMBER.encode(),
    "invalid UTF-8": b'{"pin": "\xff\xfe"}',
    "UTF-16": '{"pin": "1"}'.encode("utf-16"),
    "byte order mark": b'\xef\xbb\xbf{"pin": "1"}',
    "lone surrogate": b'{"pin": "\\ud800", "text": "\\udfff"}',
    "NUL": b'{"\\u0000": "\\u0000"}',
    "raw NUL": b"\x00",
    "deep nesting": b"[" * 50_000,
    "deep objects": b'{"pin":' * 10_000,
    "form": b"pin=1&account_number=2",
    "too large": b'"' + b"x" * 200_000 + b'"',
}


def check(answer: httpx.Response) -> None:
    """See that an answer is a problem that repeats nothing of what was sent."""
    assert 400 <= answer.status_code < 500, (answer.status_code, answer.text)
    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.json()
    assert told["status"] == answer.status_code
    assert told["code"]
    assert told["detail"]
    for sent in (SECRET, "Traceback", "\\ud800", "xxxxxxxxxx"):
        assert sent not in answer.text


@pytest.mark.parametrize("call", POSTS, ids=name)
@pytest.mark.parametrize("what", BODIES)
def test_a_body_that_is_not_what_is_asked_for(
    client: httpx.Client, world: World, call: Call, what: str
) -> None:
    headers = call.headers(world) | {"Content-Type": "application/json"}
    answer = client.post(call.url, headers=headers, content=BODIES[what])
    check(answer)
    if what == "too large":
        assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


@pytest.mark.parametrize("call", WITH_BODY, ids=name)
def test_a_call_that_needs_a_body_says_so(client: httpx.Client, world: World, call: Call) -> None:
    empty = client.post(call.url, headers=call.headers(world))
    check(empty)
    assert empty.json()["code"] == "body_malformed"


@pytest.mark.parametrize("call", WITH_BODY, ids=name)
@pytest.mark.parametrize(
    "kind",
    ["", "text/plain", "application/x-www-form-urlencoded", "application/json; charset=gbk"],
)
def test_a_body_of_another_kind_is_not_read(
    client: httpx.Client, world: World, call: Call, kind: str
) -> None:
    body = json.dumps(call.example).encode()
    headers = call.headers(world) | {"Content-Type": kind}
    answer = client.post(call.url, headers=headers, content=body)
    check(answer)
    assert (answer.status_code, answer.json()["code"]) == (415, "media_type_unsupported")


@pytest.mark.parametrize("call", WITH_BODY, ids=name)
def test_a_compressed_body_is_not_read(client: httpx.Client, world: World, call: Call) -> None:
    headers = call.headers(world)
    headers |= {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    answer = client.post(call.url, headers=headers, content=b"\x1f\x8b\x08\x00")
    check(answer)
    assert answer.json()["code"] == "media_type_unsupported"


VALUES: dict[str, str] = {
    "null": "null",
    "true": "true",
    "a number": "1",
    "negative": "-1",
    "10^400": HUGE_NUMBER,
    "1e400": "1e400",
    "a fraction": "0.5",
    "a list": "[]",
    "an object": "{}",
    "empty": '""',
    "blank": '" "',
    "NUL": '"a\\u0000b"',
    "a line break": '"1234567890\\n"',
    "a lone surrogate": '"\\ud800"',
    "Unicode digits": '"٤٢٢٥١٠١٠٠٠٧٠٠١٠٠٨"',
    "a PIN": f'"{SECRET}"',
    "a long text": '"' + "x" * 50_000 + '"',
}


def spoilt(example: dict[str, Any]) -> Iterator[tuple[str, bytes]]:
    """Return the example with each field in turn replaced by each value, as JSON text."""
    for field in example:
        for what, value in VALUES.items():
            marked = json.dumps(example | {field: "@here@"})
            yield f"{field}: {what}", marked.replace('"@here@"', value).encode()


@pytest.mark.parametrize("call", WITH_BODY, ids=name)
def test_each_field_refuses_what_it_cannot_be(
    client: httpx.Client, world: World, call: Call
) -> None:
    assert call.example is not None
    for what, body in spoilt(call.example):
        headers = call.headers(world) | {"Content-Type": "application/json"}
        answer = client.post(call.url, headers=headers, content=body)
        assert answer.status_code < 500, (what, answer.text)
        assert "code" in answer.json() or answer.status_code in (200, 202), what
        for sent in (SECRET, "xxxxxxxxxx", "\x00"):
            assert sent not in answer.text, what


@pytest.mark.parametrize("call", WITH_BODY, ids=name)
def test_unknown_and_missing_fields_are_refused(
    client: httpx.Client, world: World, call: Call
) -> None:
    example = call.example or {}
    more = client.post(call.url, headers=call.headers(world), json=example | {"x": 1})
    check(more)
    assert more.json()["code"] == "invalid_input"
    less = client.post(call.url, headers=call.headers(world), json={})
    check(less)
    assert less.json()["errors"][0]["expected"].startswith("Object missing required field")


@pytest.mark.parametrize("call", POSTS, ids=name)
@pytest.mark.parametrize("header", ["Authorization", "Content-Type", "Idempotency-Key"])
def test_a_header_that_decides_something_may_come_once(
    client: httpx.Client, world: World, call: Call, header: str
) -> None:
    headers = [*call.headers(world).items(), (header, "a"), (header, "b")]
    answer = client.post(call.url, headers=headers, content=b"{}")
    check(answer)
    assert answer.json()["code"] == "header_duplicated"


@pytest.mark.parametrize("call", POSTS, ids=name)
@pytest.mark.parametrize(
    "value", ["0", "-1", "1e3", "٤٢", HUGE_NUMBER, str(2**63), "%00", "%FF", SECRET, "a%2Fb", ".."]
)
def test_an_address_with_a_wrong_value_is_told_so(
    client: httpx.Client, world: World, call: Call, value: str
) -> None:
    if "{" not in call.path:
        return
    start, _, rest = call.path.partition("{")
    url = f"{start}{value}{rest.partition('}')[2]}"
    answer = client.post(url, headers=call.headers(world), json=call.example or {})
    check(answer)


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=201", "limit=x", "limit=-1", "after=-1", f"after={HUGE_NUMBER}"]
)
def test_a_page_that_cannot_be_is_refused(client: httpx.Client, world: World, query: str) -> None:
    answer = client.get(f"/api/v1/approvals?{query}", headers=world.as_staff("auditor"))
    check(answer)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")


def test_addresses_and_methods_that_are_not_there(client: httpx.Client) -> None:
    for url in ("/nothing", f"/api/v1/redemptions/{SECRET}/{SECRET}", "/%00", "/api/v2", "/c/x"):
        answer = client.get(url)
        check(answer)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    answer = client.put("/api/v1/redemptions", json={})
    check(answer)
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert "POST" in answer.headers["allow"]
