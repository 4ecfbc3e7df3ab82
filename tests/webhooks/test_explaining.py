"""Why an event went to an endpoint, or did not."""

from __future__ import annotations

import pytest
from django.db import connection

from evidence.queries import EventNotFound
from evidence.types import NewEvent
from tests.evidence.sealing import record
from tests.webhooks.replaying import make_endpoint
from tests.webhooks.work import DEVELOPER, SUPPORT, an_event, deliveries, publish, run_due, subscribe
from webhooks.operations import disable_endpoint
from webhooks.queries import EventReach, explain_event
from zentra.core.actors import LEDGER, POLICY
from zentra.core.clock import iso, now
from zentra.core.tenancy import TenantRef, tenant_work

pytestmark = pytest.mark.usefixtures("local_webhooks")
NOWHERE = "http://127.0.0.1:9/hook"


def explain(ws: TenantRef, event_id: str) -> dict[str, EventReach]:
    with tenant_work(ws):
        return {each.endpoint.id: each for each in explain_event(event_id=event_id)}


def test_each_endpoint_says_why_it_had_the_event_or_not(workspace: TenantRef) -> None:
    had_it = subscribe(workspace, NOWHERE, "account.*").endpoint.id
    other_filter = subscribe(workspace, NOWHERE, "hold.*", description="holds").endpoint.id
    event = NewEvent("account.created", LEDGER, {"number": 1}, announced_as=("account.closed",))
    [event_id] = publish(workspace, event)
    newer = subscribe(workspace, NOWHERE, "account.*")

    reached = explain(workspace, event_id)

    assert {endpoint_id: each.why for endpoint_id, each in reached.items()} == {
        had_it: "sent",
        other_filter: "not_subscribed",
        newer.endpoint.id: "endpoint_newer",
    }
    assert [each.delivery is not None for each in reached.values()] == [True, False, False]
    assert reached[other_filter].words == "Its filter hold.* selects none of account.created, account.closed."
    assert iso(newer.endpoint.created_at) in reached[newer.endpoint.id].words


def test_what_was_sent_says_what_it_came_to(workspace: TenantRef) -> None:
    endpoint_id = subscribe(workspace, NOWHERE, "account.*").endpoint.id
    [event_id] = publish(workspace)
    assert explain(workspace, event_id)[endpoint_id].words.startswith("Waits for its first attempt, due at ")
    run_due()
    failed = explain(workspace, event_id)[endpoint_id]
    assert failed.words.startswith("Failed 1 attempt (")
    assert failed.delivery == deliveries(workspace, event_id=event_id)[0]
    with tenant_work(workspace):
        disable_endpoint(endpoint_id=endpoint_id, actor=SUPPORT, reason="maintenance", now=now())

    kept = explain(workspace, event_id)[endpoint_id]

    assert kept.why == "sent"
    assert kept.words == "Kept, not sent: the endpoint is disabled (maintenance). Ready to replay."


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("state = 'resolved', resolved_at = '2026-03-01T08:00:00Z', next_attempt_at = NULL, attempts = 2",
         "Arrived at 2026-03-01T08:00:00.000Z after 2 attempts."),
        ("state = 'exhausted', next_attempt_at = NULL, attempts = 8, last_status = 503",
         "Gave up after 8 attempts (status 503). Kept. Ready to replay."),
        ("state = 'retained', next_attempt_at = NULL, attempts = 1, last_error = 'tampered'",
         "Kept after 1 attempt (tampered). Ready to replay."),
    ],
)  # fmt: skip
def test_each_end_has_its_words(workspace: TenantRef, change: str, words: str) -> None:
    endpoint_id = subscribe(workspace, NOWHERE, "account.*").endpoint.id
    [event_id] = publish(workspace)
    with tenant_work(workspace), connection.cursor() as cursor:
        cursor.execute(f"UPDATE webhooks_delivery SET {change}")

    assert explain(workspace, event_id)[endpoint_id].words == words


def test_evidence_goes_to_nobody_and_a_test_to_its_endpoint_alone(workspace: TenantRef) -> None:
    tested, other = make_endpoint(workspace), make_endpoint(workspace, "other")
    denied, test = publish(
        workspace,
        NewEvent("access.denied", POLICY, {"action": "read"}),
        NewEvent("endpoint.test", DEVELOPER, {"endpoint_id": tested, "probe": False}),
    )

    assert {each.why for each in explain(workspace, denied).values()} == {"not_delivered_type"}
    reached = explain(workspace, test)
    assert (reached[tested].why, reached[other].why) == ("sent", "test_of_another")
    assert tested in reached[other].words


def test_what_is_not_in_the_log_yet_says_so(workspace: TenantRef) -> None:
    endpoint_id = make_endpoint(workspace)
    [event_id] = record(workspace, an_event())

    assert explain(workspace, event_id)[endpoint_id].why == "not_sequenced"


def test_a_filter_that_was_changed_since_is_told(workspace: TenantRef) -> None:
    endpoint_id = subscribe(workspace, NOWHERE, "hold.*").endpoint.id
    [event_id] = publish(workspace)
    with tenant_work(workspace), connection.cursor() as cursor:
        cursor.execute("UPDATE webhooks_endpoint SET event_filter = '{account.*}', changed_at = '2026-03-01T08:00:00Z'")

    reached = explain(workspace, event_id)[endpoint_id]

    assert reached.why == "not_subscribed"
    assert reached.words == "Its filter was another one then: it was changed at 2026-03-01T08:00:00.000Z to account.*."


def test_a_removed_endpoint_is_told_of_where_it_had_the_event_or_would_have(workspace: TenantRef) -> None:
    had_it = subscribe(workspace, NOWHERE, "account.*").endpoint.id
    subscribe(workspace, NOWHERE, "hold.*")
    [before] = publish(workspace)
    with tenant_work(workspace), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE webhooks_endpoint SET state = 'disabled', disabled_by = 'person', disabled_at = now(),"
            " removed_at = now()"
        )
    [after] = publish(workspace)

    assert {endpoint_id: each.why for endpoint_id, each in explain(workspace, before).items()} == {had_it: "sent"}
    assert {endpoint_id: each.why for endpoint_id, each in explain(workspace, after).items()} == {had_it: "removed"}


def test_another_workspace_explains_nothing(workspace: TenantRef, other_workspace: TenantRef) -> None:
    [event_id] = publish(workspace)

    with pytest.raises(EventNotFound):
        explain(other_workspace, event_id)
