"""People, their memberships, invitations and second factors."""

from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.postgres.fields import ArrayField
from django.db import models

from zentra.core.fields import IdField
from zentra.core.ids import new_id, new_uuid
from zentra.tenants.models.workspaces import Workspace


def _new_user_id() -> str:
    return new_id("usr")


if TYPE_CHECKING:
    _UserManager = BaseUserManager["User"]
else:
    _UserManager = BaseUserManager


class UserManager(_UserManager):
    """Creates people with a hashed password."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """A person who signs in by e-mail address (kept in lower case)."""
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email=(username or "").strip().lower())


class User(AbstractBaseUser):
    """A person. What they may do is said by their memberships."""

    id = IdField(prefix="usr", primary_key=True, default=_new_user_id)
    email = models.EmailField(unique=True)
    name = models.TextField(default="")
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)
    last_workspace = models.TextField(default="")
    address_proven_at = models.DateTimeField(
        null=True, db_comment="Since when the account is known to be its address's: by a link that only mail carried."
    )

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects: ClassVar[UserManager] = UserManager()

    class Meta:
        db_table = "tenants_user"


class Membership(models.Model):
    """What a person is in a workspace: one main role, which events and pages show, and further ones in ``also``.

    A role is a built-in one or the key of a ``Role`` of the workspace; a trigger holds that (sql/members.sql).
    ``on_shift`` people get new reviews.
    """

    id = models.UUIDField(primary_key=True, default=new_uuid)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="memberships")
    role = models.TextField()
    also = ArrayField(models.TextField(), default=list, db_default=[])
    on_shift = models.BooleanField(default=True)
    version = models.PositiveIntegerField(default=1, db_default=1)
    last_seen_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "tenants_membership"
        constraints = [
            models.UniqueConstraint(fields=["workspace", "user"], name="membership_one_per_workspace"),
        ]


class SecondFactorUse(models.Model):
    """What a person's codes were used for last: a one-time code counts once, over all processes.

    ``totp_step`` is the newest 30-second step whose code was taken (RFC 6238, 5.2); that step and older ones are
    refused. ``failures`` counts wrong codes since ``failures_since``.
    """

    user = models.OneToOneField(User, on_delete=models.CASCADE, primary_key=True, related_name="second_factor_use")
    totp_step = models.BigIntegerField(default=0, db_default=0)
    failures = models.PositiveIntegerField(default=0, db_default=0)
    failures_since = models.DateTimeField(null=True)

    class Meta:
        db_table = "tenants_second_factor_use"


class Invitation(models.Model):
    """A link by which a new person sets the first password. Only the hash of its token is kept; it works once."""

    id = IdField(prefix="inv", primary_key=True)
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="invitations")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="invitations")
    token_hash = models.BinaryField(db_comment="SHA-256 of 256 random bits.")
    invited_by = models.TextField()
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    is_only_mailed = models.BooleanField(
        default=False,
        db_default=False,
        db_comment="Nobody else was shown it: who uses it reads the address's mail.",
    )
    ended_at = models.DateTimeField(null=True, db_comment="Replaced by a newer one, or taken back.")

    class Meta:
        db_table = "tenants_invitation"
        constraints = [
            models.UniqueConstraint(fields=["token_hash"], name="invitation_token_once"),
            models.UniqueConstraint(
                fields=["workspace", "user"],
                condition=models.Q(used_at__isnull=True, ended_at__isnull=True),
                name="invitation_one_open",
            ),
        ]


class OutgoingMail(models.Model):
    """A mail to a person: written in the transaction of what it tells of, sent after it.

    Subject and text may hold a link that is a way in, so both are encrypted and wiped once it was sent.
    """

    id = IdField(prefix="mail", primary_key=True)
    to = models.EmailField()
    kind = models.TextField(db_comment="invitation, password_reset, …: which template.")
    sealed = models.BinaryField(null=True, db_comment="Subject and text, encrypted under ZENTRA_SECRET_KEYS.")
    workspace_id = models.UUIDField(null=True)
    state = models.TextField(default="waiting")
    attempts = models.SmallIntegerField(default=0)
    error = models.TextField(default="")
    created_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True, db_comment="After this it is not worth sending any more.")

    class Meta:
        db_table = "tenants_outgoing_mail"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(state__in=["waiting", "sent", "kept", "failed", "expired"]),
                name="outgoing_mail_state",
            ),
        ]
        indexes = [models.Index(fields=["-created_at", "-id"], name="outgoing_mail_newest")]
