"""Who was proven: the workspace that a credential acts in, as whom, with which permissions and within which bounds."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from zentra.api.auth.errors import ScopeMismatch
from zentra.core import ids
from zentra.core.actors import Actor
from zentra.core.tenancy import TenantRef

CallerKind = Literal["key", "client", "end_user"]
WORKSPACE_ALIAS: Final = "workspace_scope"


@dataclass(frozen=True, slots=True)
class EndUser:
    """The bounds of an end user's token: whose it is, which accounts it sees, and the most that one intent moves."""

    customer: str
    accounts: frozenset[str]
    max_amount_minor: int | None = None


@dataclass(frozen=True, slots=True)
class Caller:
    """A proven credential.

    ``credential_id`` is the key's or the client's id, whose limits count. ``issued_by`` is the person who answers for
    it (``usr_…``; empty where a command made it). ``rate_policies`` is the workspace's setting as it is stored.
    ``end_user`` is set for an end user's token, and then every view that lets it in keeps within these bounds.
    """

    tenant: TenantRef
    actor: Actor
    scopes: frozenset[str]
    kind: CallerKind = "key"
    channel: str = "server"
    credential_id: str = ""
    issued_by: str = ""
    rate_policies: Mapping[str, Any] | None = None
    end_user: EndUser | None = None


def check_scope(caller: Caller, scope: str) -> None:
    """Refuse a scope other than the credential's workspace: its alias, slug or id; raises ScopeMismatch."""
    tenant = caller.tenant
    if scope not in {WORKSPACE_ALIAS, tenant.slug, str(tenant.id), ids.to_public("ws", tenant.id)}:
        raise ScopeMismatch(f"This key belongs to the workspace {tenant.slug!r}.", scope=scope[:80])
