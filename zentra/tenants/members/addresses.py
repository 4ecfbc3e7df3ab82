"""Whose an address is: proven by a link that went there by mail and was shown to nobody.

An account serves every workspace that its person is in. Who set its password by a link that somebody handed over is
whoever had the link; another workspace would let them in as the owner of the address.
"""

from datetime import datetime
from uuid import UUID

from zentra.core.mail import is_mail_sent
from zentra.tenants.members.errors import AddressNotProven
from zentra.tenants.models import Invitation, User


def prove_address(*, user: User, now: datetime) -> None:
    """Keep that the address is the account's own, since when first; the caller holds its row."""
    if user.address_proven_at is None:
        user.address_proven_at = now
        user.save(update_fields=["address_proven_at"])


def check_proven(*, user: User, workspace_id: UUID | None = None) -> None:
    """Whether a workspace may take in by its address an account that has a password. Raises AddressNotProven.

    One that was made by this workspace's own link comes back without proof. Where no mail is sent nobody can prove
    anything: there whoever runs the installation answers for who invites.
    """
    if user.address_proven_at is not None or not is_mail_sent():
        return
    used = Invitation.objects.filter(user=user, used_at__isnull=False)
    if workspace_id is None or not used.filter(workspace_id=workspace_id).exists():
        raise AddressNotProven("Nobody has used a link that was mailed to it.")
