"""The platform's own staff inside a workspace: only by a grant with a reason and an end."""

from django.db import models

from zentra.core.fields import IdField
from zentra.tenants.models.people import User
from zentra.tenants.models.workspaces import Workspace


class StaffGrant(models.Model):
    """For how long one of the platform's staff may look into a workspace, as what, and why. Its admins see it."""

    id = IdField(prefix="stf", primary_key=True)
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="staff_grants")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="staff_grants")
    role = models.TextField(db_comment="viewer or support: what they may do is a set that changes nothing of money.")
    reason = models.TextField()
    reference = models.TextField(default="", db_comment="The support case, say.")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    ended_by = models.TextField(default="")
    created_at = models.DateTimeField()

    class Meta:
        db_table = "tenants_staff_grant"
        constraints = [
            models.CheckConstraint(condition=models.Q(role__in=["viewer", "support"]), name="staff_grant_role"),
            models.CheckConstraint(condition=models.Q(ends_at__gt=models.F("starts_at")), name="staff_grant_time"),
            models.CheckConstraint(condition=~models.Q(reason=""), name="staff_grant_reason"),
            models.UniqueConstraint(
                fields=["workspace", "user"], condition=models.Q(ended_at__isnull=True), name="staff_grant_one_open"
            ),
        ]
        indexes = [models.Index(fields=["workspace", "-created_at"], name="staff_grant_newest")]
