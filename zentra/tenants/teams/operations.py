"""Teams made, changed and ended by who manages people. New cases of a queue go to its teams from the next one on."""

from collections.abc import Collection
from datetime import datetime
from typing import Final

from django.db import IntegrityError, transaction

from evidence.operations import record_events
from evidence.types import NewEvent
from zentra.core import ids
from zentra.core.actors import Actor
from zentra.core.tenancy import TenantRef
from zentra.tenants.members import held
from zentra.tenants.models import Team, TeamMember
from zentra.tenants.permissions import Permission
from zentra.tenants.roles.queries import list_member_ids
from zentra.tenants.teams.errors import InvalidTeam, StaleTeam, TeamExists, UnknownTeam
from zentra.tenants.teams.queries import find_team, list_teams
from zentra.tenants.teams.types import TeamRecord

QUEUES: Final = ("operations", "compliance")
MAX_NAME: Final = 60
MOST_TEAMS: Final = 50


def create_team(
    *, workspace: TenantRef, name: str, queue: str, members: Collection[str], actor: Actor, now: datetime
) -> TeamRecord:
    """Make a team of members of this workspace.

    Raises:
        InvalidTeam: the name, the queue, or somebody who is no member here.
        TeamExists: the name is taken.
        PermissionDenied: the actor may no longer manage people.
    """
    _begin(workspace, actor)
    plain = _checked(workspace, name, queue, members)
    if len(list_teams(workspace_id=workspace.id)) >= MOST_TEAMS:
        raise InvalidTeam(f"At most {MOST_TEAMS} teams.")
    team_id = ids.new_id("team")
    try:
        with transaction.atomic():
            Team.objects.create(
                id=team_id, workspace_id=workspace.id, name=plain, queue=queue, created_by=actor.id, created_at=now
            )
    except IntegrityError as taken:
        raise TeamExists(f"The name {plain!r} is taken.") from taken
    return _write_members(workspace, team_id, members, "created", actor, now)


def change_team(
    *,
    workspace: TenantRef,
    team_id: str,
    version: int | None,
    name: str,
    queue: str,
    members: Collection[str],
    actor: Actor,
    now: datetime,
) -> TeamRecord:
    """Another name, queue, or other people.

    Raises UnknownTeam, StaleTeam, InvalidTeam, TeamExists, PermissionDenied.
    """
    _begin(workspace, actor)
    team = _get(workspace, team_id, version)
    plain = _checked(workspace, name, queue, members)
    try:
        with transaction.atomic():
            Team.objects.filter(id=team.id, version=team.version).update(
                name=plain, queue=queue, version=team.version + 1
            )
    except IntegrityError as taken:
        raise TeamExists(f"The name {plain!r} is taken.") from taken
    return _write_members(workspace, team.id, members, "changed", actor, now)


def remove_team(*, workspace: TenantRef, team_id: str, version: int | None, actor: Actor, now: datetime) -> TeamRecord:
    """End a team; its people keep their roles and their cases. Raises UnknownTeam, StaleTeam, PermissionDenied."""
    _begin(workspace, actor)
    team = _get(workspace, team_id, version)
    Team.objects.filter(id=team.id).delete()
    _tell("removed", team, actor, now)
    return team


def _begin(workspace: TenantRef, actor: Actor) -> None:
    held.lock_people(workspace)
    held.acting_member(workspace, actor, Permission.PEOPLE_MANAGE)


def _get(workspace: TenantRef, team_id: str, version: int | None) -> TeamRecord:
    team = find_team(workspace_id=workspace.id, team_id=team_id)
    if team is None:
        raise UnknownTeam
    if version is not None and version != team.version:
        raise StaleTeam(f"It is at version {team.version} now.", version=team.version)
    return team


def _checked(workspace: TenantRef, name: str, queue: str, members: Collection[str]) -> str:
    plain = " ".join(name.split())
    if not plain or len(plain) > MAX_NAME or queue not in QUEUES:
        raise InvalidTeam(f"A name of at most {MAX_NAME} characters, and operations or compliance.")
    strangers = set(members) - set(list_member_ids(workspace_id=workspace.id))
    if strangers or not members:
        raise InvalidTeam("Choose at least one person, of the members of this workspace.")
    return plain


def _write_members(
    workspace: TenantRef, team_id: str, members: Collection[str], what: str, actor: Actor, now: datetime
) -> TeamRecord:
    TeamMember.objects.filter(team_id=team_id).delete()
    TeamMember.objects.bulk_create([TeamMember(team_id=team_id, user_id=each) for each in sorted(set(members))])
    team = _get(workspace, team_id, None)
    _tell(what, team, actor, now)
    return team


def _tell(what: str, team: TeamRecord, actor: Actor, now: datetime) -> None:
    data: dict[str, object] = {"team_id": team.id, "queue": team.queue, "members": list(team.members)}
    record_events(events=[NewEvent(type=f"team.{what}", actor=actor, data=data)], now=now)
