"""The ledger's tables. Private to this app: others go through ``ledger.operations`` and ``ledger.queries``.

There are no foreign keys on the way of a posting: their check locks the referenced row (FOR KEY SHARE), and a
settlement account that every posting touches would become a queue. Accounts and postings are never deleted and the
triggers in ``sql/`` look each reference up, which is the same guarantee without the lock.
"""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.db.models.constraints import BaseConstraint
from django.db.models.functions import Length
from django.db.models.lookups import Exact

from ledger.types import ACCOUNT_STATES, ACCOUNT_TYPES, CLASSES
from zentra.core.fields import IdField
from zentra.core.money import MAX_AMOUNT_MINOR

_CURRENCY = r"^[A-Z]{3}$"


class Account(models.Model):
    """A ledger account; its balance stands in ``Balance``, its history in ``EntryPosition``."""

    id = IdField(prefix="acct", primary_key=True)
    code = models.TextField()
    name = models.TextField()
    account_type = models.TextField()  # the documents' word: operating, customer, …
    type = models.TextField()  # the accounting class that the word fixes
    normal_balance = models.TextField()
    currency = models.TextField()
    customer = models.TextField(null=True)
    external_id = models.TextField(null=True)
    floor_minor = models.BigIntegerField(null=True)  # least available balance; null: no floor
    state = models.TextField(default="active")
    state_reason = models.TextField(default="")
    metadata = models.JSONField(default=dict)
    opened_by = models.JSONField()  # the actor
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        db_table = "ledger_account"
        constraints: ClassVar[list[BaseConstraint]] = [
            models.UniqueConstraint(fields=["code", "currency"], name="ledger_account_code_once"),
            models.CheckConstraint(
                condition=Q(code__regex=r"^[A-Za-z0-9_.:-]{1,80}$"), name="ledger_account_code_form"
            ),
            models.CheckConstraint(condition=Q(currency__regex=_CURRENCY), name="ledger_account_currency_form"),
            models.CheckConstraint(
                condition=Q(account_type__in=sorted(ACCOUNT_TYPES)), name="ledger_account_type_word_known"
            ),
            models.CheckConstraint(condition=Q(type__in=CLASSES), name="ledger_account_class_known"),
            models.CheckConstraint(
                condition=Q(normal_balance__in=["credit", "debit"]), name="ledger_account_normal_side"
            ),
            models.CheckConstraint(condition=Q(state__in=ACCOUNT_STATES), name="ledger_account_state_known"),
            models.CheckConstraint(
                condition=Q(floor_minor__range=(-MAX_AMOUNT_MINOR, MAX_AMOUNT_MINOR)), name="ledger_account_floor_range"
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(F("created_at").desc(), F("id").desc(), name="ledger_account_newest"),  # list_accounts
            models.Index(fields=["customer"], name="ledger_account_customer", condition=Q(customer__isnull=False)),
        ]


class Balance(models.Model):
    """What an account holds, by direction. Written only by the posting triggers and the sequencer."""

    account_id = IdField(prefix="acct", primary_key=True)
    # numeric, not bigint: turnover only grows, and a sum that overflows after commit could never be sequenced.
    posted_debits = models.DecimalField(max_digits=38, decimal_places=0, default=0)
    posted_credits = models.DecimalField(max_digits=38, decimal_places=0, default=0)
    pending_debits = models.DecimalField(max_digits=38, decimal_places=0, default=0)
    pending_credits = models.DecimalField(max_digits=38, decimal_places=0, default=0)
    version = models.BigIntegerField(default=0)
    updated_at = models.DateTimeField()

    class Meta:
        db_table = "ledger_balance"
        constraints: ClassVar[list[BaseConstraint]] = [
            models.CheckConstraint(
                condition=Q(posted_debits__gte=0, posted_credits__gte=0, pending_debits__gte=0, pending_credits__gte=0),
                name="ledger_balance_totals_not_negative",
            ),
            models.CheckConstraint(condition=Q(version__gte=0), name="ledger_balance_version_not_negative"),
        ]


class Posting(models.Model):
    """One atomic, balanced set of entries. Never changed: later states are rows of ``PostingTransition``."""

    id = IdField(prefix="posting", primary_key=True)
    purpose = models.TextField()  # the step of an intent's flow, or manual, opening, reversal.<step>
    state = models.TextField(default="posted")  # at birth
    intent_id = models.TextField(null=True)
    reverses_id = IdField(prefix="posting", null=True)
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
            models.UniqueConstraint(
                fields=["reverses_id"], condition=Q(reverses_id__isnull=False), name="ledger_posting_reversed_once"
            ),
            models.CheckConstraint(condition=Q(entry_count__gte=2), name="ledger_posting_two_entries"),
            models.CheckConstraint(condition=Exact(Length("entry_hash"), 32), name="ledger_posting_hash_length"),
            # Two-phase postings come with holds; until their entries count as pending, none can be written.
            models.CheckConstraint(condition=Q(state="posted"), name="ledger_posting_state_known"),
            models.CheckConstraint(
                condition=Q(purpose__regex=r"^[a-z][a-z0-9_.:-]{0,79}$"), name="ledger_posting_purpose_form"
            ),
            models.CheckConstraint(condition=Q(effective_at__lte=F("recorded_at")), name="ledger_posting_not_future"),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(F("recorded_at").desc(), F("id").desc(), name="ledger_posting_newest"),  # list_postings
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


class EntryPosition(models.Model):
    """The number of an entry in its account's history, without gaps, and the balance after it (credits − debits)."""

    pk = models.CompositePrimaryKey("account_id", "version")
    account_id = IdField(prefix="acct")
    version = models.BigIntegerField()
    entry_id = IdField(prefix="entry")
    delta_minor = models.BigIntegerField()
    balance_after_minor = models.DecimalField(max_digits=38, decimal_places=0)

    class Meta:
        db_table = "ledger_entry_position"
        constraints: ClassVar[list[BaseConstraint]] = [
            models.UniqueConstraint(fields=["entry_id"], name="ledger_entry_position_once"),
            models.CheckConstraint(condition=Q(version__gte=1), name="ledger_entry_position_from_one_up"),
        ]


class EntryUnsequenced(models.Model):
    """An entry whose account has no floor, until the sequencer gives it its place (credits − debits)."""

    pk = models.CompositePrimaryKey("account_id", "entry_id")
    account_id = IdField(prefix="acct")
    entry_id = IdField(prefix="entry")
    delta_minor = models.BigIntegerField()

    class Meta:
        db_table = "ledger_entry_unsequenced"


class Period(models.Model):
    """An accounting period. Nothing is posted with an ``effective_at`` inside a closed one."""

    id = models.UUIDField(primary_key=True)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    state = models.TextField(default="open")
    closed_by = models.JSONField(null=True)
    closed_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "ledger_period"
        constraints: ClassVar[list[BaseConstraint]] = [
            models.UniqueConstraint(fields=["starts_at"], name="ledger_period_start_once"),
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="ledger_period_runs_forward"),
            models.CheckConstraint(condition=Q(state__in=["open", "closed"]), name="ledger_period_state_known"),
        ]


class Resum(models.Model):
    """The last background re-sum of all entries of a currency, beside what the balances say."""

    id = models.UUIDField(primary_key=True)
    currency = models.TextField()
    entry_count = models.BigIntegerField()
    entry_sum_minor = models.DecimalField(max_digits=38, decimal_places=0)  # credits − debits; 0 when sound
    diverging_accounts = models.IntegerField()  # accounts whose balance is not the sum of their entries
    computed_at = models.DateTimeField()

    class Meta:
        db_table = "ledger_resum"
        constraints: ClassVar[list[BaseConstraint]] = [
            models.UniqueConstraint(fields=["currency"], name="ledger_resum_currency_once"),
        ]
