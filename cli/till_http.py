"""The reference till's calls: repeated under one key until there is an answer."""

import http.client
import json
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cli.till_file import TillFile, forget_pending
from core.answers import StoredRefusal
from core.errors import ConfigurationError, TryLater

_TRIES = 4
_FIRST_PAUSE_S = 0.5
_TIMEOUT_S = 20


class NoAnswer(TryLater):
    """The server did not answer; the sale may have happened, and is asked for again next time."""


class TillRefused(ConfigurationError):
    """The server does not know the till's API key, or the till is disabled."""

    code = "till_refused"


def call(
    file: TillFile,
    method: str,
    place: str,
    body: dict[str, Any] | None,
    key: str | None,
    path: Path,
) -> dict[str, Any]:
    """Return the answer to one call, sent again while there is none.

    A refusal is final: the pending sale is forgotten and StoredRefusal raised. NoAnswer keeps it.
    """
    for turn in range(_TRIES):
        if turn:
            time.sleep(_FIRST_PAUSE_S * 2 ** (turn - 1))
        try:
            status, answer = _send(file, method, place, body, key)
        except (OSError, http.client.HTTPException, ValueError):
            continue
        if status in (200, 201):
            return answer
        if status < 500 and status not in (401, 429):
            forget_pending(path)
            raise StoredRefusal(answer["code"], answer["detail"], answer.get("details", {}))
        if status == 401:
            raise StoredRefusal("till_refused", "the server does not know this till's API key", {})
    raise NoAnswer(
        "the server did not answer; the next `wanneng till sell` asks for this sale again"
    )


def _send(
    file: TillFile, method: str, place: str, body: dict[str, Any] | None, key: str | None
) -> tuple[int, dict[str, Any]]:
    url = urlsplit(file.url)
    kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
    connection = kind(url.hostname or "", url.port, timeout=_TIMEOUT_S)
    headers = {"Authorization": f"Bearer {file.api_key}"}
    if key is not None:
        headers["Idempotency-Key"] = key
    sent = None
    if body is not None:
        headers["Content-Type"] = "application/json"
        sent = json.dumps(body)
    try:
        connection.request(method, url.path + place, sent, headers)
        response = connection.getresponse()
        answer: dict[str, Any] = json.loads(response.read())
        return response.status, answer
    finally:
        connection.close()
