"""Reads of API keys. The first is on the way of every request: one statement."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from zentra.core import ids
from zentra.core.db.hot import execute_hot
from zentra.core.tenancy import TenantRef
from zentra.tenants.services.rows import as_json
from zentra.tenants.services.secrets import prefix_of
from zentra.tenants.services.types import Credential, KeyRecord

_REF = "w.id, w.slug, w.schema_name, w.mode, w.ledger_currency"


def find_credential(*, key_id: str) -> Credential | None:
    """The API key of an id ``key_…``, valid or not; the caller compares the secret and looks at the times."""
    row = execute_hot(
        "SELECT c.secret_hash, c.role, c.scopes, c.expires_at, c.revoked_at, w.state, c.channel,"  # noqa: S608  # constant columns
        f" c.allowed_networks, c.issued_by, c.bound_to, w.settings -> 'rate_policies', {_REF}"
        " FROM public.tenants_api_credential c JOIN public.tenants_workspace w ON w.id = c.workspace_id"
        " WHERE c.id = %s",
        [ids.to_uuid(key_id, prefix="key")],
    ).fetchone()
    if row is None:
        return None
    secret_hash, role, scopes, expires_at, revoked_at, state, channel, networks, issued_by, bound_to, rates, *ref = row
    return Credential(
        id=key_id,
        secret_hash=bytes(secret_hash),
        role=role,
        scopes=frozenset(as_json(scopes)),
        expires_at=expires_at,
        revoked_at=revoked_at,
        workspace=TenantRef(*ref),
        workspace_state=state,
        channel=channel,
        allowed_networks=tuple(networks),
        issued_by=issued_by,
        bound_to=bound_to,
        rate_policies=as_json(rates),
    )


_RECORD = (
    "SELECT c.id, c.name, w.mode, c.scopes, c.channel, c.allowed_networks, c.bound_to, c.issued_by, c.created_at,"
    " c.expires_at, c.revoked_at, c.revoked_by, c.replaces, n.id, c.last_used_at, host(c.last_used_from)"
    " FROM public.tenants_api_credential c JOIN public.tenants_workspace w ON w.id = c.workspace_id"
    " LEFT JOIN public.tenants_api_credential n ON n.replaces = c.id"
)


def list_keys(*, workspace_id: UUID, now: datetime, with_ended: bool = False, limit: int = 500) -> list[KeyRecord]:
    """The keys of a workspace, newest first; those that ended only when asked for."""
    alive = "" if with_ended else " AND c.revoked_at IS NULL AND (c.expires_at IS NULL OR c.expires_at > %s)"
    with connection.cursor() as cursor:
        cursor.execute(
            f"{_RECORD} WHERE c.workspace_id = %s{alive} ORDER BY c.created_at DESC, c.id DESC LIMIT %s",  # constants
            [workspace_id, *([] if with_ended else [now]), limit],
        )
        return [_record(row) for row in cursor.fetchall()]


def find_key(*, workspace_id: UUID, key_id: str) -> KeyRecord | None:
    """One key of a workspace; None for another workspace's, and for what is no id."""
    try:
        wanted = ids.to_uuid(key_id, prefix="key")
    except ids.BadId:
        return None
    with connection.cursor() as cursor:
        cursor.execute(f"{_RECORD} WHERE c.workspace_id = %s AND c.id = %s", [workspace_id, wanted])
        row = cursor.fetchone()
    return _record(row) if row else None


def _record(row: tuple[Any, ...]) -> KeyRecord:
    key_id, name, mode, scopes, channel, networks, bound_to, issued_by, *rest = row
    created_at, expires_at, revoked_at, revoked_by, replaces, replaced_by, used_at, used_from = rest
    public = ids.to_public("key", key_id)
    return KeyRecord(
        id=public,
        name=name,
        prefix=prefix_of(kind="zk", mode=mode, holder=public),
        scopes=tuple(as_json(scopes)),
        channel=channel,
        allowed_networks=tuple(networks),
        bound_to=bound_to,
        issued_by=issued_by,
        created_at=created_at,
        expires_at=expires_at,
        revoked_at=revoked_at,
        revoked_by=revoked_by,
        replaces=ids.to_public("key", replaces) if replaces else None,
        replaced_by=ids.to_public("key", replaced_by) if replaced_by else None,
        last_used_at=used_at,
        last_used_from=used_from,
    )


def count_ended_at(*, workspace_id: UUID, user_id: str, at: datetime) -> int:
    """How many keys and clients of this person ended at that moment: with the role that let them make these."""
    tables = ("tenants_api_credential", "tenants_api_client")
    each = " UNION ALL ".join(
        f"SELECT id FROM public.{table} WHERE workspace_id = %s AND issued_by = %s AND revoked_at = %s"  # noqa: S608
        for table in tables
    )
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM ({each}) ended", [workspace_id, user_id, at] * len(tables))  # noqa: S608
        return int(cursor.fetchone()[0])
