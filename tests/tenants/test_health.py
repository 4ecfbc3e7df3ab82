"""How workspaces run, seen from outside: each figure moves with what it tells of, and of one workspace only."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection

from evidence.operations import record_events
from evidence.types import NewEvent
from tests.evidence.sealing import as_role
from zentra.core import actors, ids
from zentra.core.clock import now
from zentra.core.queue.operations import enqueue
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.tenants.health import workspace_health, workspaces_health
from zentra.tenants.queries import platform_ref


def test_a_new_workspace_is_good_and_a_page_of_them_is_one_statement(
    workspace: TenantRef, other_workspace: TenantRef
) -> None:
    refs = [workspace, other_workspace, platform_ref()]
    connection.force_debug_cursor = True
    try:
        before = len(connection.queries_log)
        found = workspaces_health(workspaces=refs, now=now())
        assert len(connection.queries_log) - before == 1
    finally:
        connection.force_debug_cursor = False

    assert set(found) == {each.id for each in refs}
    fresh = found[workspace.id]
    assert (fresh.schema_at_head, fresh.oldest_due_seconds, fresh.drift, fresh.state) == (True, None, (), "good")
    assert workspaces_health(workspaces=[], now=now()) == {}
    with pytest.raises(ValueError, match="At most"):
        workspaces_health(workspaces=[workspace] * 201, now=now())


def test_what_waits_and_what_is_not_sealed_age_by_the_second(workspace: TenantRef, other_workspace: TenantRef) -> None:
    moment = now()
    enqueue(workspace_id=workspace.id, kind="test.nobody", ref="x", due_at=moment - timedelta(seconds=45))
    enqueue(workspace_id=workspace.id, kind="test.nobody", ref="y", due_at=moment + timedelta(hours=1))
    with tenant_work(workspace):
        event = NewEvent(type="second_factor.enrolled", actor=actors.EDGE, data={"user_id": ids.new_id("usr")})
        record_events(events=[event], now=moment)

    found = workspace_health(workspace=workspace, now=moment + timedelta(seconds=15))
    assert found.oldest_due_seconds == 60.0
    assert found.unsealed >= 1
    assert found.sealed_lag_seconds is not None
    assert found.state == "late"
    assert workspace_health(workspace=workspace, now=moment + timedelta(minutes=10)).state == "bad"
    other = workspace_health(workspace=other_workspace, now=moment + timedelta(minutes=10))
    assert (other.oldest_due_seconds, other.state) == (None, "good")


def test_a_schema_behind_and_a_ledger_that_drifts_are_bad(workspace: TenantRef) -> None:
    with as_role("ZENTRA_OWNER_DATABASE_URL"), tenant_work(workspace), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO ledger_resum (id, currency, entry_count, entry_sum_minor, diverging_accounts, computed_at)"
            " VALUES (gen_random_uuid(), 'EUR', 4, 25, 0, now()), (gen_random_uuid(), 'USD', 4, 0, 0, now())"
        )
    found = workspace_health(workspace=workspace, now=now())
    assert (found.drift, found.state) == (("EUR",), "bad")

    with as_role("ZENTRA_OWNER_DATABASE_URL"), tenant_work(workspace), connection.cursor() as cursor:
        cursor.execute("DELETE FROM ledger_resum")
        cursor.execute("DELETE FROM django_migrations WHERE app = 'policy'")
    behind = workspace_health(workspace=workspace, now=now())
    assert (behind.schema_at_head, behind.state) == (False, "bad")
    with as_role("ZENTRA_OWNER_DATABASE_URL"), tenant_work(workspace), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO django_migrations (id, app, name, applied) SELECT id, app, name, applied FROM"
            " tenant_template.django_migrations WHERE app = 'policy'"
        )
