"""End a token before its time."""

from datetime import UTC, datetime, timedelta

from django.db import connection

from zentra.core.actors import Actor
from zentra.core.tenancy import TenantRef
from zentra.tenants.models import RevokedToken
from zentra.tenants.services.checks import record_act
from zentra.tenants.services.tokens import SKEW, token_uuid


def revoke_token(
    *, workspace: TenantRef, token_id: str, credential_id: str, expires_at: int, actor: Actor, now: datetime
) -> bool:
    """A token counts no more, at once; whether it did until now. ``expires_at`` in seconds since 1970.

    Inside the workspace. The row is needed until the token would have ended by itself.
    """
    ends = datetime.fromtimestamp(expires_at, UTC) + SKEW
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO public.tenants_revoked_token (id, workspace_id, expires_at, revoked_at)"
            " VALUES (%s, %s, %s, %s) ON CONFLICT (id) DO NOTHING",
            [token_uuid(token_id), workspace.id, ends, now],
        )
        is_new = bool(cursor.rowcount)
    if is_new:
        record_act("token.revoked", actor, {"token_id": token_id, "credential_id": credential_id}, now)
    return is_new


def forget_revoked_tokens(*, now: datetime) -> int:
    """Delete what is kept of tokens that would be over anyway; how many."""
    return RevokedToken.objects.filter(expires_at__lt=now - timedelta(hours=1)).delete()[0]
