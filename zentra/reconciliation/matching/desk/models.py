"""The tables of the desk and of the watcher. Private to ``zentra.reconciliation.matching``."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.constraints import BaseConstraint

from zentra.core.fields import IdField


class ExceptionStep(models.Model):
    """One step of an exception's history. Only ever added to."""

    id = IdField(prefix="xst", primary_key=True)
    exception_id = IdField(prefix="exc")
    what = models.TextField()
    by = models.JSONField()
    at = models.DateTimeField()
    before = models.TextField(default="")
    after = models.TextField(default="")
    words = models.TextField(default="")

    class Meta:
        db_table = "recon_exception_step"
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["exception_id", "at", "id"], name="recon_exception_step_order"),
        ]


class Dispute(models.Model):
    """What a provider is told to put right, and what they answered."""

    id = IdField(prefix="dsp", primary_key=True)
    exception_id = IdField(prefix="exc")
    provider = models.TextField()
    claim = models.TextField()  # the reference under which they find it
    reason_code = models.TextField()
    reason = models.TextField(default="")
    amount_minor = models.BigIntegerField()
    currency = models.TextField()
    state = models.TextField(default="open")
    answer_due_on = models.DateField()
    made_by = models.JSONField()
    made_at = models.DateTimeField()
    answered_by = models.JSONField(null=True)
    answered_at = models.DateTimeField(null=True)
    answer = models.TextField(default="")

    class Meta:
        db_table = "recon_dispute"
        constraints: ClassVar[list[BaseConstraint]] = [
            models.CheckConstraint(
                condition=Q(state__in=["open", "accepted", "rejected", "withdrawn"]), name="recon_dispute_state_known"
            ),
            models.CheckConstraint(
                condition=Q(state="open", answered_by__isnull=True, answered_at__isnull=True)
                | (~Q(state="open") & Q(answered_by__isnull=False, answered_at__isnull=False)),
                name="recon_dispute_answered_by_somebody",
            ),
            models.UniqueConstraint(fields=["exception_id"], condition=Q(state="open"), name="recon_dispute_one_open"),
        ]


class WatchPosition(models.Model):
    """How far the watcher has followed the event log: the index of the next leaf."""

    name = models.TextField(primary_key=True)
    leaf_index = models.BigIntegerField()
    at = models.DateTimeField()

    class Meta:
        db_table = "recon_watch_position"


class WatchedIntent(models.Model):
    """An intent that something happened to, to be compared once ``look_at`` has come; a row goes when all agrees."""

    intent_id = models.TextField(primary_key=True)
    since = models.DateTimeField()
    look_at = models.DateTimeField()
    looks = models.IntegerField(db_default=0)

    class Meta:
        db_table = "recon_watched_intent"
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["look_at", "intent_id"], name="recon_watched_intent_due"),
        ]
