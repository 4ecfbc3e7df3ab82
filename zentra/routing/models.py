"""Routing's tables, private to this app.

Attempts guard money: at most one live attempt per intent is a unique index, which is why this table is never
partitioned. Decisions are append-only (``sql/``).
"""

from django.contrib.postgres.fields import ArrayField
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Coalesce, Length

from zentra.core.fields import IdField
from zentra.routing.schemes import SCHEME_NAMES
from zentra.routing.types import LIVE_WORDS, AttemptState, RailState

models.TextField.register_lookup(Length)

RAIL_WORDS = [state.value for state in RailState]
ATTEMPT_WORDS = [state.value for state in AttemptState]


class Rail(models.Model):
    """A provider path of this workspace. Its id is the connection id in the callback URL."""

    id = IdField(prefix="rail", primary_key=True)
    name = models.TextField(unique=True)
    provider = models.TextField(db_comment="Which adapter speaks to it.")
    base_url = models.TextField()
    state = models.TextField(default=RailState.ENABLED.value)
    default_scenario = models.TextField(null=True, db_comment="Sandbox fault of every payment that names none.")
    callback_scheme = models.TextField(default="standard_webhooks", db_comment="How its callbacks are signed.")
    callback_settings = models.JSONField(default=dict, db_comment="The scheme's settings: names of headers.")
    created_at = models.DateTimeField()

    class Meta:
        db_table = "routing_rail"
        constraints = (
            models.CheckConstraint(name="routing_rail_state_known", condition=Q(state__in=RAIL_WORDS)),
            models.CheckConstraint(name="routing_rail_scheme_known", condition=Q(callback_scheme__in=SCHEME_NAMES)),
        )


class RailSecret(models.Model):
    """A secret that signs a rail's callbacks; several are valid while one takes over from another."""

    id = models.UUIDField(primary_key=True)
    rail = models.ForeignKey(Rail, on_delete=models.PROTECT, related_name="+")
    secret_encrypted = models.BinaryField(db_comment="Under ZENTRA_SECRET_KEYS.")
    created_at = models.DateTimeField()
    retired_at = models.DateTimeField(null=True, db_comment="Valid until then; null: until it is replaced.")

    class Meta:
        db_table = "routing_rail_secret"
        constraints = (
            models.UniqueConstraint(
                name="routing_rail_secret_one_current", fields=["rail"], condition=Q(retired_at__isnull=True)
            ),
        )


class Corridor(models.Model):
    """Where from, where to, how; ``*`` stands for any. No currencies: every currency."""

    id = models.UUIDField(primary_key=True)
    source = models.TextField()
    destination = models.TextField()
    method = models.TextField()
    currencies: "models.Field[list[str], list[str]]" = ArrayField(models.TextField(), default=list)
    created_at = models.DateTimeField()

    class Meta:
        db_table = "routing_corridor"
        constraints = (
            models.UniqueConstraint(name="routing_corridor_once", fields=["source", "destination", "method"]),
        )


class CorridorRail(models.Model):
    """A rail that serves a corridor, and on what terms."""

    id = models.UUIDField(primary_key=True)
    corridor = models.ForeignKey(Corridor, on_delete=models.PROTECT, related_name="+")
    rail = models.ForeignKey(Rail, on_delete=models.PROTECT, related_name="+")
    priority = models.SmallIntegerField(db_comment="1 is preferred.")
    cost_bps = models.IntegerField(db_comment="Hundredths of a percent of the amount.")

    class Meta:
        db_table = "routing_corridor_rail"
        constraints = (
            models.UniqueConstraint(name="routing_corridor_rail_once", fields=["corridor", "rail"]),
            models.CheckConstraint(name="routing_corridor_rail_priority_from_1", condition=Q(priority__gte=1)),
            models.CheckConstraint(name="routing_corridor_rail_cost_not_negative", condition=Q(cost_bps__gte=0)),
        )


class RouteDecision(models.Model):
    """Why a rail was chosen: every candidate with what filtered it or what it scored. Never changed."""

    id = IdField(prefix="rte", primary_key=True)
    intent_id = models.TextField()
    number = models.SmallIntegerField(db_comment="Counts the decisions of the intent from 1.")
    kind = models.TextField()
    corridor = models.TextField()
    amount_minor = models.BigIntegerField()
    currency = models.TextField()
    rail = models.ForeignKey(Rail, on_delete=models.PROTECT, related_name="+")
    candidates = models.JSONField(encoder=DjangoJSONEncoder)
    why = models.TextField()
    decided_at = models.DateTimeField()

    class Meta:
        db_table = "routing_decision"
        constraints = (
            models.UniqueConstraint(name="routing_decision_number_once", fields=["intent_id", "number"]),
            models.CheckConstraint(name="routing_decision_amount_positive", condition=Q(amount_minor__gt=0)),
        )


class RouteAttempt(models.Model):
    """One try at one rail under a key of ours."""

    id = IdField(prefix="att", primary_key=True)
    decision = models.OneToOneField(RouteDecision, on_delete=models.PROTECT, related_name="+")
    intent_id = models.TextField()
    rail = models.ForeignKey(Rail, on_delete=models.PROTECT, related_name="+")
    number = models.SmallIntegerField(db_comment="The decision's number.")
    key = models.TextField(unique=True, db_comment="Our idempotency key at the rail; its callbacks name it.")
    state = models.TextField()
    provider_reference = models.TextField(null=True)
    latency_ms = models.IntegerField(null=True)
    detail = models.TextField(default="")
    asks = models.IntegerField(default=0, db_comment="How often an unknown outcome was asked for in vain.")
    started_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True)
    contradicted_by = models.TextField(null=True, db_comment="The answer that an ended attempt cannot be true with.")
    contradicted_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "routing_attempt"
        constraints = (
            models.UniqueConstraint(name="routing_attempt_number_once", fields=["intent_id", "number"]),
            # An unknown outcome is never re-sent elsewhere: the database itself refuses a second live attempt.
            models.UniqueConstraint(
                name="routing_attempt_one_live", fields=["intent_id"], condition=Q(state__in=LIVE_WORDS)
            ),
            models.CheckConstraint(name="routing_attempt_state_known", condition=Q(state__in=ATTEMPT_WORDS)),
        )
        indexes = (
            # Health reads the last minutes of every rail.
            models.Index(fields=["started_at"], name="routing_attempt_recent"),
        )


class RailHealth(models.Model):
    """A rail's rolling figures, re-measured by a periodic task."""

    rail = models.OneToOneField(Rail, on_delete=models.PROTECT, primary_key=True, related_name="+")
    samples = models.IntegerField()
    answered = models.IntegerField(db_comment="Attempts that the rail answered for, declines included.")
    p95_ms = models.IntegerField(null=True)
    measured_at = models.DateTimeField()

    class Meta:
        db_table = "routing_rail_health"


class OutgoingPause(models.Model):
    """A stop of outgoing money for a rail, or without one for the workspace. Kept after it ended."""

    id = models.UUIDField(primary_key=True)
    rail = models.ForeignKey(Rail, on_delete=models.PROTECT, null=True, related_name="+")
    reason = models.TextField()
    paused_by = models.TextField()
    paused_at = models.DateTimeField()
    resumed_by = models.TextField(null=True)
    resumed_at = models.DateTimeField(null=True)
    resume_reason = models.TextField(default="")

    class Meta:
        db_table = "routing_outgoing_pause"
        constraints = (
            # One open pause per scope; the nil uuid stands for the workspace.
            models.UniqueConstraint(
                Coalesce(F("rail_id"), models.Value("00000000-0000-0000-0000-000000000000", models.UUIDField())),
                name="routing_pause_one_open",
                condition=Q(resumed_at__isnull=True),
            ),
            models.CheckConstraint(name="routing_pause_reason_given", condition=Q(reason__length__gte=1)),
            models.CheckConstraint(
                name="routing_pause_resumed_by_another",
                condition=Q(resumed_by__isnull=True) | ~Q(resumed_by=F("paused_by")),
            ),
            models.CheckConstraint(
                name="routing_pause_resumed_whole",
                condition=Q(resumed_by__isnull=True, resumed_at__isnull=True)
                | Q(resumed_by__isnull=False, resumed_at__isnull=False),
            ),
        )
