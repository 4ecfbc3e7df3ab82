"""What ``/workspaces`` answers."""

from typing import Any, Literal

from pydantic import BaseModel

from zentra.core import clock, ids
from zentra.tenants.provisioning.types import JobRecord, WorkspaceRecord


class WorkspaceAnswer(BaseModel):
    """A workspace as the platform sees it. ``delete_after`` is when the data of an archived one goes."""

    id: str
    object: Literal["workspace"]
    slug: str
    name: str
    mode: Literal["sandbox", "live", "platform"]
    status: Literal["active", "suspended", "archived", "deleted"]
    ledger_currency: str
    version: int
    twin: str | None
    people: int
    keys: int
    created_at: str
    suspended_at: str | None
    suspension_reason: str | None
    archived_at: str | None
    delete_after: str | None
    deleted_at: str | None


class WorkspacePage(BaseModel):
    """Workspaces by short name."""

    data: list[WorkspaceAnswer]
    next_cursor: str | None
    has_more: bool


class WorkspaceJobAnswer(BaseModel):
    """A workspace that is being made. ``workspace_id`` is the id that it has once ``status`` is done."""

    id: str
    object: Literal["workspace_job"]
    kind: Literal["create", "twin", "delete"]
    status: Literal["waiting", "running", "done", "failed"]
    slug: str
    mode: Literal["sandbox", "live"]
    workspace_id: str
    step: int
    steps: int
    step_name: str
    error: str | None
    created_at: str
    ended_at: str | None


def show_workspace(record: WorkspaceRecord) -> dict[str, Any]:
    """The answer of a workspace."""
    return {
        "id": record.public_id,
        "object": "workspace",
        "slug": record.slug,
        "name": record.name,
        "mode": record.mode,
        "status": record.state,
        "ledger_currency": record.ledger_currency,
        "version": record.version,
        "twin": record.twin_slug or None,
        "people": record.people,
        "keys": record.keys,
        "created_at": clock.iso(record.created_at),
        "suspended_at": clock.iso(record.suspended_at) if record.suspended_at else None,
        "suspension_reason": record.suspension_reason or None,
        "archived_at": clock.iso(record.archived_at) if record.archived_at else None,
        "delete_after": clock.iso(record.delete_after) if record.delete_after else None,
        "deleted_at": clock.iso(record.deleted_at) if record.deleted_at else None,
    }


def show_job(job: JobRecord) -> dict[str, Any]:
    """The answer of a job."""
    return {
        "id": job.id,
        "object": "workspace_job",
        "kind": job.kind,
        "status": job.state,
        "slug": job.slug,
        "mode": job.mode,
        "workspace_id": ids.to_public("ws", job.workspace_id),
        "step": job.step,
        "steps": job.steps,
        "step_name": job.step_name,
        "error": job.error or None,
        "created_at": clock.iso(job.created_at),
        "ended_at": clock.iso(job.ended_at) if job.ended_at else None,
    }
