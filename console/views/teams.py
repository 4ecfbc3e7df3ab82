"""Teams: who works which review queue together."""

from collections.abc import Collection
from typing import Final

from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import render

from console import paging
from console.doors import Visit, room
from console.forms import Done, act_once, words
from console.presenters.people import name_of
from console.presenters.words import dated
from console.readings.roles import people_tabs
from console.refusals import explain
from console.shell import build_shell
from console.types import Person, Proof
from console.types.roles import TeamMemberRow, TeamPage, TeamRow, TeamsPage
from console.views.roles import read_version
from policy.reviews.people import DECIDES
from policy.reviews.queries import count_open_of
from zentra.core.errors import DomainError
from zentra.tenants.members.queries import list_members
from zentra.tenants.members.types import MemberRecord
from zentra.tenants.permissions import Permission
from zentra.tenants.queries import names_of_users
from zentra.tenants.teams.errors import UnknownTeam
from zentra.tenants.teams.operations import change_team, create_team, remove_team
from zentra.tenants.teams.queries import find_team, list_teams
from zentra.tenants.teams.types import TeamRecord

_SHOWN: Final = 6
"""Names in a line; the rest is a number."""


@room(Permission.PEOPLE_READ)
def show_teams(visit: Visit) -> HttpResponse:
    """Every team, and for who manages people the form of another."""
    return _list(visit)


def _list(visit: Visit, *, error: DomainError | None = None) -> HttpResponse:
    members = list_members(workspace_id=visit.workspace.id)
    post, refusal = visit.request.POST, explain(error, workspace_id=visit.workspace.id) if error else None
    page = TeamsPage(
        tabs=people_tabs(visit, "teams"),
        rows=tuple(_row(visit, each, members) for each in list_teams(workspace_id=visit.workspace.id)),
        add_url=f"{visit.base}teams/add/" if visit.may(Permission.PEOPLE_MANAGE) else "",
        people=_people(members, post.getlist("members")),
        typed_name=post.get("name", ""),
        typed_queue=post.get("queue", "operations"),
        problem=f"{refusal.title}. {refusal.why}" if refusal else "",
        problem_next=refusal.next if refusal else "",
    )
    return _render(visit, "teams", page, status=error.status if error else 200)


def _render(visit: Visit, name: str, page: object, *, status: int = 200) -> HttpResponse:
    context = {"shell": build_shell(visit, room="people"), "page": page}
    return render(visit.request, f"console/roles/{name}.html", context, status=status)


def _row(visit: Visit, team: TeamRecord, members: list[MemberRecord]) -> TeamRow:
    here = [each for each in members if each.user_id in team.members]
    able = [each for each in here if each.permissions & DECIDES[team.queue]]
    names = [name_of(each) for each in here]
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return TeamRow(
        team_id=team.id,
        name=team.name,
        queue=team.queue,
        url=f"{visit.base}teams/{team.id}/",
        cases_url=paging.link(f"{visit.base}reviews/", team=team.id),
        people=", ".join(names[:_SHOWN]) + more,
        on_shift=f"{sum(each.on_shift for each in able)} of {len(here)}",
        cases=count_open_of(owners=team.members, queue=team.queue),
        version=team.version,
    )


def _people(members: list[MemberRecord], chosen: Collection[str]) -> tuple[TeamMemberRow, ...]:
    return tuple(
        TeamMemberRow(
            person=Person(each.user_id, name_of(each)),
            role=" and ".join(each.roles),
            checked=each.user_id in chosen,
            note=_note(each),
        )
        for each in members
        if each.permissions & DECIDES["operations"] or each.user_id in chosen
    )


def _note(member: MemberRecord) -> str:
    decides = [queue for queue, needs in DECIDES.items() if member.permissions & needs]
    if not decides:
        return "decides no cases now"
    return f"{' and '.join(decides)}{'' if member.on_shift else ' · off shift'}"


@room(Permission.PEOPLE_MANAGE, holds_membership=False)
def add(visit: Visit) -> HttpResponse:
    """A new team."""

    def effect() -> Done:
        team = create_team(
            workspace=visit.workspace,
            name=words(visit, "name"),
            queue=words(visit, "queue"),
            members=visit.request.POST.getlist("members"),
            actor=visit.actor(),
            now=visit.now,
        )
        return Done(f"{team.name} works {team.queue}: its new cases go to them.", f"{visit.base}teams/{team.id}/")

    try:
        with transaction.atomic():
            return act_once(visit, operation="teams.add", effect=effect, to=f"{visit.base}teams/")
    except DomainError as error:
        return _list(visit, error=error)


@room(Permission.PEOPLE_READ)
def show_team(visit: Visit, team_id: str) -> HttpResponse:
    """One team; its people can be chosen by who manages people."""
    team = find_team(workspace_id=visit.workspace.id, team_id=team_id)
    if team is None:
        raise UnknownTeam
    members, may = list_members(workspace_id=visit.workspace.id), visit.may(Permission.PEOPLE_MANAGE)
    people = _people(members, team.members)
    row = _row(visit, team, members)
    by = names_of_users(user_ids=[team.created_by]).get(team.created_by, "somebody")
    page = TeamPage(
        tabs=people_tabs(visit, "teams"),
        row=row,
        facts=(
            Proof("team", team.id, team.id),
            Proof("queue", team.queue),
            Proof("on shift", row.on_shift),
            Proof("open cases", str(row.cases)),
            Proof("made", f"{dated(team.created_at)} UTC by {by}"),
        ),
        people=people if may else tuple(each for each in people if each.checked),
        save_url=f"{visit.base}teams/{team.id}/save/" if may else "",
        remove_url=f"{visit.base}teams/{team.id}/remove/" if may else "",
    )
    return _render(visit, "team", page)


@room(Permission.PEOPLE_MANAGE, holds_membership=False)
def save(visit: Visit, team_id: str) -> HttpResponse:
    """Other people, another name or queue."""

    def effect() -> str:
        team = change_team(
            workspace=visit.workspace,
            team_id=team_id,
            version=read_version(visit),
            name=words(visit, "name"),
            queue=words(visit, "queue"),
            members=visit.request.POST.getlist("members"),
            actor=visit.actor(),
            now=visit.now,
        )
        return f"{team.name} is saved."

    return act_once(visit, operation="teams.change", effect=effect, to=f"{visit.base}teams/{team_id}/")


@room(Permission.PEOPLE_MANAGE, holds_membership=False)
def remove(visit: Visit, team_id: str) -> HttpResponse:
    """End a team; its people keep their roles and cases."""

    def effect() -> str:
        team = remove_team(
            workspace=visit.workspace, team_id=team_id, version=read_version(visit), actor=visit.actor(), now=visit.now
        )
        return f"{team.name} is no more. Its people keep their roles and their cases."

    return act_once(visit, operation="teams.remove", effect=effect, to=f"{visit.base}teams/")
