"""Who has a second factor."""

from typing import Final

from allauth.mfa.models import Authenticator
from django.db import connection

from zentra.core import ids

_FACTORS: Final = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)


def has_second_factor(*, user_id: str) -> bool:
    """Whether the person has an authenticator or a passkey (recovery codes alone are none)."""
    return bool(Authenticator.objects.filter(user_id=user_id, type__in=_FACTORS).exists())


def has_totp(*, user_id: str) -> bool:
    """Whether the person has an authenticator, whose codes are typed."""
    return bool(Authenticator.objects.filter(user_id=user_id, type=Authenticator.Type.TOTP).exists())


def has_authenticator(*, user_id: str, authenticator_id: int) -> bool:
    """Whether this authenticator still is the person's."""
    return bool(Authenticator.objects.filter(user_id=user_id, pk=authenticator_id).exists())


def count_recovery_codes(*, user_id: str) -> int:
    """How many recovery codes the person has left."""
    found = Authenticator.objects.filter(user_id=user_id, type=Authenticator.Type.RECOVERY_CODES).first()
    return len(found.wrap().get_unused_codes()) if found else 0


def list_without_second_factor(*, user_ids: list[str]) -> frozenset[str]:
    """Of these people, those who have neither an authenticator nor a passkey."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT u FROM unnest(%s::uuid[]) u WHERE NOT EXISTS"
            " (SELECT 1 FROM public.mfa_authenticator a WHERE a.user_id = u AND a.type IN ('totp', 'webauthn'))",
            [[ids.to_uuid(user_id, prefix="usr") for user_id in user_ids]],
        )
        return frozenset(ids.to_public("usr", user_id) for (user_id,) in cursor.fetchall())
