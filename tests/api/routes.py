"""The calls of the application, as its own description lists them, and who may make them."""

import secrets
from dataclasses import dataclass
from typing import Any

from api.app import create_app
from api.openapi import finished
from core.settings import Settings
from tests.api.world import World

_PATH_VALUES = {
    "{code}": "WH-OUTLET-1",
    "{dialogue_id}": "call-1",
    "{order_number}": "SO-20250611-000001",
    "{consignment_number}": "CN-20250611-000001",
    "{claim_number}": "CL-20250611-000001",
    "{batch_id}": "42990100001",
    "{approval_id}": "1",
    "{job_id}": "1",
    "{month}": "2025-06",
    "{move}": "dispatch",
    "{number}": "4200000000",
    "{receipt_number}": "26010100000000",
    "{serial_number}": "42251010007001008",
    "{sale_id}": "1",
    "{count_id}": "1",
    "{difference_id}": "1",
    "{message_id}": "1",
}
_ROLES = {
    "/api/v1/batches": "issuer",
    "/api/v1/lots": "warehouse",
    "/api/v1/orders": "warehouse",
    "/api/v1/consignments": "warehouse",
    "/api/v1/claims": "warehouse",
    "/api/v1/approvals": "second_issuer",
    "/api/v1/vouchers": "customer_service",
    "/api/v1/callers": "customer_service",
    "/api/v1/redemptions/{receipt_number}": "customer_service",
    "/api/v1/payments": "finance",
    "/api/v1/tills": "distributor",
    "/api/v1/adjustments": "finance",
    "/api/v1/settlements": "finance",
    "/api/v1/stock-counts": "warehouse",
    "/api/v1/messages": "customer_service",
}


@dataclass(frozen=True)
class Call:
    """One call: its address with values put in, and an example of its body if it has one.

    `keyed`: it asks for an Idempotency-Key.
    """

    method: str
    path: str
    example: dict[str, Any] | None
    keyed: bool = False

    @property
    def url(self) -> str:
        """The address, about things that do not exist."""
        url = self.path
        for name, value in _PATH_VALUES.items():
            url = url.replace(name, value)
        return url

    def headers(self, world: World) -> dict[str, str]:
        """Return the headers of somebody who may make the call."""
        if self.path.startswith(("/channels/", "/api/v1/dialogues/")):
            return world.as_gateway()
        if self.path.startswith("/api/v1/till/"):
            return world.as_till()
        for prefix, role in _ROLES.items():
            if self.path.startswith(prefix):
                key = {"Idempotency-Key": secrets.token_hex(8)} if self.keyed else {}
                return world.as_staff(role) | key
        return world.as_partner()


def description() -> dict[str, Any]:
    """Return the OpenAPI description as it is served."""
    return finished(create_app(Settings()).openapi_schema.to_schema())


def posts() -> list[Call]:
    """Return every POST."""
    calls = []
    for path, item in description()["paths"].items():
        if "post" in item:
            body = item["post"].get("requestBody")
            asked = {parameter["name"] for parameter in item["post"].get("parameters", ())}
            keyed = "Idempotency-Key" in asked
            calls.append(Call("POST", path, _example(body) if body else None, keyed))
    return calls


def _example(body: dict[str, Any]) -> dict[str, Any]:
    examples: list[dict[str, Any]] = body["content"]["application/json"]["schema"]["examples"]
    return examples[-1]
