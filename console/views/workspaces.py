"""The platform's list of workspaces: how each stands and runs, and the form that makes another one."""

from dataclasses import replace
from typing import Final, Literal, cast

from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import render

from console import paging
from console.asked import asked
from console.doors import Visit, address_of, platform_room
from console.forms import Done, act_once
from console.presenters import workspaces as present
from console.readings.workspaces import health_of
from console.refusals import explain
from console.shell import build_shell
from console.types import Chip
from console.types.workspaces import JobView, NewWorkspacePage, WorkspacesPage
from zentra.core.clock import now as clock_now
from zentra.core.errors import DomainError
from zentra.core.money import currencies
from zentra.tenants.permissions import Permission
from zentra.tenants.provisioning.errors import UnknownWorkspace
from zentra.tenants.provisioning.operations import request_twin, request_workspace
from zentra.tenants.provisioning.queries import count_workspaces, find_job, list_jobs, list_workspace_records
from zentra.tenants.provisioning.types import JobRecord
from zentra.tenants.queries import find_membership

PAGE: Final = 50
STATES: Final = ("active", "suspended", "archived", "deleted")
_RECENT_SECONDS: Final = 86_400
_FIELDS: Final = {
    "invalid_slug": "slug",
    "slug_taken": "slug",
    "invalid_workspace_name": "name",
    "unknown_currency": "currency",
    "invalid_member_email": "admin_email",
}


@platform_room(Permission.WORKSPACES_READ)
def show_workspaces(visit: Visit) -> HttpResponse:
    """Every workspace, by short name, narrowed by state and text."""
    here = present.HERE
    state, search, after = asked(visit, "state"), asked(visit, "q"), asked(visit, "after")
    state = state if state in STATES else ""
    found = list_workspace_records(after=after, limit=PAGE + 1, state=state, search=search)
    shown, counts = found[:PAGE], count_workspaces()
    health = health_of(shown, now=visit.now)
    total = sum(count for name, count in counts.items() if name != "deleted")
    chips = (("", "All", total), *((each, each, counts.get(each, 0)) for each in STATES))
    page = WorkspacesPage(
        states=tuple(Chip(title, paging.link(here, state=key, q=search), key == state, n) for key, title, n in chips),
        rows=tuple(present.workspace_row(each, health=health.get(each.id), now=visit.now) for each in shown),
        jobs=_jobs_at_hand(visit),
        search=search,
        state=state,
        new_url="/platform/new-workspace/" if visit.may(Permission.WORKSPACES_MANAGE) else "",
        next_url=paging.link(here, state=state, q=search, after=shown[-1].slug) if len(found) > PAGE else "",
        first_url=paging.link(here, state=state, q=search) if after else "",
    )
    context = {"shell": build_shell(visit, room="workspaces"), "page": page}
    return render(visit.request, "console/platform/workspaces.html", context)


def _jobs_at_hand(visit: Visit) -> tuple[JobView, ...]:
    """What is being made or ended now, and what failed today and was not made since."""
    newest: dict[str, JobRecord] = {}
    for each in list_jobs(limit=20):
        newest.setdefault(each.slug, each)
    return tuple(
        present.job_view(each, now=visit.now)
        for each in newest.values()
        if each.is_open or (each.state == "failed" and (visit.now - each.created_at).total_seconds() < _RECENT_SECONDS)
    )


@platform_room(Permission.WORKSPACES_MANAGE)
def show_new(visit: Visit) -> HttpResponse:
    """What a new workspace needs. Of the very first one, whoever makes it is the first admin unless they say else."""
    email = "" if count_workspaces() else visit.member.email
    return _form(visit, NewWorkspacePage("", "", "sandbox", "USD", email, *_rest()))


def _rest() -> tuple[tuple[str, ...], dict[str, str], str, str]:
    return tuple(sorted(currencies())), {}, "/platform/new-workspace/make/", present.HERE


@platform_room(Permission.WORKSPACES_MANAGE, step_up=True)
def make(visit: Visit) -> HttpResponse:
    """Ask for it; its page shows it being made."""
    post = visit.request.POST
    slug, name, mode = (post.get(each, "").strip()[:120] for each in ("slug", "name", "mode"))
    currency, email = post.get("currency", "USD"), post.get("admin_email", "").strip()[:254]
    mode = "live" if mode == "live" else "sandbox"

    def effect() -> Done:
        job = request_workspace(
            slug=slug,
            name=name,
            mode=cast("Literal['sandbox', 'live']", mode),
            ledger_currency=currency,
            admin_email=email,
            actor=visit.actor(),
            now=visit.now,
        )
        return Done(f"{job.name} is asked for.", f"{present.JOBS}{job.id}/")

    try:
        with transaction.atomic():
            return act_once(visit, operation="workspaces.make", effect=effect)
    except DomainError as error:
        if error.code not in _FIELDS:
            raise
        page = NewWorkspacePage(slug, name, mode, currency, email, *_rest())
        page.errors[_FIELDS[error.code]] = explain(error, workspace_id=visit.workspace.id).why or error.title
        return _form(visit, page, status=error.status)


def _form(visit: Visit, page: NewWorkspacePage, *, status: int = 200) -> HttpResponse:
    context = {"shell": build_shell(visit, room="workspaces"), "page": page}
    return render(visit.request, "console/platform/new_workspace.html", context, status=status)


@platform_room(Permission.WORKSPACES_READ)
def show_job(visit: Visit, job_id: str) -> HttpResponse:
    """A workspace being made: its steps as they are done."""
    job = present.job_view(_job(job_id), now=clock_now())
    if job.is_done and find_membership(user_id=visit.member.user_id, slug=job.slug) is not None:
        job = replace(job, room_url=address_of(job.slug))
    may = visit.may(Permission.WORKSPACES_MANAGE)
    if visit.is_partial:
        return render(visit.request, "console/parts/job_progress.html", {"job": job, "may": may})
    context = {"shell": build_shell(visit, room="workspaces"), "job": job, "may": may}
    return render(visit.request, "console/platform/job.html", context)


@platform_room(Permission.WORKSPACES_MANAGE, step_up=True)
def retry(visit: Visit, job_id: str) -> HttpResponse:
    """Ask again for what failed: the same workspace, as another job."""
    job = _job(job_id)

    def effect() -> Done:
        if job.kind == "twin" and job.twin_of is not None:
            made = request_twin(
                workspace_id=job.twin_of, slug=job.slug, name=job.name, actor=visit.actor(), now=visit.now
            )
        else:
            made = request_workspace(
                slug=job.slug,
                name=job.name,
                mode=job.mode,
                ledger_currency=job.ledger_currency,
                admin_id=job.admin_id,
                actor=visit.actor(),
                now=visit.now,
            )
        return Done(f"{made.name} is asked for again.", f"{present.JOBS}{made.id}/")

    return act_once(visit, operation="workspaces.retry", effect=effect)


def _job(job_id: str) -> JobRecord:
    found = find_job(job_id=job_id)
    if found is None:
        raise UnknownWorkspace("There is no such job.")
    return found
