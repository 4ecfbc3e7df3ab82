"""Reading what is asked of the simulators. Whatever cannot be read raises BadRequest, and nothing was executed."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from zentra.routing.sandbox.replies import BadRequest
from zentra.routing.sandbox.scenarios import Scenario
from zentra.routing.sandbox.signing import SIGNERS
from zentra.routing.sandbox.store import Order

LARGEST_PAGE = 1000
LARGEST_AMOUNT = 2**53 - 1


@dataclass(frozen=True, slots=True)
class Call:
    """One parsed HTTP request."""

    rail: str
    path_key: str
    header_key: str
    query: dict[str, list[str]]
    body: dict[str, Any]


def read_event_cursor(text: str) -> tuple[int, int]:
    """Where a list of events goes on; the start for none. Raises BadRequest."""
    match = re.fullmatch(r"(\d{1,15})\.(\d{1,15})", text or "0.0")
    if match is None:
        raise BadRequest("after is no cursor of ours")
    return int(match[1]), int(match[2])


def read_scheme(body: dict[str, Any]) -> tuple[str, dict[str, str]]:
    """The signature scheme of a connection and its settings. Raises BadRequest."""
    scheme, settings = body.get("scheme", "standard_webhooks"), body.get("settings", {})
    if scheme not in SIGNERS or not isinstance(settings, dict):
        raise BadRequest("the signature scheme is unknown")
    return scheme, {str(name): str(value) for name, value in settings.items()}


def read_order(key: str, body: dict[str, Any]) -> Order:
    """The order in a request body. Raises BadRequest."""
    amount_minor = body.get("amount_minor")
    # A bool is an int to Python and never an amount.
    if type(amount_minor) is not int or not 0 < amount_minor <= LARGEST_AMOUNT:
        raise BadRequest("amount_minor is not a positive integer")
    currency = read_currency(body)
    kind, corridor = read_text(body, "kind"), read_text(body, "corridor")
    return Order(
        key, read_text(body, "connection_id"), read_text(body, "reference"), kind, amount_minor, currency, corridor
    )


def read_currency(body: dict[str, Any]) -> str:
    currency = read_text(body, "currency")
    if re.fullmatch("[A-Z]{3}", currency) is None:
        raise BadRequest("currency is not an ISO 4217 code")
    return currency


def read_word(query: dict[str, list[str]], name: str) -> str:
    """The last value of a parameter, empty where there is none."""
    return query.get(name, [""])[-1]


def read_scenario(value: object) -> Scenario | None:
    if value is None:
        return None
    try:
        return Scenario(str(value))
    except ValueError:
        raise BadRequest("scenario is unknown") from None


def read_text(body: dict[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not 1 <= len(value) <= 2000:
        raise BadRequest(f"{name} is missing")
    return value


def read_number(query: dict[str, list[str]], name: str, default: int) -> int:
    text = query.get(name, [str(default)])[-1]
    if re.fullmatch(r"\d{1,15}", text) is None:
        raise BadRequest(f"{name} is not a number")
    return min(int(text), LARGEST_PAGE) if name == "limit" else int(text)


def read_json(raw: bytes) -> dict[str, Any]:
    if not raw:
        return {}
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        raise BadRequest("the body is not JSON") from None
    if not isinstance(body, dict):
        raise BadRequest("the body is not an object")
    return body
