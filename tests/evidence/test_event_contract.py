"""The schemas of events are stored and only grow: what a consumer reads today is there tomorrow, of the same kind."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from evidence import catalogue
from evidence.catalogue import evolution, pages

Schemas = dict[str, Any]


@pytest.fixture(scope="module")
def stored() -> Schemas:
    document: Schemas = json.loads(pages.CONTRACT_PATH.read_bytes())["$defs"]
    return document


def test_nothing_that_consumers_rely_on_was_removed_or_changed(stored: Schemas) -> None:
    assert evolution.breaking_changes(stored, pages.as_contract()["$defs"]) == []


def test_the_stored_contract_is_the_current_one() -> None:
    """What was added is stored too: run python -m evidence.catalogue > docs/events.md."""
    assert pages.render(pages.as_contract()) == pages.CONTRACT_PATH.read_bytes()


def test_every_stored_schema_accepts_the_data_of_today_s_example(stored: Schemas) -> None:
    for name, schema in stored.items():
        Draft202012Validator.check_schema(schema)
        Draft202012Validator(schema).validate(catalogue.example(name)["data"])


def type_gone(schemas: Schemas) -> None:
    del schemas["ledger.posted"]


def field_gone(schemas: Schemas) -> None:
    del schemas["ledger.posted"]["properties"]["minor_units"]


def field_changed(schemas: Schemas) -> None:
    schemas["ledger.posted"]["properties"]["minor_units"]["type"] = "string"


def null_allowed(schemas: Schemas) -> None:
    schemas["ledger.posted"]["properties"]["minor_units"]["type"] = ["integer", "null"]


def no_longer_always_there(schemas: Schemas) -> None:
    schemas["ledger.posted"]["required"].remove("entry_id")


def another_value(schemas: Schemas) -> None:
    schemas["policy.accepted"]["properties"]["outcome"]["enum"].append("perhaps")


def field_of_an_item_gone(schemas: Schemas) -> None:
    del schemas["ledger.entry.posted"]["properties"]["entries"]["items"]["properties"]["direction"]


def inner_value_changed(schemas: Schemas) -> None:
    schemas["ledger.export.ready"]["properties"]["posted_minor"]["additionalProperties"]["type"] = "string"


def id_changed(schemas: Schemas) -> None:
    schemas["hold.placed"]["properties"]["hold_id"]["pattern"] = "^h_"


@pytest.mark.parametrize(
    "change",
    [
        type_gone, field_gone, field_changed, null_allowed, no_longer_always_there, another_value,
        field_of_an_item_gone, inner_value_changed, id_changed,
    ],
)  # fmt: skip
def test_what_would_break_a_consumer_is_found(stored: Schemas, change: Callable[[Schemas], None]) -> None:
    changed = copy.deepcopy(stored)
    change(changed)

    assert len(evolution.breaking_changes(stored, changed)) == 1


def new_type(schemas: Schemas) -> None:
    schemas["ledger.forked"] = copy.deepcopy(schemas["ledger.posted"])


def new_field(schemas: Schemas) -> None:
    schemas["ledger.posted"]["properties"]["more"] = {"type": "string"}


def always_there_now(schemas: Schemas) -> None:
    schemas["ledger.entry.posted"]["required"].append("announced_as")


def said_otherwise(schemas: Schemas) -> None:
    schemas["ledger.posted"]["properties"]["minor_units"]["description"] = "In other words."


@pytest.mark.parametrize("change", [new_type, new_field, always_there_now, said_otherwise])
def test_growth_is_allowed(stored: Schemas, change: Callable[[Schemas], None]) -> None:
    changed = copy.deepcopy(stored)
    change(changed)

    assert evolution.breaking_changes(stored, changed) == []


def test_a_contract_that_would_shrink_is_not_written(tmp_path: Path, stored: Schemas) -> None:
    promised = copy.deepcopy(stored)
    new_type(promised)
    path = tmp_path / "event-schemas.json"
    path.write_bytes(pages.render({"$defs": promised}))

    with pytest.raises(pages.ContractShrinks, match=r"ledger\.forked is gone"):
        pages.write_contract(path)
    assert json.loads(path.read_bytes())["$defs"] == promised
