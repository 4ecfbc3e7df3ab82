"""The durable work queue: what must still happen, over all workspaces. Truth is here; Celery only wakes workers."""

from django.db import models


class WorkItem(models.Model):
    """One thing to do once, or more often without harm (CONTRACT.md 7).

    A claim moves ``due_at`` to the end of its lease, so that one partial index finds both what is due and what a dead
    worker left behind.
    """

    id = models.UUIDField(primary_key=True)
    workspace_id = models.UUIDField()
    kind = models.TextField()
    ref = models.TextField()
    due_at = models.DateTimeField()
    attempts = models.IntegerField(default=0)
    claim_id = models.UUIDField(null=True)
    leased_until = models.DateTimeField(null=True)
    priority = models.SmallIntegerField(default=5)
    done_at = models.DateTimeField(null=True)
    last_error = models.TextField(default="")

    class Meta:
        db_table = "work_item"
        indexes = [
            # Used by queue.operations.claim on every wake-up; holds open items only, so it stays small.
            models.Index(fields=["due_at"], name="work_item_open_due", condition=models.Q(done_at__isnull=True)),
            models.Index(fields=["done_at"], name="work_item_done", condition=models.Q(done_at__isnull=False)),
        ]


class Heartbeat(models.Model):
    """When a background process last did something, for ``/readyz``: consumed, not merely alive."""

    id = models.BigAutoField(primary_key=True)
    name = models.TextField(unique=True)
    at = models.DateTimeField()
    detail = models.TextField(default="")

    class Meta:
        db_table = "heartbeat"
