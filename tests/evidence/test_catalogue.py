"""The catalogue is the one list of event types: complete, and what the docs say."""

from pathlib import Path

from evidence import catalogue

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
    assert len(catalogue.CATALOGUE) == len(catalogue._ALL)


def test_deliveries_are_never_themselves_delivered() -> None:
    assert not [name for name in catalogue.deliverable_types() if name.startswith("webhook.")]


def test_the_documented_events_are_those_of_the_code() -> None:
    assert DOCS.read_text() == catalogue.as_markdown(), "run: python -m evidence.catalogue > docs/events.md"
