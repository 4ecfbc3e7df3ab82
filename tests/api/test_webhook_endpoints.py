"""Endpoints over the API: made, listed, changed by compare-and-set, tested, disabled, removed; and each refusal."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.api.answered import assert_shape
from tests.api.ledger_of_writes import Writes
from zentra.api.v1.endpoint_answers import CreatedEndpointAnswer, EndpointAnswer, EndpointPage, SentTestAnswer
from zentra.core import clock
from zentra.core.tenancy import TenantRef
from zentra.tenants.operations import issue_key
from zentra.tenants.permissions import Permission

Connect = Callable[..., httpx.Client]
URL = "https://example.com/hooks"
NOBODY = "whe_" + "0" * 26
EVERYTHING: dict[str, Any] = {
    "url": URL,
    "event_types": ["ledger.*", "account.created"],
    "description": "the ledger's consumer",
    "timeout_seconds": 5,
    "rate_per_second": 50,
    "max_in_flight": 4,
    "schedule": [0, 5, 300],
    "api_version": "v2026.04",
    "headers": [{"name": "X-Team", "value": "payments"}],
}


def make(http: httpx.Client, **fields: Any) -> dict[str, Any]:
    answer = http.post("/webhook-endpoints", json={"url": URL} | fields)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def refused(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The problem of a refusal, which has the documented form."""
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    return problem


# -- What they answer --------------------------------------------------------------------------------------------------


def test_everything_that_can_be_said_of_an_endpoint_is_kept(http: httpx.Client, writes: Writes) -> None:
    made = assert_shape(make(http, **EVERYTHING), CreatedEndpointAnswer)

    assert {name: made[name] for name in EVERYTHING if name != "headers"} == {
        name: value for name, value in EVERYTHING.items() if name != "headers"
    }
    assert (made["status"], made["version"], made["breaker"], made["disabled_by"]) == ("enabled", 1, "closed", None)
    assert made["public_key"].startswith("whpk_")
    assert writes.new_types() == {"endpoint.created": 1}
    kept = assert_shape(http.get(f"/webhook-endpoints/{made['id']}").json(), EndpointAnswer)
    assert kept == {name: value for name, value in made.items() if name != "secret"}
    headers = http.get(f"/webhook-endpoints/{made['id']}/headers").json()["data"]
    assert [(each["name"], each["value"], each["is_sensitive"]) for each in headers] == [("x-team", "payments", False)]


def test_what_is_left_out_has_the_defaults_of_the_docs(http: httpx.Client) -> None:
    made = make(http)

    assert (made["event_types"], made["timeout_seconds"], made["max_in_flight"]) == (["*"], 10, 10)
    assert (made["rate_per_second"], made["schedule"]) == (None, None)


def test_an_endpoint_that_must_answer_a_challenge_is_disabled_until_it_does(http: httpx.Client) -> None:
    made = assert_shape(make(http, verify=True), CreatedEndpointAnswer)

    assert (made["status"], made["disabled_by"]) == ("disabled", "unverified")


def test_they_are_paged_oldest_first_and_narrowed_by_status(http: httpx.Client) -> None:
    made = [make(http, description=str(number))["id"] for number in range(3)]
    http.post(f"/webhook-endpoints/{made[1]}/disable", json={"reason": "quiet"})

    first = assert_shape(http.get("/webhook-endpoints?limit=2").json(), EndpointPage)
    second = http.get("/webhook-endpoints", params={"limit": 2, "cursor": first["next_cursor"]}).json()

    assert [each["id"] for each in first["data"] + second["data"]] == made
    assert (first["has_more"], second["has_more"], second["next_cursor"]) == (True, False, None)
    disabled = http.get("/webhook-endpoints?status=disabled").json()["data"]
    assert [each["id"] for each in disabled] == [made[1]]


def test_only_what_is_named_is_changed_and_null_takes_a_limit_away(http: httpx.Client, writes: Writes) -> None:
    made = make(http, **EVERYTHING)
    writes.note()

    answer = http.patch(
        f"/webhook-endpoints/{made['id']}",
        json={"version": 1, "description": "moved", "rate_per_second": None, "event_types": ["*"]},
    )

    changed = assert_shape(answer.json(), EndpointAnswer)
    assert answer.status_code == 200
    assert (changed["description"], changed["rate_per_second"], changed["event_types"]) == ("moved", None, ["*"])
    assert (changed["schedule"], changed["timeout_seconds"], changed["version"]) == ([0, 5, 300], 5, 2)
    assert changed["changed_at"] is not None
    assert writes.new_types() == {"endpoint.changed": 1}


def test_disabling_and_enabling_say_why_and_by_whom(http: httpx.Client, writes: Writes) -> None:
    endpoint = make(http)["id"]
    writes.note()

    disabled = http.post(f"/webhook-endpoints/{endpoint}/disable", json={"reason": "maintenance"}).json()
    enabled = http.post(f"/webhook-endpoints/{endpoint}/enable", json={"reason": "back"}).json()

    assert (disabled["status"], disabled["disabled_by"], disabled["disabled_reason"]) == (
        "disabled", "person", "maintenance",
    )  # fmt: skip
    assert (enabled["status"], enabled["disabled_by"], enabled["disabled_at"]) == ("enabled", None, None)
    assert writes.new_types() == {"endpoint.disabled": 1, "endpoint.enabled": 1}


def test_a_test_event_is_on_its_way_to_this_endpoint_alone(http: httpx.Client, writes: Writes) -> None:
    endpoint, other = make(http)["id"], make(http)["id"]
    writes.note()

    answer = http.post(f"/webhook-endpoints/{endpoint}/test", json={})

    sent = assert_shape(answer.json(), SentTestAnswer)
    assert answer.status_code == 202
    assert writes.new_types() == {"endpoint.test": 1}
    assert writes.new_events()[0]["data"]["endpoint_id"] == endpoint != other
    assert writes.new_events()[0]["id"] == sent["event_id"]


def test_a_removed_endpoint_is_not_listed_and_still_found(http: httpx.Client, writes: Writes) -> None:
    endpoint = make(http)["id"]
    writes.note()

    answer = http.delete(f"/webhook-endpoints/{endpoint}", params={"reason": "moved away"})

    assert answer.status_code == 200, answer.text
    assert_shape(answer.json(), EndpointAnswer)
    assert answer.json()["removed_at"] is not None
    assert http.get("/webhook-endpoints").json()["data"] == []
    assert http.get(f"/webhook-endpoints/{endpoint}").json()["removed_at"] == answer.json()["removed_at"]
    assert writes.new_types()["endpoint.removed"] == 1
    refused(http.post(f"/webhook-endpoints/{endpoint}/enable", json={"reason": "r"}), 409, "endpoint_removed")
    refused(http.patch(f"/webhook-endpoints/{endpoint}", json={"description": "x"}), 409, "endpoint_removed")


# -- Asked twice, and at the same time ---------------------------------------------------------------------------------


def test_a_repeat_changes_nothing_and_answers_the_same_bytes(http: httpx.Client, writes: Writes) -> None:
    endpoint = make(http)["id"]
    writes.note()
    key = {"Idempotency-Key": "once"}
    for method, path, body in [
        ("PATCH", "", {"description": "d"}),
        ("POST", "/disable", {"reason": "r"}),
        ("POST", "/enable", {"reason": "r"}),
        ("POST", "/test", {}),
    ]:
        answers = [
            http.request(method, f"/webhook-endpoints/{endpoint}{path}", json=body, headers=key) for _ in range(2)
        ]
        assert answers[0].content == answers[1].content
        assert answers[1].headers["idempotent-replayed"] == "true"

    told = writes.new_types()
    assert {told[name] for name in ("endpoint.changed", "endpoint.disabled", "endpoint.enabled")} == {1}
    assert told["endpoint.test"] == 1


def test_of_many_changes_of_one_version_one_wins_and_the_others_are_told(http: httpx.Client, writes: Writes) -> None:
    endpoint = make(http)["id"]
    writes.note()

    def change(number: int) -> httpx.Response:
        return http.patch(f"/webhook-endpoints/{endpoint}", json={"version": 1, "description": str(number)})

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(change, range(8)))

    won = [answer for answer in answers if answer.status_code == 200]
    assert len(won) == 1
    assert {answer.json()["code"] for answer in answers if answer is not won[0]} == {"stale_endpoint"}
    assert http.get(f"/webhook-endpoints/{endpoint}").json()["description"] == won[0].json()["description"]
    assert writes.new_types()["endpoint.changed"] == 1


def test_of_many_creations_under_one_key_there_is_one_endpoint_with_one_secret(
    http: httpx.Client, writes: Writes
) -> None:
    with ThreadPoolExecutor(8) as threads:
        answers = list(
            threads.map(
                lambda _: http.post("/webhook-endpoints", json={"url": URL, "idempotency_key": "hook"}), range(8)
            )
        )

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert writes.new_rows()["webhooks_endpoint"] == 1
    assert writes.new_types()["endpoint.created"] == 1


# -- Refusals ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("url", "ftp://example.com", "invalid_endpoint_url"),
        ("url", "https://user:word@example.com/", "invalid_endpoint_url"),
        ("url", "https://169.254.169.254/latest", "address_refused"),
        ("url", 5, "wrong_type"),
        ("url", None, "wrong_type"),
        ("url", "https://example.com/" + "x" * 2000, "bad_length"),
        ("event_types", [], "invalid_event_filter"),
        ("event_types", ["nothing.like_this"], "invalid_event_filter"),
        ("event_types", ["webhook.delivered"], "invalid_event_filter"),
        ("event_types", ["Ledger"], "bad_format"),
        ("event_types", "ledger.*", "wrong_type"),
        ("timeout_seconds", 0, "out_of_range"),
        ("timeout_seconds", 31, "out_of_range"),
        ("timeout_seconds", 1.5, "wrong_type"),
        ("timeout_seconds", True, "wrong_type"),
        ("rate_per_second", 0, "out_of_range"),
        ("rate_per_second", 1001, "out_of_range"),
        ("rate_per_second", "50", "wrong_type"),
        ("max_in_flight", 101, "out_of_range"),
        ("schedule", [], "bad_length"),
        ("schedule", [0] * 21, "bad_length"),
        ("schedule", [-1], "out_of_range"),
        ("schedule", [604801], "out_of_range"),
        ("api_version", "v1999.01", "invalid_endpoint_version"),
        ("headers", [{"name": "x y", "value": "v"}], "invalid_endpoint_header"),
        ("headers", [{"name": "webhook-id", "value": "v"}], "invalid_endpoint_header"),
        ("headers", [{"name": "x-a", "value": "v\r\nx-b: w"}], "invalid_endpoint_header"),
        ("headers", [{"name": "x-a"}], "missing_field"),
        ("headers", {"x-a": "v"}, "wrong_type"),
        ("secret", "whsec_short", "invalid_endpoint_secret"),
        ("secret", "nothing", "invalid_endpoint_secret"),
        ("enabled", True, "unknown_field"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_and_nothing_is_written(
    http: httpx.Client, writes: Writes, field: str, value: Any, code: str
) -> None:
    answer = http.post("/webhook-endpoints", json={"url": URL, field: value})

    refused(answer, 422, code)
    assert writes.new_rows() == {}
    assert writes.new_types() == {"ingress.refused": 1}


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"version": 7, "description": "x"}, 409, "stale_endpoint"),
        ({"version": 0}, 422, "out_of_range"),
        ({"version": 2**31}, 422, "out_of_range"),
        ({"version": 2**70}, 422, "out_of_range"),
        ({"version": "1"}, 422, "wrong_type"),
        ({"url": "javascript:alert(1)"}, 422, "invalid_endpoint_url"),
        ({"url": None}, 422, "wrong_type"),
        ({"status": "disabled"}, 422, "unknown_field"),
        ({"secret": "whsec_AAAA"}, 422, "unknown_field"),
        ({"schedule": []}, 422, "bad_length"),
    ],
)
def test_a_change_that_cannot_be_is_refused_and_nothing_is_changed(
    http: httpx.Client, writes: Writes, body: dict[str, Any], status: int, code: str
) -> None:
    made = make(http)
    writes.note()

    refused(http.patch(f"/webhook-endpoints/{made['id']}", json=body), status, code)

    assert http.get(f"/webhook-endpoints/{made['id']}").json() == {k: v for k, v in made.items() if k != "secret"}
    assert writes.new_rows() == {}
    assert writes.new_types() == {"ingress.refused": 1}


WRITES = [
    ("PATCH", "", {"description": "x"}),
    ("DELETE", "", None),
    ("POST", "/enable", {"reason": "r"}),
    ("POST", "/disable", {"reason": "r"}),
    ("POST", "/test", {}),
    ("POST", "/secrets/rotate", {}),
    ("POST", "/secrets/sec_" + "0" * 26 + "/expire", {}),
    ("PUT", "/headers/x-a", {"value": "v"}),
    ("DELETE", "/headers/x-a", None),
]
READS = ["", "/secrets", "/headers", "/health"]
on_every_write = pytest.mark.parametrize(("method", "path", "body"), WRITES, ids=[f"{m} {p}" for m, p, _ in WRITES])


@on_every_write
def test_an_unknown_endpoint_and_another_tenants_are_the_same_404(
    http: httpx.Client, connect: Connect, other_api_key: str, writes: Writes, method: str, path: str, body: Any
) -> None:
    theirs = make(connect(other_api_key))
    before = connect(other_api_key).get(f"/webhook-endpoints/{theirs['id']}").json()

    for endpoint in (NOBODY, theirs["id"]):
        refused(http.request(method, f"/webhook-endpoints/{endpoint}{path}", json=body), 404, "endpoint_not_found")

    assert writes.new_rows() == {}
    assert connect(other_api_key).get(f"/webhook-endpoints/{theirs['id']}").json() == before


@pytest.mark.parametrize("path", READS)
def test_nobody_reads_another_tenants_endpoint(
    http: httpx.Client, connect: Connect, other_api_key: str, path: str
) -> None:
    theirs = make(connect(other_api_key))["id"]

    for endpoint in (NOBODY, theirs):
        refused(http.get(f"/webhook-endpoints/{endpoint}{path}"), 404, "endpoint_not_found")
    refused(http.get(f"/webhook-endpoints/whe_none{path}"), 400, "bad_id")
    assert http.get("/webhook-endpoints").json()["data"] == []


@on_every_write
def test_a_key_that_may_only_read_changes_nothing(
    http: httpx.Client, connect: Connect, workspace: TenantRef, writes: Writes, method: str, path: str, body: Any
) -> None:
    endpoint = make(http)["id"]
    reader = issue_key(
        workspace=workspace, name="reader", scopes=frozenset({Permission.WEBHOOKS_READ}), now=clock.now()
    )
    writes.note()

    answer = connect(reader.token).request(method, f"/webhook-endpoints/{endpoint}{path}", json=body)

    assert refused(answer, 403, "permission_denied")["scope"] == "webhooks.manage"
    assert writes.new_rows() == {}
    assert writes.new_types() == {"access.denied": 1}


def test_a_change_that_comes_too_late_is_told(http: httpx.Client) -> None:
    endpoint = make(http)["id"]
    assert http.post(f"/webhook-endpoints/{endpoint}/disable", json={"reason": "r"}).status_code == 200

    refused(http.post(f"/webhook-endpoints/{endpoint}/disable", json={"reason": "r"}), 409, "stale_endpoint")
    refused(http.post(f"/webhook-endpoints/{endpoint}/disable", json={"reason": " "}), 422, "bad_format")
    refused(http.post(f"/webhook-endpoints/{endpoint}/disable", json={}), 422, "missing_field")


def test_a_cursor_of_another_list_is_refused(http: httpx.Client) -> None:
    for _ in range(2):
        make(http)
    cursor = http.get("/webhook-endpoints?limit=1").json()["next_cursor"]

    assert http.get("/webhook-endpoints", params={"cursor": cursor}).status_code == 200
    refused(http.get("/webhook-deliveries", params={"cursor": cursor}), 400, "bad_cursor")
    refused(http.get("/webhook-endpoints?cursor=x"), 400, "bad_cursor")
    refused(http.get("/webhook-endpoints?status=asleep"), 422, "not_one_of")
