"""How long a case may take and how long a claim lasts: settings of the workspace that we work in."""

from datetime import timedelta
from typing import Final

from zentra.core.tenancy import current_tenant
from zentra.tenants.configuration.queries import settings_at_hand
from zentra.tenants.configuration.types import WorkspaceSettings

_COMPLIANCE: Final = "compliance"


def review_time(queue: str) -> timedelta:
    """How long a queue has for a case; then it breaches."""
    here = _here()
    return timedelta(hours=here.review_hours_compliance if queue == _COMPLIANCE else here.review_hours_operations)


def lease() -> timedelta:
    """How long a claim lasts without activity."""
    return timedelta(minutes=_here().review_lease_minutes)


def _here() -> WorkspaceSettings:
    return settings_at_hand(workspace_id=current_tenant().id)
