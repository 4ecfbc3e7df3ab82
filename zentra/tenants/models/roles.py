"""Roles that a workspace makes for itself, proposals to give dangerous ones, teams, and access reviews."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from zentra.core.fields import IdField
from zentra.core.ids import new_uuid
from zentra.tenants.models.people import User
from zentra.tenants.models.workspaces import Workspace


class Role(models.Model):
    """A custom role: a named set of permissions. Its key is what memberships and events say."""

    id = models.UUIDField(primary_key=True, default=new_uuid)
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="roles")
    key = models.TextField()
    name = models.TextField()
    words = models.TextField(default="", db_comment="What people of this role do, in a sentence.")
    permissions = ArrayField(models.TextField(), default=list)
    state = models.TextField(default="active")
    version = models.PositiveIntegerField(default=1, db_default=1)
    created_by = models.TextField()
    created_at = models.DateTimeField()
    changed_by = models.TextField()
    changed_at = models.DateTimeField()

    class Meta:
        db_table = "tenants_role"
        constraints = [
            models.UniqueConstraint(fields=["workspace", "key"], name="role_key_once"),
            models.CheckConstraint(condition=models.Q(state__in=["active", "retired"]), name="role_state"),
            models.CheckConstraint(condition=models.Q(key__regex=r"^[a-z][a-z0-9_]{2,39}$"), name="role_key_form"),
        ]


class RoleVersion(models.Model):
    """What a custom role was at each of its versions. Never changed."""

    id = models.UUIDField(primary_key=True, default=new_uuid)
    role = models.ForeignKey(Role, on_delete=models.CASCADE, related_name="versions")
    version = models.PositiveIntegerField()
    name = models.TextField()
    permissions = ArrayField(models.TextField(), default=list)
    by = models.TextField()
    at = models.DateTimeField()

    class Meta:
        db_table = "tenants_role_version"
        constraints = [models.UniqueConstraint(fields=["role", "version"], name="role_version_once")]


class RoleChange(models.Model):
    """A dangerous grant that one admin proposes and another one decides.

    ``kind`` says what would be done: roles for a member (``user``), or another definition of a custom role
    (``role_key``, ``definition``). ``sole_admin``: it was done at once, since there was nobody else to decide.
    """

    id = IdField(prefix="rch", primary_key=True)
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="role_changes")
    kind = models.TextField()
    user = models.ForeignKey(User, on_delete=models.CASCADE, null=True, related_name="role_changes")
    roles = ArrayField(models.TextField(), default=list, db_comment="What the member would have, main role first.")
    role_key = models.TextField(default="")
    definition = models.JSONField(null=True)
    based_on = models.PositiveIntegerField(default=0, db_comment="The version of what it would change.")
    reason = models.TextField()
    state = models.TextField(default="pending")
    sole_admin = models.BooleanField(default=False)
    asked_by = models.TextField()
    asked_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    decided_by = models.TextField(default="")
    decided_at = models.DateTimeField(null=True)
    note = models.TextField(default="")

    class Meta:
        db_table = "tenants_role_change"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(kind__in=["member_roles", "role_definition", "role_new"]), name="role_change_kind"
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=["pending", "applied", "refused", "withdrawn", "expired"]),
                name="role_change_state",
            ),
            models.CheckConstraint(
                condition=~models.Q(state="applied")
                | models.Q(sole_admin=True)
                | ~models.Q(decided_by=models.F("asked_by")),
                name="role_change_two_people",
            ),
        ]
        indexes = [
            models.Index(
                fields=["workspace", "asked_at"], name="role_change_pending", condition=models.Q(state="pending")
            ),
        ]


class Team(models.Model):
    """Some of a workspace's people who work a review queue together."""

    id = IdField(prefix="team", primary_key=True)
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="teams")
    name = models.TextField()
    queue = models.TextField()
    version = models.PositiveIntegerField(default=1, db_default=1)
    created_by = models.TextField()
    created_at = models.DateTimeField()

    class Meta:
        db_table = "tenants_team"
        constraints = [
            models.UniqueConstraint(fields=["workspace", "name"], name="team_name_once"),
            models.CheckConstraint(condition=models.Q(queue__in=["operations", "compliance"]), name="team_queue"),
        ]


class TeamMember(models.Model):
    """Somebody of a team."""

    id = models.UUIDField(primary_key=True, default=new_uuid)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="members")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="teams")

    class Meta:
        db_table = "tenants_team_member"
        constraints = [models.UniqueConstraint(fields=["team", "user"], name="team_member_once")]


class AccessReview(models.Model):
    """Who may do what at a moment, looked through line by line and signed."""

    id = IdField(prefix="arv", primary_key=True)
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="access_reviews")
    state = models.TextField(default="open")
    snapshot = models.JSONField(db_comment="The lines: people, keys, clients, staff grants, with what each may do.")
    sha256 = models.TextField(db_comment="Of the snapshot's canonical bytes.")
    marks = models.JSONField(default=dict, db_comment="Line id → {mark: keep | remove, by, at, note}.")
    version = models.PositiveIntegerField(default=1, db_default=1)
    started_by = models.TextField()
    started_at = models.DateTimeField()
    signed_by = models.TextField(default="")
    signed_at = models.DateTimeField(null=True)
    note = models.TextField(default="")

    class Meta:
        db_table = "tenants_access_review"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(state__in=["open", "signed", "abandoned"]), name="access_review_state"
            ),
            models.UniqueConstraint(
                fields=["workspace"], condition=models.Q(state="open"), name="access_review_one_open"
            ),
        ]
