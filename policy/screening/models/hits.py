"""Screenings: each check of a party, its hits, what people remembered of them, and runs over all parties.

A hit names an entry of a list by id, never by key: entries come and go with their lists.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.db.models.constraints import BaseConstraint

from policy.screening.models.parties import Party
from policy.screening.types import CHECK_REASONS, HIT_STATES, RUN_REASONS, RUN_STATES
from zentra.core.fields import IdField


class Setting(models.Model):
    """How this workspace screens: one row."""

    id = models.BigIntegerField(primary_key=True)
    hit_from_score = models.SmallIntegerField(default=80)
    kyc_lasts_days = models.IntegerField(default=730)
    monitors = models.JSONField(default=dict, db_comment="Numbers of monitoring scenarios that differ from ours.")
    version = models.IntegerField(default=1)

    class Meta:
        db_table = "screening_setting"
        constraints: ClassVar[list[BaseConstraint]] = [
            models.CheckConstraint(name="screening_setting_one_row", condition=Q(id=1)),
            models.CheckConstraint(
                name="screening_setting_score", condition=Q(hit_from_score__gte=50, hit_from_score__lte=100)
            ),
            models.CheckConstraint(name="screening_setting_kyc_lasts", condition=Q(kyc_lasts_days__gte=1)),
        ]


class Run(models.Model):
    """A screening of all parties again: a list has a new version, or the settings changed."""

    id = IdField(prefix="run", primary_key=True)
    number = models.BigIntegerField()
    reason = models.TextField()
    list_id = IdField(prefix="wls", null=True)
    list_version = models.BigIntegerField(null=True)
    state = models.TextField(default="running")
    total = models.IntegerField()
    done = models.IntegerField(default=0)
    new_hits = models.IntegerField(default=0)
    started_at = models.DateTimeField()
    started_by = models.JSONField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "screening_run"
        constraints: ClassVar[list[BaseConstraint]] = [
            models.UniqueConstraint(fields=["number"], name="screening_run_number_once"),
            # However often a version is made active, its parties are screened again once.
            models.UniqueConstraint(fields=["list_id", "list_version"], name="screening_run_version_once"),
            models.CheckConstraint(name="screening_run_state", condition=Q(state__in=RUN_STATES)),
            models.CheckConstraint(name="screening_run_reason", condition=Q(reason__in=RUN_REASONS)),
            models.CheckConstraint(
                name="screening_run_finished_at", condition=Q(state="running") ^ Q(finished_at__isnull=False)
            ),
            models.CheckConstraint(
                name="screening_run_done", condition=Q(done__gte=0, done__lte=F("total")) & Q(new_hits__gte=0)
            ),
        ]


class RunBatch(models.Model):
    """A part of a run: the parties from one id to another. Done in one transaction, hence once."""

    id = IdField(prefix="bat", primary_key=True)
    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="batches")
    place = models.IntegerField()
    first_party = IdField(prefix="pty")
    last_party = IdField(prefix="pty")
    parties = models.IntegerField()
    done_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "screening_run_batch"
        constraints: ClassVar[list[BaseConstraint]] = [
            models.UniqueConstraint(fields=["run", "place"], name="screening_run_batch_once"),
        ]


class Check(models.Model):
    """That a party was screened: when, why, against what, and what was found. Only ever added to."""

    id = IdField(prefix="chk", primary_key=True)
    party = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="checks")
    reason = models.TextField()
    run = models.ForeignKey(Run, on_delete=models.PROTECT, null=True)
    run_number = models.BigIntegerField(default=0)
    threshold = models.SmallIntegerField()
    matches = models.IntegerField()
    new_hits = models.IntegerField()
    remembered = models.IntegerField()
    screening = models.TextField()
    at = models.DateTimeField()
    actor = models.JSONField()

    class Meta:
        db_table = "screening_check"
        constraints: ClassVar[list[BaseConstraint]] = [
            # Once per party and run, whatever dies in between.
            models.UniqueConstraint(fields=["party", "run"], name="screening_check_once_per_run"),
            models.CheckConstraint(name="screening_check_reason", condition=Q(reason__in=CHECK_REASONS)),
        ]
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["party", "at"], name="screening_check_of")]


class Hit(models.Model):
    """An entry of a list that a party may be. A person clears or confirms it; it lapses when they match no more."""

    id = IdField(prefix="hit", primary_key=True)
    party = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="hits")
    list_id = IdField(prefix="wls")
    entry_id = IdField(prefix="wle")
    entry_uid = models.TextField(db_comment="The source's own id.")
    entry_digest = models.TextField(db_comment="Of the entry as it was when this score was computed.")
    party_digest = models.TextField(db_comment="Of the party's screened facts at that moment.")
    score = models.SmallIntegerField()
    parts = models.JSONField(default=list)
    state = models.TextField(default="open")
    found_at = models.DateTimeField()
    found_in = models.BigIntegerField(default=0, db_comment="The number of the run that found it; 0: none.")
    decided_by = models.TextField(default="")
    decided_at = models.DateTimeField(null=True)
    note = models.TextField(default="")
    version = models.IntegerField(default=1)

    class Meta:
        db_table = "screening_hit"
        constraints: ClassVar[list[BaseConstraint]] = [
            # Of two screenings of one party at once, one finds the hit.
            models.UniqueConstraint(
                fields=["party", "list_id", "entry_uid"],
                name="screening_hit_one_live",
                condition=Q(state__in=("open", "confirmed")),
            ),
            models.CheckConstraint(name="screening_hit_state", condition=Q(state__in=HIT_STATES)),
            models.CheckConstraint(name="screening_hit_score", condition=Q(score__gte=0, score__lte=100)),
            models.CheckConstraint(
                name="screening_hit_decided", condition=Q(state="open") ^ Q(decided_at__isnull=False)
            ),
            models.CheckConstraint(
                name="screening_hit_decided_by_somebody",
                condition=~Q(state__in=("cleared", "confirmed")) | (~Q(decided_by="") & ~Q(note="")),
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["party", "state"], name="screening_hit_of"),
            models.Index(F("found_at").desc(), F("id").desc(), name="screening_hit_newest"),
        ]


class Memory(models.Model):
    """That a party is not this entry, as somebody decided. It holds for the digests that they saw."""

    id = IdField(prefix="mem", primary_key=True)
    party = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="memories")
    list_id = IdField(prefix="wls")
    entry_uid = models.TextField()
    entry_digest = models.TextField()
    party_digest = models.TextField()
    hit = models.ForeignKey(Hit, on_delete=models.PROTECT)
    by = models.TextField()
    at = models.DateTimeField()
    voided_at = models.DateTimeField(null=True)
    voided_because = models.TextField(default="")

    class Meta:
        db_table = "screening_memory"
        constraints: ClassVar[list[BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["party", "list_id", "entry_uid"],
                name="screening_memory_one_good",
                condition=Q(voided_at__isnull=True),
            ),
        ]


class Finding(models.Model):
    """What a monitoring scenario saw in the history of somebody, once a period."""

    id = IdField(prefix="aml", primary_key=True)
    reference = models.TextField(db_comment="Whose movements: a customer.")
    party = models.ForeignKey(Party, on_delete=models.PROTECT, null=True, related_name="findings")
    scenario = models.TextField()
    period = models.TextField(db_comment="Such as 2026-W47 or 2026-11-21.")
    currency = models.TextField(default="")
    score = models.SmallIntegerField()
    facts = models.JSONField(default=dict, db_comment="The numbers that fired; no personal data.")
    review_id = models.TextField(default="")
    found_at = models.DateTimeField()

    class Meta:
        db_table = "screening_finding"
        constraints: ClassVar[list[BaseConstraint]] = [
            models.UniqueConstraint(fields=["reference", "scenario", "period"], name="screening_finding_once"),
            models.CheckConstraint(name="screening_finding_score", condition=Q(score__gte=0, score__lte=100)),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(F("found_at").desc(), F("id").desc(), name="screening_finding_newest")
        ]


class MonitorTurn(models.Model):
    """Up to when movements were looked at. The row is the lock: of two workers one looks, the other goes on."""

    id = models.BigIntegerField(primary_key=True)
    looked_to = models.DateTimeField(null=True)

    class Meta:
        db_table = "screening_monitor_turn"
        constraints: ClassVar[list[BaseConstraint]] = [
            models.CheckConstraint(name="screening_monitor_one_row", condition=Q(id=1)),
        ]
