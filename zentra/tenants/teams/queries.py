"""Reads of teams."""

from uuid import UUID

from django.db import connection

from zentra.core import ids


def list_team_workers(*, workspace_id: UUID, queue: str) -> frozenset[str]:
    """The people of all teams that work a queue; none where it has no team."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT m.user_id FROM public.tenants_team t"
            " JOIN public.tenants_team_member m ON m.team_id = t.id WHERE t.workspace_id = %s AND t.queue = %s",
            [workspace_id, queue],
        )
        return frozenset(ids.to_public("usr", user_id) for (user_id,) in cursor.fetchall())
