"""Secrets of ours that stand where they should not: found in any text, judged, and ended."""

import hmac
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from zentra.core import actors, ids
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.tenants.services.operations.clients import end_client_secret
from zentra.tenants.services.operations.keys import revoke_key
from zentra.tenants.services.queries.clients import find_client
from zentra.tenants.services.queries.keys import find_credential
from zentra.tenants.services.secrets import LEAKED, hash_secret

State = Literal["alive", "ended", "unknown"]


@dataclass(frozen=True, slots=True)
class Leak:
    """A secret that was found: where, whose (``key_…`` or ``cli_…``), and whether it works. The secret is not in it."""

    line: int
    holder: str
    state: State
    workspace: TenantRef | None = None
    secret_id: str = ""


def find_leaks(text: str, *, now: datetime) -> Iterator[Leak]:
    """Every secret of ours in a text. ``unknown``: it has the form and is nobody's here."""
    for number, line in enumerate(text.splitlines(), start=1):
        for kind, _, holder, secret in LEAKED.findall(line):
            hashed = hash_secret(secret)
            yield (_key if kind == "zk" else _client)(number, holder, hashed, now)


def end_leak(leak: Leak, *, now: datetime) -> bool:
    """End a secret that works, recorded in its workspace with the reason ``leaked``; whether it did work."""
    if leak.workspace is None or leak.state != "alive":
        return False
    with tenant_work(leak.workspace) as workspace:
        if leak.secret_id:
            return end_client_secret(
                workspace=workspace, client_id=leak.holder, secret_id=leak.secret_id, actor=actors.RUNTIME,
                reason="leaked", now=now,
            )  # fmt: skip
        return revoke_key(key_id=leak.holder, workspace=workspace, actor=actors.RUNTIME, reason="leaked", now=now)


def _key(line: int, holder: str, hashed: bytes, now: datetime) -> Leak:
    key_id = f"key_{holder}"
    found = find_credential(key_id=key_id) if _is_id(key_id, "key") else None
    if found is None or not hmac.compare_digest(found.secret_hash, hashed):
        return Leak(line, key_id, "unknown")
    ends = [each for each in (found.expires_at, found.revoked_at) if each is not None]
    state: State = "ended" if any(end <= now for end in ends) else "alive"
    return Leak(line, key_id, state, found.workspace)


def _client(line: int, holder: str, hashed: bytes, now: datetime) -> Leak:
    client_id = f"cli_{holder}"
    found = find_client(client_id=client_id, now=now)
    right = [each for each in found.secrets if hmac.compare_digest(each.secret_hash, hashed)] if found else []
    if found is None or not right:
        return Leak(line, client_id, "unknown")
    state: State = "alive" if found.revoked_at is None else "ended"
    return Leak(line, client_id, state, found.workspace, right[0].id)


def _is_id(text: str, prefix: str) -> bool:
    try:
        ids.to_uuid(text, prefix=prefix)
    except ids.BadId:
        return False
    return True
