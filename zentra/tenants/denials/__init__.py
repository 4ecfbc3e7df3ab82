"""Denied access as evidence: recorded on both sides, read back for the Access log, counted for alarms."""

from zentra.tenants.denials.operations import note_miss, record_denial
from zentra.tenants.denials.tasks import of_this_workspace
from zentra.tenants.denials.types import Surface

__all__ = ["Surface", "note_miss", "of_this_workspace", "record_denial"]
