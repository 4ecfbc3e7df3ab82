"""Keys and clients follow whoever answers for them: none may do what that person may not do any more."""

from datetime import datetime
from uuid import UUID

from django.db.models import Q

from zentra.core.actors import Actor
from zentra.core.tenancy import current_tenant
from zentra.tenants.members.queries import find_member_record
from zentra.tenants.models import ApiClient, ApiCredential
from zentra.tenants.services.operations.clients import revoke_client
from zentra.tenants.services.operations.keys import revoke_key


def end_credentials_beyond(
    *,
    workspace_id: UUID,
    user_id: str,
    role_before: str,  # noqa: ARG001  # the registry's signature
    role: str,  # noqa: ARG001
    actor: Actor,
    now: datetime,
) -> None:
    """End the keys and clients of a person that may do more than they may now. Registered with the members.

    Whoever makes one at this moment holds their membership, so it is found here, or is refused there.
    """
    member = find_member_record(workspace_id=workspace_id, user_id=user_id)
    may = {str(each) for each in member.permissions} if member else set()
    mine = Q(workspace_id=workspace_id, issued_by=user_id, revoked_at__isnull=True)
    alive = Q(expires_at__isnull=True) | Q(expires_at__gt=now)
    for key in ApiCredential.objects.filter(mine, alive).order_by("id"):
        if not may.issuperset(key.scopes):
            revoke_key(workspace=current_tenant(), key_id=key.id, actor=actor, now=now)
    for client in ApiClient.objects.filter(mine).order_by("id"):
        if not may.issuperset(client.scopes):
            revoke_client(workspace=current_tenant(), client_id=client.id, actor=actor, now=now)
