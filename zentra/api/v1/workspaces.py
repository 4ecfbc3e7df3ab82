"""``/workspaces``: the platform's own door to its workspaces, for keys of the platform."""

from collections.abc import Callable
from typing import Annotated, Any, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import StringConstraints

from zentra.api.doors import answer_json, answer_once, answer_page, caller_of, door
from zentra.api.fields import Body, IdempotencyKey, Maybe, RowVersion
from zentra.api.pagination import DEFAULT_LIMIT, Cursor, Limit, Position
from zentra.api.v1.workspace_answers import (
    WorkspaceAnswer,
    WorkspaceJobAnswer,
    WorkspacePage,
    show_job,
    show_workspace,
)
from zentra.core import ids
from zentra.core.tenancy import PLATFORM_SCHEMA
from zentra.tenants.access import PermissionDenied
from zentra.tenants.permissions import Permission
from zentra.tenants.provisioning.errors import UnknownWorkspace
from zentra.tenants.provisioning.lifecycle import archive_workspace, resume_workspace, suspend_workspace
from zentra.tenants.provisioning.operations import request_workspace
from zentra.tenants.provisioning.queries import find_job, find_workspace_record, list_workspace_records
from zentra.tenants.provisioning.types import WorkspaceRecord

router = Router(tags=["Workspaces"])
Short = Annotated[str, StringConstraints(max_length=80)]
Reason = Annotated[str, StringConstraints(max_length=300)]
Turn = Callable[..., WorkspaceRecord]


class CreateWorkspaceBody(Body):
    """A workspace to make. ``admin_email`` is its first admin, who gets a link when they have no account yet."""

    slug: Short
    name: Short
    mode: Literal["sandbox", "live"]
    ledger_currency: Annotated[str, StringConstraints(max_length=3)] = "USD"
    admin_email: Maybe[Annotated[str, StringConstraints(max_length=254)]] = None
    idempotency_key: Maybe[IdempotencyKey] = None


class TurnBody(Body):
    """``version`` is the one that was looked at; without it the workspace is turned whatever changed since."""

    version: Maybe[RowVersion] = None
    reason: Maybe[Reason] = None
    idempotency_key: Maybe[IdempotencyKey] = None


@door(router, "GET", "/workspaces", permission=Permission.WORKSPACES_READ, response=WorkspacePage)
def list_all(
    request: HttpRequest,
    status: Annotated[Literal["active", "suspended", "archived", "deleted"] | None, Query()] = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> HttpResponse:
    """Workspaces by short name; deleted ones only when ``status`` asks for them."""
    _check_platform(request)

    def read(count: int, after: Position | None) -> list[WorkspaceRecord]:
        return list_workspace_records(after=after[1] if after else "", limit=count, state=status or "")

    return answer_page(
        request, listing="workspaces", limit=limit, cursor=cursor, read=read,
        position=lambda record: (record.created_at, record.slug), show=show_workspace,
    )  # fmt: skip


@door(router, "POST", "/workspaces", permission=Permission.WORKSPACES_MANAGE, response={202: WorkspaceJobAnswer})
def create(request: HttpRequest, body: CreateWorkspaceBody) -> HttpResponse:
    """Ask for a workspace; it is made within seconds, whole or not at all. The job says how far it is."""
    _check_platform(request)
    actor = caller_of(request).actor
    return answer_once(
        request,
        operation="workspaces.create",
        body=body,
        status=202,
        effect=lambda now: show_job(
            request_workspace(
                slug=body.slug,
                name=body.name,
                mode=body.mode,
                ledger_currency=body.ledger_currency,
                admin_email=body.admin_email or "",
                actor=actor,
                now=now,
            )
        ),
    )


@door(router, "GET", "/workspace-jobs/{job_id}", permission=Permission.WORKSPACES_READ, response=WorkspaceJobAnswer)
def get_job(request: HttpRequest, job_id: str) -> HttpResponse:
    """How far the making of a workspace is."""
    _check_platform(request)
    found = find_job(job_id=job_id)
    if found is None:
        raise UnknownWorkspace(f"There is no job {job_id[:40]!r}.")
    return answer_json(show_job(found))


@door(router, "GET", "/workspaces/{workspace}", permission=Permission.WORKSPACES_READ, response=WorkspaceAnswer)
def get(request: HttpRequest, workspace: str) -> HttpResponse:
    """A workspace by its id ``ws_…`` or its short name."""
    _check_platform(request)
    return answer_json(show_workspace(_get(workspace)))


@door(
    router, "POST", "/workspaces/{workspace}/suspend", permission=Permission.WORKSPACES_MANAGE, response=WorkspaceAnswer
)
def suspend(request: HttpRequest, workspace: str, body: TurnBody) -> HttpResponse:
    """Let neither people nor keys in, at once; callbacks and work in flight go on."""
    return _turn(request, workspace, body, "workspaces.suspend", suspend_workspace)


@door(
    router, "POST", "/workspaces/{workspace}/resume", permission=Permission.WORKSPACES_MANAGE, response=WorkspaceAnswer
)
def resume(request: HttpRequest, workspace: str, body: TurnBody) -> HttpResponse:
    """Let people and keys in again."""
    return _turn(request, workspace, body, "workspaces.resume", resume_workspace)


@door(
    router, "POST", "/workspaces/{workspace}/archive", permission=Permission.WORKSPACES_MANAGE, response=WorkspaceAnswer
)
def archive(request: HttpRequest, workspace: str, body: TurnBody) -> HttpResponse:
    """Close a workspace for good: nobody enters, and its data goes after the days of its setting."""
    return _turn(request, workspace, body, "workspaces.archive", archive_workspace)


def _turn(request: HttpRequest, workspace: str, body: TurnBody, operation: str, turn: Turn) -> HttpResponse:
    _check_platform(request)
    actor = caller_of(request).actor

    def effect(now: Any) -> dict[str, Any]:
        found = _get(workspace)
        return show_workspace(
            turn(workspace_id=found.id, version=body.version, actor=actor, reason=body.reason or "", now=now)
        )

    return answer_once(request, operation=operation, body=body, effect=effect)


def _check_platform(request: HttpRequest) -> None:
    """The scopes are given to keys of the platform only; whoever holds one elsewhere is refused all the same."""
    if caller_of(request).tenant.schema != PLATFORM_SCHEMA:
        raise PermissionDenied("Only keys of the platform act on workspaces.")


def _get(named: str) -> WorkspaceRecord:
    """By id or short name; the platform itself is none of its workspaces."""
    try:
        key = ids.to_uuid(named, prefix="ws") if named.startswith("ws_") else None
    except ids.BadId:
        key = None
    found = find_workspace_record(slug="" if key else named[:80], workspace_id=key)
    if found is None or found.mode == "platform":
        raise UnknownWorkspace(f"There is no workspace {named[:80]!r}.")
    return found
