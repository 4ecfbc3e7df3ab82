"""The documents' three calls, verbatim, with the answers that they promise, from HTTP and the SDK."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import httpx
import pytest

from tests.api.ledger_of_writes import Writes
from zentra.api import openapi
from zentra.core.tenancy import TenantRef
from zentra.sdk import AsyncZentra, Zentra

INTENT = {
    "intent_id": "intent_042",
    "scope": "workspace_scope",
    "money_model": "minor_units + ledger_currency",
    "primitives": ["policy", "ledger", "events"],
}
ACCOUNT = {
    "customer": "customer_ref",
    "currency": "ledger_currency",
    "account_type": "operating",
    "idempotency_key": "acct_live_042",
}
ENTRY = {
    "debit": "customer_balance",
    "credit": "reserved_balance",
    "amount_minor": 125000,
    "idempotency_key": "led_8172",
}


def schema_of(name: str) -> dict[str, Any]:
    found: dict[str, Any] = openapi.describe()["components"]["schemas"][name]
    return found


def test_the_first_call(http: httpx.Client, workspace: TenantRef) -> None:
    answer = http.post("/runtime/intents", json=INTENT)

    assert answer.status_code == 201, answer.text
    body = answer.json()
    assert list(body)[:14] == [
        "intent_id", "scope", "money_model", "schema", "status", "final_state", "ledger_state", "event_stream",
        "audit_packet", "checks", "path", "mutations", "replays", "links",
    ]  # fmt: skip
    assert body["intent_id"] == "intent_042"
    assert body["scope"] == "workspace_scope"
    assert body["money_model"] == "minor_units + ledger_currency"
    assert body["schema"] == "v2026.04"
    assert body["status"] == "ledgered"
    assert body["final_state"] is None
    assert re.fullmatch(r"entry_[0-9a-z]{26}", body["ledger_state"])
    assert body["event_stream"] in {"pending", "syncing"}
    assert body["audit_packet"] == "pending"
    assert body["checks"] == ["contract valid", "scope attached", "trace opened"]
    assert [step["state"] for step in body["path"]] == ["accepted", "controlled", "ledgered"]
    assert (body["mutations"], body["replays"]) == (1, 0)
    assert re.fullmatch(r"intent_[0-9a-z]{26}", body["id"])
    assert (body["object"], body["kind"]) == ("intent", "payment")
    assert (body["amount_minor"], body["currency"]) == (125000, workspace.ledger_currency)
    assert (body["workspace"], body["mode"], body["rehearsal"]) == (workspace.slug, "sandbox", True)
    assert body["metadata"] == {}
    assert list(body["primitives"]) == ["policy", "ledger", "events"]
    assert set(body) == set(schema_of("IntentAnswer")["properties"])


def test_its_links_lead_somewhere(http: httpx.Client) -> None:
    links = http.post("/runtime/intents", json=INTENT).json()["links"]

    base = str(http.base_url).rstrip("/").removesuffix("/v1")
    assert http.get(base + links["self"]).json()["intent_id"] == "intent_042"
    assert http.get(base + links["timeline"]).json()["data"]
    assert http.get(base + links["audit_packet"]).json()["code"] == "packet_pending"


def test_pasted_twice_it_gives_the_same_answer_marked_as_a_replay(http: httpx.Client, writes: Writes) -> None:
    first = http.post("/runtime/intents", json=INTENT)
    writes.note()

    second = http.post("/runtime/intents", json=INTENT)

    assert second.status_code == first.status_code == 201
    assert second.content == first.content
    assert "idempotent-replayed" not in first.headers
    assert second.headers["idempotent-replayed"] == "true"
    assert second.headers["x-request-id"] != first.headers["x-request-id"]
    assert writes.new_rows() == {}
    assert writes.new_types() == {"idempotency.replayed": 1}
    assert http.get("/runtime/intents/intent_042").json()["replays"] == 1


def test_pasted_again_with_another_body_it_is_refused(http: httpx.Client, writes: Writes) -> None:
    http.post("/runtime/intents", json=INTENT)
    writes.note()

    answer = http.post("/runtime/intents", json=INTENT | {"primitives": ["policy"]})

    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")
    assert writes.new_rows() == {}
    assert writes.new_types() == {"idempotency.refused": 1}
    assert writes.new_events()[0]["data"]["key"] == "intent_042"


def test_the_second_call(http: httpx.Client, writes: Writes, workspace: TenantRef) -> None:
    answer = http.post("/accounts", json=ACCOUNT)

    assert answer.status_code == 201, answer.text
    body = answer.json()
    assert (body["status"], body["event"]) == ("active", "account.created")
    assert body["evidence"] == {"account_id": body["id"]}
    assert re.fullmatch(r"acct_[0-9a-z]{26}", body["id"])
    assert (body["currency"], body["account_type"]) == (workspace.ledger_currency, "operating")
    assert (body["customer"], body["normal_balance"]) == ("customer_ref", "credit")
    assert set(body["balances"].values()) == {0}
    assert body["balances"].keys() >= {"posted_minor", "pending_minor", "available_minor"}
    assert set(body) == set(schema_of("AccountAnswer")["properties"])
    assert writes.new_types() == {"account.created": 1}
    assert "customer_ref" not in str(writes.new_events())

    assert http.get(f"/accounts/{body['id']}").json() == body
    assert http.get(f"/accounts/{body['id']}/balances").json() == body["balances"]
    again = http.post("/accounts", json=ACCOUNT)
    assert (again.content, again.headers["idempotent-replayed"]) == (answer.content, "true")


def test_the_third_call(http: httpx.Client, writes: Writes) -> None:
    before = http.get("/accounts/reserved_balance").json()["balances"]["posted_minor"]

    answer = http.post("/ledger-entries", json=ENTRY)

    assert answer.status_code == 201, answer.text
    body = answer.json()
    assert (body["status"], body["event"]) == ("posted", "ledger.entry.created")
    assert list(body["evidence"]) == ["debit_account", "credit_account", "minor_units", "posting_id", "correlation_id"]
    assert body["evidence"]["debit_account"] == "customer_balance"
    assert body["evidence"]["credit_account"] == "reserved_balance"
    assert body["evidence"]["minor_units"] == 125000
    assert body["evidence"]["posting_id"] == body["id"]
    assert [entry["direction"] for entry in body["entries"]] == ["debit", "credit"]
    assert set(body) == set(schema_of("PostingAnswer")["properties"])
    assert writes.new_types() == {"ledger.entry.posted": 1}
    after = http.get("/accounts/reserved_balance").json()["balances"]["posted_minor"]
    assert after - before == 125000

    assert http.get(f"/ledger-entries/{body['id']}").json() == body
    again = http.post("/ledger-entries", json=ENTRY)
    assert again.content == answer.content
    assert http.get("/accounts/reserved_balance").json()["balances"]["posted_minor"] == after


def test_accounts_go_by_id_too(http: httpx.Client) -> None:
    opened = http.post("/accounts", json=ACCOUNT | {"account_type": "merchant"}).json()["id"]

    answer = http.post("/ledger-entries", json=ENTRY | {"credit": opened})

    assert answer.status_code == 201, answer.text
    assert answer.json()["entries"][1]["account_id"] == opened


def test_the_sdk_makes_the_three_calls(zentra: Zentra) -> None:
    intent = zentra.runtime.intents.create(INTENT)
    account = zentra.accounts.create(ACCOUNT)
    posting = zentra.ledgers.post(**ENTRY)

    assert (intent.status, intent["ledger_state"][:6]) == ("ledgered", "entry_")
    assert account.evidence.account_id == account.id
    assert posting.evidence.minor_units == 125000
    assert zentra.runtime.intents.get("intent_042").intent_id == "intent_042"
    again = zentra.runtime.intents.create(INTENT)
    assert again.answer is not None
    assert again.answer.replayed


def test_the_sdk_makes_them_awaited_as_the_documents_print_them(api_url: str, api_key: str, database: None) -> None:
    async def run() -> list[str]:
        async with AsyncZentra(api_key=api_key, base_url=api_url) as zentra:
            intent = await zentra.runtime.intents.create(INTENT)
            account = await zentra.accounts.create(ACCOUNT)
            posting = await zentra.ledgers.post(ENTRY)
            return [intent.status, account.status, posting.status]

    assert asyncio.run(run()) == ["ledgered", "active", "posted"]


def test_the_timeline_tells_every_step(zentra: Zentra) -> None:
    zentra.runtime.intents.create(INTENT)

    timeline = zentra.runtime.intents.timeline("intent_042")

    types = [event.type for event in timeline.data]
    assert types[0] == "ingress.accepted"
    assert "policy.accepted" in types
    assert "ledger.entry.posted" in types
    assert all(event.delta_ms >= 0 for event in timeline.data)
    assert [step.state for step in timeline.path][:3] == ["accepted", "controlled", "ledgered"]


def test_it_works_the_thousandth_time_too(http: httpx.Client) -> None:
    for number in range(5):
        assert http.post("/runtime/intents", json=INTENT | {"intent_id": f"again_{number}"}).status_code == 201


@pytest.mark.parametrize("scope", ["slug", "id", "ws"])
def test_the_scope_may_be_the_workspaces_slug_or_id(http: httpx.Client, workspace: TenantRef, scope: str) -> None:
    from zentra.core.ids import to_public

    name = {"slug": workspace.slug, "id": str(workspace.id), "ws": to_public("ws", workspace.id)}[scope]

    assert http.post("/runtime/intents", json=INTENT | {"scope": name}).status_code == 201


def test_a_live_workspace_wants_a_movement(connect: Any, live_workspace: TenantRef) -> None:
    from tests.workspaces import issue_token

    live = connect(issue_token(live_workspace))
    writes = Writes(live_workspace)

    answer = live.post("/runtime/intents", json=INTENT)

    assert (answer.status_code, answer.json()["code"]) == (422, "movement_required")
    assert writes.new_rows() == {}
    assert writes.new_types() == {"ingress.refused": 1}


def test_waiting_answers_the_state_after_waiting_and_stores_the_one_at_commit(http: httpx.Client) -> None:
    waited = http.post("/runtime/intents", json=INTENT, headers={"Prefer": "wait=1"})
    replayed = http.post("/runtime/intents", json=INTENT)

    assert waited.status_code == 201
    assert waited.headers["preference-applied"] == "wait=1"
    assert waited.json()["intent_id"] == "intent_042"
    assert replayed.json()["status"] == "ledgered"
