"""Callbacks in: what was said once, each arrival of it, what could not be taken in, and how far a rail was asked.

Arrivals are partitioned by ``recorded_at``, which is why it stands in their primary key; they never change (``sql/``).
What must be unique over all of them is in ``CallbackKey``.
"""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from zentra.core.fields import IdField

CALLBACK_STATES = ("applied", "duplicate", "late", "mismatch", "unmatched", "quarantined")
QUARANTINE_STATES = ("open", "applied", "dismissed")


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
    posting_id = IdField(prefix="posting", null=True, db_comment="What it converged on in the ledger.")
    reference = models.TextField(
        default="", db_default="", db_comment="Our key at the rail: an unmatched callback waits for it."
    )
    first_received_at = models.DateTimeField()
    last_received_at = models.DateTimeField()

    class Meta:
        db_table = "webhooks_callback_key"
        constraints = (
            models.UniqueConstraint(fields=["rail_id", "provider_event_id"], name="webhooks_callback_once"),
            models.CheckConstraint(name="webhooks_callback_key_state", condition=Q(state__in=CALLBACK_STATES)),
        )
        indexes = (
            # An attempt that begins later asks whether somebody spoke of it before.
            models.Index(fields=["reference"], name="webhooks_callback_unmatched", condition=Q(state="unmatched")),
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
    signed_at = models.DateTimeField(null=True, db_comment="Null where the rail's scheme signs no moment.")
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
    posting_id = IdField(prefix="posting", null=True)
    source = models.TextField(
        default="callback", db_default="callback", db_comment="callback, poll (we asked) or repair (a person)."
    )

    class Meta:
        db_table = "webhooks_callback"
        constraints = (models.CheckConstraint(name="webhooks_callback_state", condition=Q(state__in=CALLBACK_STATES)),)
        indexes = (
            models.Index(fields=["-recorded_at", "-id"], name="webhooks_callback_newest"),
            models.Index(
                fields=["intent_id"], name="webhooks_callback_by_intent", condition=Q(intent_id__isnull=False)
            ),
            models.Index(fields=["rail_id", "provider_event_id"], name="webhooks_callback_repeats"),
            # A callback's page, and its repeats beside it; the primary key begins with the time.
            models.Index(fields=["id"], name="webhooks_callback_by_id"),
            models.Index(fields=["first_id", "recorded_at"], name="webhooks_callback_by_first"),
        )


class Quarantined(models.Model):
    """A signed callback that could not be taken in, until a person repairs or dismisses it."""

    id = IdField(prefix="cb", primary_key=True, db_comment="The callback that came first.")
    rail_id = IdField(prefix="rail")
    provider_event_id = models.TextField()
    code = models.TextField(db_comment="The refusal's code.")
    detail = models.TextField(default="")
    state = models.TextField(default="open")
    body = models.BinaryField(db_comment="As it came last.")
    fixed_body = models.BinaryField(null=True, db_comment="What was applied instead.")
    note = models.TextField(default="")
    decided_by = models.JSONField(null=True)
    decided_at = models.DateTimeField(null=True)
    opened_at = models.DateTimeField()

    class Meta:
        db_table = "webhooks_quarantine"
        constraints = (
            models.CheckConstraint(name="webhooks_quarantine_state", condition=Q(state__in=QUARANTINE_STATES)),
            models.CheckConstraint(
                name="webhooks_quarantine_decided", condition=Q(state="open") ^ Q(decided_at__isnull=False)
            ),
        )
        indexes = (
            models.Index(fields=["-opened_at", "-id"], name="webhooks_quarantine_newest"),
            models.Index(fields=["opened_at"], name="webhooks_quarantine_open", condition=Q(state="open")),
        )


class Poll(models.Model):
    """How far a rail has been asked for what it told us, or failed to."""

    rail_id = IdField(prefix="rail", primary_key=True)
    cursor = models.TextField(default="", db_comment="The provider's own word for how far we have read.")
    asked_at = models.DateTimeField(null=True)
    next_at = models.DateTimeField()
    asked = models.IntegerField(default=0)
    found = models.IntegerField(default=0, db_comment="Callbacks taken in that had not come by themselves.")
    failures = models.IntegerField(default=0, db_comment="In a row.")
    last_error = models.TextField(default="")

    class Meta:
        db_table = "webhooks_poll"
