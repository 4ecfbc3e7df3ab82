"""Callbacks, the quarantine and rails' secrets over the API: a repair posts once, and a secret is told once."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.api.answered import assert_shape, places_of
from tests.api.ledger_of_writes import Writes
from tests.api.test_webhook_endpoints import refused
from tests.webhooks.intents import RoutedIntent, accepting_rail, routed_intent
from zentra.api.v1.callback_answers import (
    CallbackDetailAnswer,
    CallbackPage,
    ChangedSchemeAnswer,
    PollPage,
    QuarantineAnswer,
    QuarantinePage,
    RailSecretPage,
    ReceiptAnswer,
    RefusedCallbackPage,
    RotatedRailSecretAnswer,
)
from zentra.core import clock
from zentra.core.tenancy import TenantRef
from zentra.tenants.operations import issue_key
from zentra.tenants.permissions import Permission

Connect = Callable[..., httpx.Client]
POISON = b'{"id": "pev_poison", "type": "payment.succeeded", "amount_minor": "1250.00"}'
NO_CALLBACK, NO_RAIL = "cb_" + "0" * 26, "rail_" + "0" * 26


@pytest.fixture
def intent(workspace: TenantRef) -> Iterator[RoutedIntent]:
    """An intent whose outcome the rail has yet to tell."""
    with accepting_rail(workspace):
        yield routed_intent(workspace)


@pytest.fixture
def poison(intent: RoutedIntent, http: httpx.Client, connect: Connect) -> str:
    """A signed callback that nobody can read; its id."""
    assert send(connect, intent, "pev_poison", POISON).json()["code"] == "malformed_callback"
    [held] = http.get("/quarantined-callbacks").json()["data"]
    return str(held["id"])


def send(connect: Connect, intent: RoutedIntent, event_id: str, body: bytes) -> httpx.Response:
    """What the rail does."""
    headers = intent.headers(event_id, body) | {"content-type": "application/json"}
    return connect(None).post(f"/providers/{intent.rail_id}/callbacks", content=body, headers=headers)


def fixed(intent: RoutedIntent) -> dict[str, str]:
    return {"body": intent.event("succeeded", id="pev_poison")[1].decode(), "note": "the amount was a text"}


# -- Callbacks ---------------------------------------------------------------------------------------------------------


def test_a_callback_is_listed_and_read_with_its_repeats(
    http: httpx.Client, connect: Connect, intent: RoutedIntent
) -> None:
    event_id, body = intent.event("succeeded")
    for _ in range(2):
        assert send(connect, intent, event_id, body).status_code == 200

    page = assert_shape(http.get(f"/callbacks?intent_id={intent.intent_id}").json(), CallbackPage)

    repeat, first = page["data"]
    assert [(each["status"], each["arrival"]) for each in (first, repeat)] == [("applied", 1), ("duplicate", 2)]
    assert repeat["first_id"] == first["id"]
    assert first["posting_id"] is not None
    assert repeat["posting_id"] == first["posting_id"]
    read = assert_shape(http.get(f"/callbacks/{first['id']}").json(), CallbackDetailAnswer)
    assert base64.b64decode(read["body_base64"]) == body
    assert json.loads(read["body"])["id"] == event_id
    assert [each["id"] for each in read["repeats"] if each["id"] != first["id"]] == [repeat["id"]]
    assert (read["arrivals"], read["now_status"]) == (2, "applied")
    assert http.get("/callbacks?state=duplicate").json()["data"] == [repeat]
    assert http.get("/callbacks?source=poll").json()["data"] == []
    assert http.get(f"/callbacks?provider_event_id={event_id}&limit=1").json()["has_more"] is True
    assert http.get(f"/callbacks?rail_id={NO_RAIL}").json()["data"] == []


def test_what_was_refused_and_which_rails_are_asked_is_told(
    http: httpx.Client, connect: Connect, intent: RoutedIntent
) -> None:
    _, body = intent.event("succeeded")
    assert connect(None).post(f"/providers/{intent.rail_id}/callbacks", content=body).status_code == 401

    page = assert_shape(http.get("/refused-callbacks").json(), RefusedCallbackPage)

    assert [(each["rail_id"], each["reason"]) for each in page["data"]] == [(intent.rail_id, "invalid_signature")]
    polls = assert_shape(http.get("/callback-polls").json(), PollPage)["data"]
    assert intent.rail_id in {each["rail_id"] for each in polls}


# -- Quarantine --------------------------------------------------------------------------------------------------------


def test_a_poison_message_is_shown_with_its_bytes_and_repaired_once(
    http: httpx.Client, intent: RoutedIntent, poison: str, writes: Writes
) -> None:
    page = assert_shape(http.get("/quarantined-callbacks?state=open").json(), QuarantinePage)
    [held] = page["data"]
    assert (held["id"], held["code"], base64.b64decode(held["body_base64"])) == (poison, "malformed_callback", POISON)
    writes.note()

    with ThreadPoolExecutor(6) as threads:
        answers = list(
            threads.map(lambda _: http.post(f"/quarantined-callbacks/{poison}/repair", json=fixed(intent)), range(6))
        )

    applied = [answer for answer in answers if answer.status_code == 200]
    assert len(applied) == 1, [answer.text for answer in answers]
    assert {answer.json()["code"] for answer in answers if answer is not applied[0]} == {"quarantine_closed"}
    receipt = assert_shape(applied[0].json(), ReceiptAnswer)
    assert (receipt["state"], receipt["mutations"]) == ("applied", 1)
    assert writes.new_rows()["ledger_posting"] == 1
    assert writes.new_types()["callback.repaired"] == 1
    row = assert_shape(http.get(f"/quarantined-callbacks/{poison}").json(), QuarantineAnswer)
    assert (row["status"], row["fixed_body"], row["decided_by"]["kind"]) == ("applied", fixed(intent)["body"], "key")
    assert base64.b64decode(row["body_base64"]) == POISON


def test_a_repair_under_its_key_is_one_repair(
    http: httpx.Client, intent: RoutedIntent, poison: str, writes: Writes
) -> None:
    body = fixed(intent) | {"idempotency_key": "fix"}
    writes.note()

    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda _: http.post(f"/quarantined-callbacks/{poison}/repair", json=body), range(4)))

    assert {answer.status_code for answer in answers} == {200}, [answer.text for answer in answers]
    assert len({answer.content for answer in answers}) == 1
    assert writes.new_rows()["ledger_posting"] == 1


def test_a_dismissed_message_changes_nothing_and_is_decided(
    http: httpx.Client, intent: RoutedIntent, poison: str, writes: Writes
) -> None:
    writes.note()

    answer = http.post(f"/quarantined-callbacks/{poison}/dismiss", json={"note": "a test of theirs"})

    row = assert_shape(answer.json(), QuarantineAnswer)
    assert (row["status"], row["note"]) == ("dismissed", "a test of theirs")
    assert "ledger_posting" not in writes.new_rows()
    refused(http.post(f"/quarantined-callbacks/{poison}/dismiss", json={"note": "n"}), 409, "quarantine_closed")
    refused(http.post(f"/quarantined-callbacks/{poison}/repair", json=fixed(intent)), 409, "quarantine_closed")


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"body": '{"id":'}, 400, "malformed_callback"),
        ({"body": POISON.decode()}, 400, "malformed_callback"),
        ({"body": ""}, 422, "bad_length"),
        ({"body": "x" * 65537}, 422, "bad_length"),
        ({"body": {"id": "x"}}, 422, "wrong_type"),
        ({"note": " "}, 422, "bad_format"),
        ({"amount_minor": 5}, 422, "unknown_field"),
    ],
)
def test_a_repair_that_repairs_nothing_is_refused_and_the_message_waits_on(
    http: httpx.Client,
    intent: RoutedIntent,
    poison: str,
    writes: Writes,
    change: dict[str, Any],
    status: int,
    code: str,
) -> None:
    writes.note()

    refused(http.post(f"/quarantined-callbacks/{poison}/repair", json=fixed(intent) | change), status, code)

    assert writes.new_rows() == {}
    assert http.get(f"/quarantined-callbacks/{poison}").json()["status"] == "open"


# -- Rails' secrets ----------------------------------------------------------------------------------------------------


def test_a_rail_signs_with_its_old_secret_until_the_overlap_ends(
    http: httpx.Client, connect: Connect, intent: RoutedIntent, workspace: TenantRef, writes: Writes
) -> None:
    answer = http.post(f"/rails/{intent.rail_id}/callback-secrets/rotate", json={"overlap_seconds": 3600})

    rotated = assert_shape(answer.json(), RotatedRailSecretAnswer)
    assert answer.status_code == 201
    page = assert_shape(http.get(f"/rails/{intent.rail_id}/callback-secrets").json(), RailSecretPage)
    assert [each["is_current"] for each in page["data"]] == [True, False]
    assert page["data"][1]["expires_at"] == rotated["old_expires_at"]
    assert rotated["secret"] not in http.get(f"/rails/{intent.rail_id}/callback-secrets").text
    assert places_of(rotated["secret"], workspace) == []
    assert writes.new_types() == {"rail.secret_rotated": 1}
    assert send(connect, intent, *intent.event("succeeded")).status_code == 200
    old = page["data"][1]["id"]
    ended = http.post(f"/rails/{intent.rail_id}/callback-secrets/{old}/expire", json={})
    assert ended.status_code == 200, ended.text
    assert send(connect, intent, *intent.event("settled")).status_code == 401
    current = page["data"][0]["id"]
    again = http.post(f"/rails/{intent.rail_id}/callback-secrets/{current}/expire", json={})
    assert again.status_code == 409


def test_a_lost_answer_of_a_rotation_is_asked_for_again_and_is_the_same(
    http: httpx.Client, intent: RoutedIntent, writes: Writes
) -> None:
    body = {"idempotency_key": "turn"}

    with ThreadPoolExecutor(4) as threads:
        answers = list(
            threads.map(lambda _: http.post(f"/rails/{intent.rail_id}/callback-secrets/rotate", json=body), range(4))
        )

    assert len({answer.content for answer in answers}) == 1
    assert writes.new_rows()["routing_rail_secret"] == 1


def test_a_scheme_is_set_and_a_new_secret_told_where_the_old_one_does_not_fit(
    http: httpx.Client, intent: RoutedIntent
) -> None:
    address = f"/rails/{intent.rail_id}/callback-scheme"

    answer = http.put(address, json={"scheme": "hmac_hex", "settings": {"header": "x-rail-signature"}})

    changed = assert_shape(answer.json(), ChangedSchemeAnswer)
    assert (changed["scheme"], changed["settings"]["header"]) == ("hmac_hex", "x-rail-signature")
    told = http.get(f"/rails/{intent.rail_id}/callback-secrets").json()
    assert (told["scheme"], told["settings"]["header"]) == ("hmac_hex", "x-rail-signature")
    refused(http.put(address, json={"scheme": "rot13"}), 422, "not_one_of")
    refused(http.put(address, json={"scheme": "stripe", "settings": {"cookie": "x"}}), 422, "bad_scheme_settings")


# -- Who may not -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        (f"/callbacks/{NO_CALLBACK}", 404, "callback_not_found"),
        ("/callbacks/x", 400, "bad_id"),
        ("/callbacks?state=lost", 422, "not_one_of"),
        ("/callbacks?rail_id=x", 400, "bad_id"),
        ("/callbacks?cursor=x", 400, "bad_cursor"),
        (f"/quarantined-callbacks/{NO_CALLBACK}", 404, "callback_not_found"),
        ("/quarantined-callbacks?state=lost", 422, "not_one_of"),
    ],
)
def test_a_reading_that_makes_no_sense_is_refused(http: httpx.Client, path: str, status: int, code: str) -> None:
    refused(http.get(path), status, code)


def test_nothing_of_another_tenants_rails_is_seen_or_changed(
    connect: Connect, other_api_key: str, intent: RoutedIntent, poison: str, writes: Writes
) -> None:
    stranger = connect(other_api_key)
    writes.note()

    for path in ("/callbacks", "/quarantined-callbacks", "/refused-callbacks"):
        assert stranger.get(path).json()["data"] == []
    refused(stranger.get(f"/callbacks/{poison}"), 404, "callback_not_found")
    refused(stranger.get(f"/quarantined-callbacks/{poison}"), 404, "callback_not_found")
    for word, body in [("repair", fixed(intent)), ("dismiss", {"note": "n"})]:
        assert stranger.post(f"/quarantined-callbacks/{poison}/{word}", json=body).status_code == 404
    rail = f"/rails/{intent.rail_id}"
    assert stranger.get(f"{rail}/callback-secrets").status_code == 404
    assert stranger.post(f"{rail}/callback-secrets/rotate", json={}).status_code == 404
    assert stranger.put(f"{rail}/callback-scheme", json={"scheme": "stripe"}).status_code == 404
    assert (writes.new_rows(), writes.new_events()) == ({}, [])


@pytest.mark.parametrize(
    ("method", "path", "body", "scope"),
    [
        ("POST", f"/quarantined-callbacks/{NO_CALLBACK}/repair", {"body": "{}", "note": "n"}, "callbacks.repair"),
        ("POST", f"/quarantined-callbacks/{NO_CALLBACK}/dismiss", {"note": "n"}, "callbacks.repair"),
        ("GET", f"/rails/{NO_RAIL}/callback-secrets", None, "rails.manage"),
        ("POST", f"/rails/{NO_RAIL}/callback-secrets/rotate", {}, "rails.manage"),
        ("POST", f"/rails/{NO_RAIL}/callback-secrets/x/expire", {}, "rails.manage"),
        ("PUT", f"/rails/{NO_RAIL}/callback-scheme", {"scheme": "stripe"}, "rails.manage"),
    ],
)
def test_a_key_that_only_reads_callbacks_is_denied(
    connect: Connect, workspace: TenantRef, writes: Writes, method: str, path: str, body: Any, scope: str
) -> None:
    scopes = frozenset({Permission.CALLBACKS_READ})
    reader = issue_key(workspace=workspace, name="reader", scopes=scopes, now=clock.now())

    answer = connect(reader.token).request(method, path, json=body)

    assert refused(answer, 403, "permission_denied")["scope"] == scope
    assert writes.new_rows() == {}
    assert writes.new_types() == {"access.denied": 1}
