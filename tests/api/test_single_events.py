"""One event over the API: its exact bytes, where it went and why not elsewhere, and sending it where it never was."""

from __future__ import annotations

import base64
import hashlib
import json
from concurrent.futures import ThreadPoolExecutor

import httpx

from tests.api.answered import assert_shape
from tests.api.ledger_of_writes import Writes
from tests.api.test_webhook_deliveries import ACCOUNT, event_of
from tests.api.test_webhook_endpoints import NOBODY, make, refused
from tests.evidence.sealing import sequence
from zentra.api.v1.event_answers import EventDetailAnswer, ReachPage
from zentra.core import ids
from zentra.core.tenancy import TenantRef


def test_an_event_is_read_with_its_exact_bytes(http: httpx.Client, workspace: TenantRef, writes: Writes) -> None:
    event = event_of(http, workspace)

    found = assert_shape(http.get(f"/events/{event}").json(), EventDetailAnswer)

    body = base64.b64decode(found["body_base64"])
    assert json.loads(body)["id"] == event
    assert found["body_sha256"] == hashlib.sha256(body).hexdigest()
    assert found["leaf_hash"] == hashlib.sha256(b"\0" + body).hexdigest()
    stored = writes.one(
        "SELECT encode(l.leaf_hash, 'hex') FROM evidence_leaf l WHERE l.event_id = %s",
        str(ids.to_uuid(event, prefix="evt")),
    )
    assert found["leaf_hash"] == stored
    assert {name: found[name] for name in ("type", "sequence")} == {
        "type": "account.created", "sequence": http.get("/events?type=account.created").json()["data"][-1]["sequence"],
    }  # fmt: skip


def test_an_event_without_its_place_is_found_too(http: httpx.Client, writes: Writes) -> None:
    assert http.post("/accounts", json=ACCOUNT).status_code == 201
    event = writes.new_events()[0]["id"]

    found = assert_shape(http.get(f"/events/{event}").json(), EventDetailAnswer)

    assert found["sequence"] is None


def test_where_an_event_went_and_why_not_elsewhere(http: httpx.Client, workspace: TenantRef) -> None:
    wanted = make(http)["id"]
    other = make(http, event_types=["ledger.*"])["id"]
    event = event_of(http, workspace)
    newer = make(http)["id"]

    page = assert_shape(http.get(f"/events/{event}/deliveries").json(), ReachPage)

    told = {reach["endpoint_id"]: reach for reach in page["data"]}
    assert {key: reach["why"] for key, reach in told.items()} == {
        wanted: "sent", other: "not_subscribed", newer: "endpoint_newer",
    }  # fmt: skip
    assert told[wanted]["delivery"]["event_id"] == event
    assert told[other]["delivery"] is None
    assert "ledger.*" in told[other]["words"]


def test_an_endpoint_that_never_got_an_event_gets_it_once(
    http: httpx.Client, workspace: TenantRef, writes: Writes
) -> None:
    event = event_of(http, workspace)
    newer = make(http)["id"]
    writes.note()
    body = {"endpoint_id": newer, "reason": "they missed it", "idempotency_key": "send"}

    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda _: http.post(f"/events/{event}/deliveries", json=body), range(4)))

    assert {answer.status_code for answer in answers} == {201}, answers[0].text
    assert len({answer.content for answer in answers}) == 1
    assert writes.new_rows()["webhooks_delivery"] == 1
    assert (answers[0].json()["event_id"], answers[0].json()["endpoint_id"]) == (event, newer)
    refused(
        http.post(f"/events/{event}/deliveries", json={"endpoint_id": NOBODY, "reason": "r"}),
        404, "endpoint_not_found",
    )  # fmt: skip
    refused(http.post(f"/events/{event}/deliveries", json={"endpoint_id": newer}), 422, "missing_field")


def test_events_of_one_intent_are_listed_in_the_order_of_the_log(http: httpx.Client, workspace: TenantRef) -> None:
    for intent in ("one", "two"):
        assert http.post("/runtime/intents", json={"intent_id": intent}).status_code == 201
    sequence(workspace)

    found = http.get("/events?intent_id=two&limit=200").json()["data"]

    assert {event["intent_id"] for event in found} == {"two"}
    assert [event["sequence"] for event in found] == sorted(event["sequence"] for event in found)
    assert http.get("/events?intent_id=three").json()["data"] == []
