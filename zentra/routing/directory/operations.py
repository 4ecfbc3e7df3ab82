"""Writes of the public directory."""

from zentra.routing.directory.models import RailConnection
from zentra.routing.types import ConnectionRef


def add_connection(*, connection: ConnectionRef) -> None:
    """List a connection, in the transaction that connects the rail."""
    RailConnection.objects.create(id=connection.rail_id, workspace_id=connection.workspace_id, rail=connection.rail)
