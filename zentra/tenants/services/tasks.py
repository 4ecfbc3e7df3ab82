"""What is kept of tokens goes when nothing needs it any more."""

from zentra.core import clock
from zentra.core.queue import periodic
from zentra.core.tenancy import PLATFORM_SCHEMA, TenantRef
from zentra.tenants.services.operations.signing import forget_signing_keys
from zentra.tenants.services.operations.tokens import forget_revoked_tokens


@periodic("tenants.forget_tokens", every_seconds=3600.0)
def forget_tokens(ws: TenantRef) -> None:
    """Once for all workspaces: revoked tokens that would be over by now, and signing keys that are."""
    if ws.slug != PLATFORM_SCHEMA:
        return
    now = clock.now()
    forget_revoked_tokens(now=now)
    forget_signing_keys(now=now)
