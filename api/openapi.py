"""The OpenAPI description: problems on every call, security schemes, and a page to read it on."""

import json
from html import escape
from typing import Any

import msgspec
from litestar import Request
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin, OpenAPIRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme, Server

from api.errors import PROBLEM_JSON
from api.pages import html

Schema = dict[str, Any]

_DESCRIPTION = (
    "Prepaid recharge cards, redeemed into electricity accounts exactly once. Money is whole fen; "
    "serial, PIN, account and receipt numbers and ids are strings. Errors are problem+json "
    "(RFC 9457) with a stable `code`; what was sent is never repeated in them. Lists are read in "
    "pages: `limit` entries after the id `after`, which is `next_after` of the page before."
)
_PROBLEM: Schema = {
    "type": "object",
    "title": "Problem",
    "description": "An error (RFC 9457). `code` is stable; `detail` is for people.",
    "required": ["type", "title", "status", "code", "detail"],
    "properties": {
        "type": {"type": "string", "examples": ["urn:wanneng:problem:wrong_stage"]},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string", "examples": ["wrong_stage"]},
        "detail": {"type": "string"},
        "details": {"type": "object", "description": "Facts that belong to the code."},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"at": {"type": "string"}, "expected": {"type": "string"}},
            },
        },
    },
}
_PROBLEM_REF: Schema = {"$ref": "#/components/schemas/Problem"}
_DEFAULT: Schema = {
    "description": "Anything else is a problem",
    "content": {PROBLEM_JSON: {"schema": _PROBLEM_REF}},
}


def finished(schema: Schema) -> Schema:
    """Return the description with what the framework does not know of.

    Every call may end in a problem, and in no other error shape; unknown fields are refused; the
    guards' security is named.
    """
    # A copy, since the framework keeps the other; its bounds of whole numbers are floats.
    schema = json.loads(msgspec.json.encode(schema), parse_float=_whole)
    shapes = schema.setdefault("components", {}).setdefault("schemas", {})
    for name, shape in shapes.items():
        if name.endswith(("Body", "Item")):
            shape["additionalProperties"] = False
    shapes["Problem"] = _PROBLEM
    for path, item in schema["paths"].items():
        for operation in item.values():
            _finish(path, operation)
    return schema


def _whole(text: str) -> float | int:
    number = float(text)
    return int(number) if number.is_integer() else number


def _finish(path: str, operation: Schema) -> None:
    responses = operation["responses"]
    responses.pop("400", None)  # the framework's own error shape, which never occurs
    responses["default"] = _DEFAULT
    for answer in responses.values():
        told = answer.get("content", {}).get(PROBLEM_JSON, {})
        if told.get("schema", {}).get("$ref", "").endswith("/Refusal"):
            told["schema"] = {"anyOf": [told["schema"], _PROBLEM_REF]}
    operation["security"] = _security(path, operation)


def _security(path: str, operation: Schema) -> list[dict[str, list[str]]]:
    if path.startswith(("/channels/", "/api/v1/dialogues/")):
        return [{"channel": []}, {"signature": []}]
    if not path.startswith("/api/") or operation["operationId"] == "signIn":
        return []
    if path.startswith("/api/v1/till/"):
        return [{"till": []}]
    if path.endswith("/reversal"):
        return [{"staff": []}]
    if path.startswith("/api/v1/redemptions") or path == "/api/v1/accounts/{number}":
        return [{"partner": []}, {"staff": []}]
    return [{"staff": []}]


class FinishedJson(JsonRenderPlugin):
    """/schema/openapi.json"""

    def render(self, request: Request[Any, Any, Any], openapi_schema: Schema) -> bytes:
        """Return the finished description."""
        return self.render_json(request, finished(openapi_schema))


class ReadablePage(OpenAPIRenderPlugin):
    """/schema as a page without scripts: every call with its parameters, examples and answers."""

    def render(self, request: Request[Any, Any, Any], openapi_schema: Schema) -> bytes:  # noqa: ARG002
        """Return the page."""
        schema = finished(openapi_schema)
        calls = [
            _call(method.upper(), path, operation)
            for path, item in schema["paths"].items()
            for method, operation in item.items()
        ]
        body = (
            f"<main><h1>{escape(schema['info']['title'])}</h1><p>{escape(_DESCRIPTION)}</p>"
            '<p><a href="/schema/openapi.json">openapi.json</a></p>' + "".join(calls) + "</main>"
        )
        return html(body, schema["info"]["title"]).content.encode()


def _call(method: str, path: str, operation: Schema) -> str:
    parts = [
        f"<section><h2><code>{method} {escape(path)}</code></h2>",
        f"<p><strong>{escape(operation.get('summary', ''))}.</strong> "
        f"{escape(operation.get('description', ''))}</p>",
    ]
    names = [
        f"<dt><code>{escape(item['name'])}</code> ({item['in']})</dt>"
        f"<dd>{escape(item.get('description', ''))}</dd>"
        for item in operation.get("parameters", ())
    ]
    if names:
        parts.append(f"<dl>{''.join(names)}</dl>")
    for example in _examples(operation):
        text = json.dumps(example, indent=2, ensure_ascii=False)
        parts.append(f"<pre>{escape(text)}</pre>")
    answers = ", ".join(
        f"{code} {escape(answer.get('description', ''))}"
        for code, answer in operation["responses"].items()
    )
    parts.append(f"<p>{answers}</p></section>")
    return "".join(parts)


def _examples(operation: Schema) -> list[Any]:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    examples: list[Any] = content.get("schema", {}).get("examples", [])
    return examples


def config(public_url: str) -> OpenAPIConfig:
    """Return the framework's configuration of the description."""
    return OpenAPIConfig(
        title="Wanneng",
        version="1",
        description=_DESCRIPTION,
        path="/schema",
        servers=[Server(url=public_url.rstrip("/") or "/")],
        render_plugins=[ReadablePage(path="/"), FinishedJson()],
        use_handler_docstrings=True,
        components=Components(
            security_schemes={
                "partner": _bearer("A partner's key, `wnp_…`"),
                "staff": _bearer("A signed-in member's token, from POST /api/v1/sessions"),
                "till": _bearer("A till's key, `wnt_…`"),
                "channel": _bearer("A gateway's key, `wnc_…`"),
                "signature": SecurityScheme(
                    type="apiKey",
                    name="X-Signature",
                    security_scheme_in="header",
                    description="With X-Channel, the gateway's name: `t=<unix seconds>,v1=<hex "
                    'HMAC-SHA-256 of secret over t + "." + body>`',
                ),
            }
        ),
    )


def _bearer(description: str) -> SecurityScheme:
    return SecurityScheme(type="http", scheme="bearer", description=description)
