"""Workspaces, people, memberships and API credentials: the public schema."""

from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django_tenants.models import DomainMixin, TenantMixin

from zentra.core.fields import IdField
from zentra.core.ids import new_id, new_uuid


class Workspace(TenantMixin):  # type: ignore[misc]  # django-tenants carries no types
    """A tenant as people see it: a schema of its own, sandbox or live."""

    id = models.UUIDField(primary_key=True, default=new_uuid)
    slug = models.TextField(unique=True)
    name = models.TextField()
    mode = models.TextField(default="sandbox")
    state = models.TextField(default="active")
    ledger_currency = models.CharField(max_length=3, default="USD")
    settings = models.JSONField(default=dict)
    created_at = models.DateTimeField()

    auto_create_schema = False
    auto_drop_schema = False

    class Meta:
        db_table = "tenants_workspace"
        constraints = [
            models.CheckConstraint(condition=models.Q(mode__in=["sandbox", "live", "platform"]), name="workspace_mode"),
            models.CheckConstraint(condition=models.Q(state__in=["active", "suspended"]), name="workspace_state"),
        ]


class Domain(DomainMixin):  # type: ignore[misc]  # django-tenants carries no types
    """django-tenants wants this table; workspaces are told apart by path, so it stays empty."""

    class Meta:
        db_table = "tenants_domain"


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

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects: ClassVar[UserManager] = UserManager()

    class Meta:
        db_table = "tenants_user"


class Membership(models.Model):
    """A person's role in a workspace. ``on_shift`` people get new reviews."""

    id = models.UUIDField(primary_key=True, default=new_uuid)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="memberships")
    role = models.TextField()
    on_shift = models.BooleanField(default=True)
    version = models.PositiveIntegerField(default=1, db_default=1)
    last_seen_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "tenants_membership"
        constraints = [
            models.UniqueConstraint(fields=["workspace", "user"], name="membership_one_per_workspace"),
            models.CheckConstraint(
                condition=models.Q(
                    role__in=["operator", "support", "finance", "compliance", "admin", "auditor", "developer"]
                ),
                name="membership_role",
            ),
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


class ApiCredential(models.Model):
    """A key of a workspace: only the hash of its 256-bit secret is kept."""

    id = IdField(prefix="key", primary_key=True)
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="credentials")
    name = models.TextField()
    secret_hash = models.BinaryField()
    role = models.TextField(default="developer")
    scopes = models.JSONField(default=list)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "tenants_api_credential"
