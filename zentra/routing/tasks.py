"""Routing's background work."""

import httpx
import structlog
from django.conf import settings

from zentra.core.clock import now
from zentra.core.queue import periodic
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.routing.operations import refresh_health
from zentra.routing.providers.sandbox import register
from zentra.routing.queries import list_registrations

logger = structlog.get_logger(__name__)


@periodic("routing.health", every_seconds=10)
def measure_rails(ws: TenantRef) -> None:
    """Keep the figures fresh by which rails are chosen."""
    with tenant_work(ws):
        refresh_health(now=now())


@periodic("routing.registration", every_seconds=30)
def register_connections(ws: TenantRef) -> None:
    """Tell the simulated rails of our connections again: one that lost its file refuses payments until it is told."""
    with tenant_work(ws):
        registrations = list_registrations(callback_base_url=settings.ZENTRA_BASE_URL)
    try:
        register(registrations)
    except httpx.HTTPError as error:
        # A rail that is down is no news here: attempts and health say so.
        logger.info("rails_not_registered", workspace=ws.slug, error=str(error))
