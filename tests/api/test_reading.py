"""Lists, events and the headers of every answer."""

from __future__ import annotations

from typing import Any

import httpx

from tests.evidence.sealing import sequence
from zentra.api import openapi
from zentra.core.tenancy import TenantRef
from zentra.sdk import Zentra

ENTRY = {"debit": "customer_balance", "credit": "reserved_balance", "amount_minor": 100}


def test_a_list_is_paged_newest_first_without_gap_or_repeat(http: httpx.Client, zentra: Zentra) -> None:
    made = [http.post("/ledger-entries", json=ENTRY).json()["id"] for _ in range(5)]

    first = http.get("/ledger-entries?limit=2").json()

    assert [posting["id"] for posting in first["data"]] == made[:-3:-1]
    assert first["has_more"] is True
    ids = [posting.id for posting in zentra.ledgers.iterate(limit=2)]
    assert ids[:5] == made[::-1]
    assert len(ids) == len(set(ids))


def test_the_last_page_says_so(http: httpx.Client) -> None:
    page = http.get("/runtime/intents").json()

    assert page == {"data": [], "next_cursor": None, "has_more": False}


def test_intents_are_listed_and_filtered_by_status(http: httpx.Client) -> None:
    http.post("/runtime/intents", json={"intent_id": "one"})

    every = http.get("/runtime/intents").json()["data"]
    ledgered = http.get("/runtime/intents?status=ledgered").json()["data"]

    assert [intent["intent_id"] for intent in every] == ["one"]
    assert [intent["intent_id"] for intent in ledgered] == ["one"]
    assert http.get("/runtime/intents?status=evidenced").json()["data"] == []
    assert set(every[0]) == set(openapi.describe()["components"]["schemas"]["IntentSummary"]["properties"])


def test_accounts_are_listed_with_balances_and_filtered(http: httpx.Client) -> None:
    http.post("/accounts", json={"customer": "c_9", "currency": "USD", "account_type": "merchant"})

    found = http.get("/accounts?customer=c_9").json()["data"]

    assert [account["account_type"] for account in found] == ["merchant"]
    assert found[0]["balances"]["posted_minor"] == 0
    chart = {account["code"] for account in http.get("/accounts?limit=200").json()["data"]}
    assert {"customer_balance", "reserved_balance", "settlement_account", "merchant_balance", "payout_account"} <= chart


def test_events_are_caught_up_by_sequence(http: httpx.Client, zentra: Zentra, workspace: TenantRef) -> None:
    http.post("/ledger-entries", json=ENTRY)
    sequence(workspace)
    first = http.get("/events").json()
    last = int(first["next_cursor"])
    http.post("/ledger-entries", json=ENTRY)
    assert http.get(f"/events?after={last}").json()["data"] == []
    sequence(workspace)

    fresh = http.get(f"/events?after={last}").json()

    assert [event["type"] for event in fresh["data"]] == ["ledger.entry.posted"]
    assert [event["sequence"] for event in fresh["data"]] == [last + 1]
    assert fresh["next_cursor"] == str(last + 1)
    event = fresh["data"][0]
    assert set(event) == {
        "id", "type", "schema", "occurred_at", "workspace", "actor", "intent_id", "trace_id", "data", "sequence",
    }  # fmt: skip
    assert event["workspace"] == workspace.slug
    sequences = [each.sequence for each in zentra.events.iterate(limit=1)]
    assert sequences == list(range(last + 2))


def test_events_are_filtered_by_any_announced_name(http: httpx.Client, workspace: TenantRef) -> None:
    http.post("/ledger-entries", json=ENTRY)
    http.post("/accounts", json={"customer": "c", "currency": "USD", "account_type": "operating"})
    sequence(workspace)

    def types(of: str) -> set[str]:
        return {event["type"] for event in http.get(f"/events?type={of}&limit=200").json()["data"]}

    assert types("posting.committed") == {"ledger.entry.posted"}
    assert types("account.created") == {"account.created"}
    assert types("posting.committed,account.created") == {"ledger.entry.posted", "account.created"}


def test_the_end_of_the_log_keeps_the_cursor(http: httpx.Client) -> None:
    assert http.get("/events?after=123456").json() == {"data": [], "next_cursor": "123456", "has_more": False}


def test_every_answer_carries_version_request_id_and_trace(http: httpx.Client) -> None:
    for answer in (http.get("/accounts"), http.get("/nowhere"), http.post("/accounts", content=b"x")):
        assert answer.headers["zentra-version"] == "v2026.04"
        assert answer.headers["x-request-id"].startswith("req_")
        assert answer.headers["traceparent"].split("-")[1] == answer.headers["zentra-trace-id"]
        assert answer.headers["cache-control"] == "no-store"


def test_the_callers_trace_goes_through_to_the_events(http: httpx.Client) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"

    answer = http.post(
        "/runtime/intents", json={"intent_id": "traced"}, headers={"traceparent": f"00-{trace}-00f067aa0ba902b7-01"}
    )

    assert answer.headers["zentra-trace-id"] == trace
    events = http.get("/runtime/intents/traced/timeline").json()["data"]
    assert {event["trace_id"] for event in events} == {trace}


def test_a_malformed_trace_is_replaced(http: httpx.Client) -> None:
    answer = http.get("/accounts", headers={"traceparent": "00-zz-zz-01"})

    assert len(answer.headers["zentra-trace-id"]) == 32


def test_the_contract_is_served_to_everyone(http: httpx.Client, api_url: str) -> None:
    document: dict[str, Any] = httpx.get(f"{api_url}/openapi.json").json()

    assert document["openapi"].startswith("3.1")
    assert document == openapi.describe()


def test_a_packet_that_is_not_sealed_says_when_to_ask_again(http: httpx.Client, workspace: TenantRef) -> None:
    http.post("/runtime/intents", json={"intent_id": "soon"})

    answer = http.get("/audit-packets/soon")

    assert (answer.status_code, answer.json()["code"], answer.json()["retryable"]) == (409, "packet_pending", True)
    assert int(answer.headers["retry-after"]) >= 1


def test_an_endpoint_is_made_once_and_its_secret_shown_once(http: httpx.Client) -> None:
    body = {"url": "https://example.com/hooks", "event_types": ["ledger.*"], "idempotency_key": "hook_1"}

    made = http.post("/webhook-endpoints", json=body)

    assert made.status_code == 201, made.text
    endpoint = made.json()
    assert endpoint["secret"].startswith("whsec_")
    assert endpoint["event_types"] == ["ledger.*"]
    listed = http.get("/webhook-endpoints").json()["data"]
    assert [each["id"] for each in listed] == [endpoint["id"]]
    assert "secret" not in listed[0]
    assert http.get(f"/webhook-endpoints/{endpoint['id']}").json() == listed[0]
