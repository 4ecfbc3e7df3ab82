"""Events out: endpoints and their keys, deliveries, attempts, replays, health, streams.

Attempts are partitioned by ``recorded_at``, which is why it stands in their primary key; they never change (``sql/``).
"""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from zentra.core.fields import IdField

ENDPOINT_STATES = ("enabled", "disabled")
DELIVERY_STATES = ("queued", "retained", "retrying", "resolved", "exhausted")
DISABLED_BY = ("", "person", "gone", "failing", "unverified")
BREAKER_STATES = ("closed", "open")
SECRET_KINDS = ("hmac", "ed25519")
TRIGGERS = ("auto", "manual", "replay")
PURPOSES = ("event", "test", "probe")
REPLAY_STATES = ("running", "done", "canceled")
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
    disabled_by = models.TextField(
        default="", db_comment="person, gone (410), failing or unverified; empty while enabled."
    )
    removed_at = models.DateTimeField(null=True, db_comment="Disabled for ever; kept because deliveries name it.")
    timeout_seconds = models.SmallIntegerField(default=10)
    rate_per_second = models.IntegerField(null=True, db_comment="At most so many attempts a second; null: any number.")
    max_in_flight = models.SmallIntegerField(default=10, db_comment="Attempts at once, over all processes.")
    schedule: models.Field[list[int] | None, list[int] | None] = ArrayField(
        models.IntegerField(), null=True, db_comment="Seconds before each attempt; null: the workspace's schedule."
    )
    api_version = models.TextField(default="v2026.04")
    consecutive_failures = models.IntegerField(default=0)
    failing_since = models.DateTimeField(null=True, db_comment="The first failure after the last success.")
    warned_at = models.DateTimeField(null=True)
    warnings = models.SmallIntegerField(default=0, db_comment="Warnings given since failing_since.")
    breaker = models.TextField(default="closed")
    breaker_opened_at = models.DateTimeField(null=True)
    breaker_until = models.DateTimeField(null=True, db_comment="Nothing is sent before; then one probe at a time.")
    breaker_opens = models.SmallIntegerField(default=0, db_comment="Times opened in a row: each pause is longer.")
    probe_at = models.DateTimeField(null=True, db_comment="The next self-healing probe, while disabled by failing.")
    version = models.IntegerField(default=1, db_comment="Counts changes by people, for compare-and-set.")
    created_at = models.DateTimeField(db_comment="Only events that occurred from here on are delivered.")
    changed_at = models.DateTimeField(null=True)

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
            models.CheckConstraint(name="webhooks_endpoint_disabled_by", condition=Q(disabled_by__in=DISABLED_BY)),
            models.CheckConstraint(name="webhooks_endpoint_breaker", condition=Q(breaker__in=BREAKER_STATES)),
            models.CheckConstraint(
                name="webhooks_endpoint_rate",
                condition=Q(rate_per_second__isnull=True) | Q(rate_per_second__gte=1, rate_per_second__lte=1000),
            ),
            models.CheckConstraint(
                name="webhooks_endpoint_in_flight", condition=Q(max_in_flight__gte=1, max_in_flight__lte=100)
            ),
            models.CheckConstraint(
                name="webhooks_endpoint_removed_is_disabled",
                condition=Q(removed_at__isnull=True) | Q(state="disabled"),
            ),
        )


class EndpointSecret(models.Model):
    """One signing key of an endpoint. Several are valid at once while one takes over from another."""

    id = models.UUIDField(primary_key=True)
    endpoint = models.ForeignKey(Endpoint, on_delete=models.PROTECT, related_name="secrets")
    kind = models.TextField(default="hmac")
    secret = models.BinaryField(db_comment="whsec_ secret or whsk_ key, encrypted under ZENTRA_SECRET_KEYS.")
    public_key = models.TextField(default="", db_comment="The whpk_ half of an ed25519 key, for everyone.")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, db_comment="Null: until it is replaced.")

    class Meta:
        db_table = "webhooks_endpoint_secret"
        constraints = (
            models.CheckConstraint(name="webhooks_endpoint_secret_kind", condition=Q(kind__in=SECRET_KINDS)),
            models.CheckConstraint(
                name="webhooks_endpoint_secret_public_key", condition=Q(kind="hmac") ^ ~Q(public_key="")
            ),
        )


class EndpointHeader(models.Model):
    """A header that the consumer wants on each request, beside ours."""

    id = models.UUIDField(primary_key=True)
    endpoint = models.ForeignKey(Endpoint, on_delete=models.PROTECT, related_name="headers")
    name = models.TextField(db_comment="Lower case.")
    value = models.BinaryField(db_comment="Encrypted under ZENTRA_SECRET_KEYS.")
    is_sensitive = models.BooleanField(db_comment="Never shown again; attempts keep dots in its place.")

    class Meta:
        db_table = "webhooks_endpoint_header"
        constraints = (models.UniqueConstraint(fields=["endpoint", "name"], name="webhooks_endpoint_header_once"),)


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
    purpose = models.TextField(
        default="event", db_default="event", db_comment="test and probe are sent also while disabled, once."
    )
    replay_id = IdField(prefix="rpl", null=True, db_comment="The replay that asked for it last.")
    claim_id = models.UUIDField(null=True)
    claimed_at = models.DateTimeField(null=True)
    claimed_until = models.DateTimeField(null=True)
    last_status = models.SmallIntegerField(null=True)
    last_error = models.TextField(default="")
    last_error_class = models.TextField(default="", db_default="", db_comment="Of the last attempt; empty: it arrived.")

    class Meta:
        db_table = "webhooks_delivery"
        constraints = (
            models.UniqueConstraint(fields=["event_id", "endpoint_id"], name="webhooks_delivery_once"),
            models.CheckConstraint(name="webhooks_delivery_state", condition=Q(state__in=DELIVERY_STATES)),
            models.CheckConstraint(name="webhooks_delivery_trigger", condition=Q(trigger__in=TRIGGERS)),
            models.CheckConstraint(name="webhooks_delivery_purpose", condition=Q(purpose__in=PURPOSES)),
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
            # The intent page, whether an intent's stream is synchronized, and the search by an id's beginning.
            models.Index(
                fields=["intent_id"],
                name="webhooks_delivery_of_intent",
                opclasses=["text_pattern_ops"],
                condition=Q(intent_id__isnull=False),
            ),
            # The deliveries of one endpoint.
            models.Index(fields=["endpoint_id", "-recorded_at", "-id"], name="webhooks_delivery_by_endpoint"),
            # Replay of everything an endpoint missed, oldest first.
            models.Index(
                fields=["endpoint_id", "state", "recorded_at", "id"],
                name="webhooks_delivery_missed",
                condition=~Q(state="resolved"),
            ),
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
            # Health: how much waits for an endpoint, since when, and how much of it was given up.
            models.Index(
                fields=["endpoint_id", "state", "first_due_at"],
                name="webhooks_delivery_undelivered",
                condition=~Q(state="resolved"),
            ),
            # What is due: a sweep for deliveries whose work item was lost.
            models.Index(
                fields=["next_attempt_at"], name="webhooks_delivery_due", condition=Q(next_attempt_at__isnull=False)
            ),
            # A replay's progress, and what it sent.
            models.Index(
                fields=["replay_id", "-recorded_at", "-id"],
                name="webhooks_delivery_of_replay",
                condition=Q(replay_id__isnull=False),
            ),
            # The newest of one type.
            models.Index(fields=["event_type", "-recorded_at", "-id"], name="webhooks_delivery_by_type"),
            # The searches by what went wrong, and for tests: what arrived at once is in none of these.
            models.Index(
                fields=["last_status", "-recorded_at", "-id"],
                name="webhooks_delivery_by_status",
                condition=Q(last_status__gte=300),
            ),
            models.Index(
                fields=["last_error_class", "-recorded_at", "-id"],
                name="webhooks_delivery_by_error",
                condition=~Q(last_error_class=""),
            ),
            models.Index(
                fields=["purpose", "-recorded_at", "-id"],
                name="webhooks_delivery_by_purpose",
                condition=~Q(purpose="event"),
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
    replay_id = IdField(prefix="rpl", null=True)
    connect_ms = models.IntegerField(null=True, db_comment="Null when the connection was kept from an earlier call.")
    first_byte_ms = models.IntegerField(null=True, db_comment="From the request's end to the answer's headers.")
    remote_address = models.TextField(default="", db_default="", db_comment="The checked address that was called.")

    class Meta:
        db_table = "webhooks_attempt"
        constraints = (models.CheckConstraint(name="webhooks_attempt_trigger", condition=Q(trigger__in=TRIGGERS)),)
        indexes = (
            # The delivery page shows its attempts side by side.
            models.Index(fields=["delivery_id", "number"], name="webhooks_attempt_by_delivery"),
            # Health of an endpoint over a window.
            models.Index(fields=["endpoint_id", "recorded_at"], name="webhooks_attempt_by_endpoint"),
            # The searches for what went wrong and what a person asked for: the small part.
            models.Index(
                fields=["error_class", "recorded_at", "id"],
                name="webhooks_attempt_by_error",
                condition=Q(error_class__isnull=False),
            ),
            models.Index(
                fields=["response_status", "recorded_at", "id"],
                name="webhooks_attempt_by_status",
                condition=Q(response_status__gte=300),
            ),
            models.Index(
                fields=["trigger", "recorded_at", "id"],
                name="webhooks_attempt_by_trigger",
                condition=~Q(trigger="auto"),
            ),
            models.Index(
                fields=["replay_id", "recorded_at", "id"],
                name="webhooks_attempt_by_replay",
                condition=Q(replay_id__isnull=False),
            ),
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


class Replay(models.Model):
    """Sending again what a person asked for, a slice at a time; the row is the job, its cursor and its progress."""

    id = IdField(prefix="rpl", primary_key=True)
    endpoint_id = IdField(prefix="whe", null=True)
    event_id = IdField(prefix="evt", null=True)
    states: models.Field[list[str] | None, list[str] | None] = ArrayField(models.TextField(), null=True)
    event_type = models.TextField(null=True)
    since = models.DateTimeField(null=True)
    until = models.DateTimeField(null=True)
    reason = models.TextField()
    actor = models.JSONField()
    rate_per_second = models.IntegerField()
    state = models.TextField(default="running")
    matched = models.IntegerField(db_comment="Deliveries in its scope when it was started.")
    requested = models.IntegerField(default=0)
    skipped = models.IntegerField(default=0, db_comment="In flight, or their endpoint disabled, when it reached them.")
    skipped_disabled = models.IntegerField(default=0, db_default=0, db_comment="Those of them whose endpoint was.")
    not_requested = models.IntegerField(default=0, db_default=0, db_comment="What a cancel left as it was.")
    next_slice_at = models.DateTimeField(null=True, db_comment="Its rate: nothing is requested before.")
    cursor_recorded_at = models.DateTimeField(null=True)
    cursor_id = IdField(prefix="dlv", null=True, db_comment="The last delivery it looked at, oldest first.")
    created_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    canceled_by = models.JSONField(null=True)
    cancel_reason = models.TextField(default="", db_default="")

    class Meta:
        db_table = "webhooks_replay"
        constraints = (
            models.CheckConstraint(name="webhooks_replay_state", condition=Q(state__in=REPLAY_STATES)),
            models.CheckConstraint(
                name="webhooks_replay_rate", condition=Q(rate_per_second__gte=1, rate_per_second__lte=500)
            ),
            models.CheckConstraint(
                name="webhooks_replay_ended_at", condition=Q(state="running") ^ Q(ended_at__isnull=False)
            ),
        )
        indexes = (
            models.Index(fields=["-created_at", "-id"], name="webhooks_replay_newest"),
            models.Index(fields=["created_at"], name="webhooks_replay_running", condition=Q(state="running")),
        )


class HealthMinute(models.Model):
    """What happened at one endpoint in one minute, folded: health and plots read this, not the deliveries."""

    pk = models.CompositePrimaryKey("endpoint_id", "minute")
    endpoint_id = IdField(prefix="whe")
    minute = models.DateTimeField()
    first_due = models.IntegerField(default=0, db_comment="Deliveries first due in this minute.")
    resolved = models.IntegerField(default=0, db_comment="Those of them that are resolved by now.")
    attempts = models.IntegerField(default=0, db_comment="Attempts that ended in this minute.")
    failures = models.IntegerField(default=0)
    latency: models.Field[list[int], list[int]] = ArrayField(
        models.IntegerField(), default=list, db_comment="Attempts by bucket of duration (outbound/health.py)."
    )

    class Meta:
        db_table = "webhooks_health_minute"
        indexes = (
            # The workspace's own figure over a window.
            models.Index(fields=["minute"], name="webhooks_health_by_minute"),
        )
