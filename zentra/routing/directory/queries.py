"""Reads of the public directory; they need no workspace."""

from zentra.core.ids import BadId
from zentra.routing.directory.models import RailConnection
from zentra.routing.types import ConnectionRef


def find_connection(*, rail_id: str) -> ConnectionRef | None:
    """The connection of a callback URL; None for an unknown id, and for text that is no id."""
    try:
        found = RailConnection.objects.filter(id=rail_id).first()
    except BadId:
        return None
    return ConnectionRef(str(found.id), found.workspace_id, found.rail) if found else None
