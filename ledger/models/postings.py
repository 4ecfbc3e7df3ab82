"""Postings and entries, what became of them, and the periods that they fall into."""

from typing import ClassVar

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeOperators
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import F, Func, Q
from django.db.models.constraints import BaseConstraint
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Length
from django.db.models.lookups import Exact

from ledger.types import POSTING_STATES
from zentra.core.fields import IdField
from zentra.core.money import MAX_AMOUNT_MINOR


class Posting(models.Model):
    """One atomic, balanced set of entries. Never changed: later states are rows of ``PostingTransition``."""

    id = IdField(prefix="posting", primary_key=True)
    purpose = models.TextField()  # the step of an intent's flow, or manual, opening, reversal.<step>
    # At birth. pending: its entries count as pending. released: they take what is pending away again.
    state = models.TextField(default="posted")
    intent_id = models.TextField(null=True)
    reverses_id = IdField(prefix="posting", null=True)
    corrects_id = IdField(prefix="posting", null=True)
    hold_id = IdField(prefix="hold", null=True)
    fx = models.JSONField(null=True)  # rate, its source and time, of a posting over two currencies
    entry_count = models.SmallIntegerField()
    entry_hash = models.BinaryField()  # SHA-256 of ledger.hashing.posting_content
    actor = models.JSONField()
    correlation_id = models.TextField()
    idempotency_key = models.TextField(null=True)
    source_event_id = models.TextField(null=True)
    decision_id = models.TextField(null=True)
    external_reference = models.TextField(null=True)
    effective_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    description = models.TextField(default="")
    metadata = models.JSONField(default=dict)

    class Meta:
        db_table = "ledger_posting"
        constraints: ClassVar[list[BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["intent_id", "purpose"], condition=Q(intent_id__isnull=False), name="ledger_posting_step_once"
            ),
            models.CheckConstraint(condition=Q(entry_count__gte=2), name="ledger_posting_two_entries"),
            models.CheckConstraint(condition=Exact(Length("entry_hash"), 32), name="ledger_posting_hash_length"),
            models.CheckConstraint(condition=Q(state__in=POSTING_STATES), name="ledger_posting_state_known"),
            models.CheckConstraint(
                condition=Q(state="posted") | Q(hold_id__isnull=False), name="ledger_posting_pending_is_held"
            ),
            models.CheckConstraint(
                condition=Q(purpose__regex=r"^[a-z][a-z0-9_.:-]{0,79}$"), name="ledger_posting_purpose_form"
            ),
            models.CheckConstraint(condition=Q(effective_at__lte=F("recorded_at")), name="ledger_posting_not_future"),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(F("recorded_at").desc(), F("id").desc(), name="ledger_posting_newest"),  # list_postings
            models.Index(fields=["hold_id"], name="ledger_posting_hold", condition=Q(hold_id__isnull=False)),
            models.Index(
                fields=["reverses_id"], name="ledger_posting_reverses", condition=Q(reverses_id__isnull=False)
            ),
            models.Index(
                fields=["corrects_id"], name="ledger_posting_corrects", condition=Q(corrects_id__isnull=False)
            ),
            models.Index(
                fields=["external_reference"],
                name="ledger_posting_reference",
                condition=Q(external_reference__isnull=False),
            ),
            models.Index(  # late_postings: what came when its period was locked, by that period
                KeyTextTransform("late_for", "metadata"),
                name="ledger_posting_late",
                condition=Q(metadata__has_key="late_for"),
            ),
            # What counts in a span of time, all of it or none: tiny, and next to nothing for a posting to keep.
            BrinIndex(fields=["effective_at"], name="ledger_posting_span", autosummarize=True, pages_per_range=32),
            models.Index(  # count_adjustments, asked while postings are held back
                fields=["effective_at"],
                name="ledger_posting_adjustments",
                condition=Q(purpose__startswith="adjustment."),
            ),
        ]


class Entry(models.Model):
    """One debit or credit of one account, in positive minor units with a direction. Never changed."""

    id = IdField(prefix="entry", primary_key=True)
    posting_id = IdField(prefix="posting")
    position = models.SmallIntegerField()  # place in the posting, from 1
    account_id = IdField(prefix="acct")
    account_ref = models.TextField()  # the account in the caller's words, which the entry hash covers
    direction = models.TextField()
    amount_minor = models.BigIntegerField()
    currency = models.TextField()
    floor_minor = models.BigIntegerField(null=True)  # least available balance this entry may leave; null: the account's
    effective_at = models.DateTimeField()
    recorded_at = models.DateTimeField()

    class Meta:
        db_table = "ledger_entry"
        constraints: ClassVar[list[BaseConstraint]] = [
            models.UniqueConstraint(fields=["posting_id", "position"], name="ledger_entry_place_once"),
            models.CheckConstraint(
                condition=Q(amount_minor__gte=1, amount_minor__lte=MAX_AMOUNT_MINOR), name="ledger_entry_amount_range"
            ),
            models.CheckConstraint(condition=Q(direction__in=["credit", "debit"]), name="ledger_entry_direction_known"),
            models.CheckConstraint(condition=Q(position__gte=1), name="ledger_entry_position_from_one"),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(  # as-of, statements
                fields=["account_id", "effective_at", "id"], name="ledger_entry_effective"
            ),
        ]


class PostingTransition(models.Model):
    """A later state of a posting that was born pending: posted, voided or expired."""

    id = IdField(prefix="evt", primary_key=True)
    posting = models.ForeignKey(Posting, on_delete=models.PROTECT, db_index=False)
    state = models.TextField()
    reason = models.TextField(default="")
    actor = models.JSONField()
    recorded_at = models.DateTimeField()

    class Meta:
        db_table = "ledger_posting_transition"
        constraints: ClassVar[list[BaseConstraint]] = [
            models.UniqueConstraint(fields=["posting"], name="ledger_posting_transition_once"),
            models.CheckConstraint(
                condition=Q(state__in=["posted", "voided", "expired"]), name="ledger_posting_transition_state_known"
            ),
        ]


class Reversed(models.Model):
    """How much of a posting is reversed: the row that two reversals of one posting meet at."""

    posting_id = IdField(prefix="posting", primary_key=True)
    reversed_minor = models.BigIntegerField()  # sum of the debits of its reversals
    updated_at = models.DateTimeField()

    class Meta:
        db_table = "ledger_reversed"


class Period(models.Model):
    """An accounting period: the row that says what may be posted with an ``effective_at`` inside it.

    ``open``: everything. ``soft``: only purposes ``adjustment.*``, and where ``open_until`` is set only what is
    recorded before that. ``closed``: nothing. Written by ``ledger_set_period_state`` alone, which waits for postings
    in flight.
    """

    id = models.UUIDField(primary_key=True)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    state = models.TextField(default="open")
    open_until = models.DateTimeField(null=True)  # of a re-opened one
    requested_by = models.JSONField(null=True)  # who asked for that; another one let it
    closed_by = models.JSONField(null=True)  # the actor of the newest change
    closed_at = models.DateTimeField(null=True)  # when that was

    class Meta:
        db_table = "ledger_period"
        constraints: ClassVar[list[BaseConstraint]] = [
            models.UniqueConstraint(fields=["starts_at"], name="ledger_period_start_once"),
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="ledger_period_runs_forward"),
            models.CheckConstraint(condition=Q(state__in=["open", "soft", "closed"]), name="ledger_period_state_known"),
            models.CheckConstraint(
                condition=Q(open_until__isnull=True) | Q(state="soft", requested_by__isnull=False),
                name="ledger_period_reopened_is_soft",
            ),
            ExclusionConstraint(
                name="ledger_period_no_overlap",
                expressions=[
                    (Func(F("starts_at"), F("ends_at"), function="tstzrange"), RangeOperators.OVERLAPS),
                ],
            ),
        ]
