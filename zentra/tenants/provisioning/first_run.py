"""The first admin of a real installation: a person of the platform without a password, and a link that sets it once."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.contrib.auth.hashers import is_password_usable
from django.db import transaction

from evidence.operations import record_events
from evidence.types import NewEvent
from zentra.core import actors, ids
from zentra.core.actors import Actor
from zentra.core.errors import DomainError
from zentra.core.tenancy import tenant_work
from zentra.tenants.members.addresses import prove_address
from zentra.tenants.models import Invitation, Membership, User, Workspace
from zentra.tenants.operations import add_member, ensure_user
from zentra.tenants.passwords.operations import set_password
from zentra.tenants.queries import platform_ref

PLATFORM_ADMIN: Final = "platform_admin"
VALID_FOR: Final = timedelta(days=1)


class SetupEnded(DomainError):
    """The link was used, was replaced by a newer one, or is older than a day."""

    code = "setup_ended"
    status = 410
    title = "This link does not work any more"


class AlreadySetUp(DomainError):
    """The platform has an admin who can sign in; they invite others."""

    code = "already_set_up"
    status = 409
    title = "This installation is set up already"


@dataclass(frozen=True, slots=True)
class SetupPerson:
    """Whose password a link sets."""

    user_id: str
    email: str
    name: str


def begin_setup(*, email: str, name: str, now: datetime) -> str:
    """Make the platform's first admin, and the token of the link by which they set a password.

    Repeated, it makes a newer link; of another address, the one before is forgotten, as it never had a password.

    Raises:
        AlreadySetUp: an admin of the platform has a password.
    """
    platform = platform_ref()
    with tenant_work(platform):
        Workspace.objects.select_for_update(no_key=True).get(id=platform.id)
        user = ensure_user(email=email, name=name)
        for admin in Membership.objects.filter(workspace_id=platform.id, role=PLATFORM_ADMIN).select_related("user"):
            if admin.user.is_active and is_password_usable(admin.user.password):
                raise AlreadySetUp("An admin of the platform can sign in; they invite others.")
            if admin.user_id != user.id:
                admin.delete()
                _end_links(admin.user_id, now)
        if name and user.name != name:
            User.objects.filter(id=user.id).update(name=name)
        if not Membership.objects.filter(workspace_id=platform.id, user_id=user.id).exists():
            data: dict[str, object] = {
                "user_id": user.id, "role": PLATFORM_ADMIN, "also": [], "on_shift": False, "is_new_account": True,
            }  # fmt: skip
            record_events(events=[NewEvent(type="member.added", actor=actors.RUNTIME, data=data)], now=now)
        add_member(workspace_id=platform.id, user=user, role=PLATFORM_ADMIN, on_shift=False)
        return make_setup_token(user_id=user.id, now=now)


def make_setup_token(*, user_id: str, now: datetime) -> str:
    """A new token for a person of the platform without a password; the one before ends. Only its hash is kept."""
    token = secrets.token_urlsafe(32)
    with transaction.atomic():
        _end_links(user_id, now)
        Invitation.objects.create(
            id=ids.new_id("inv"), workspace_id=platform_ref().id, user_id=user_id, token_hash=_hash(token),
            invited_by=actors.RUNTIME.id, created_at=now, expires_at=now + VALID_FOR,
        )  # fmt: skip
    return token


def setup_url(*, token: str) -> str:
    """The address of a link."""
    return f"{settings.ZENTRA_BASE_URL}/setup/{token}/"


def check_setup_token(*, token: str, now: datetime) -> SetupPerson | None:
    """Whose password a link would set; None when it does not work (any more)."""
    found = _open_link(token, now)
    return SetupPerson(found.user.id, found.user.email, found.user.name) if found else None


def finish_setup(*, token: str, password: str, now: datetime) -> str:
    """Set the password; the link ends with it. Returns the person's id. Of two who use it at once, one is refused.

    Raises:
        SetupEnded: used, replaced or too old.
        UnusablePassword: too short, easily guessed, or on a list of leaked ones.
    """
    with tenant_work(platform_ref()):
        found = _open_link(token, now, for_update=True)
        if found is None:
            raise SetupEnded
        set_password(user=found.user, password=password)
        # The terminal of whoever runs the installation showed the link.
        prove_address(user=found.user, now=now)
        Invitation.objects.filter(id=found.id).update(used_at=now)
        data: dict[str, object] = {"user_id": found.user.id}
        actor = Actor("user", found.user.id, PLATFORM_ADMIN)
        record_events(events=[NewEvent(type="platform.set_up", actor=actor, data=data)], now=now)
        return str(found.user.id)


def _end_links(user_id: str, now: datetime) -> None:
    Invitation.objects.filter(user_id=user_id, used_at__isnull=True, ended_at__isnull=True).update(ended_at=now)


def _open_link(token: str, now: datetime, *, for_update: bool = False) -> Invitation | None:
    """Of the platform's first admin only, and only while they have no password."""
    links = Invitation.objects.select_related("user").filter(
        token_hash=_hash(token), workspace__mode="platform", used_at__isnull=True, ended_at__isnull=True,
        expires_at__gt=now, user__is_active=True, user__memberships__role=PLATFORM_ADMIN,
        user__memberships__workspace__mode="platform",
    )  # fmt: skip
    found = (links.select_for_update(of=("self", "user")) if for_update else links).first()
    return found if found is not None and not is_password_usable(found.user.password) else None


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode(errors="replace")).digest()
