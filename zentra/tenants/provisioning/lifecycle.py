"""Suspend, resume, archive: each compare-and-set on state and version, told to open pages, kept in two logs.

The platform's log has it in the same transaction. The workspace's own has it by a work item, since no unit of work is
in two workspaces at once; the item stands as soon as the change does, and writes once however often it is tried.
"""

import json
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db import connection, transaction

from evidence.operations import record_events
from evidence.types import NewEvent
from zentra.core.actors import Actor
from zentra.core.clock import iso
from zentra.core.idempotency.operations import Answer, run_once
from zentra.core.queue import enqueue
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.tenants.configuration.errors import StaleWorkspace
from zentra.tenants.configuration.queries import read_settings
from zentra.tenants.members.news import announce_workspace
from zentra.tenants.provisioning.errors import UnknownWorkspace, WorkspaceInUse, WorkspaceStateRefused
from zentra.tenants.provisioning.queries import find_workspace_record
from zentra.tenants.provisioning.registry import count_in_flight
from zentra.tenants.provisioning.types import WorkspaceRecord, WorkspaceState
from zentra.tenants.queries import platform_ref

RECORD: Final = "tenants.record_turn"
MAX_REASON: Final = 300


def suspend_workspace(
    *, workspace_id: UUID, version: int | None, actor: Actor, reason: str = "", now: datetime
) -> WorkspaceRecord:
    """Let neither people nor keys in any more, at once; callbacks and work in flight go on, so that no money hangs.

    One that is suspended stays as it is. Begins outside any workspace but the platform.

    Raises:
        UnknownWorkspace: no workspace of this id.
        WorkspaceStateRefused: it is archived or deleted, or is the platform.
        StaleWorkspace: it changed since ``version``.
    """
    why = reason.strip()[:MAX_REASON]
    values = {"suspended_at": now, "suspended_by": actor.id, "suspension_reason": why}
    return _turn(workspace_id, version, {"active"}, "suspended", "workspace.suspended", values, {}, actor, now)


def resume_workspace(
    *, workspace_id: UUID, version: int | None, actor: Actor, reason: str = "", now: datetime
) -> WorkspaceRecord:
    """Let people and keys in again. One that is active stays as it is. Raises as ``suspend_workspace`` does."""
    del reason  # why it was suspended is kept; that it goes on needs no reason
    values = {"suspended_at": None, "suspended_by": "", "suspension_reason": ""}
    return _turn(workspace_id, version, {"suspended"}, "active", "workspace.resumed", values, {}, actor, now)


def archive_workspace(
    *, workspace_id: UUID, version: int | None, actor: Actor, reason: str = "", now: datetime
) -> WorkspaceRecord:
    """Close a workspace for good: nobody enters, and its data is deleted after the days of its setting.

    Raises as ``suspend_workspace`` does, and:
        WorkspaceInUse: intents are on their way; nobody could decide them any more.
    """
    delete_after = now + timedelta(days=read_settings(workspace_id=workspace_id).deletion_days)
    values: dict[str, Any] = {"archived_at": now, "delete_after": delete_after}
    if reason.strip():
        values["suspension_reason"] = reason.strip()[:MAX_REASON]
    with transaction.atomic():
        found = _get(workspace_id)
        if found.state in ("active", "suspended") and found.mode != "platform":
            _refuse_in_flight(found)
        return _turn(
            workspace_id, version, {"active", "suspended"}, "archived", "workspace.archived", values,
            {"delete_after": iso(delete_after)}, actor, now,
        )  # fmt: skip


def unarchive_workspace(*, workspace_id: UUID, version: int | None, actor: Actor, now: datetime) -> WorkspaceRecord:
    """Take a workspace out of the archive before it is deleted: it is suspended then, and resumed by another step.

    Raises as ``suspend_workspace`` does.
    """
    values = {"archived_at": None, "delete_after": None, "suspended_at": now, "suspended_by": actor.id}
    return _turn(workspace_id, version, {"archived"}, "suspended", "workspace.unarchived", values, {}, actor, now)


def record_turn(*, workspace: TenantRef, said: str, now: datetime) -> None:
    """Write a turn into the workspace's own log, once however often it is called: ``said`` is what ``_turn`` put in."""
    turn = json.loads(said)
    key = f"{turn['type']}.{turn['data']['version']}"

    def effect() -> Answer:
        event = NewEvent(type=turn["type"], actor=Actor(**turn["actor"]), data=turn["data"])
        record_events(events=[event], now=now)
        return Answer(200, b"")

    with tenant_work(workspace):
        run_once(operation=RECORD, key=key, fingerprint=key.encode(), now=now, effect=effect)


def _turn(
    workspace_id: UUID,
    version: int | None,
    before: Collection[WorkspaceState],
    after: WorkspaceState,
    event: str,
    values: dict[str, Any],
    told: dict[str, object],
    actor: Actor,
    now: datetime,
) -> WorkspaceRecord:
    with transaction.atomic():
        if not _set(workspace_id, version, before, after, values):
            return _explain(workspace_id, version, after)
        turned = _get(workspace_id)
        data = {"workspace_id": turned.public_id, "slug": turned.slug, "version": turned.version, **told}
        with tenant_work(platform_ref()):
            record_events(events=[NewEvent(type=event, actor=actor, data=dict(data))], now=now)
        said = json.dumps({"type": event, "actor": actor.as_dict(), "data": data})
        enqueue(workspace_id=workspace_id, kind=RECORD, ref=said, due_at=now)
        announce_workspace(workspace_id=workspace_id)
        return turned


def _set(
    workspace_id: UUID,
    version: int | None,
    before: Collection[WorkspaceState],
    after: WorkspaceState,
    values: dict[str, Any],
) -> bool:
    assignments = ", ".join(f"{name} = %s" for name in values)
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE public.tenants_workspace SET state = %s, version = version + 1, {assignments}"  # noqa: S608  # our own columns
            " WHERE id = %s AND state = ANY(%s) AND mode <> 'platform' AND (%s::int IS NULL OR version = %s)",
            [after, *values.values(), workspace_id, list(before), version, version],
        )
        return bool(cursor.rowcount == 1)


def _explain(workspace_id: UUID, version: int | None, after: WorkspaceState) -> WorkspaceRecord:
    """Why nothing was changed; the workspace as it is, when that is what was wanted."""
    found = _get(workspace_id)
    if found.mode == "platform":
        raise WorkspaceStateRefused("The platform stays as it is.", state=found.state)
    if found.state == after and (version is None or found.version == version):
        return found
    if version is not None and found.version != version:
        raise StaleWorkspace(f"It is {found.state}, at version {found.version}.", version=found.version)
    raise WorkspaceStateRefused(f"It is {found.state}.", state=found.state)


def _get(workspace_id: UUID) -> WorkspaceRecord:
    found = find_workspace_record(workspace_id=workspace_id)
    if found is None:
        raise UnknownWorkspace
    return found


def _refuse_in_flight(workspace: WorkspaceRecord) -> None:
    in_flight = count_in_flight(workspace.schema)
    if in_flight:
        raise WorkspaceInUse(f"{in_flight} intents are on their way or held for people.", in_flight=in_flight)
