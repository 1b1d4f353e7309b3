"""The server does what its own description says, whatever is sent (property based)."""

from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import (
    content_type_conformance,
    not_a_server_error,
    response_schema_conformance,
    status_code_conformance,
)

from tests.api.routes import description
from tests.api.serving import Server
from tests.api.world import World

EXAMPLES = 15
_CHECKS = [
    not_a_server_error,
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
]
_DESCRIPTION = description()
_SLOW = "/api/v1/sessions"  # each try costs a password check; test_bad_input sends it enough
_OPERATIONS = [
    (path, method)
    for path, item in _DESCRIPTION["paths"].items()
    for method in item
    if path != _SLOW
]


def headers_for(world: World, path: str) -> dict[str, str]:
    """Return the headers of somebody who may make the call."""
    if path.startswith(("/channels/", "/api/v1/dialogues/")):
        return world.as_gateway()
    if path.startswith("/api/v1/redemptions") or path == "/api/v1/accounts/{number}":
        return {"Authorization": f"Bearer {world.partner_key}"}
    if path.startswith("/api/v1/till/"):
        return {"Authorization": f"Bearer {world.till_key}"}
    if path.startswith("/api/v1/tills"):
        return world.as_staff("distributor")
    role = "warehouse" if path.startswith("/api/v1/lots") else "finance"
    return world.as_staff("issuer" if path.startswith("/api/v1/batches") else role)


@pytest.mark.parametrize(("path", "method"), _OPERATIONS)
def test_what_is_described_is_what_happens(
    server: Server, world: World, path: str, method: str
) -> None:
    operation = schemathesis.openapi.from_dict(_DESCRIPTION)[path][method]
    session = requests.Session()
    cases = operation.as_strategy(GenerationMode.POSITIVE) | operation.as_strategy(
        GenerationMode.NEGATIVE
    )

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases)
    def check(case: Case[Any]) -> None:
        case.call_and_validate(
            base_url=server.url, session=session, headers=headers_for(world, path), checks=_CHECKS
        )

    check()
    session.close()
