"""Whether what was recorded is what the catalogue says of it: for tests of any app."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from django.db import connection
from jsonschema import Draft202012Validator, FormatChecker

from evidence import catalogue
from evidence.operations import events as recording
from evidence.types import NewEvent
from zentra.core.tenancy import TenantRef, tenant_work

TESTS = str(Path(__file__).resolve().parents[1])


class Undeclared(AssertionError):
    """Something records an event of which the catalogue says otherwise."""


@contextmanager
def watched_recording() -> Iterator[None]:
    """Whatever Zentra records in this process is compared with the catalogue as it is recorded.

    Each form of an event, the fields that it has and their kinds, is looked at once. What tests themselves record is
    made up, and passes.
    """
    original, seen = recording._body, set[Any]()

    def body(event: NewEvent, **more: Any) -> bytes:
        content = original(event, **more)
        form = (event.type, event.announced_as, _form(event.data))
        if form not in seen and not _is_made_up():
            seen.add(form)
            for name in (event.type, *event.announced_as):
                wrong = divergences(name, json.loads(content))
                if wrong:
                    raise Undeclared(f"evidence/catalogue says otherwise of {name}: {wrong}")
        return content

    recording._body = body
    try:
        yield
    finally:
        recording._body = original


def _is_made_up() -> bool:
    """Whether a test called record_events itself: it is the frame above that function."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_name != "record_events":
        frame = frame.f_back
    return frame.f_back is None or frame.f_back.f_code.co_filename.startswith(TESTS)


def _form(value: object) -> object:
    if isinstance(value, Mapping):
        return tuple(sorted((str(name), _form(inner)) for name, inner in value.items()))
    if isinstance(value, list | tuple):
        return ("list", frozenset(map(_form, value)))
    return type(value).__name__


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
