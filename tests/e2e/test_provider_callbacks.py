"""What providers say twice, late, in the wrong order, in bad handwriting or in another's name (PRODUCT 4: 1, 2, 9)."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from standardwebhooks import Webhook

from tests.e2e.books import assert_nothing_lost_or_doubled
from tests.e2e.desks import read_packet_file, rehearsal
from tests.e2e.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.desks import Desk
    from zentra.core.tenancy import TenantRef

pytestmark = pytest.mark.e2e
SETTLED = ["reserve", "success", "settle"]


def secret_of(workspace: TenantRef, rail_id: str) -> str:
    from zentra.core.tenancy import tenant_work
    from zentra.routing.queries import callback_secrets

    with tenant_work(workspace):
        return callback_secrets(rail_id=rail_id)[0]


def tell(
    desk: Desk, rail_id: str, body: bytes, *, secret: str | None, event_id: str, age: timedelta = timedelta(0)
) -> httpx.Response:
    """A callback as a provider sends it; unsigned without a secret."""
    headers = {"Content-Type": "application/json", "webhook-id": event_id}
    if secret is not None:
        at = datetime.now(UTC) - age
        headers |= {
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": Webhook(secret).sign(event_id, at, body.decode(errors="surrogateescape")),
        }
    return httpx.post(f"{desk.api_url}/providers/{rail_id}/callbacks", content=body, headers=headers, timeout=30)


def callbacks_done(desk: Desk, intent_id: str) -> list[dict[str, Any]]:
    """The callbacks of an intent's payment once the simulator has told all of them; empty before."""
    for attempt in desk.books.rows("SELECT a.key, r.name FROM routing_attempt a JOIN routing_rail r ON r.id = a.rail_id"
                                   " WHERE intent_id = %s", intent_id):  # fmt: skip
        told = desk.simulators.list_callbacks(rail=attempt["name"], key=attempt["key"])
        if told and all(each["done_ms"] is not None for each in told):
            return told
    return []


def test_a_duplicate_callback_after_a_lost_answer_has_one_outcome_and_a_replay_record(
    desk: Desk, workspace: TenantRef, tmp_path: Path
) -> None:
    desk.send(rehearsal("intent_042", sandbox_scenario="lost_response"))
    intent = desk.wait_for_end("intent_042")["intent_042"]
    assert (intent["status"], intent["mutations"]) == ("evidenced", 1)
    [applied] = desk.books.rows("SELECT * FROM webhooks_callback WHERE provider_type = 'payment.settled'"
                                " AND arrival = 1")  # fmt: skip

    rail_id = desk.books.rail_ids()[intent["rail"]]
    for _ in range(3):
        again = tell(
            desk, rail_id, bytes(applied["body"]), secret=secret_of(workspace, rail_id),
            event_id=applied["provider_event_id"],
        )  # fmt: skip
        assert again.status_code == 200, again.text
        assert (again.json()["effect"], again.json()["mutations"]) == (applied["effect"], applied["mutations"])

    records = desk.books.events("callback.replayed", "intent_042")
    assert [event["data"]["arrival"] for event in records] == [2, 3, 4]
    assert {event["data"]["effect"] for event in records} == {applied["effect"]}
    assert {event["data"]["converged_on"] for event in records} == {records[0]["data"]["converged_on"]}
    after = desk.books.intent("intent_042")
    assert (after["status"], after["mutations"]) == ("evidenced", 1)
    assert desk.books.purposes("intent_042") == SETTLED
    assert_nothing_lost_or_doubled(desk.books, desk.simulators)
    # The later fact is a further revision of the packet; the first is still there, unchanged.
    wait_until(lambda: desk.books.intent("intent_042")["packet_revision"] == 2, why="the packet is revised")
    first, second = desk.packet("intent_042", revision=1), desk.packet("intent_042")
    assert read_packet_file(second, "manifest.json")["revision"] == 2
    assert "callback.replayed" in {row["type"] for row in read_packet_file(second, "manifest.json")["events"]}
    for packet in (first, second):
        assert "Verified" in desk.verify(packet, tmp_path)


@pytest.mark.parametrize("scenario", ["duplicate", "out_of_order", "latency"])
def test_whatever_the_order_the_state_converges_and_nothing_posts_twice(desk: Desk, scenario: str) -> None:
    names = [f"intent_{scenario}_{number}" for number in range(4)]
    for name in names:
        desk.send(rehearsal(name, sandbox_scenario=scenario))
    ended = desk.wait_for_end(*names)
    for name in names:
        wait_until(lambda name=name: callbacks_done(desk, name), why=f"all callbacks of {name} were told")  # type: ignore[misc]  # bound at once

    assert {intent["status"] for intent in ended.values()} == {"evidenced"}
    assert {intent["status"] for intent in desk.books.intents().values()} == {"evidenced"}
    assert_nothing_lost_or_doubled(desk.books, desk.simulators)


def test_a_late_callback_is_not_waited_for_and_takes_nothing_back(desk: Desk) -> None:
    desk.send(rehearsal("intent_042", sandbox_scenario="late"))
    ended = desk.wait_for_end("intent_042")["intent_042"]
    assert (ended["status"], ended["outcome"]) == ("evidenced", "settled")  # the rail was asked
    before = desk.books.postings()

    told = wait_until(lambda: callbacks_done(desk, "intent_042"), why="the late callbacks were told")

    assert {each["last_status"] for each in told} == {200}
    states = {row["state"] for row in desk.books.rows("SELECT state FROM webhooks_callback")}
    assert states <= {"late", "duplicate"}
    assert desk.books.postings() == before
    wait_until(lambda: desk.books.intent("intent_042")["packet_revision"] >= 2, why="the late fact is in a revision")
    assert_nothing_lost_or_doubled(desk.books, desk.simulators)


def test_hostile_callbacks_of_a_rail_are_refused_and_the_good_ones_count(desk: Desk) -> None:
    desk.send(rehearsal("intent_042", sandbox_scenario="malformed"))

    assert desk.wait_for_end("intent_042")["intent_042"]["status"] == "evidenced"
    told = wait_until(lambda: callbacks_done(desk, "intent_042"), why="all callbacks were told")
    answers = {each["variant"]: each["last_status"] for each in told}
    assert answers == {"garbage": 400, "forged": 401, "stale": 401, "unsigned": 401, "good": 200}
    assert desk.books.count_events()["callback.refused"] == 4
    assert_nothing_lost_or_doubled(desk.books, desk.simulators)


def test_what_is_malformed_unsigned_forged_stale_or_reused_is_refused_before_anything_changes(
    desk: Desk, workspace: TenantRef
) -> None:
    # A rail that only says "accepted" leaves the intent open: a callback that got through would move it.
    desk.books.change("UPDATE routing_rail SET default_scenario = 'late'")
    desk.send(rehearsal("intent_042", sandbox_scenario="late"))
    attempt = wait_until(
        lambda: desk.books.rows("SELECT * FROM routing_attempt WHERE state = 'accepted'"), why="the rail accepted it"
    )[0]
    rail_id = desk.books.rail_ids()[desk.books.intent("intent_042")["rail"]]
    good, other = secret_of(workspace, rail_id), "whsec_" + "c29tZWJvZHkgZWxzZSdzIHNlY3JldCBrZXk="
    body = json.dumps({
        "id": "pev_1", "type": "payment.settled", "reference": attempt["key"], "provider_reference": "x",
        "amount_minor": 125_000, "currency": "USD",
    }).encode()  # fmt: skip
    wrong_amount = body.replace(b"125000", b"125001")

    answers = [
        tell(desk, rail_id, body, secret=None, event_id="cb_unsigned"),
        tell(desk, rail_id, body, secret=other, event_id="cb_forged"),
        tell(desk, rail_id, body, secret=good, event_id="cb_stale", age=timedelta(minutes=10)),
        tell(desk, rail_id, body, secret=good, event_id="cb_future", age=-timedelta(minutes=10)),
        tell(desk, rail_id, b'{"type": "payment', secret=good, event_id="cb_garbage"),
        tell(desk, rail_id, b'{"type": "payment.settled"}', secret=good, event_id="cb_halved"),
        tell(desk, rail_id, b"x" * 70_000, secret=good, event_id="cb_huge"),
    ]
    mismatch = tell(desk, rail_id, wrong_amount, secret=good, event_id="cb_amount")
    reused = tell(desk, rail_id, body, secret=good, event_id="cb_amount")

    assert [answer.status_code for answer in answers] == [401, 401, 401, 401, 400, 400, 413]
    assert all(answer.headers["content-type"] == "application/problem+json" for answer in answers)
    assert (mismatch.status_code, mismatch.json()["effect"]) == (200, "mismatch")
    assert (reused.status_code, reused.json()["code"]) == (400, "callback_id_reused")
    assert desk.books.count_events()["callback.refused"] == len(answers) + 1
    assert desk.books.count_events()["provider.mismatch"] == 1
    assert desk.wait_for_end("intent_042")["intent_042"]["status"] == "evidenced"  # by asking, as if nothing was
    assert_nothing_lost_or_doubled(desk.books, desk.simulators)
