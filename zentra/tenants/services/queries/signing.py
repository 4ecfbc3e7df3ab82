"""Which key signs now, and which are still known."""

from datetime import datetime

from django.db.models import Q

from zentra.core import crypto
from zentra.tenants.models import SigningKey


def find_signer(*, now: datetime) -> tuple[str, bytes] | None:
    """The id and seed of the key that signs now: the oldest that still may. None before there is one."""
    signs = Q(signs_until__isnull=True) | Q(signs_until__gt=now)
    row = SigningKey.objects.filter(signs, Q(ends_at__isnull=True) | Q(ends_at__gt=now)).order_by("created_at").first()
    return (row.id, crypto.decrypt(bytes(row.private_key))) if row else None


def list_public_keys(*, now: datetime) -> list[tuple[str, bytes]]:
    """The ids and public keys that verify now, newest first."""
    rows = SigningKey.objects.filter(Q(ends_at__isnull=True) | Q(ends_at__gt=now)).order_by("-created_at")
    return [(row.id, bytes(row.public_key)) for row in rows]
