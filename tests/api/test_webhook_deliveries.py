"""Deliveries, attempts and replays of a range over the API; each refusal, and who may not."""

from __future__ import annotations

import base64
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import httpx
import pytest

from tests.api.answered import assert_shape
from tests.api.ledger_of_writes import Writes
from tests.api.test_webhook_endpoints import NOBODY, make, refused
from tests.evidence.sealing import sequence
from tests.webhooks.replaying import make_deliveries
from webhooks.models import Attempt
from webhooks.operations import fan_out
from zentra.api.v1.delivery_answers import (
    AttemptPage,
    DeliveryDetailAnswer,
    DeliveryPage,
    ReplayAnswer,
    ReplayPage,
    ReplayPreviewAnswer,
)
from zentra.core import clock, ids
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.tenants.operations import issue_key
from zentra.tenants.permissions import Permission

Connect = Callable[..., httpx.Client]
ACCOUNT = {"customer": "c", "currency": "USD", "account_type": "operating"}
NO_DELIVERY, NO_REPLAY, NO_EVENT = "dlv_" + "0" * 26, "rpl_" + "0" * 26, "evt_" + "0" * 26


def spread(workspace: TenantRef) -> None:
    """Give what was recorded its place in the log, and follow it."""
    sequence(workspace)
    with tenant_work(workspace):
        fan_out(now=clock.now())


def event_of(http: httpx.Client, workspace: TenantRef) -> str:
    """An event that is delivered; its id."""
    assert http.post("/accounts", json=ACCOUNT).status_code == 201
    spread(workspace)
    found: str = http.get("/events?type=account.created").json()["data"][-1]["id"]
    return found


def keep_attempt(workspace: TenantRef, delivery: str, endpoint: str, **fields: Any) -> str:
    """An attempt of a delivery, as the engine keeps it; its id."""
    now = clock.now()
    values: dict[str, Any] = {
        "number": 1, "trigger": "auto", "recorded_at": now, "started_at": now, "duration_ms": 12,
        "url": "https://example.com/hooks", "request_headers": {"x-token": "•••"}, "response_status": 503,
        "response_headers": [["content-type", "text/plain"]], "response_body": b"try later", "error_class": "status",
        "error_detail": "503", "is_signature_verified": True,
    }  # fmt: skip
    with tenant_work(workspace):
        made = Attempt.objects.create(
            id=ids.new_id("att"), delivery_id=delivery, endpoint_id=endpoint, **values | fields
        )
    return str(made.id)


# -- Deliveries and attempts -------------------------------------------------------------------------------------------


def test_a_delivery_is_listed_and_read_with_its_attempts(http: httpx.Client, workspace: TenantRef) -> None:
    endpoint = make(http)["id"]
    event = event_of(http, workspace)
    [listed] = http.get(f"/webhook-deliveries?event_id={event}").json()["data"]
    keep_attempt(workspace, listed["id"], endpoint, number=2, response_body=b"\xff\xfe", error_class="timeout")
    keep_attempt(workspace, listed["id"], endpoint)

    found = assert_shape(http.get(f"/webhook-deliveries/{listed['id']}").json(), DeliveryDetailAnswer)

    assert {name: found[name] for name in listed} == listed
    assert (found["status"], found["event_type"], found["endpoint_id"]) == ("queued", "account.created", endpoint)
    first, second = found["attempt_list"]
    assert (first["number"], first["response_body"], first["response_body_base64"]) == (1, "try later", None)
    assert (second["response_body"], second["response_body_base64"]) == (None, base64.b64encode(b"\xff\xfe").decode())
    assert first["request_headers"] == {"x-token": "•••"}
    assert first["response_headers"] == [["content-type", "text/plain"]]


def test_deliveries_are_narrowed_by_what_people_ask_for(http: httpx.Client, workspace: TenantRef) -> None:
    one, other = make(http)["id"], make(http)["id"]
    late = clock.now() - timedelta(minutes=5)
    failed = make_deliveries(workspace, one, "exhausted", 3, intent_id="intent_7")
    make_deliveries(workspace, one, "resolved", 2, event_type="ledger.posted")
    retained = make_deliveries(workspace, other, "retained", 2, first=late, error="timeout", status=None)

    def ids_of(**params: Any) -> list[str]:
        page = assert_shape(http.get("/webhook-deliveries", params=params).json(), DeliveryPage)
        return [delivery["id"] for delivery in page["data"]]

    assert ids_of(state="exhausted") == failed[::-1]
    assert set(ids_of(state="exhausted, retained")) == {*failed, *retained}
    assert len(ids_of(endpoint_id=one)) == 5
    assert ids_of(intent_id="intent_7") == failed[::-1]
    assert len(ids_of(event_type="ledger.posted")) == 2
    assert ids_of(status=503) == failed[::-1]
    assert ids_of(error_class="timeout") == retained[::-1]
    assert ids_of(since=clock.iso(late)) == retained[::-1]
    assert retained[0] not in ids_of(until=clock.iso(late))
    assert ids_of(q="intent_") == failed[::-1]
    assert ids_of(purpose="test") == []
    assert ids_of(replay_id=NO_REPLAY) == []


def test_deliveries_are_paged_without_gap_or_repeat(http: httpx.Client, workspace: TenantRef) -> None:
    made = make_deliveries(workspace, make(http)["id"], "exhausted", 5)
    seen: list[str] = []
    cursor: dict[str, Any] = {}
    for _ in range(3):
        asked: dict[str, Any] = {"limit": 2, "state": "exhausted", **cursor}
        page = http.get("/webhook-deliveries", params=asked).json()
        seen += [delivery["id"] for delivery in page["data"]]
        cursor = {"cursor": page["next_cursor"]}

    assert seen == made[::-1]
    assert (page["has_more"], page["next_cursor"]) == (False, None)


def test_attempts_are_searched_over_all_deliveries(http: httpx.Client, workspace: TenantRef) -> None:
    endpoint = make(http)["id"]
    [delivery] = make_deliveries(workspace, endpoint, "exhausted", 1)
    down = keep_attempt(workspace, delivery, endpoint)
    slow = keep_attempt(
        workspace, delivery, endpoint, number=2, error_class="timeout", response_status=None, response_body=b"",
        trigger="manual",
    )  # fmt: skip

    def found(**params: Any) -> list[str]:
        page = assert_shape(http.get("/webhook-attempts", params=params).json(), AttemptPage)
        return [attempt["id"] for attempt in page["data"]]

    assert found() == [slow, down]
    assert found(error_class="timeout") == [slow]
    assert found(status=503) == [down]
    assert found(trigger="manual") == [slow]
    assert found(q="try later") == [down]
    assert found(endpoint_id=NOBODY) == []
    assert found(until=clock.iso(clock.now() - timedelta(hours=1))) == []


def test_one_delivery_is_sent_again_once_under_its_key(
    http: httpx.Client, workspace: TenantRef, writes: Writes
) -> None:
    endpoint = make(http)["id"]
    [delivery] = make_deliveries(workspace, endpoint, "exhausted", 1)
    writes.note()
    body = {"reason": "the consumer is back", "idempotency_key": "again"}

    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda _: http.post(f"/webhook-deliveries/{delivery}/replay", json=body), range(4)))

    assert {answer.status_code for answer in answers} == {200}, answers[0].text
    assert len({answer.content for answer in answers}) == 1
    assert answers[0].json()["next_attempt_at"] is not None
    assert writes.new_types()["webhook.replayed"] == 1


def test_what_cannot_be_sent_again_is_told(http: httpx.Client, workspace: TenantRef, writes: Writes) -> None:
    endpoint = make(http)["id"]
    [delivery] = make_deliveries(workspace, endpoint, "exhausted", 1)
    assert http.post(f"/webhook-endpoints/{endpoint}/disable", json={"reason": "r"}).status_code == 200
    writes.note()

    answer = http.post(f"/webhook-deliveries/{delivery}/replay", json={"reason": "r"})

    refused(answer, 409, "delivery_not_replayable")
    assert writes.new_rows() == {}
    for body, code in [
        ({}, "missing_field"),
        ({"reason": "  "}, "bad_format"),
        ({"reason": "r", "x": 1}, "unknown_field"),
    ]:
        refused(http.post(f"/webhook-deliveries/{delivery}/replay", json=body), 422, code)


# -- Replays of a range ------------------------------------------------------------------------------------------------


def test_a_range_is_seen_before_it_is_sent_and_seeing_writes_nothing(
    http: httpx.Client, workspace: TenantRef, writes: Writes
) -> None:
    up, down = make(http)["id"], make(http)["id"]
    make_deliveries(workspace, up, "exhausted", 3)
    make_deliveries(workspace, down, "retained", 2)
    make_deliveries(workspace, up, "resolved", 4)
    assert http.post(f"/webhook-endpoints/{down}/disable", json={"reason": "r"}).status_code == 200
    writes.note()

    answer = http.post("/webhook-replays/preview", json={"states": ["exhausted", "retained"], "rate_per_second": 2})

    seen = assert_shape(answer.json(), ReplayPreviewAnswer)
    assert (seen["matched"], seen["skipped_disabled"], seen["requestable"]) == (5, 2, 3)
    assert seen["by_endpoint"] == {up: 3, down: 2}
    assert seen["by_state"] == {"exhausted": 3, "retained": 2}
    assert seen["seconds_at_rate"] == 2
    assert (writes.new_rows(), writes.new_events()) == ({}, [])


def test_a_preview_that_is_refused_writes_nothing_either(http: httpx.Client, writes: Writes) -> None:
    refused(http.post("/webhook-replays/preview", json={}), 422, "invalid_replay_scope")
    refused(http.post("/webhook-replays/preview", json={"states": ["lost"]}), 422, "not_one_of")

    assert (writes.new_rows(), writes.new_events()) == ({}, [])


def test_a_replay_is_started_once_listed_and_canceled(http: httpx.Client, workspace: TenantRef, writes: Writes) -> None:
    endpoint = make(http)["id"]
    make_deliveries(workspace, endpoint, "exhausted", 3)
    writes.note()
    body = {"endpoint_id": endpoint, "states": ["exhausted"], "reason": "they are back", "idempotency_key": "all"}

    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda _: http.post("/webhook-replays", json=body), range(4)))

    assert {answer.status_code for answer in answers} == {201}, answers[0].text
    assert len({answer.content for answer in answers}) == 1
    started = assert_shape(answers[0].json(), ReplayAnswer)
    assert (started["status"], started["matched"], started["reason"]) == ("running", 3, "they are back")
    assert (started["scope"]["endpoint_id"], started["scope"]["states"]) == (endpoint, ["exhausted"])
    assert writes.new_rows()["webhooks_replay"] == 1
    page = assert_shape(http.get("/webhook-replays?state=running").json(), ReplayPage)
    assert [replay["id"] for replay in page["data"]] == [started["id"]]
    canceled = http.post(f"/webhook-replays/{started['id']}/cancel", json={"reason": "not now"}).json()
    assert (canceled["status"], canceled["cancel_reason"]) == ("canceled", "not now")
    assert http.get(f"/webhook-replays/{started['id']}").json() == canceled
    refused(http.post(f"/webhook-replays/{started['id']}/cancel", json={"reason": "again"}), 409, "replay_ended")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"reason": "r", "states": ["exhausted"]}, 409, "nothing_to_replay"),
        ({"reason": "r"}, 422, "invalid_replay_scope"),
        ({"reason": ""}, 422, "bad_length"),
        ({}, 422, "missing_field"),
        ({"reason": "r", "rate_per_second": 0}, 422, "out_of_range"),
        ({"reason": "r", "rate_per_second": 501}, 422, "out_of_range"),
        ({"reason": "r", "states": []}, 422, "bad_length"),
        ({"reason": "r", "states": ["lost"]}, 422, "not_one_of"),
        ({"reason": "r", "since": "yesterday"}, 422, "bad_format"),
        ({"reason": "r", "since": "2026-04-01T00:00:00"}, 422, "bad_format"),
        ({"reason": "r", "since": "2026-04-02T00:00:00Z", "until": "2026-04-01T00:00:00Z"}, 422,
         "invalid_replay_scope"),
        ({"reason": "r", "endpoint_id": NOBODY}, 404, "endpoint_not_found"),
        ({"reason": "r", "endpoint_id": "whe_none"}, 400, "bad_id"),
        ({"reason": "r", "everything": True}, 422, "unknown_field"),
    ],
)  # fmt: skip
def test_a_replay_that_makes_no_sense_is_refused(
    http: httpx.Client, writes: Writes, body: dict[str, Any], status: int, code: str
) -> None:
    refused(http.post("/webhook-replays", json=body), status, code)

    assert writes.new_rows() == {}


# -- Who may not -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        (f"/webhook-deliveries/{NO_DELIVERY}", 404, "delivery_not_found"),
        ("/webhook-deliveries/dlv_none", 400, "bad_id"),
        ("/webhook-deliveries?state=lost", 422, "invalid_field"),
        ("/webhook-deliveries?endpoint_id=x", 400, "bad_id"),
        ("/webhook-deliveries?status=99", 422, "out_of_range"),
        ("/webhook-deliveries?since=soon", 422, "bad_format"),
        ("/webhook-deliveries?cursor=x", 400, "bad_cursor"),
        ("/webhook-deliveries?limit=201", 422, "out_of_range"),
        ("/webhook-attempts?trigger=luck", 422, "not_one_of"),
        ("/webhook-attempts?endpoint_id=x", 400, "bad_id"),
        (f"/webhook-replays/{NO_REPLAY}", 404, "replay_not_found"),
        ("/webhook-replays/x", 400, "bad_id"),
        ("/webhook-replays?state=lost", 422, "not_one_of"),
        (f"/events/{NO_EVENT}", 404, "event_not_found"),
        (f"/events/{NO_EVENT}/deliveries", 404, "event_not_found"),
        ("/events/evt_none", 400, "bad_id"),
        ("/webhook-health?points=0", 422, "out_of_range"),
        ("/webhook-health?since=2026-04-02&until=2026-04-01", 422, "invalid_field"),
        ("/webhook-health?since=2020-01-01", 422, "invalid_field"),
    ],
)
def test_a_reading_that_makes_no_sense_is_refused_and_nothing_recorded(
    http: httpx.Client, writes: Writes, path: str, status: int, code: str
) -> None:
    refused(http.get(path), status, code)

    assert writes.new_events() == []


def test_nothing_of_another_tenant_is_seen_or_sent(
    http: httpx.Client, connect: Connect, workspace: TenantRef, other_api_key: str, writes: Writes
) -> None:
    event = event_of(http, workspace)
    endpoint = make(http)["id"]
    [delivery] = make_deliveries(workspace, endpoint, "exhausted", 1)
    keep_attempt(workspace, delivery, endpoint)
    replay = http.post("/webhook-replays", json={"reason": "r", "endpoint_id": endpoint}).json()["id"]
    stranger = connect(other_api_key)
    writes.note()

    for path in ("/webhook-deliveries", "/webhook-attempts", "/webhook-replays", "/webhook-endpoints"):
        assert stranger.get(path).json()["data"] == []
    for path, code in [
        (f"/webhook-deliveries/{delivery}", "delivery_not_found"),
        (f"/webhook-replays/{replay}", "replay_not_found"),
        (f"/events/{event}", "event_not_found"),
        (f"/events/{event}/deliveries", "event_not_found"),
    ]:
        refused(stranger.get(path), 404, code)
    reason = {"reason": "r"}
    refused(stranger.post(f"/webhook-deliveries/{delivery}/replay", json=reason), 404, "delivery_not_found")
    refused(stranger.post(f"/webhook-replays/{replay}/cancel", json=reason), 404, "replay_not_found")
    refused(stranger.post("/webhook-replays/preview", json={"endpoint_id": endpoint}), 404, "endpoint_not_found")
    sent = stranger.post(f"/events/{event}/deliveries", json={"endpoint_id": endpoint, "reason": "r"})
    refused(sent, 404, "event_not_found")
    assert (writes.new_rows(), writes.new_events()) == ({}, [])


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (f"/webhook-deliveries/{NO_DELIVERY}/replay", {"reason": "r"}),
        ("/webhook-replays", {"reason": "r"}),
        ("/webhook-replays/preview", {}),
        (f"/webhook-replays/{NO_REPLAY}/cancel", {"reason": "r"}),
        (f"/events/{NO_EVENT}/deliveries", {"endpoint_id": NOBODY, "reason": "r"}),
    ],
)
def test_a_key_that_may_not_replay_is_denied(
    connect: Connect, workspace: TenantRef, writes: Writes, path: str, body: dict[str, Any]
) -> None:
    scopes = frozenset({Permission.WEBHOOKS_READ, Permission.WEBHOOKS_MANAGE, Permission.EVENTS_READ})
    key = issue_key(workspace=workspace, name="no replays", scopes=scopes, now=clock.now())

    assert refused(connect(key.token).post(path, json=body), 403, "permission_denied")["scope"] == "webhooks.replay"
    assert writes.new_rows() == {}
    assert writes.new_types() == {"access.denied": 1}
