"""API keys: ``zk_test_<key id>_<43 characters>``.

The key's secret has 256 random bits, of which only the hash is stored; it is compared in constant time, and an unknown
id is compared too, so that time tells nothing.
"""

import hmac
import re
from collections.abc import Collection
from datetime import datetime
from typing import Final

from zentra.api.auth.caller import Caller
from zentra.api.auth.errors import (
    CertificateRefused,
    ExpiredCredential,
    NetworkRefused,
    RevokedCredential,
    UnknownCredential,
    WorkspaceSuspended,
)
from zentra.core import clock, ids
from zentra.tenants.services.certificates import thumbprint_of
from zentra.tenants.services.networks import is_within
from zentra.tenants.services.queries.keys import find_credential
from zentra.tenants.services.secrets import hash_secret
from zentra.tenants.services.types import Credential

KEY_TOKEN: Final = re.compile(r"zk_(test|live)_([0-9a-z]{26})_([A-Za-z0-9_-]{43})")
_NO_HASH: Final = bytes(32)


def prove_key(match: re.Match[str]) -> Credential:
    """The credential whose secret a token of the form ``KEY_TOKEN`` holds; raises UnknownCredential."""
    mode, key_id, secret = match.groups()
    credential = _find(f"key_{key_id}")
    stored = credential.secret_hash if credential else _NO_HASH
    matches = hmac.compare_digest(hash_secret(secret), stored)
    if credential is None or not matches or (mode == "live") != (credential.workspace.mode == "live"):
        raise UnknownCredential("There is no such API key.", key_id=f"key_{key_id}")
    return credential


def caller_of_key(credential: Credential) -> Caller:
    """Who a proven key is."""
    return Caller(
        tenant=credential.workspace,
        actor=credential.actor(),
        scopes=credential.scopes,
        channel=credential.channel,
        credential_id=credential.id,
        issued_by=credential.issued_by,
        rate_policies=credential.rate_policies,
    )


def check_key(credential: Credential, *, address: str, certificate: bytes | None, now: datetime) -> None:
    """Refuse a key that is over, or whose workspace takes no requests.

    Raises:
        RevokedCredential, ExpiredCredential: its time is over.
        NetworkRefused: it may not be used from there.
        CertificateRefused: it works with a certificate, and another one or none was shown.
        WorkspaceSuspended: the workspace takes no requests now.
    """
    if credential.revoked_at is not None and credential.revoked_at <= now:
        raise RevokedCredential("Issue another key.", revoked_at=clock.iso(credential.revoked_at))
    if credential.expires_at is not None and credential.expires_at <= now:
        raise ExpiredCredential("Issue another key.", expired_at=clock.iso(credential.expires_at))
    check_network(credential.allowed_networks, address)
    check_certificate(credential.bound_to, certificate)
    if credential.workspace_state != "active":
        raise WorkspaceSuspended(f"The workspace {credential.workspace.slug!r} takes no requests now.")


def check_network(networks: Collection[str], address: str) -> None:
    """Refuse an address outside of the networks that a credential names; raises NetworkRefused."""
    if networks and not is_within(address, networks):
        raise NetworkRefused("It may be used from the networks that its page names.")


def check_certificate(bound_to: str, shown: bytes | None) -> None:
    """Refuse a connection without the certificate of this thumbprint; nothing is asked where it is empty."""
    if bound_to and (shown is None or not hmac.compare_digest(thumbprint_of(shown), bound_to)):
        raise CertificateRefused("Connect with the certificate that the credential is bound to.")


def _find(key_id: str) -> Credential | None:
    try:
        return find_credential(key_id=key_id)
    except ids.BadId:
        return None
