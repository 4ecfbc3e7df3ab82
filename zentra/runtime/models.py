"""Intents and their history. Changed only by compare-and-set on status and version."""

from django.db import models

from zentra.core.fields import IdField
from zentra.runtime.states import Status


class Intent(models.Model):
    """What a customer wants to happen with money.

    The columns after ``version`` are facts kept beside the status, so that a list shows a row without asking other
    apps: what the provider said, which rule held it, how the event stream stands.
    """

    id = IdField(prefix="intent", primary_key=True)
    intent_id = models.TextField()
    kind = models.TextField()
    status = models.TextField()
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    source_account = IdField(prefix="acct")
    destination_account = IdField(prefix="acct")
    source_label = models.TextField()
    destination_label = models.TextField()
    corridor = models.JSONField(default=dict)
    metadata = models.JSONField(default=dict)
    primitives = models.JSONField(default=list)
    is_rehearsal = models.BooleanField(default=False)
    actor = models.JSONField()
    trace_id = models.TextField()
    idempotency_key = models.TextField(default="")
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    version = models.IntegerField(default=1)

    gate = models.TextField(null=True)
    has_rule_fired = models.BooleanField(default=False)
    decision_id = IdField(prefix="dec", null=True)
    rule_set = models.IntegerField(default=0)
    lane = models.TextField(default="")
    reserve_entry_id = IdField(prefix="entry", null=True)
    entry_hash = models.TextField(default="")
    reviewed_by = models.TextField(null=True)
    rail = models.TextField(null=True)
    is_failover = models.BooleanField(default=False)
    outcome = models.TextField(null=True)
    outcome_at = models.DateTimeField(null=True)
    is_outcome_unknown = models.BooleanField(default=False)
    failure = models.TextField(null=True)
    provider_reference = models.TextField(null=True)
    callback_id = models.TextField(null=True)
    provider_amount_minor = models.BigIntegerField(null=True)
    event_stream = models.TextField(default="pending")
    mutations = models.IntegerField(default=0)
    replays = models.IntegerField(default=0)
    undelivered = models.IntegerField(default=0)
    closed_at = models.DateTimeField(null=True)
    packet_revision = models.IntegerField(default=0)
    packet_sealed_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "runtime_intent"
        constraints = [
            models.UniqueConstraint(fields=["intent_id"], name="intent_one_per_caller_id"),
            models.CheckConstraint(condition=models.Q(status__in=[s.value for s in Status]), name="intent_status"),
            models.CheckConstraint(
                condition=models.Q(amount_minor__gt=0, amount_minor__lte=2**53 - 1), name="intent_amount_positive"
            ),
            models.CheckConstraint(
                condition=models.Q(event_stream__in=["pending", "syncing", "synchronized", "degraded"]),
                name="intent_event_stream",
            ),
        ]
        indexes = [
            # The intent table of the room and GET /v1/runtime/intents: newest first by keyset.
            models.Index(fields=["-created_at", "-id"], name="intent_newest"),
            # The room's filters (held, failed, …) and the recovery sweep over what still moves.
            models.Index(fields=["status", "-created_at", "-id"], name="intent_by_status"),
        ]


class Transition(models.Model):
    """One step of an intent's history: from where to where, when, by whom and why. Never changed."""

    id = models.UUIDField(primary_key=True)
    intent_id = models.TextField()
    before = models.TextField(null=True)
    after = models.TextField()
    at = models.DateTimeField()
    actor = models.JSONField()
    reason = models.TextField(default="")
    version = models.IntegerField()

    class Meta:
        db_table = "runtime_transition"
        constraints = [
            # Two workers that take the same step cannot both write it.
            models.UniqueConstraint(fields=["intent_id", "version"], name="transition_one_per_version"),
        ]
        indexes = [
            # Direct counts that the per-minute rollup is held against.
            models.Index(fields=["after", "at"], name="transition_by_state_and_time"),
        ]


class StageMinute(models.Model):
    """How many intents reached a state in one minute, and how long the step before it took.

    Counted again from the history whenever a leaf of that minute's intents appears, so it never drifts.
    """

    pk = models.CompositePrimaryKey("minute", "stage")
    minute = models.DateTimeField()
    stage = models.TextField()
    reached = models.IntegerField()
    histogram = models.JSONField(default=dict, db_comment="Bucket b counts steps of 1.1^(b−1) to 1.1^b milliseconds.")

    class Meta:
        db_table = "runtime_stage_minute"


class VolumeMinute(models.Model):
    """What was ledgered in one minute, per currency, in minor units."""

    pk = models.CompositePrimaryKey("minute", "currency")
    minute = models.DateTimeField()
    currency = models.CharField(max_length=3)
    intents = models.IntegerField()
    amount_minor = models.DecimalField(max_digits=38, decimal_places=0)

    class Meta:
        db_table = "runtime_volume_minute"


class RollupCursor(models.Model):
    """How far the rollup has followed the leaf index. Its row is the lock: one follower at a time in a workspace."""

    name = models.TextField(primary_key=True)
    next_index = models.BigIntegerField()
    updated_at = models.DateTimeField()

    class Meta:
        db_table = "runtime_rollup_cursor"
