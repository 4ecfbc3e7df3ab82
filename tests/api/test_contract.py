"""The contract is stored and only grows; every code is documented; answers have the shape that it promises."""

import copy
import json
from typing import Any

import pytest

from zentra.api import error_pages, openapi


@pytest.fixture(scope="module")
def stored() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(openapi.CONTRACT_PATH.read_bytes())
    return document


@pytest.fixture(scope="module")
def current() -> dict[str, Any]:
    return openapi.describe()


def test_nothing_that_callers_rely_on_was_removed_or_changed(stored: dict[str, Any], current: dict[str, Any]) -> None:
    assert openapi.breaking_changes(stored, current) == []


def test_the_stored_contract_is_the_current_one(current: dict[str, Any]) -> None:
    """What was added is stored too: run python -m zentra.api.openapi."""
    assert openapi.render(current) == openapi.CONTRACT_PATH.read_bytes()


def test_every_error_code_is_documented() -> None:
    """Run python -m zentra.api.openapi."""
    page = error_pages.PATH.read_text(encoding="utf-8")

    missing = [error.code for error in error_pages.documented_errors() if f"`{error.code}`" not in page]

    assert missing == []
    assert page == error_pages.render()


def test_every_error_is_explained() -> None:
    assert [error.__name__ for error in error_pages.documented_errors() if not error.__doc__] == []


def at(document: dict[str, Any], *path: str) -> Any:
    for part in path:
        document = document[part]
    return document


BODY = ("components", "schemas", "CreateIntentBody")
ANSWER = ("components", "schemas", "IntentSummary")
POST = ("paths", "/v1/runtime/intents", "post")


def removed_path(d: dict[str, Any]) -> None:
    del d["paths"]["/v1/events"]


def removed_method(d: dict[str, Any]) -> None:
    del d["paths"]["/v1/accounts"]["post"]


def removed_answer_field(d: dict[str, Any]) -> None:
    del at(d, *ANSWER, "properties")["ledger_state"]


def removed_body_field(d: dict[str, Any]) -> None:
    del at(d, *BODY, "properties")["payee"]


def removed_nested_field(d: dict[str, Any]) -> None:
    del at(d, "components", "schemas", "CorridorBody", "properties")["method"]


def changed_type(d: dict[str, Any]) -> None:
    at(d, *ANSWER, "properties", "amount_minor")["type"] = "string"


def required_body_field(d: dict[str, Any]) -> None:
    at(d, *BODY)["required"] = ["kind"]


def optional_answer_field(d: dict[str, Any]) -> None:
    at(d, *ANSWER)["required"].remove("status")


def narrowed_choice(d: dict[str, Any]) -> None:
    at(d, *BODY, "properties", "kind")["enum"].remove("transfer")


def removed_parameter(d: dict[str, Any]) -> None:
    at(d, "paths", "/v1/events", "get")["parameters"].pop(0)


def required_parameter(d: dict[str, Any]) -> None:
    extra = {"in": "query", "name": "new", "required": True, "schema": {"type": "string"}}
    at(d, "paths", "/v1/events", "get")["parameters"].append(extra)


def removed_status(d: dict[str, Any]) -> None:
    del at(d, *POST, "responses")["201"]


@pytest.mark.parametrize(
    "change",
    [
        removed_path,
        removed_method,
        removed_answer_field,
        removed_body_field,
        removed_nested_field,
        changed_type,
        required_body_field,
        optional_answer_field,
        narrowed_choice,
        removed_parameter,
        required_parameter,
        removed_status,
    ],
)
def test_a_change_that_breaks_callers_is_found(stored: dict[str, Any], change: Any) -> None:
    changed = copy.deepcopy(stored)
    change(changed)

    assert openapi.breaking_changes(stored, changed) != []


def narrowed_bound(d: dict[str, Any]) -> None:
    at(d, "components", "schemas", "CreateAccountBody", "properties", "name")["maxLength"] = 10


def bound_of_an_answer(d: dict[str, Any]) -> None:
    at(d, "components", "schemas", "HeaderAnswer", "properties", "name")["maxLength"] = 10


@pytest.mark.parametrize("change", [narrowed_bound, bound_of_an_answer])
def test_a_bound_that_moves_against_callers_is_found(stored: dict[str, Any], change: Any) -> None:
    changed = copy.deepcopy(stored)
    change(changed)

    assert openapi.breaking_changes(stored, changed) != []


def widened_bound(d: dict[str, Any]) -> None:
    at(d, "components", "schemas", "CreateAccountBody", "properties", "name")["maxLength"] = 5000


def dropped_bound(d: dict[str, Any]) -> None:
    del at(d, "components", "schemas", "CreateAccountBody", "properties", "name")["maxLength"]


def added_path(d: dict[str, Any]) -> None:
    d["paths"]["/v1/refunds"] = d["paths"]["/v1/accounts"]


def added_answer_field(d: dict[str, Any]) -> None:
    at(d, *ANSWER, "properties")["fresh"] = {"type": "string"}
    at(d, *ANSWER)["required"].append("fresh")


def added_body_field(d: dict[str, Any]) -> None:
    at(d, *BODY, "properties")["fresh"] = {"type": "string"}


def added_choice(d: dict[str, Any]) -> None:
    at(d, *BODY, "properties", "kind")["enum"].append("card")


@pytest.mark.parametrize(
    "change", [added_path, added_answer_field, added_body_field, added_choice, widened_bound, dropped_bound]
)
def test_growth_breaks_nobody(stored: dict[str, Any], change: Any) -> None:
    changed = copy.deepcopy(stored)
    change(changed)

    assert openapi.breaking_changes(stored, changed) == []
