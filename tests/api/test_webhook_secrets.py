"""A secret is in exactly one answer: nowhere else over the API, in no table in clear, in no event and in no log."""

from __future__ import annotations

import base64
import hashlib
import json
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
import structlog

from tests.api.answered import assert_shape, places_of
from tests.api.ledger_of_writes import Writes
from tests.api.test_webhook_endpoints import NOBODY, URL, make, refused
from webhooks.outbound.directory import settings_of
from zentra.api.v1.endpoint_answers import HeaderAnswer, PublicKeysAnswer, RotatedSecretAnswer, SecretPage
from zentra.core import clock
from zentra.core.tenancy import TenantRef, tenant_work

Connect = Callable[..., httpx.Client]
TOKEN = "a-token-that-nobody-may-read"
OWN = "whsec_" + base64.b64encode(b"k" * 32).decode()


def keys_of(http: httpx.Client, endpoint: str) -> list[dict[str, Any]]:
    page = assert_shape(http.get(f"/webhook-endpoints/{endpoint}/secrets").json(), SecretPage)
    found: list[dict[str, Any]] = page["data"]
    return found


def rotate(http: httpx.Client, endpoint: str, **fields: Any) -> dict[str, Any]:
    answer = http.post(f"/webhook-endpoints/{endpoint}/secrets/rotate", json=fields)
    assert answer.status_code == 201, answer.text
    return assert_shape(answer.json(), RotatedSecretAnswer)


def everything_readable(http: httpx.Client, endpoint: str) -> str:
    """What the API says anywhere about an endpoint."""
    paths = ["", "/secrets", "/headers", "/health"]
    texts = [http.get(f"/webhook-endpoints/{endpoint}{path}").text for path in paths]
    texts += [http.get(path).text for path in ("/webhook-endpoints", f"/webhook-keys/{endpoint}", "/events?limit=200")]
    return "\n".join(texts)


# -- Once, and encrypted -----------------------------------------------------------------------------------------------


def test_a_secret_is_told_once_and_kept_nowhere_in_clear(
    http: httpx.Client, workspace: TenantRef, writes: Writes, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with structlog.testing.capture_logs() as logged:
        headers = [{"name": "x-token", "value": TOKEN, "is_sensitive": True}]
        made = make(http, headers=headers, idempotency_key="hook")
        rotated = rotate(http, made["id"], idempotency_key="turn")
        http.put(
            f"/webhook-endpoints/{made['id']}/headers/x-other",
            json={"value": TOKEN, "is_sensitive": True, "idempotency_key": "head"},
        )

    told = [made["secret"], rotated["secret"], TOKEN]
    assert len(set(told)) == 3
    readable = everything_readable(http, made["id"])
    for secret in told:
        assert secret not in readable
        assert secret not in caplog.text
        assert secret not in repr(logged)
        assert places_of(secret, workspace) == []
        assert secret not in json.dumps(writes.new_events())


def test_a_repeat_under_its_key_is_the_first_answer_and_nothing_else_opens_it(
    http: httpx.Client, connect: Connect, other_api_key: str
) -> None:
    """Kept encrypted with its key: whoever lost the answer may ask again with the same words, and nobody else."""
    body = {"url": URL, "idempotency_key": "hook"}
    first, again = http.post("/webhook-endpoints", json=body), http.post("/webhook-endpoints", json=body)

    assert again.content == first.content
    assert again.headers["idempotent-replayed"] == "true"
    assert connect(other_api_key).post("/webhook-endpoints", json=body).json()["secret"] != first.json()["secret"]


def test_another_secret_under_the_same_key_is_another_request_and_its_refusal_cannot_be_guessed_from(
    http: httpx.Client, writes: Writes
) -> None:
    endpoint = make(http)["id"]
    address = f"/webhook-endpoints/{endpoint}/headers/x-pin"
    assert http.put(address, json={"value": "1234", "is_sensitive": True, "idempotency_key": "pin"}).status_code == 200

    answer = http.put(address, json={"value": "1235", "is_sensitive": True, "idempotency_key": "pin"})

    problem = refused(answer, 422, "idempotency_key_reused")
    for pin in ("1234", "1235"):
        words = {"value": pin, "is_sensitive": True}
        plain = json.dumps(["PUT", f"/v1{address}", words], sort_keys=True, separators=(",", ":")).encode()
        assert hashlib.sha256(plain).hexdigest() not in json.dumps(problem)
    assert problem["first_fingerprint"] != problem["this_fingerprint"]
    assert writes.new_types()["idempotency.refused"] == 1


# -- Rotation ----------------------------------------------------------------------------------------------------------


def test_a_new_key_signs_and_the_old_one_ends_by_itself(http: httpx.Client, writes: Writes) -> None:
    endpoint = make(http)["id"]
    [before] = [key for key in keys_of(http, endpoint) if key["kind"] == "hmac"]
    writes.note()

    rotated = rotate(http, endpoint, overlap_seconds=3600)

    now, old = [key for key in keys_of(http, endpoint) if key["kind"] == "hmac"]
    assert (now["expires_at"], old["id"]) == (None, before["id"])
    assert old["expires_at"] == rotated["old_expires_at"] is not None
    assert rotated["secret"].endswith(now["hint"][-4:])
    assert rotated["secret"].startswith("whsec_")
    assert writes.new_types() == {"endpoint.secret_rotated": 1}


def test_without_overlap_the_old_key_is_gone_at_once(http: httpx.Client) -> None:
    endpoint = make(http)["id"]

    rotate(http, endpoint, overlap_seconds=0)

    now, old = [key for key in keys_of(http, endpoint) if key["kind"] == "hmac"]
    assert now["expires_at"] is None
    assert old["expires_at"] <= clock.iso(clock.now())


def test_an_overlap_can_be_ended_early_and_the_current_key_cannot(http: httpx.Client) -> None:
    endpoint = make(http)["id"]
    rotate(http, endpoint)
    now, old = [key["id"] for key in keys_of(http, endpoint) if key["kind"] == "hmac"]

    ended = http.post(f"/webhook-endpoints/{endpoint}/secrets/{old}/expire", json={})

    assert ended.status_code == 200, ended.text
    assert ended.json()["expires_at"] <= clock.iso(clock.now())
    assert [key["expires_at"] for key in keys_of(http, endpoint) if key["id"] == old] == [ended.json()["expires_at"]]
    refused(http.post(f"/webhook-endpoints/{endpoint}/secrets/{now}/expire", json={}), 409, "secret_in_use")
    unknown = "sec_" + "0" * 26
    refused(http.post(f"/webhook-endpoints/{endpoint}/secrets/{unknown}/expire", json={}), 404, "secret_not_found")
    elsewhere = make(http)["id"]
    refused(http.post(f"/webhook-endpoints/{elsewhere}/secrets/{now}/expire", json={}), 404, "secret_not_found")


def test_a_secret_of_ones_own_is_taken_as_it_is(http: httpx.Client) -> None:
    endpoint = make(http)["id"]

    assert rotate(http, endpoint, secret=OWN)["secret"] == OWN
    assert make(http, secret=OWN)["secret"] == OWN


def test_rotations_at_the_same_time_leave_one_current_key(http: httpx.Client) -> None:
    endpoint = make(http)["id"]

    with ThreadPoolExecutor(4) as threads:
        answers = list(
            threads.map(lambda _: http.post(f"/webhook-endpoints/{endpoint}/secrets/rotate", json={}), range(4))
        )

    told = [answer.json()["secret"] for answer in answers if answer.status_code == 201]
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len(told) == len(set(told)) >= 1
    current = [key for key in keys_of(http, endpoint) if key["kind"] == "hmac" and key["expires_at"] is None]
    assert len(current) == 1
    assert any(secret.endswith(current[0]["hint"][-4:]) for secret in told)


def test_repeats_of_a_rotation_at_the_same_time_are_one_rotation(http: httpx.Client, writes: Writes) -> None:
    endpoint = make(http)["id"]
    writes.note()

    with ThreadPoolExecutor(6) as threads:
        body = {"idempotency_key": "turn"}
        answers = list(
            threads.map(lambda _: http.post(f"/webhook-endpoints/{endpoint}/secrets/rotate", json=body), range(6))
        )

    assert len({answer.content for answer in answers}) == 1
    assert writes.new_rows()["webhooks_endpoint_secret"] == 1
    assert writes.new_types()["endpoint.secret_rotated"] == 1


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"overlap_seconds": -1}, "out_of_range"),
        ({"overlap_seconds": 604801}, "out_of_range"),
        ({"overlap_seconds": "60"}, "wrong_type"),
        ({"kind": "rsa"}, "not_one_of"),
        ({"secret": "whsec_%%"}, "invalid_endpoint_secret"),
        ({"until": 5}, "unknown_field"),
    ],
)
def test_a_rotation_that_cannot_be_is_refused(
    http: httpx.Client, writes: Writes, body: dict[str, Any], code: str
) -> None:
    endpoint = make(http)["id"]
    writes.note()

    answer = http.post(f"/webhook-endpoints/{endpoint}/secrets/rotate", json=body)

    refused(answer, 422, code)
    assert "whsec_%%" not in answer.text
    assert writes.new_rows() == {}


# -- Public keys -------------------------------------------------------------------------------------------------------


def test_public_keys_are_for_everyone_and_nothing_else_is(http: httpx.Client, connect: Connect) -> None:
    made = make(http, description="not for everyone")

    answer = connect(None).get(f"/webhook-keys/{made['id']}")

    told = assert_shape(answer.json(), PublicKeysAnswer)
    assert answer.status_code == 200
    assert [key["public_key"] for key in told["keys"]] == [made["public_key"]]
    assert answer.headers["cache-control"] == "public, max-age=60"
    for hidden in (made["secret"], "example.com", "not for everyone"):
        assert hidden not in answer.text


def test_both_public_keys_are_told_during_an_overlap(http: httpx.Client, connect: Connect) -> None:
    made = make(http)

    rotated = rotate(http, made["id"], kind="ed25519")

    assert rotated["secret"] is None
    told = connect(None).get(f"/webhook-keys/{made['id']}").json()["keys"]
    assert [key["public_key"] for key in told] == [rotated["public_key"], made["public_key"]]
    assert [key["expires_at"] for key in told] == [None, rotated["old_expires_at"]]
    assert http.get(f"/webhook-endpoints/{made['id']}").json()["public_key"] == rotated["public_key"]


@pytest.mark.parametrize("endpoint", [NOBODY, "whe_none", "x", "a%2Fb", "whe_" + "9" * 400])
def test_there_are_no_keys_of_an_unknown_endpoint(connect: Connect, platform_writes: Writes, endpoint: str) -> None:
    refused(connect(None).get(f"/webhook-keys/{endpoint}"), 404, "not_found")

    assert platform_writes.new_events() == []


def test_a_removed_endpoint_has_no_keys_to_verify_with(http: httpx.Client, connect: Connect) -> None:
    endpoint = make(http)["id"]
    assert http.delete(f"/webhook-endpoints/{endpoint}").status_code == 200

    assert connect(None).get(f"/webhook-keys/{endpoint}").status_code == 404


# -- Headers -----------------------------------------------------------------------------------------------------------


def test_a_header_is_set_replaced_and_taken_away(http: httpx.Client) -> None:
    endpoint = make(http)["id"]
    address = f"/webhook-endpoints/{endpoint}/headers"

    first = assert_shape(http.put(f"{address}/X-Team", json={"value": "a"}).json(), HeaderAnswer)
    second = http.put(f"{address}/x-team", json={"value": TOKEN, "is_sensitive": True}).json()

    assert (first["name"], first["value"], first["is_sensitive"]) == ("x-team", "a", False)
    assert (second["name"], second["value"], second["is_sensitive"]) == ("x-team", None, True)
    assert len(http.get(address).json()["data"]) == 1
    removed = http.delete(f"{address}/x-team")
    assert (removed.status_code, removed.json()["value"]) == (200, None)
    assert http.get(address).json()["data"] == []
    assert http.delete(f"{address}/x-team").status_code == 404


def test_headers_are_replaced_together_and_one_without_a_value_keeps_its_own(
    http: httpx.Client, workspace: TenantRef
) -> None:
    headers = [{"name": "x-token", "value": TOKEN, "is_sensitive": True}, {"name": "x-team", "value": "a"}]
    made = make(http, headers=headers)

    kept = [{"name": "x-token", "is_sensitive": True}, {"name": "x-other", "value": "b"}]
    answer = http.patch(f"/webhook-endpoints/{made['id']}", json={"version": 1, "headers": kept})

    assert answer.status_code == 200, answer.text
    told = http.get(f"/webhook-endpoints/{made['id']}/headers").json()["data"]
    assert {each["name"]: each["value"] for each in told} == {"x-token": None, "x-other": "b"}
    with tenant_work(workspace):
        called = settings_of(endpoint_ids=[made["id"]], now=clock.now())[made["id"]]
    assert dict(called.headers) == {"x-token": TOKEN, "x-other": "b"}
    assert places_of(TOKEN, workspace) == []


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("webhook-signature", {"value": "v"}),
        ("content-length", {"value": "5"}),
        ("host", {"value": "elsewhere"}),
        ("x%20y", {"value": "v"}),
        ("x-a", {"value": "v\nx-b: w"}),
        ("x-a", {"value": "é"}),
        ("x-a", {"value": "v" * 4097}),
        ("x-a", {}),
        ("x-a", {"value": 5}),
    ],
)
def test_a_header_that_would_not_arrive_as_it_is_or_means_something_else_is_refused(
    http: httpx.Client, writes: Writes, name: str, body: dict[str, Any]
) -> None:
    endpoint = make(http)["id"]
    writes.note()

    answer = http.put(f"/webhook-endpoints/{endpoint}/headers/{name}", json=body)

    assert answer.status_code == 422, answer.text
    assert writes.new_rows() == {}
    assert http.get(f"/webhook-endpoints/{endpoint}/headers").json()["data"] == []
