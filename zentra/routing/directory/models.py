"""The one public table of routing: whose connection a callback's URL names."""

from django.db import models

from zentra.core.fields import IdField


class RailConnection(models.Model):
    """An unguessable connection id and the workspace behind it."""

    id = IdField(prefix="rail", primary_key=True)
    workspace_id = models.UUIDField()
    rail = models.TextField(db_comment="The rail's name in that workspace.")

    class Meta:
        db_table = "rail_connection"
        constraints = (models.UniqueConstraint(name="rail_connection_once", fields=["workspace_id", "rail"]),)
