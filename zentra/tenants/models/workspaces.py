"""Workspaces, how they are configured, and the jobs that make and end them."""

from django.db import models
from django_tenants.models import DomainMixin, TenantMixin

from zentra.core.fields import IdField
from zentra.core.ids import new_uuid


class Workspace(TenantMixin):  # type: ignore[misc]  # django-tenants carries no types
    """A tenant as people see it: a schema of its own, sandbox or live.

    The row outlives its schema: a deleted workspace keeps its slug for ever, so that nobody else gets it.
    """

    id = models.UUIDField(primary_key=True, default=new_uuid)
    slug = models.TextField(unique=True)
    name = models.TextField()
    mode = models.TextField(default="sandbox")
    state = models.TextField(default="active")
    ledger_currency = models.CharField(max_length=3, default="USD")
    settings = models.JSONField(default=dict)
    created_at = models.DateTimeField()
    version = models.PositiveIntegerField(default=1, db_default=1)
    twin_of = models.UUIDField(null=True, db_comment="On a live workspace: the sandbox that it is the twin of.")
    suspended_at = models.DateTimeField(null=True)
    suspended_by = models.TextField(default="", db_default="")
    suspension_reason = models.TextField(default="", db_default="")
    archived_at = models.DateTimeField(null=True)
    delete_after = models.DateTimeField(null=True)
    deleted_at = models.DateTimeField(null=True)

    auto_create_schema = False
    auto_drop_schema = False

    class Meta:
        db_table = "tenants_workspace"
        constraints = [
            models.CheckConstraint(condition=models.Q(mode__in=["sandbox", "live", "platform"]), name="workspace_mode"),
            models.CheckConstraint(
                condition=models.Q(state__in=["active", "suspended", "archived", "deleted"]), name="workspace_state"
            ),
            models.CheckConstraint(
                condition=models.Q(twin_of__isnull=True) | models.Q(mode="live"), name="workspace_twin_is_live"
            ),
            models.CheckConstraint(
                condition=~models.Q(mode="platform") | models.Q(state="active"), name="workspace_platform_stays"
            ),
            models.UniqueConstraint(
                fields=["twin_of"], condition=models.Q(twin_of__isnull=False), name="workspace_one_twin"
            ),
        ]


class Domain(DomainMixin):  # type: ignore[misc]  # django-tenants carries no types
    """django-tenants wants this table; workspaces are told apart by path, so it stays empty."""

    class Meta:
        db_table = "tenants_domain"


class SettingChange(models.Model):
    """One setting of a workspace changed: what it was, what it is, who did it. Never changed itself."""

    id = models.UUIDField(primary_key=True, default=new_uuid)
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="setting_changes")
    version = models.PositiveIntegerField(db_comment="The workspace's version that this change made.")
    name = models.TextField()
    before = models.JSONField(null=True, db_comment="Null: the default.")
    after = models.JSONField(null=True, db_comment="Null: the default again.")
    by = models.TextField()
    reason = models.TextField(default="")
    at = models.DateTimeField()

    class Meta:
        db_table = "tenants_setting_change"
        indexes = [
            # The history of a workspace's settings, newest first.
            models.Index(fields=["workspace", "-at", "-id"], name="setting_change_newest"),
        ]


class ProvisioningJob(models.Model):
    """A workspace to make or to end. The provisioner, which alone is the database's owner, takes it under a lease."""

    id = IdField(prefix="job", primary_key=True)
    kind = models.TextField()
    slug = models.TextField()
    name = models.TextField(default="")
    mode = models.TextField(default="sandbox")
    ledger_currency = models.CharField(max_length=3, default="USD")
    workspace_id = models.UUIDField(null=True, db_comment="What it makes or ends; null until that is known.")
    twin_of = models.UUIDField(null=True)
    admin_id = models.TextField(default="", db_comment="usr_… of the first admin; empty: nobody yet.")
    requested_by = models.TextField()
    state = models.TextField(default="waiting")
    step = models.SmallIntegerField(default=0)
    steps = models.SmallIntegerField(default=0)
    step_name = models.TextField(default="")
    error = models.TextField(default="", db_comment="What people are told: never a statement or a secret.")
    attempts = models.SmallIntegerField(default=0)
    claim_id = models.UUIDField(null=True)
    leased_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "tenants_provisioning_job"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(kind__in=["create", "twin", "delete"]), name="provisioning_job_kind"
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=["waiting", "running", "done", "failed"]), name="provisioning_job_state"
            ),
            models.UniqueConstraint(
                fields=["slug"],
                condition=models.Q(state__in=["waiting", "running"]),
                name="provisioning_job_one_slug",
            ),
        ]
        indexes = [
            models.Index(
                fields=["created_at"],
                name="provisioning_job_open",
                condition=models.Q(state__in=["waiting", "running"]),
            ),
        ]


class WorkspaceExport(models.Model):
    """Everything of a workspace as one file, for those who leave and those who check."""

    id = IdField(prefix="exp", primary_key=True)
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="exports")
    state = models.TextField(default="waiting")
    tables_done = models.IntegerField(default=0)
    tables = models.IntegerField(default=0)
    rows = models.BigIntegerField(default=0)
    file_name = models.TextField(default="")
    size = models.BigIntegerField(default=0)
    sha256 = models.TextField(default="")
    error = models.TextField(default="")
    requested_by = models.TextField()
    requested_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "tenants_workspace_export"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(state__in=["waiting", "writing", "ready", "failed", "expired"]),
                name="workspace_export_state",
            ),
        ]
        indexes = [models.Index(fields=["workspace", "-requested_at"], name="workspace_export_newest")]
