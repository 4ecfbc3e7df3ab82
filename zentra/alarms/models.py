"""Alarms, what was seen before they rang, who is told, and each message. Private to this app.

Nothing here is ever deleted but a look, which is a memory of the last minutes and no history.
"""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.constraints import BaseConstraint

from zentra.alarms.types import ALARM_STATES, CHANNEL_KINDS, NOTICE_STATES, SEVERITIES, STEPS
from zentra.core.fields import IdField


class Turn(models.Model):
    """When a kind was looked at last. Its row is the lock: of two watch processes one looks, the other goes on."""

    id = models.UUIDField(primary_key=True)
    kind = models.TextField()
    looked_at = models.DateTimeField()

    class Meta:
        db_table = "alarms_turn"
        constraints: ClassVar[list[BaseConstraint]] = [
            models.UniqueConstraint(fields=["kind"], name="alarms_turn_once"),
        ]


class Look(models.Model):
    """How long a subject has been bad, or good again, without a break: what keeps flapping from ringing."""

    id = models.UUIDField(primary_key=True)
    kind = models.TextField()
    subject = models.TextField()
    is_bad = models.BooleanField()
    since = models.DateTimeField(db_comment="The first look of this run of equal ones.")
    last_at = models.DateTimeField()

    class Meta:
        db_table = "alarms_look"
        constraints: ClassVar[list[BaseConstraint]] = [
            models.UniqueConstraint(fields=["kind", "subject"], name="alarms_look_once"),
        ]


class Alarm(models.Model):
    """Something that a person has to know, from its raising until it is good again."""

    id = IdField(prefix="alm", primary_key=True)
    kind = models.TextField()
    subject = models.TextField(default="", db_comment="An endpoint, rail, currency or process; empty: the whole.")
    severity = models.TextField()
    state = models.TextField(default="raised")
    words = models.TextField(db_comment="One sentence, as last seen.")
    facts = models.JSONField(default=dict)
    bad_since = models.DateTimeField(null=True, db_comment="The first look of the run that raised it.")
    raised_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    seen_count = models.IntegerField(default=1)
    reminded_at = models.DateTimeField(null=True)
    acknowledged_by = models.JSONField(null=True)
    acknowledged_at = models.DateTimeField(null=True)
    note = models.TextField(default="")
    cleared_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "alarms_alarm"
        constraints: ClassVar[list[BaseConstraint]] = [
            # Two watch processes that see the same thing raise one alarm.
            models.UniqueConstraint(
                fields=["kind", "subject"], name="alarms_alarm_one_open", condition=~Q(state="cleared")
            ),
            models.CheckConstraint(name="alarms_alarm_state", condition=Q(state__in=ALARM_STATES)),
            models.CheckConstraint(name="alarms_alarm_severity", condition=Q(severity__in=SEVERITIES)),
            models.CheckConstraint(
                name="alarms_alarm_acknowledged_whole",
                condition=Q(acknowledged_by__isnull=True, acknowledged_at__isnull=True)
                | Q(acknowledged_by__isnull=False, acknowledged_at__isnull=False),
            ),
            models.CheckConstraint(
                name="alarms_alarm_acknowledged_by_somebody",
                condition=~Q(state="acknowledged") | Q(acknowledged_by__isnull=False),
            ),
            models.CheckConstraint(
                name="alarms_alarm_cleared_at", condition=Q(state="cleared") ^ Q(cleared_at__isnull=True)
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            # The alarms page and GET /v1/alarms.
            models.Index(F("raised_at").desc(), F("id").desc(), name="alarms_alarm_newest"),
        ]


class Channel(models.Model):
    """Whom alarms are told, and how."""

    id = IdField(prefix="chn", primary_key=True)
    kind = models.TextField()
    target = models.TextField(db_comment="A mail address, or a URL.")
    who = models.TextField(default="", db_comment="Whose it is, in words.")
    kinds: models.Field[list[str], list[str]] = ArrayField(
        models.TextField(), db_comment="Kinds of alarms, or * for all."
    )
    secret = models.BinaryField(default=b"", db_comment="whsec_ of a webhook, encrypted under ZENTRA_SECRET_KEYS.")
    state = models.TextField(default="active")
    created_by = models.JSONField()
    created_at = models.DateTimeField()
    removed_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "alarms_channel"
        constraints: ClassVar[list[BaseConstraint]] = [
            models.UniqueConstraint(fields=["kind", "target"], name="alarms_channel_once", condition=Q(state="active")),
            models.CheckConstraint(name="alarms_channel_kind", condition=Q(kind__in=CHANNEL_KINDS)),
            models.CheckConstraint(name="alarms_channel_state", condition=Q(state__in=("active", "removed"))),
            models.CheckConstraint(
                name="alarms_channel_removed_at", condition=Q(state="active") ^ Q(removed_at__isnull=False)
            ),
            models.CheckConstraint(name="alarms_channel_secret", condition=Q(kind="mail") ^ ~Q(secret=b"")),
        ]


class Notice(models.Model):
    """One message to one channel about one step of an alarm; without an alarm, a test of the channel."""

    id = IdField(prefix="ntc", primary_key=True)
    alarm = models.ForeignKey(Alarm, on_delete=models.PROTECT, null=True, related_name="notices")
    channel = models.ForeignKey(Channel, on_delete=models.PROTECT, related_name="notices")
    step = models.TextField()
    state = models.TextField(default="queued")
    subject = models.TextField()
    body = models.TextField(db_comment="Plain text of a mail, or the exact JSON of a webhook.")
    attempts = models.IntegerField(default=0, db_comment="Counts claims, so that one whose sender died is counted.")
    next_at = models.DateTimeField(null=True)
    claim_id = models.UUIDField(null=True)
    claimed_until = models.DateTimeField(null=True)
    error = models.TextField(default="")
    created_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "alarms_notice"
        constraints: ClassVar[list[BaseConstraint]] = [
            # Quiet once known: whatever happens, a channel hears of one step once.
            models.UniqueConstraint(fields=["alarm", "channel", "step"], name="alarms_notice_once"),
            models.CheckConstraint(name="alarms_notice_state", condition=Q(state__in=NOTICE_STATES)),
            models.CheckConstraint(name="alarms_notice_step", condition=Q(step__in=STEPS)),
            models.CheckConstraint(
                name="alarms_notice_queued_is_due", condition=~Q(state="queued") | Q(next_at__isnull=False)
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            # What the watch process sends next; nearly always empty.
            models.Index(fields=["next_at"], name="alarms_notice_due", condition=Q(state="queued")),
            # The page of what was sent.
            models.Index(F("created_at").desc(), F("id").desc(), name="alarms_notice_newest"),
        ]
