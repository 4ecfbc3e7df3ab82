"""The ``webhooks`` section of the OpenAPI document: what an endpoint is sent, one entry a delivered type."""

from typing import Any, Final

from evidence import catalogue

_INTEGER: Final = {"type": "integer", "minimum": 0}
_TEXT: Final = {"type": "string"}

_HEADERS: Final = (
    ("webhook-id", True, _TEXT, "The event's id, the same on every attempt and every replay: deduplicate by it."),
    ("webhook-timestamp", True, _INTEGER, "When this attempt was signed, seconds since 1970; refuse what is far away."),
    ("webhook-signature", True, _TEXT,
     ("One v1,… (HMAC-SHA256) for each valid secret and one v1a,… (Ed25519) for each valid key, separated by spaces,"
      " over <webhook-id>.<webhook-timestamp>.<body bytes>. One that verifies is enough.")),
    ("zentra-sequence", True, _INTEGER, "The event's place in the log: order by it. Not signed."),
    ("zentra-version", True, _TEXT, "The version of the event's shape. Not signed."),
    ("zentra-attempt", True, _INTEGER, "The number of this attempt, from 1. Not signed."),
    ("zentra-challenge", False, _TEXT, "While the endpoint is to prove itself: answer 2xx with the same header."),
)  # fmt: skip

_ANSWERS: Final = {
    "2XX": {"description": "Kept. The delivery is resolved."},
    "410": {"description": "Never again: the endpoint is disabled, and what waits is retained."},
    "default": {
        "description": "Failed, redirects too: sent again on the endpoint's schedule. Retry-After is honoured."
    },
}


def describe_webhooks() -> dict[str, Any]:
    """One OpenAPI path item a type to which an endpoint can subscribe."""
    return {name: {"post": _operation(name)} for name in catalogue.deliverable_types()}


def describe_components() -> dict[str, Any]:
    """The shapes that the section names: the event around its data, and the data of each type that has leaves."""
    leaves = (name for name in catalogue.deliverable_types() if not catalogue.describe(name).carried_by)
    return {"WebhookEvent": _envelope(), **{_data_name(name): catalogue.data_schema(name) for name in leaves}}


def _operation(name: str) -> dict[str, Any]:
    kind = catalogue.describe(name)
    content = {"schema": _whole(name), "example": catalogue.example(name)}
    return {
        "operationId": f"event.{name}",
        "summary": kind.title,
        "description": kind.description,
        "tags": ["Webhooks"],
        "security": [],
        "parameters": [_header(*header) for header in _HEADERS],
        "requestBody": {"required": True, "content": {"application/json": content}},
        "responses": _ANSWERS,
    }


def _envelope() -> dict[str, Any]:
    """What every event is: a type's own schema says more of ``type`` and ``data``."""
    any_type = catalogue.schema(catalogue.deliverable_types()[0])
    properties = any_type["properties"] | {
        "type": {"type": "string", "description": "What happened: a type of the catalogue."},
        "data": {"type": "object", "description": "What its type says of it."},
    }
    return {**{key: any_type[key] for key in ("type", "required", "additionalProperties")}, "properties": properties}


def _whole(name: str) -> dict[str, Any]:
    """The event of a type, by reference to the shapes that it shares with others."""
    kind = catalogue.describe(name)
    carriers = [_ref(_data_name(carrier)) for carrier in kind.carried_by]
    data: dict[str, Any] = _ref(_data_name(name))
    if carriers:
        own = catalogue.data_schema(name)
        named = {"announced_as": own["properties"]["announced_as"]}
        data = {"anyOf": carriers, "type": "object", "properties": named, "required": own["required"]}
    said = {"type": catalogue.schema(name)["properties"]["type"], "data": data}
    return {"allOf": [_ref("WebhookEvent"), {"type": "object", "properties": said}]}


def _data_name(name: str) -> str:
    return f"WebhookData.{name}"


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


def _header(name: str, required: bool, schema: dict[str, Any], says: str) -> dict[str, Any]:
    return {"in": "header", "name": name, "required": required, "schema": schema, "description": says}
