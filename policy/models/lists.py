"""Lists that rules ask: allowed, denied, watched."""

from django.db import models
from django.db.models import Q

from zentra.core.fields import IdField


class PolicyList(models.Model):
    """A named list of values of one type."""

    id = IdField(prefix="lst", primary_key=True)
    name = models.TextField()
    kind = models.TextField()
    value_type = models.TextField(db_comment="text, country, currency")
    description = models.TextField(default="")
    created_at = models.DateTimeField()
    created_by = models.TextField()
    removed_at = models.DateTimeField(null=True)
    version = models.IntegerField(default=1)

    class Meta:
        db_table = "policy_list"
        constraints = [
            models.UniqueConstraint(
                fields=["name"], name="policy_list_name_once", condition=Q(removed_at__isnull=True)
            ),
            models.CheckConstraint(condition=Q(kind__in=["allow", "deny", "watch"]), name="policy_list_kind"),
        ]


class PolicyListItem(models.Model):
    """A value of a list, until it expires or is taken off; who put it there stays."""

    id = IdField(prefix="lsi", primary_key=True)
    list_id = IdField(prefix="lst")
    list_name = models.TextField()
    value = models.TextField()
    note = models.TextField(default="")
    added_at = models.DateTimeField()
    added_by = models.TextField()
    expires_at = models.DateTimeField(null=True)
    removed_at = models.DateTimeField(null=True)
    removed_by = models.TextField(null=True)

    class Meta:
        db_table = "policy_list_item"
        constraints = [
            models.UniqueConstraint(
                fields=["list_name", "value"], name="policy_list_item_once", condition=Q(removed_at__isnull=True)
            )
        ]
        indexes = [models.Index(fields=["list_id", "-added_at", "-id"], name="policy_list_item_newest")]
