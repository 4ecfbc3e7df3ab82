"""The keys that sign tokens: Ed25519, the private half encrypted, one after the other with an overlap."""

from datetime import datetime, timedelta
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Least

from zentra.core import crypto, ids
from zentra.tenants.models import SigningKey

# Whoever keeps our JWKS for ten minutes knows a key before it signs; the old one verifies what it signed last.
PUBLISHED_BEFORE: Final = timedelta(minutes=10)
VERIFIES_AFTER: Final = timedelta(minutes=20)


def create_signing_key(*, now: datetime) -> str:
    """A new key; its id, which is the ``kid``. It signs once no older one does."""
    private = Ed25519PrivateKey.generate()
    seed = private.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
    public = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    kid = ids.new_id("sig")
    SigningKey.objects.create(id=kid, private_key=crypto.encrypt(seed), public_key=public, created_at=now)
    return kid


def rotate_signing_key(*, now: datetime, at_once: bool = False) -> str:
    """A new key in the place of those that sign: they sign for ten minutes more, and are known for another twenty.

    ``at_once``: a private key leaked. Every token that the old keys signed ends now.
    """
    with transaction.atomic():
        list(SigningKey.objects.select_for_update().order_by("id").values_list("id"))
        until = now if at_once else now + PUBLISHED_BEFORE
        ends = now if at_once else until + VERIFIES_AFTER
        SigningKey.objects.filter(Q(signs_until__isnull=True) | Q(signs_until__gt=until)).update(signs_until=until)
        SigningKey.objects.filter(ends_at__isnull=True).update(ends_at=ends)
        SigningKey.objects.filter(ends_at__gt=ends).update(ends_at=Least(F("ends_at"), ends))
        return create_signing_key(now=now)


def forget_signing_keys(*, now: datetime) -> int:
    """Delete the keys that have been over for a day; how many."""
    return SigningKey.objects.filter(ends_at__lt=now - timedelta(days=1)).delete()[0]
