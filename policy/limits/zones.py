"""When a workspace's days, weeks and months begin: by UTC, unless its setting ``time_zone`` names another zone."""

from datetime import UTC, tzinfo
from zoneinfo import ZoneInfo

from zentra.core.tenancy import current_tenant
from zentra.tenants.configuration.queries import settings_at_hand


def time_zone_here() -> tzinfo:
    """The time zone of the workspace that we work in; a change of the setting holds within two seconds."""
    name = settings_at_hand(workspace_id=current_tenant().id).time_zone
    return UTC if name == "UTC" else ZoneInfo(name)
