"""The stored contract: ``docs/openapi.json`` and ``docs/errors.md``, written by ``python -m zentra.api.openapi``.

It grows and never shrinks. ``breaking_changes`` says what a caller who relies on the stored document would miss; the
writer refuses to write over it, and a test fails.
"""

import json
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from zentra.api.webhook_section import describe_components, describe_webhooks

ROOT: Final = Path(__file__).resolve().parents[2]
CONTRACT_PATH: Final = ROOT / "docs" / "openapi.json"
_METHODS: Final = ("get", "post", "put", "patch", "delete")
_LEAST: Final = ("minimum", "minLength")
_MOST: Final = ("maximum", "maxLength")
_PROBLEM_CONTENT: Final = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}


def describe() -> dict[str, Any]:
    """The OpenAPI 3.1 document of the API as it is now."""
    from zentra.api.v1 import build_api
    from zentra.api.v1.answers import FieldError, Problem

    document: dict[str, Any] = json.loads(json.dumps(build_api().get_openapi_schema(path_prefix="/v1/"), default=str))
    template = "#/components/schemas/{model}"
    schemas = document["components"]["schemas"]
    schemas["FieldError"] = FieldError.model_json_schema(ref_template=template)
    schemas["Problem"] = _without_definitions(Problem.model_json_schema(ref_template=template))
    for method, operation in _operations(document):
        operation["responses"]["default"] = {"description": "A problem (RFC 9457).", "content": _PROBLEM_CONTENT}
        if "requestBody" in operation or method == "delete":
            operation.setdefault("parameters", []).append(_IDEMPOTENCY_KEY)
    schemas.update(describe_components())
    document["webhooks"] = describe_webhooks()
    return document


_IDEMPOTENCY_KEY: Final = {
    "in": "header",
    "name": "Idempotency-Key",
    "required": False,
    "description": "Makes a repeat safe; else the body's idempotency_key, else its intent_id.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
}


def render(document: Mapping[str, Any]) -> bytes:
    """The document as stored: sorted, so that a change shows as what it is."""
    return (json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()


def breaking_changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """What somebody who relies on ``old`` would miss in ``new``: one sentence each, none when it only grew."""
    found: list[str] = []
    for path, methods in old["paths"].items():
        for method in _METHODS:
            if method not in methods:
                continue
            where = f"{method.upper()} {path}"
            if method not in new["paths"].get(path, {}):
                found.append(f"{where} is gone.")
            else:
                found += _operation_changes(where, _Side(old, methods[method]), _Side(new, new["paths"][path][method]))
    return found


class _Side:
    """One operation of one document, with references looked up there."""

    def __init__(self, document: Mapping[str, Any], operation: Mapping[str, Any]) -> None:
        self.document = document
        self.operation = operation

    def resolve(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        """The schema behind references, and behind the ``allOf`` of one that pydantic puts around a described one."""
        while "$ref" in schema or len(schema.get("allOf", ())) == 1:
            name = schema.get("$ref") or schema["allOf"][0]["$ref"]
            schema = self.document["components"]["schemas"][name.rpartition("/")[2]]
        return schema

    def parameters(self) -> dict[tuple[str, str], Mapping[str, Any]]:
        return {(each["in"], each["name"]): each for each in self.operation.get("parameters", [])}

    def body(self) -> Mapping[str, Any] | None:
        content = self.operation.get("requestBody", {}).get("content", {}).get("application/json")
        return content["schema"] if content else None

    def answers(self) -> dict[str, Mapping[str, Any]]:
        answers = {}
        for status, answer in self.operation.get("responses", {}).items():
            for media, content in answer.get("content", {}).items():
                answers[f"{status} {media}"] = content.get("schema", {})
        return answers


def _operation_changes(where: str, old: _Side, new: _Side) -> Iterator[str]:
    for key, parameter in old.parameters().items():
        if key not in new.parameters():
            yield f"{where}: the {key[0]} parameter {key[1]} is gone."
        else:
            yield from _schema_changes(
                f"{where} {key[1]}", old, parameter["schema"], new, new.parameters()[key]["schema"], sent=True
            )
    for key, parameter in new.parameters().items():
        if parameter.get("required") and key not in old.parameters():
            yield f"{where}: the {key[0]} parameter {key[1]} is required now."
    old_body, new_body = old.body(), new.body()
    if old_body is not None and new_body is None:
        yield f"{where}: the body is gone."
    elif new_body is not None:
        yield from _schema_changes(f"{where} body", old, old_body or {}, new, new_body, sent=True)
    for status, schema in old.answers().items():
        if status not in new.answers():
            yield f"{where}: the answer {status} is gone."
        else:
            yield from _schema_changes(f"{where} {status}", old, schema, new, new.answers()[status], sent=False)


def _schema_changes(
    where: str,
    old: _Side,
    before: Mapping[str, Any],
    new: _Side,
    after: Mapping[str, Any],
    *,
    sent: bool,
    above: frozenset[str] = frozenset(),
) -> Iterator[str]:
    """Compare what was sent (may only become looser) or answered (may only say more).

    ``above`` names the shapes that this one is inside of: a tree holds itself and is looked at once.
    """
    name = before.get("$ref", "")
    if name in above:
        return
    within = above | {name} if name else above
    before, after = old.resolve(before), new.resolve(after)
    for word in ("type", "format", "pattern", *_LEAST, *_MOST):
        if before.get(word) != after.get(word) and not (sent and _is_looser(word, before.get(word), after.get(word))):
            yield f"{where}: {word} was {before.get(word)!r} and is {after.get(word)!r}."
    yield from _choice_changes(where, before, after, sent=sent)
    yield from _requirement_changes(where, before, after, sent=sent)
    for field, schema in before.get("properties", {}).items():
        other = after.get("properties", {}).get(field)
        if other is None:
            yield f"{where}: the field {field} is gone."
        else:
            yield from _schema_changes(f"{where}.{field}", old, schema, new, other, sent=sent, above=within)
    if "items" in before:
        items = after.get("items", {})
        yield from _schema_changes(f"{where}[]", old, before["items"], new, items, sent=sent, above=within)
    variants, others = before.get("anyOf", []), after.get("anyOf", [])
    if len(variants) != len(others):
        yield f"{where}: it had {len(variants)} variants and has {len(others)}."
    for index, (variant, other) in enumerate(zip(variants, others, strict=False)):
        yield from _schema_changes(f"{where}|{index}", old, variant, new, other, sent=sent, above=within)


def _is_looser(word: str, before: Any, after: Any) -> bool:
    """Whether a bound lets through all that it let through before, and more."""
    if before is None or word not in (*_LEAST, *_MOST):
        return False
    return after is None or (after < before if word in _LEAST else after > before)


def _choice_changes(where: str, before: Mapping[str, Any], after: Mapping[str, Any], *, sent: bool) -> Iterator[str]:
    """A value that may be sent stays allowed. A new value in an answer is growth: callers are told to expect it."""
    was, now = _choices(before), _choices(after)
    if not sent:
        if was is not None and (now is None or was.isdisjoint(now)):
            yield f"{where}: it said one of {sorted(map(str, was))} and says something else."
        return
    gone = (was or set()) - (was or set() if now is None else now)
    if gone:
        yield f"{where}: {', '.join(sorted(map(str, gone)))} is not accepted any more."
    if now is not None and was is None:
        yield f"{where}: only some values are accepted now."


def _choices(schema: Mapping[str, Any]) -> set[Any] | None:
    """The values that a schema allows, where it names them: one constant is a choice of one."""
    if "const" in schema:
        return {schema["const"]}
    return set(schema["enum"]) if "enum" in schema else None


def _requirement_changes(
    where: str, before: Mapping[str, Any], after: Mapping[str, Any], *, sent: bool
) -> Iterator[str]:
    was, now = set(before.get("required", [])), set(after.get("required", []))
    changed = now - was if sent else was - now
    for name in sorted(changed):
        yield f"{where}: {name} is required now." if sent else f"{where}: {name} may be missing now."


def _operations(document: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for methods in document["paths"].values():
        for method in _METHODS:
            if method in methods:
                yield method, methods[method]


def _without_definitions(schema: dict[str, Any]) -> dict[str, Any]:
    schema.pop("$defs", None)
    return schema


# The documents are made from code alone: no server is reached, so any settings that parse will do.
_PLACEHOLDERS: Final = {
    "DJANGO_SETTINGS_MODULE": "zentra.settings",
    "ZENTRA_SECRET_KEYS": "0" * 32,
    "ZENTRA_REDIS_URL": "redis://localhost:6379/0",
    "ZENTRA_DATABASE_URL": "postgresql://app@localhost/zentra",
    "ZENTRA_OWNER_DATABASE_URL": "postgresql://owner@localhost/zentra",
    "ZENTRA_SEALER_DATABASE_URL": "postgresql://sealer@localhost/zentra",
}


def main() -> int:
    """Write both documents, unless the contract would lose something."""
    for name, value in _PLACEHOLDERS.items():
        os.environ.setdefault(name, value)
    import django

    django.setup()
    from zentra.api import error_pages

    document = describe()
    if CONTRACT_PATH.exists():
        broken = breaking_changes(json.loads(CONTRACT_PATH.read_bytes()), document)
        if broken:
            sys.stderr.write("The contract only grows. This would break callers:\n  " + "\n  ".join(broken) + "\n")
            return 1
    CONTRACT_PATH.write_bytes(render(document))
    error_pages.PATH.write_text(error_pages.render(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
