"""The catalogue at the API, and the ``webhooks`` section of the contract: what an endpoint will be sent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator

from evidence import catalogue
from zentra.api import openapi


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return openapi.describe()


@pytest.fixture
def anyone(connect: Callable[..., httpx.Client]) -> httpx.Client:
    """Somebody without a key."""
    return connect(None)


def test_anyone_can_list_the_types(anyone: httpx.Client) -> None:
    types = {each["name"]: each for each in anyone.get("/event-types").json()["data"]}

    assert types.keys() == catalogue.CATALOGUE.keys()
    assert types["ledger.posted"]["delivered"] is True
    assert types["webhook.queued"]["delivered"] is False
    assert types["webhook.endpoint_created"]["retired"] is True
    assert types["hold.captured"]["carried_by"] == ["ledger.entry.posted"]


def test_a_type_comes_with_a_schema_that_accepts_its_example(anyone: httpx.Client) -> None:
    answer = anyone.get("/event-types/hold.captured").json()

    Draft202012Validator.check_schema(answer["schema"])
    Draft202012Validator(answer["schema"]).validate(answer["example"])
    assert set(answer) == set(schema_of("EventTypeAnswer")["properties"])


@pytest.mark.parametrize("name", ["nothing.like_it", "ledger.*", "a" * 3000])
def test_a_type_that_is_not_there_is_404(anyone: httpx.Client, name: str) -> None:
    answer = anyone.get(f"/event-types/{name}")

    assert (answer.status_code, answer.json()["code"]) == (404, "event_type_not_found")


def test_the_contract_has_an_entry_for_each_type_that_is_delivered(document: dict[str, Any]) -> None:
    assert list(document["webhooks"]) == catalogue.deliverable_types()
    headers = {each["name"] for each in document["webhooks"]["ledger.posted"]["post"]["parameters"]}
    assert headers == {
        "webhook-id", "webhook-timestamp", "webhook-signature", "zentra-sequence", "zentra-version", "zentra-attempt",
        "zentra-challenge",
    }  # fmt: skip


@pytest.mark.parametrize("name", catalogue.deliverable_types())
def test_the_contract_accepts_the_example_of_each_type_and_refuses_another_types(
    document: dict[str, Any], name: str
) -> None:
    content = document["webhooks"][name]["post"]["requestBody"]["content"]["application/json"]
    validator = Draft202012Validator({**content["schema"], "components": document["components"]})

    assert validator.is_valid(content["example"])
    assert not validator.is_valid(catalogue.example("ingress.refused"))
    assert not validator.is_valid(content["example"] | {"data": None})


def schema_of(name: str) -> dict[str, Any]:
    found: dict[str, Any] = openapi.describe()["components"]["schemas"][name]
    return found
