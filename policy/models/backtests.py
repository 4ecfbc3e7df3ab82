"""Backtests: what a draft of rules would have decided about intents of the past."""

from django.db import models
from django.db.models import Q

from zentra.core.fields import IdField


class Backtest(models.Model):
    """Rules asked about every decision of a span of time, batch after batch; ``cursor`` is the last one asked."""

    id = IdField(prefix="bkt", primary_key=True)
    draft_id = IdField(prefix="rsd", null=True)
    document = models.JSONField()
    state = models.TextField(default="running")
    since = models.DateTimeField()
    until = models.DateTimeField()
    total = models.BigIntegerField()
    done = models.BigIntegerField(default=0)
    skipped = models.BigIntegerField(default=0, db_comment="Decided before decisions kept what the rules saw.")
    cells = models.JSONField(default=list, db_comment="Per was, would and currency: how many, how much.")
    rules = models.JSONField(default=dict, db_comment="Per rule, how often it would have fired.")
    examples = models.JSONField(default=list)
    cursor_at = models.DateTimeField(null=True)
    cursor_id = models.UUIDField(null=True)
    error = models.TextField(default="")
    started_by = models.TextField()
    created_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    ended_by = models.TextField(null=True)

    class Meta:
        db_table = "policy_backtest"
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["running", "done", "stopped", "failed"]), name="backtest_state"
            ),
            models.CheckConstraint(condition=Q(done__lte=models.F("total")), name="backtest_within_total"),
        ]
        indexes = [models.Index(fields=["-created_at", "-id"], name="backtest_newest")]
