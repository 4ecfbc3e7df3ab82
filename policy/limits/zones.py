"""When a workspace's days, weeks and months begin: by UTC, unless its setting ``time_zone`` names another zone."""

from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from zentra.core.tenancy import current_tenant
from zentra.tenants.queries import workspace_time_zone

REMEMBERED_FOR: Final = timedelta(minutes=1)
_known: dict[UUID, tuple[datetime, tzinfo]] = {}


def time_zone_here(now: datetime) -> tzinfo:
    """The time zone of the workspace that we work in; a change of the setting holds within a minute."""
    workspace_id = current_tenant().id
    known = _known.get(workspace_id)
    if known is not None and abs(now - known[0]) < REMEMBERED_FOR:
        return known[1]
    zone = _zone(workspace_time_zone(workspace_id=workspace_id))
    _known[workspace_id] = (now, zone)
    return zone


def forget_time_zones() -> None:
    """Read the settings again."""
    _known.clear()


def _zone(name: str) -> tzinfo:
    """The zone of an IANA name; a name that nobody knows means UTC, so that a wrong setting stops no money."""
    if not name or name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ValueError, OSError):
        return UTC
