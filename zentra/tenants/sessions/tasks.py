"""Sessions are forgotten."""

from datetime import timedelta
from typing import Final

from django.contrib.sessions.models import Session

from zentra.core.clock import now
from zentra.core.queue import periodic
from zentra.core.tenancy import PLATFORM_SCHEMA, TenantRef
from zentra.tenants.sessions.operations import forget_sessions

KEPT: Final = timedelta(days=30)


@periodic("tenants.forget_sessions", every_seconds=3600)
def forget(ws: TenantRef) -> None:
    """What is known of sessions is known for a month after they were used last."""
    if ws.slug == PLATFORM_SCHEMA:
        forget_sessions(before=now() - KEPT)
        Session.objects.filter(expire_date__lt=now()).delete()
