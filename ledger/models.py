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

from ledger.types import ACCOUNT_STATES, ACCOUNT_TYPES, CLASSES, HOLD_STATES, POSTING_STATES
from zentra.core.fields import IdField
from zentra.core.money import MAX_AMOUNT_MINOR

_CURRENCY = r"^[A-Z]{3}$"


class Category(models.Model):
    """A node of the chart of accounts. Its parent never changes, so the tree can have no cycle."""

    id = IdField(prefix="cat", primary_key=True)
    code = models.TextField()
    name = models.TextField()
    parent_id = IdField(prefix="cat", null=True)
    created_at = models.DateTimeField()

    class Meta:
        db_table = "ledger_category"
        constraints: ClassVar[list[BaseConstraint]] = [
            models.UniqueConstraint(fields=["code"], name="ledger_category_code_once"),
            models.CheckConstraint(
                condition=Q(code__regex=r"^[A-Za-z0-9_.:-]{1,80}$"), name="ledger_category_code_form"
            ),
            models.CheckConstraint(condition=~Q(parent_id=F("id")), name="ledger_category_not_its_own_parent"),
        ]


class Account(models.Model):
    """A ledger account; its balance stands in ``Balance``, its history in ``EntryPosition``.

    ``sequencing`` never changes: the entries of an ``immediate`` account are numbered under its lock, so that limits
    hold exactly; those of a ``deferred`` one are numbered after their commit, so that it can be hot, and it has no
    limits.
    """

    id = IdField(prefix="acct", primary_key=True)
    code = models.TextField()
    name = models.TextField()
    account_type = models.TextField()  # the documents' word: operating, customer, …
    type = models.TextField()  # the accounting class that the word fixes
    normal_balance = models.TextField()
    currency = models.TextField()
    customer = models.TextField(null=True)
    external_id = models.TextField(null=True)
    category_id = IdField(prefix="cat", null=True)
    sequencing = models.TextField(db_default="deferred")
    floor_minor = models.BigIntegerField(null=True)  # least available balance; null: no floor
    ceiling_minor = models.BigIntegerField(null=True)  # highest balance, pending in included; null: none
    state = models.TextField(default="active")
    state_reason = models.TextField(default="")
    state_changed_by = models.JSONField(null=True)  # the actor
    state_changed_at = models.DateTimeField(null=True)
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
            models.CheckConstraint(
                condition=Q(ceiling_minor__range=(-MAX_AMOUNT_MINOR, MAX_AMOUNT_MINOR)),
                name="ledger_account_ceiling_range",
            ),
            models.CheckConstraint(
                condition=Q(floor_minor__lte=F("ceiling_minor")), name="ledger_account_limits_order"
            ),
            models.CheckConstraint(
                condition=Q(sequencing__in=["deferred", "immediate"]), name="ledger_account_sequencing_known"
            ),
            models.CheckConstraint(
                condition=Q(sequencing="immediate") | Q(floor_minor__isnull=True, ceiling_minor__isnull=True),
                name="ledger_account_deferred_unlimited",
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(F("created_at").desc(), F("id").desc(), name="ledger_account_newest"),  # list_accounts
            models.Index(fields=["customer"], name="ledger_account_customer", condition=Q(customer__isnull=False)),
            models.Index(
                fields=["category_id"], name="ledger_account_category", condition=Q(category_id__isnull=False)
            ),
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
            models.Index(fields=["account_id", "effective_at"], name="ledger_entry_effective"),  # as-of, statements
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
    delta_minor = models.BigIntegerField()  # 0 for an entry that counts as pending, or takes that away
    balance_after_minor = models.DecimalField(max_digits=38, decimal_places=0)
    pending_debits_after = models.DecimalField(max_digits=38, decimal_places=0, db_default=0)
    pending_credits_after = models.DecimalField(max_digits=38, decimal_places=0, db_default=0)

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
    pending_debits = models.BigIntegerField(db_default=0)  # what the entry adds to them; negative takes away
    pending_credits = models.BigIntegerField(db_default=0)

    class Meta:
        db_table = "ledger_entry_unsequenced"


class Hold(models.Model):
    """What is reserved and not settled yet: the family of a pending posting, its increases, captures and releases.

    The amounts are written by the posting trigger alone, from the entries; pending is
    ``amount_minor - captured_minor - released_minor``.
    """

    id = IdField(prefix="hold", primary_key=True)
    kind = models.TextField()  # hold: one account's funds; posting: a two-phase posting, settled whole
    reference = models.TextField()
    account_id = IdField(prefix="acct")  # whose funds are held; of a posting, its first debit
    destination_id = IdField(prefix="acct")  # where a capture goes unless it says otherwise
    currency = models.TextField()
    amount_minor = models.BigIntegerField(default=0)
    captured_minor = models.BigIntegerField(default=0)
    released_minor = models.BigIntegerField(default=0)  # given back, by release or expiry
    state = models.TextField(default="held")
    intent_id = models.TextField(null=True)
    source = models.TextField()  # the request, intent, authorization … that asked for it
    release_condition = models.TextField(default="")
    expires_at = models.DateTimeField(null=True)
    placed_by = models.JSONField()  # the actor
    placed_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    release_posting_id = IdField(prefix="posting", null=True)  # the entry that gave the rest back
    reviewed_by = models.JSONField(null=True)
    reviewed_at = models.DateTimeField(null=True)
    review_note = models.TextField(default="")
    metadata = models.JSONField(default=dict)

    class Meta:
        db_table = "ledger_hold"
        constraints: ClassVar[list[BaseConstraint]] = [
            models.CheckConstraint(condition=Q(kind__in=["hold", "posting"]), name="ledger_hold_kind_known"),
            models.CheckConstraint(condition=Q(state__in=HOLD_STATES), name="ledger_hold_state_known"),
            models.CheckConstraint(condition=Q(currency__regex=_CURRENCY), name="ledger_hold_currency_form"),
            models.CheckConstraint(
                condition=Q(
                    amount_minor__range=(0, MAX_AMOUNT_MINOR),
                    captured_minor__gte=0,
                    released_minor__gte=0,
                    amount_minor__gte=F("captured_minor") + F("released_minor"),
                ),
                name="ledger_hold_within_amount",
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(  # the expiry task
                fields=["expires_at"], name="ledger_hold_due", condition=Q(state="held", expires_at__isnull=False)
            ),
            models.Index(fields=["placed_at", "id"], name="ledger_hold_open", condition=Q(state="held")),
            models.Index(F("placed_at").desc(), F("id").desc(), name="ledger_hold_newest"),
            models.Index(fields=["account_id", "placed_at"], name="ledger_hold_account"),
        ]


class HoldEvent(models.Model):
    """One step of a hold, with its posting, who and why. Never changed."""

    id = IdField(prefix="evt", primary_key=True)
    hold_id = IdField(prefix="hold")
    kind = models.TextField()
    amount_minor = models.BigIntegerField(null=True)
    posting_id = IdField(prefix="posting", null=True)
    expires_at = models.DateTimeField(null=True)
    reason = models.TextField(default="")
    actor = models.JSONField()
    recorded_at = models.DateTimeField()

    class Meta:
        db_table = "ledger_hold_event"
        constraints: ClassVar[list[BaseConstraint]] = [
            models.CheckConstraint(
                condition=Q(
                    kind__in=["placed", "increased", "captured", "released", "expired", "extended", "reviewed"]
                ),
                name="ledger_hold_event_kind_known",
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["hold_id", "recorded_at"], name="ledger_hold_event_hold"),
        ]


class Reversed(models.Model):
    """How much of a posting is reversed: the row that two reversals of one posting meet at."""

    posting_id = IdField(prefix="posting", primary_key=True)
    reversed_minor = models.BigIntegerField()  # sum of the debits of its reversals
    updated_at = models.DateTimeField()

    class Meta:
        db_table = "ledger_reversed"


class Turnover(models.Model):
    """What moved on an account in one stretch of time: balances of a moment are sums of these and a few entries.

    ``basis`` is the time that counts, ``grain`` the seconds of the stretch: a day, or five minutes.
    """

    pk = models.CompositePrimaryKey("account_id", "basis", "grain", "starts_at")
    account_id = IdField(prefix="acct")
    basis = models.TextField()
    grain = models.IntegerField()
    starts_at = models.DateTimeField()
    debits = models.DecimalField(max_digits=38, decimal_places=0)
    credits = models.DecimalField(max_digits=38, decimal_places=0)
    pending_debits = models.DecimalField(max_digits=38, decimal_places=0)  # net change, may be negative
    pending_credits = models.DecimalField(max_digits=38, decimal_places=0)
    entries = models.BigIntegerField()
    first_version = models.BigIntegerField()
    last_version = models.BigIntegerField()

    class Meta:
        db_table = "ledger_turnover"
        constraints: ClassVar[list[BaseConstraint]] = [
            models.CheckConstraint(
                condition=Q(basis__in=["effective", "recorded"]), name="ledger_turnover_basis_known"
            ),
            models.CheckConstraint(condition=Q(grain__in=[300, 86400]), name="ledger_turnover_grain_known"),
        ]


class Fold(models.Model):
    """Up to which version the turnover of an account is added up; what came later is read entry by entry."""

    account_id = IdField(prefix="acct", primary_key=True)
    version = models.BigIntegerField()

    class Meta:
        db_table = "ledger_fold"


class FoldDue(models.Model):
    """Accounts with enough new entries to be worth folding."""

    account_id = IdField(prefix="acct", primary_key=True)

    class Meta:
        db_table = "ledger_fold_due"


class Monitor(models.Model):
    """A threshold on an account's balance; crossing it is an event, each time and in both directions."""

    id = IdField(prefix="mon", primary_key=True)
    account_id = IdField(prefix="acct")
    name = models.TextField()
    metric = models.TextField()
    comparison = models.TextField()
    threshold_minor = models.BigIntegerField()
    is_crossed = models.BooleanField(default=False)
    checked_version = models.BigIntegerField(default=0)
    crossed_at = models.DateTimeField(null=True)  # the last time, either way
    created_by = models.JSONField()
    created_at = models.DateTimeField()
    removed_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "ledger_monitor"
        constraints: ClassVar[list[BaseConstraint]] = [
            models.CheckConstraint(
                condition=Q(metric__in=["available", "pending", "posted"]), name="ledger_monitor_metric_known"
            ),
            models.CheckConstraint(
                condition=Q(comparison__in=["above", "below"]), name="ledger_monitor_comparison_known"
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["account_id"], name="ledger_monitor_account", condition=Q(removed_at__isnull=True)),
        ]


class CheckRun(models.Model):
    """One run of the integrity check, with the first divergences that it found."""

    id = IdField(prefix="chk", primary_key=True)
    started_by = models.TextField()  # schedule, command, or a person's id
    state = models.TextField()
    postings = models.BigIntegerField(default=0)
    entries = models.BigIntegerField(default=0)
    accounts = models.BigIntegerField(default=0)
    findings = models.JSONField(default=list)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "ledger_check_run"
        constraints: ClassVar[list[BaseConstraint]] = [
            models.CheckConstraint(
                condition=Q(state__in=["running", "sound", "diverged", "failed"]), name="ledger_check_run_state_known"
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(F("started_at").desc(), F("id").desc(), name="ledger_check_run_newest"),
        ]


class Import(models.Model):
    """A file of accounts or postings on its way into the ledger; each chunk of rows commits with its progress."""

    id = IdField(prefix="imp", primary_key=True)
    kind = models.TextField()
    format = models.TextField()
    is_dry_run = models.BooleanField(default=False)
    state = models.TextField(default="queued")
    file_name = models.TextField()
    storage_name = models.TextField()
    sha256 = models.BinaryField()
    size_bytes = models.BigIntegerField()
    read_bytes = models.BigIntegerField(default=0)
    rows_read = models.BigIntegerField(default=0)
    rows_written = models.BigIntegerField(default=0)
    rows_repeated = models.BigIntegerField(default=0)
    rows_refused = models.BigIntegerField(default=0)
    problem = models.TextField(default="")
    created_by = models.JSONField()
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "ledger_import"
        constraints: ClassVar[list[BaseConstraint]] = [
            models.CheckConstraint(condition=Q(kind__in=["accounts", "postings"]), name="ledger_import_kind_known"),
            models.CheckConstraint(condition=Q(format__in=["csv", "jsonl"]), name="ledger_import_format_known"),
            models.CheckConstraint(
                condition=Q(state__in=["queued", "running", "done", "failed", "canceled"]),
                name="ledger_import_state_known",
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(F("created_at").desc(), F("id").desc(), name="ledger_import_newest"),
        ]


class ImportRefusal(models.Model):
    """A row of an import that was refused, with the code and the numbers that explain it."""

    pk = models.CompositePrimaryKey("import_id", "row_number")
    import_id = IdField(prefix="imp")
    row_number = models.BigIntegerField()
    code = models.TextField()
    detail = models.TextField()
    extra = models.JSONField(default=dict)

    class Meta:
        db_table = "ledger_import_refusal"


class Export(models.Model):
    """A file of the ledger as it stood when it was asked for."""

    id = IdField(prefix="exp", primary_key=True)
    kind = models.TextField()
    format = models.TextField()
    filters = models.JSONField(default=dict)
    state = models.TextField(default="queued")
    rows_total = models.BigIntegerField(null=True)
    rows_written = models.BigIntegerField(default=0)
    storage_name = models.TextField(default="")
    sha256 = models.BinaryField(null=True)
    size_bytes = models.BigIntegerField(null=True)
    problem = models.TextField(default="")
    created_by = models.JSONField()
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "ledger_export"
        constraints: ClassVar[list[BaseConstraint]] = [
            models.CheckConstraint(condition=Q(kind__in=["accounts", "postings"]), name="ledger_export_kind_known"),
            models.CheckConstraint(
                condition=Q(format__in=["csv", "jsonl", "beancount"]), name="ledger_export_format_known"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["queued", "running", "done", "failed"]), name="ledger_export_state_known"
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(F("created_at").desc(), F("id").desc(), name="ledger_export_newest"),
        ]


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
