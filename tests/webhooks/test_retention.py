"""History is kept as long as the workspace says, never less than 30 days, and its end is on record."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest
from django.db import DatabaseError, OperationalError

from tests.evidence.conforming import assert_conforming
from tests.ledger.book import at_once
from tests.webhooks.histories import (
    in_workspace,
    keep_attempt,
    keep_callback,
    keep_delivery,
    month,
    name_of,
    rows_of,
)
from tests.webhooks.work import event_rows
from webhooks.operations import make_partitions, prune_history
from webhooks.outbound import health
from webhooks.queries import get_delivery_detail
from webhooks.tasks import keep_history
from webhooks.types import PrunedHistory
from zentra.core import ids
from zentra.core.clock import frozen, iso, now
from zentra.core.tenancy import TenantRef, tenant_work

ENDED_LONG_AGO = -6


def set_days(ws: TenantRef, days: int) -> None:
    in_workspace(
        ws,
        "UPDATE public.tenants_workspace SET settings = settings || %s::jsonb WHERE id = %s",
        [json.dumps({"webhook_history_days": days}), ws.id],
    )


def keep_both(ws: TenantRef, *moments: datetime) -> None:
    """An attempt and a callback of each moment, in months of their own."""
    with tenant_work(ws):
        for at in moments:
            keep_attempt(at)
            keep_callback(at)
        make_partitions(now=now())


def prune(ws: TenantRef, at: datetime | None = None) -> PrunedHistory:
    with tenant_work(ws):
        return prune_history(now=at or now())


def test_what_is_older_than_the_setting_goes_and_the_rest_stays(workspace: TenantRef) -> None:
    old = month(now(), ENDED_LONG_AGO)
    keep_both(workspace, old, old + timedelta(days=3), now() - timedelta(days=60), now())

    pruned = prune(workspace)

    assert pruned.kept_days == 90
    assert [(each.table, each.name, each.until, each.rows) for each in pruned.dropped] == [
        ("attempts", name_of("webhooks_attempt", old), month(old, 1), 2),
        ("callbacks", name_of("webhooks_callback", old), month(old, 1), 2),
    ]
    assert [rows_of(workspace, table) for table in ("webhooks_attempt", "webhooks_callback")] == [2, 2]


def test_what_was_dropped_is_on_record_once_and_is_not_delivered(workspace: TenantRef) -> None:
    old = month(now(), ENDED_LONG_AGO)
    keep_both(workspace, old)

    prune(workspace)
    again = prune(workspace)

    assert again.dropped == ()
    [event] = event_rows(workspace, "webhook.history_pruned")
    assert event["data"]["kept_days"] == 90
    assert event["data"]["dropped"] == [
        {"table": table, "name": name_of(parent, old), "until": iso(month(old, 1)), "rows": 1}
        for table, parent in (("attempts", "webhooks_attempt"), ("callbacks", "webhooks_callback"))
    ]
    assert_conforming(workspace)


def test_a_workspace_that_keeps_more_keeps_it(workspace: TenantRef) -> None:
    keep_both(workspace, month(now(), ENDED_LONG_AGO))
    set_days(workspace, 400)

    assert prune(workspace).dropped == ()
    assert rows_of(workspace, "webhooks_attempt") == 1


@pytest.mark.parametrize("days", [30, 7, 0, -5])
def test_no_setting_keeps_less_than_30_days(days: int, workspace: TenantRef) -> None:
    set_days(workspace, days)
    keep_both(workspace, now() - timedelta(days=29), now() - timedelta(days=100))

    pruned = prune(workspace)

    assert pruned.kept_days == 30
    assert [each.rows for each in pruned.dropped] == [1, 1]
    assert rows_of(workspace, "webhooks_attempt") == 1


def test_a_clock_that_runs_ahead_drops_nothing(workspace: TenantRef) -> None:
    keep_both(workspace, now())

    with pytest.raises(DatabaseError, match="younger than 30 days"):
        prune(workspace, now() + timedelta(days=200))

    assert rows_of(workspace, "webhooks_attempt") == 1
    assert event_rows(workspace, "webhook.history_pruned") == []


def test_a_delivery_outlives_its_attempts(workspace: TenantRef) -> None:
    old = month(now(), ENDED_LONG_AGO)
    with tenant_work(workspace):
        endpoint_id = ids.new_id("whe")
        in_workspace(
            workspace,
            "INSERT INTO webhooks_endpoint (id, url, description, event_filter, state, disabled_reason, disabled_by,"
            " timeout_seconds, max_in_flight, api_version, consecutive_failures, warnings, breaker, breaker_opens,"
            " version, created_at) VALUES (%s, 'https://consumer.example', '', '{*}', 'enabled', '', '', 10, 10,"
            " 'v2026.04', 0, 0, 'closed', 0, 1, %s)",
            [ids.to_uuid(endpoint_id, prefix="whe"), old],
        )
        delivery_id = keep_delivery(old, endpoint_id=endpoint_id, state="resolved")
    keep_both(workspace, old)

    prune(workspace)

    with tenant_work(workspace):
        detail = get_delivery_detail(delivery_id=delivery_id)
    assert detail.delivery.state == "resolved"
    assert detail.attempts == ()


def test_minutes_of_health_go_with_the_attempts(workspace: TenantRef) -> None:
    endpoint_id = ids.new_id("whe")
    with tenant_work(workspace):
        for days in (200, 89, 0):
            health.count_first_due(rows=[(endpoint_id, now() - timedelta(days=days))])

    prune(workspace)

    assert rows_of(workspace, "webhooks_health_minute") == 2


def test_pruning_one_workspace_touches_no_other(workspace: TenantRef, other_workspace: TenantRef) -> None:
    for each in (workspace, other_workspace):
        keep_both(each, month(now(), ENDED_LONG_AGO))

    prune(workspace)

    assert rows_of(workspace, "webhooks_attempt") == 0
    assert rows_of(other_workspace, "webhooks_attempt") == 1


def test_of_two_who_prune_at_once_one_drops_and_nobody_is_told_twice(workspace: TenantRef) -> None:
    keep_both(workspace, month(now(), ENDED_LONG_AGO), month(now(), ENDED_LONG_AGO - 1))

    results = at_once([lambda: prune(workspace)] * 4, threads=4)

    pruned = [each for each in results if isinstance(each, PrunedHistory)]
    assert sorted(len(each.dropped) for each in pruned) == [0, 0, 0, 4], results
    assert len(event_rows(workspace, "webhook.history_pruned")) == 1
    assert rows_of(workspace, "webhooks_attempt") == 0


def test_a_long_read_puts_pruning_off_and_loses_nothing(workspace: TenantRef) -> None:
    keep_both(workspace, month(now(), ENDED_LONG_AGO))
    with tenant_work(workspace):
        in_workspace(workspace, "SELECT count(*) FROM webhooks_attempt")
        [refused] = at_once([lambda: prune(workspace)], threads=1)

    assert isinstance(refused, OperationalError)
    assert rows_of(workspace, "webhooks_attempt") == 1
    assert event_rows(workspace, "webhook.history_pruned") == []
    assert len(prune(workspace).dropped) == 2


def test_the_periodic_work_makes_the_next_month_and_drops_the_old(workspace: TenantRef) -> None:
    keep_both(workspace, month(now(), ENDED_LONG_AGO))
    with frozen(month(now(), 1) + timedelta(days=1)):
        keep_history(workspace)

    assert rows_of(workspace, name_of("webhooks_attempt", month(now(), 2))) == 0
    assert rows_of(workspace, "webhooks_attempt") == 0
    assert len(event_rows(workspace, "webhook.history_pruned")) == 1
