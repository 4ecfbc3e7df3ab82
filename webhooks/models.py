"""The tables of events out and callbacks in. Private to this app: others use ``operations`` and ``queries``.

Callbacks and attempts will be partitioned by ``recorded_at``, which is why it stands in their primary keys; what must
be unique over all of them has a small table of its own. Rows of those two tables never change (``sql/webhooks.sql``).
"""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from zentra.core.fields import IdField

ENDPOINT_STATES = ("enabled", "disabled")
DELIVERY_STATES = ("queued", "retained", "retrying", "resolved", "exhausted")
TRIGGERS = ("auto", "manual", "replay")
CALLBACK_STATES = ("applied", "duplicate", "late", "mismatch", "unmatched", "quarantined")
STREAM_STATES = ("syncing", "synchronized", "degraded")


class Endpoint(models.Model):
    """A consumer's URL and what it subscribes to."""

    id = IdField(prefix="whe", primary_key=True)
    url = models.TextField()
    description = models.TextField(default="")
    event_filter: models.Field[list[str], list[str]] = ArrayField(
        models.TextField(), db_comment="Event names, or prefix.*, or *."
    )
    state = models.TextField(default="enabled")
    disabled_at = models.DateTimeField(null=True)
    disabled_reason = models.TextField(default="")
    timeout_seconds = models.SmallIntegerField(default=10)
    signing_key = models.BinaryField(db_comment="Ed25519 whsk_ key, encrypted under ZENTRA_SECRET_KEYS.")
    public_key = models.TextField(db_comment="Its whpk_ half, for everyone.")
    consecutive_failures = models.IntegerField(default=0)
    created_at = models.DateTimeField(db_comment="Only events that occurred from here on are delivered.")

    class Meta:
        db_table = "webhooks_endpoint"
        constraints = (
            models.CheckConstraint(name="webhooks_endpoint_state", condition=Q(state__in=ENDPOINT_STATES)),
            models.CheckConstraint(
                name="webhooks_endpoint_disabled_at", condition=Q(state="disabled") ^ Q(disabled_at__isnull=True)
            ),
            models.CheckConstraint(
                name="webhooks_endpoint_timeout", condition=Q(timeout_seconds__gte=1, timeout_seconds__lte=30)
            ),
        )


class EndpointSecret(models.Model):
    """One HMAC secret of an endpoint. Several are valid at once while one takes over from another."""

    id = models.UUIDField(primary_key=True)
    endpoint = models.ForeignKey(Endpoint, on_delete=models.PROTECT, related_name="secrets")
    secret = models.BinaryField(db_comment="whsec_ secret, encrypted under ZENTRA_SECRET_KEYS.")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, db_comment="Null: until it is replaced.")

    class Meta:
        db_table = "webhooks_endpoint_secret"


class Cursor(models.Model):
    """How far the leaf index has been followed. Its row is the lock: one follower at a time in a workspace."""

    name = models.TextField(primary_key=True)
    next_index = models.BigIntegerField(db_comment="The first leaf index that was not looked at yet.")

    class Meta:
        db_table = "webhooks_cursor"


class Delivery(models.Model):
    """One event on its way to one endpoint.

    ``next_attempt_at`` alone says whether something is to be sent; ``claim_id`` names the worker that is sending it,
    until ``claimed_until``. ``attempts`` counts claims, so that an attempt whose worker died is counted too.
    """

    id = IdField(prefix="dlv", primary_key=True)
    recorded_at = models.DateTimeField()
    event_id = IdField(prefix="evt")
    event_recorded_at = models.DateTimeField(db_comment="Where the event's bytes are: its partition.")
    event_type = models.TextField()
    leaf_index = models.BigIntegerField()
    leaf_hash = models.BinaryField(db_comment="SHA-256(0x00 || body) as sequenced; compared before each send.")
    endpoint_id = IdField(prefix="whe")
    intent_id = models.TextField(null=True)
    state = models.TextField(default="queued")
    is_awaited = models.BooleanField(db_comment="The endpoint was enabled then, so the intent's stream waits for it.")
    attempts = models.IntegerField(default=0)
    failures = models.IntegerField(default=0, db_comment="Failures since the start or the last replay: schedule step.")
    next_attempt_at = models.DateTimeField(null=True)
    first_due_at = models.DateTimeField(null=True, db_comment="Null until it was due for the first time.")
    resolved_at = models.DateTimeField(null=True)
    trigger = models.TextField(default="auto", db_comment="Why the next attempt is made.")
    claim_id = models.UUIDField(null=True)
    claimed_at = models.DateTimeField(null=True)
    claimed_until = models.DateTimeField(null=True)
    last_status = models.SmallIntegerField(null=True)
    last_error = models.TextField(default="")

    class Meta:
        db_table = "webhooks_delivery"
        constraints = (
            models.UniqueConstraint(fields=["event_id", "endpoint_id"], name="webhooks_delivery_once"),
            models.CheckConstraint(name="webhooks_delivery_state", condition=Q(state__in=DELIVERY_STATES)),
            models.CheckConstraint(name="webhooks_delivery_trigger", condition=Q(trigger__in=TRIGGERS)),
            models.CheckConstraint(
                name="webhooks_delivery_resolved_at", condition=Q(state="resolved") ^ Q(resolved_at__isnull=True)
            ),
            models.CheckConstraint(
                name="webhooks_delivery_waiting_is_due",
                condition=~Q(state__in=("queued", "retrying")) | Q(next_attempt_at__isnull=False),
            ),
        )
        indexes = (
            # The deliveries page: newest first.
            models.Index(fields=["-recorded_at", "-id"], name="webhooks_delivery_newest"),
            # The intent page, and whether an intent's stream is synchronized.
            models.Index(
                fields=["intent_id"], name="webhooks_delivery_by_intent", condition=Q(intent_id__isnull=False)
            ),
            # Replay of everything an endpoint missed.
            models.Index(fields=["endpoint_id", "-recorded_at", "-id"], name="webhooks_delivery_by_endpoint"),
            # The room's counts and the page's filters ask for what has not arrived, which is the small part.
            models.Index(
                fields=["state", "-recorded_at", "-id"],
                name="webhooks_delivery_unresolved",
                condition=~Q(state="resolved"),
            ),
            # Health: resolved ÷ first due in 24 hours.
            models.Index(
                fields=["first_due_at"], name="webhooks_delivery_first_due", condition=Q(first_due_at__isnull=False)
            ),
            # What is due: a sweep for deliveries whose work item was lost.
            models.Index(
                fields=["next_attempt_at"], name="webhooks_delivery_due", condition=Q(next_attempt_at__isnull=False)
            ),
        )


class Attempt(models.Model):
    """One call to an endpoint and what came of it. Never changed."""

    pk = models.CompositePrimaryKey("recorded_at", "id")
    id = IdField(prefix="att")
    recorded_at = models.DateTimeField(db_comment="The future partition key.")
    delivery_id = IdField(prefix="dlv")
    endpoint_id = IdField(prefix="whe")
    number = models.IntegerField()
    trigger = models.TextField()
    started_at = models.DateTimeField()
    duration_ms = models.IntegerField()
    url = models.TextField()
    request_headers = models.JSONField(default=dict, db_comment="Without secrets.")
    response_status = models.SmallIntegerField(null=True)
    response_headers = models.JSONField(default=list)
    response_body = models.BinaryField(default=b"", db_comment="The first 16 KB.")
    is_truncated = models.BooleanField(default=False)
    error_class = models.TextField(null=True)
    error_detail = models.TextField(default="")
    next_attempt_at = models.DateTimeField(null=True)
    is_signature_verified = models.BooleanField(db_comment="Bytes and signature were verified before sending.")
    is_superseded = models.BooleanField(default=False, db_comment="Its worker had lost the claim; it decided nothing.")

    class Meta:
        db_table = "webhooks_attempt"
        constraints = (models.CheckConstraint(name="webhooks_attempt_trigger", condition=Q(trigger__in=TRIGGERS)),)
        indexes = (
            # The delivery page shows its attempts side by side.
            models.Index(fields=["delivery_id", "number"], name="webhooks_attempt_by_delivery"),
            # Health of an endpoint over a window.
            models.Index(fields=["endpoint_id", "recorded_at"], name="webhooks_attempt_by_endpoint"),
        )


class Stream(models.Model):
    """Whether the events of one intent reached their endpoints, asked once its money is final."""

    intent_id = models.TextField(primary_key=True)
    state = models.TextField(default="syncing")
    opened_at = models.DateTimeField(db_comment="When the money was final; the sync deadline counts from here.")
    decided_at = models.DateTimeField(null=True)
    undelivered = models.IntegerField(default=0)

    class Meta:
        db_table = "webhooks_stream"
        constraints = (models.CheckConstraint(name="webhooks_stream_state", condition=Q(state__in=STREAM_STATES)),)


class CallbackKey(models.Model):
    """What a rail told us, once per its own event id; the row by which repeats are recognised and counted."""

    id = IdField(prefix="cb", primary_key=True, db_comment="The callback that came first.")
    rail_id = IdField(prefix="rail")
    provider_event_id = models.TextField()
    body_sha256 = models.TextField()
    arrivals = models.IntegerField(default=1)
    state = models.TextField()
    effect = models.TextField(default="")
    mutations = models.IntegerField(default=0)
    intent_id = models.TextField(null=True)
    first_received_at = models.DateTimeField()
    last_received_at = models.DateTimeField()

    class Meta:
        db_table = "webhooks_callback_key"
        constraints = (
            models.UniqueConstraint(fields=["rail_id", "provider_event_id"], name="webhooks_callback_once"),
            models.CheckConstraint(name="webhooks_callback_key_state", condition=Q(state__in=CALLBACK_STATES)),
        )


class Callback(models.Model):
    """One arrival of a verified callback, with its exact bytes and what it did. Never changed."""

    pk = models.CompositePrimaryKey("recorded_at", "id")
    id = IdField(prefix="cb")
    recorded_at = models.DateTimeField(db_comment="The future partition key.")
    rail_id = IdField(prefix="rail")
    provider_event_id = models.TextField()
    arrival = models.IntegerField(db_comment="1 for the first, 2 for its first repeat, and so on.")
    first_id = IdField(prefix="cb", db_comment="The callback that came first under this event id; itself if first.")
    signed_at = models.DateTimeField()
    scheme = models.TextField()
    headers = models.JSONField(default=dict)
    body = models.BinaryField()
    body_sha256 = models.TextField()
    reference = models.TextField(default="", db_comment="Our key at the rail, in the provider's words.")
    intent_id = models.TextField(null=True)
    provider_type = models.TextField(default="")
    state = models.TextField()
    effect = models.TextField(default="", db_comment="What the runtime said of it.")
    mutations = models.IntegerField(default=0)
    detail = models.TextField(default="")

    class Meta:
        db_table = "webhooks_callback"
        constraints = (models.CheckConstraint(name="webhooks_callback_state", condition=Q(state__in=CALLBACK_STATES)),)
        indexes = (
            models.Index(fields=["-recorded_at", "-id"], name="webhooks_callback_newest"),
            models.Index(
                fields=["intent_id"], name="webhooks_callback_by_intent", condition=Q(intent_id__isnull=False)
            ),
            models.Index(fields=["rail_id", "provider_event_id"], name="webhooks_callback_repeats"),
        )
