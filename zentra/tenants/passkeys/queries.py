"""Reads of passkeys."""

from allauth.mfa.models import Authenticator

from zentra.tenants.passkeys.types import PasskeyRecord


def list_passkeys(*, user_id: str) -> list[PasskeyRecord]:
    """A person's passkeys, the oldest first."""
    found = Authenticator.objects.filter(user_id=user_id, type=Authenticator.Type.WEBAUTHN).order_by("id")
    return [
        PasskeyRecord(
            id=each.pk,
            name=each.data["name"],
            is_synced=bool(each.data.get("is_synced")),
            created_at=each.created_at,
            last_used_at=each.last_used_at,
        )
        for each in found
    ]


def has_passkey(*, user_id: str) -> bool:
    """Whether the person has one."""
    return bool(Authenticator.objects.filter(user_id=user_id, type=Authenticator.Type.WEBAUTHN).exists())
