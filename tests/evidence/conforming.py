"""Whether what was recorded is what the catalogue says of it: for tests of any app."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from django.db import connection
from jsonschema import Draft202012Validator, FormatChecker

from evidence import catalogue
from zentra.core.tenancy import TenantRef, tenant_work


def assert_conforming(ws: TenantRef) -> set[str]:
    """Every event of a workspace fits the schema of each of its names and says nothing undeclared; all the names."""
    names: set[str] = set()
    wrong: list[str] = []
    for body in recorded(ws):
        for name in (body["type"], *body["data"].get("announced_as", ())):
            names.add(name)
            wrong += [f"{name}: {each}" for each in divergences(name, body)]
    assert not wrong, "the catalogue says otherwise:\n" + "\n".join(dict.fromkeys(wrong))
    return names


def recorded(ws: TenantRef) -> list[dict[str, Any]]:
    """Every event of a workspace, oldest first."""
    with tenant_work(ws), connection.cursor() as cursor:
        cursor.execute("SELECT body FROM evidence_event ORDER BY id")
        return [json.loads(bytes(row[0])) for row in cursor.fetchall()]


def divergences(name: str, body: Mapping[str, Any]) -> list[str]:
    """What is wrong with an event under one of its names."""
    schema, validator = _schema_of(name)
    found = [f"{error.json_path} {error.message}" for error in validator.iter_errors(body)]
    return found + [f"{path} is not declared" for path in undeclared(schema, body, "$")]


def undeclared(schema: Mapping[str, Any], value: object, path: str) -> Iterator[str]:
    """Fields that a schema lets through and does not name."""
    if isinstance(value, dict) and "properties" in schema:
        for name, inner in value.items():
            if name in schema["properties"]:
                yield from undeclared(schema["properties"][name], inner, f"{path}.{name}")
            else:
                yield f"{path}.{name}"
    elif isinstance(value, list):
        for inner in value:
            yield from undeclared(schema.get("items", {}), inner, f"{path}[]")


@cache
def _schema_of(name: str) -> tuple[dict[str, Any], Draft202012Validator]:
    schema = catalogue.schema(name)
    return schema, Draft202012Validator(schema, format_checker=FormatChecker())
