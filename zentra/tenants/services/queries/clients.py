"""Reads of OAuth clients, and the one statement that a token costs."""

from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from django.db import connection

from zentra.core import ids
from zentra.core.db.hot import execute_hot
from zentra.core.tenancy import TenantRef
from zentra.tenants.services.rows import as_json
from zentra.tenants.services.types import ClientRecord, KnownCertificate, KnownSecret, TokenHolder

_REF: Final = "w.id, w.slug, w.schema_name, w.mode, w.ledger_currency"
_CLIENT: Final = f"""
    SELECT c.id, w.state, c.name, c.scopes, c.channel, c.allowed_networks, c.token_seconds, c.requires_certificate,
           c.version, c.issued_by, c.created_at, c.revoked_at, c.revoked_by, c.last_used_at,
           w.settings -> 'rate_policies',
           (SELECT jsonb_agg(jsonb_build_array(s.id, encode(s.secret_hash, 'hex'), s.created_at, s.ends_at,
                                               s.created_by)
                             ORDER BY s.created_at, s.id)
              FROM public.tenants_client_secret s
             WHERE s.client_id = c.id AND (s.ends_at IS NULL OR s.ends_at > %s)),
           (SELECT jsonb_agg(jsonb_build_array(x.id, x.thumbprint, x.subject_name, x.not_after, x.created_at,
                                               x.created_by)
                             ORDER BY x.created_at, x.id)
              FROM public.tenants_client_certificate x WHERE x.client_id = c.id AND x.ended_at IS NULL),
           {_REF}
      FROM public.tenants_api_client c JOIN public.tenants_workspace w ON w.id = c.workspace_id
"""  # noqa: S608  # constant columns


def find_client(*, client_id: str, now: datetime, workspace_id: UUID | None = None) -> ClientRecord | None:
    """The client of an id ``cli_…``, revoked or not, with what it may prove itself by now; None for no id of one."""
    try:
        wanted = ids.to_uuid(client_id, prefix="cli")
    except ids.BadId:
        return None
    with connection.cursor() as cursor:
        cursor.execute(f"{_CLIENT} WHERE c.id = %s", [now, wanted])
        row = cursor.fetchone()
    found = _client(row) if row else None
    return None if found is None or workspace_id not in (None, found.workspace.id) else found


def list_clients(
    *, workspace_id: UUID, now: datetime, with_ended: bool = False, limit: int = 500
) -> list[ClientRecord]:
    """The clients of a workspace, newest first; the revoked ones only when asked for."""
    alive = "" if with_ended else " AND c.revoked_at IS NULL"
    with connection.cursor() as cursor:
        cursor.execute(
            f"{_CLIENT} WHERE c.workspace_id = %s{alive} ORDER BY c.created_at DESC, c.id DESC LIMIT %s",
            [now, workspace_id, limit],
        )
        return [_client(row) for row in cursor.fetchall()]


def _client(row: tuple[Any, ...]) -> ClientRecord:
    client_id, state, name, scopes, channel, networks, seconds, needs, version, issued_by, *rest = row
    created_at, revoked_at, revoked_by, used_at, rates, secrets, certificates, *ref = rest
    return ClientRecord(
        id=ids.to_public("cli", client_id), workspace=TenantRef(*ref), workspace_state=state, name=name,
        scopes=tuple(as_json(scopes)), channel=channel, allowed_networks=tuple(networks), token_seconds=seconds,
        requires_certificate=needs, version=version, issued_by=issued_by, created_at=created_at,
        revoked_at=revoked_at, revoked_by=revoked_by, last_used_at=used_at, rate_policies=as_json(rates),
        secrets=tuple(
            KnownSecret(ids.to_public("csec", UUID(each)), bytes.fromhex(hashed), _moment(made), _end(ends), by)
            for each, hashed, made, ends, by in as_json(secrets) or ()
        ),
        certificates=tuple(
            KnownCertificate(ids.to_public("cert", UUID(each)), thumbprint, subject, _end(not_after), _moment(made), by)
            for each, thumbprint, subject, not_after, made, by in as_json(certificates) or ()
        ),
    )  # fmt: skip


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _end(text: str | None) -> datetime | None:
    return _moment(text) if text else None


# What a token's key, holder and workspace are now, and whether this one token ended early.
_HOLDERS: Final = {
    "cli": "NULL::timestamptz, h.revoked_at, h.tokens_before, h.requires_certificate FROM public.tenants_api_client",
    "key": "h.expires_at, h.revoked_at, NULL::timestamptz, h.bound_to <> '' FROM public.tenants_api_credential",
}


def find_token_holder(*, kid: str, token_id: UUID, holder: str, now: datetime) -> TokenHolder | None:
    """Everything that the database knows about a token, in one statement; None when its holder is not known.

    ``holder`` is the client that it was given to, or, of an end user's token, the key or client that made it.
    """
    prefix = holder.partition("_")[0]
    try:
        wanted, signed_by = ids.to_uuid(holder, prefix=prefix), ids.to_uuid(kid, prefix="sig")
    except ids.BadId:
        return None
    if prefix not in _HOLDERS:
        return None
    row = execute_hot(
        "SELECT (SELECT k.public_key FROM public.tenants_signing_key k"  # noqa: S608  # constant parts
        "         WHERE k.id = %s AND (k.ends_at IS NULL OR k.ends_at > %s)),"
        " EXISTS (SELECT 1 FROM public.tenants_revoked_token r WHERE r.id = %s),"
        f" w.state, w.settings -> 'rate_policies', {_REF}, h.scopes, h.channel, h.allowed_networks, h.issued_by,"
        f" {_HOLDERS[prefix]} h JOIN public.tenants_workspace w ON w.id = h.workspace_id WHERE h.id = %s",
        [signed_by, now, token_id, wanted],
    ).fetchone()
    return _holder(row, holder) if row else None


def _holder(row: tuple[Any, ...], holder: str) -> TokenHolder:
    public_key, is_revoked, state, rates, *rest = row
    ref, (scopes, channel, networks, issued_by, expires_at, revoked_at, before, needs) = rest[:5], rest[5:]
    ends = [each for each in (expires_at, revoked_at) if each is not None]
    return TokenHolder(
        public_key=bytes(public_key) if public_key is not None else None,
        is_revoked=is_revoked,
        holder_id=holder,
        scopes=frozenset(as_json(scopes)),
        channel=channel,
        allowed_networks=tuple(networks),
        issued_by=issued_by,
        ends_at=min(ends, default=None),
        tokens_before=before,
        requires_certificate=needs,
        workspace=TenantRef(*ref),
        workspace_state=state,
        rate_policies=as_json(rates),
    )
