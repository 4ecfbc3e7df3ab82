"""Reads of teams."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from django.db import connection

from zentra.core import ids
from zentra.tenants.teams.types import TeamRecord

_TEAMS: Final = """
    SELECT t.id, t.name, t.queue, t.version, t.created_by, t.created_at,
           array(SELECT m.user_id FROM public.tenants_team_member m WHERE m.team_id = t.id ORDER BY m.user_id)
      FROM public.tenants_team t WHERE t.workspace_id = %s
"""


def list_teams(*, workspace_id: UUID) -> list[TeamRecord]:
    """The teams of a workspace, by queue and name. One statement."""
    return _read(_TEAMS + " ORDER BY t.queue DESC, t.name", [workspace_id])


def find_team(*, workspace_id: UUID, team_id: str) -> TeamRecord | None:
    """One team, or None."""
    try:
        key = ids.to_uuid(team_id, prefix="team")
    except ids.BadId:
        return None
    return next(iter(_read(_TEAMS + " AND t.id = %s", [workspace_id, key])), None)


def list_team_workers(*, workspace_id: UUID, queue: str) -> frozenset[str]:
    """The people of all teams that work a queue; none where it has no team."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT m.user_id FROM public.tenants_team t"
            " JOIN public.tenants_team_member m ON m.team_id = t.id WHERE t.workspace_id = %s AND t.queue = %s",
            [workspace_id, queue],
        )
        return frozenset(ids.to_public("usr", user_id) for (user_id,) in cursor.fetchall())


def _read(query: str, values: Sequence[Any]) -> list[TeamRecord]:
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        return [
            TeamRecord(
                ids.to_public("team", key), name, queue, version, by, at,
                tuple(ids.to_public("usr", each) for each in members),
            )
            for key, name, queue, version, by, at, members in cursor.fetchall()
        ]  # fmt: skip
