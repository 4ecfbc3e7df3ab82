"""The link by which a new person sets the first password: good once and for three days; only its hash is kept."""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import transaction

from zentra.core import ids
from zentra.core.actors import Actor
from zentra.core.mail import is_mail_sent
from zentra.core.tenancy import TenantRef
from zentra.tenants.mail.notices import name_of_actor
from zentra.tenants.mail.operations import queue_mail
from zentra.tenants.members.addresses import prove_address
from zentra.tenants.members.errors import InvitationEnded
from zentra.tenants.models import Invitation, User, Workspace
from zentra.tenants.passwords.operations import set_password

VALID_FOR: Final = timedelta(days=3)


def issue_invitation(*, workspace: TenantRef, user: User, role: str, actor: Actor, now: datetime) -> str:
    """A new link for a new person, in the caller's transaction; it goes to them by mail. The one before ends.

    Returns the token of the link, for whoever invites to hand over; it is kept nowhere.
    """
    Invitation.objects.filter(user=user, used_at__isnull=True, ended_at__isnull=True).update(ended_at=now)
    token = secrets.token_urlsafe(32)
    Invitation.objects.create(
        id=ids.new_id("inv"), workspace_id=workspace.id, user=user, token_hash=_hash(token), invited_by=actor.id,
        created_at=now, expires_at=now + VALID_FOR, is_only_mailed=is_mail_sent(),
    )  # fmt: skip
    values = {
        "workspace": Workspace.objects.values_list("name", flat=True).get(id=workspace.id),
        "role": role,
        "inviter": name_of_actor(actor),
        "until": f"{now + VALID_FOR:%Y-%m-%d %H:%M} UTC",
        "link_url": invitation_url(user_id=user.id, token=token),
    }
    queue_mail(
        to=user.email, kind="invitation", values=values, now=now, workspace_id=workspace.id,
        expires_at=now + VALID_FOR,
    )  # fmt: skip
    return token


def invitation_url(*, user_id: str, token: str) -> str:
    """The address of a link."""
    return f"{settings.ZENTRA_BASE_URL}/welcome/{user_id}/{token}/"


def check_invitation(*, user_id: str, token: str, now: datetime) -> str:
    """The address whose password a link would set; raises InvitationEnded."""
    return _invited(user_id, token, now).user.email


def accept_invitation(*, user_id: str, token: str, password: str, now: datetime) -> None:
    """Set the first password. The link ends with it; of two who use it at once, one is refused.

    A link that only mail carried proves the address.

    Raises:
        InvitationEnded: used, replaced or too old.
        UnusablePassword: too short, easily guessed, or on a list of leaked ones.
    """
    with transaction.atomic():
        invitation = _invited(user_id, token, now, for_update=True)
        set_password(user=invitation.user, password=password)
        if invitation.is_only_mailed:
            prove_address(user=invitation.user, now=now)
        Invitation.objects.filter(id=invitation.id).update(used_at=now)


def _invited(user_id: str, token: str, now: datetime, *, for_update: bool = False) -> Invitation:
    open_ones = Invitation.objects.select_related("user").filter(
        token_hash=_hash(token), used_at__isnull=True, ended_at__isnull=True, expires_at__gt=now, user__is_active=True
    )
    found = (open_ones.select_for_update(of=("self", "user")) if for_update else open_ones).first()
    if found is None or found.user_id != user_id or found.user.has_usable_password():
        raise InvitationEnded
    return found


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
