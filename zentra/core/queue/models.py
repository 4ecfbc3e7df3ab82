"""The durable work queue: what must still happen, over all workspaces. Truth is here; Celery only wakes workers."""

from django.db import models


class WorkItem(models.Model):
    """One thing to do once, or more often without harm.

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
    lane = models.TextField(
        default="", db_default="", db_comment="The line of work whose capacity it shares; empty: a thread does it."
    )

    class Meta:
        db_table = "work_item"
        indexes = [
            # What is due, and how old the oldest is: /readyz. Open items only, so it stays small.
            models.Index(fields=["due_at"], name="work_item_open_due", condition=models.Q(done_at__isnull=True)),
            # Claims walk from workspace to workspace and from priority to priority, so that no one waits for another.
            models.Index(
                fields=["workspace_id", "priority", "due_at"],
                name="work_item_open_fair",
                condition=models.Q(done_at__isnull=True, lane=""),
            ),
            # Claims in lanes walk from lane to lane.
            models.Index(
                fields=["workspace_id", "lane", "due_at"],
                name="work_item_open_lane",
                condition=models.Q(done_at__isnull=True) & ~models.Q(lane=""),
            ),
            # How many of a lane are being done now.
            models.Index(
                fields=["lane"],
                name="work_item_claimed_lane",
                condition=models.Q(done_at__isnull=True, claim_id__isnull=False) & ~models.Q(lane=""),
            ),
            # What fails again and again: the list of stuck intents.
            models.Index(
                fields=["workspace_id"],
                name="work_item_failing",
                condition=models.Q(done_at__isnull=True, lane="", attempts__gte=3) & ~models.Q(last_error=""),
            ),
            # What one object still waits for.
            models.Index(
                fields=["workspace_id", "ref"], name="work_item_open_ref", condition=models.Q(done_at__isnull=True)
            ),
            models.Index(fields=["done_at"], name="work_item_done", condition=models.Q(done_at__isnull=False)),
        ]


class WorkLane(models.Model):
    """How much of a line of work may be done at once, how fast, and until when nothing at all.

    Locked while items of the lane are claimed, so that its limits hold over all processes. A lane without a row has
    the default capacity.
    """

    lane = models.TextField(primary_key=True)
    workspace_id = models.UUIDField()
    max_in_flight = models.SmallIntegerField()
    rate_per_second = models.IntegerField(null=True, db_comment="Null: as fast as it goes.")
    allowed_at = models.DateTimeField(null=True, db_comment="GCRA: when the next one may start at the full rate.")
    paused_until = models.DateTimeField(null=True)
    is_probing = models.BooleanField(default=False, db_comment="After the pause, one at a time.")

    class Meta:
        db_table = "work_lane"


class Heartbeat(models.Model):
    """When a background process last did something, for ``/readyz``: consumed, not merely alive."""

    id = models.BigAutoField(primary_key=True)
    name = models.TextField(unique=True)
    at = models.DateTimeField()
    detail = models.TextField(default="")

    class Meta:
        db_table = "heartbeat"
