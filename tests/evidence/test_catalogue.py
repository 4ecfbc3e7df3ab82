"""The catalogue is the one list of event types: complete, and what the docs say."""

from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from evidence import catalogue
from evidence.operations.events import SCHEMA

DOCS = Path(__file__).resolve().parents[2] / "docs" / "events.md"
# PRODUCT: the runtime's six states, and what happens beside them.
PROMISED = {
    "ingress.accepted",
    "limit.accepted",
    "policy.accepted",
    "policy.review",
    "policy.declined",
    "ledger.entry.created",
    "ledger.entry.posted",
    "ledger.balance.updated",
    "posting.committed",
    "ledger.reserved",
    "ledger.posted",
    "provider.routed",
    "webhook.queued",
    "webhook.retrying",
    "webhook.delivered",
    "webhook.exhausted",
    "money_runtime.synchronized",
    "evidence.sealed",
    "review.closed",
    "ledger.export.ready",
    "account.created",
    "account.frozen",
    "account.closed",
    "hold.placed",
    "hold.captured",
    "hold.released",
    "hold.expired",
    "access.denied",
}


def test_every_promised_event_is_there() -> None:
    assert catalogue.CATALOGUE.keys() >= PROMISED


def test_no_name_is_there_twice() -> None:
    assert len(catalogue.CATALOGUE) == len(catalogue.ALL)


def test_deliveries_are_never_themselves_delivered() -> None:
    assert not [name for name in catalogue.deliverable_types() if name.startswith("webhook.")]


def test_the_documented_events_are_those_of_the_code() -> None:
    assert DOCS.read_text() == catalogue.as_markdown(), "run: python -m evidence.catalogue > docs/events.md"


@pytest.mark.parametrize("name", catalogue.CATALOGUE)
def test_every_type_has_a_schema_and_an_example_that_it_accepts(name: str) -> None:
    schema = catalogue.schema(name)

    Draft202012Validator.check_schema(schema)
    assert not list(Draft202012Validator(schema).iter_errors(catalogue.example(name)))
    assert schema["$id"] == f"urn:zentra:event:{SCHEMA}:{name}"


@pytest.mark.parametrize("name", catalogue.CATALOGUE)
def test_the_proof_that_a_packet_shows_is_a_field_of_the_event(name: str) -> None:
    schema = catalogue.schema(name)
    for part in catalogue.describe(name).proof.split("."):
        assert part in schema["properties"]
        schema = schema["properties"][part]


def test_types_that_are_recorded_no_more_can_be_described_and_not_subscribed_to() -> None:
    retired = {name for name, kind in catalogue.CATALOGUE.items() if kind.retired}

    assert "webhook.endpoint_created" in retired
    assert not retired & set(catalogue.deliverable_types())


@pytest.mark.parametrize("name", [kind.name for kind in catalogue.ALL if len(kind.carried_by) > 1])
def test_types_that_carry_the_same_name_say_the_same(name: str) -> None:
    first, *others = (catalogue.data_schema(each)["properties"].keys() for each in catalogue.describe(name).carried_by)

    assert all(other == first for other in others)


def test_an_event_that_is_only_announced_shows_the_one_fact_behind_it() -> None:
    captured = catalogue.example("hold.captured")

    assert captured["type"] == "ledger.entry.posted"
    assert "hold.captured" in captured["data"]["announced_as"]
