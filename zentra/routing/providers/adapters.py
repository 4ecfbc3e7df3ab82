"""Which adapter speaks to which rail. A new provider is one module here and one line in the table."""

from collections.abc import Callable
from functools import cache

from django.conf import settings

from zentra.core.errors import DomainError
from zentra.routing.providers.sandbox import Deadlines, SandboxRail
from zentra.routing.providers.types import ProviderRail
from zentra.routing.types import RailRecord


class ProviderUnknown(DomainError):
    """A rail names an adapter that does not exist here."""

    code = "provider_unknown"
    status = 500
    title = "No adapter speaks to this provider"


def adapter_for(*, rail: RailRecord) -> ProviderRail:
    """The adapter of a rail, with a pooled client that is kept for the life of the process. Raises ProviderUnknown."""
    try:
        adapters = ADAPTERS[rail.provider]
    except KeyError:
        raise ProviderUnknown(f"{rail.name} names the provider {rail.provider!r}.") from None
    return adapters(rail.base_url)


@cache
def _sandbox(base_url: str) -> ProviderRail:
    return SandboxRail(base_url, deadlines=Deadlines(read=settings.ZENTRA_PROVIDER_TIMEOUT_MS / 1000))


ADAPTERS: dict[str, Callable[[str], ProviderRail]] = {"sandbox": _sandbox}
