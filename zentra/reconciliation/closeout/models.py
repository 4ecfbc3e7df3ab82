"""The tables of closeout. Private to ``zentra.reconciliation``: others go through operations and queries."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.db.models.constraints import BaseConstraint

from zentra.core.fields import IdField


class Period(models.Model):
    """A month of the books. What may be posted into it is the ledger's (``ledger_period``, same id), set with this."""

    id = IdField(prefix="prd", primary_key=True)
    starts_on = models.DateField()
    ends_on = models.DateField()
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    time_zone = models.TextField()
    cut_off_hour = models.SmallIntegerField()
    state = models.TextField(default="open")
    until = models.DateTimeField(null=True)  # of a re-opened one: then it locks by itself
    request = models.JSONField(null=True)  # to be opened again: {by, maker, reason, minutes, at}
    soft_closed_by = models.JSONField(null=True)
    soft_closed_maker = models.TextField(default="")
    soft_closed_at = models.DateTimeField(null=True)
    locked_by = models.JSONField(null=True)
    locked_maker = models.TextField(default="")
    locked_at = models.DateTimeField(null=True)
    version = models.IntegerField(db_default=1)
    created_at = models.DateTimeField()

    class Meta:
        db_table = "recon_period"
        constraints: ClassVar[list[BaseConstraint]] = [
            models.UniqueConstraint(fields=["starts_on"], name="recon_period_month_once"),
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="recon_period_runs_forward"),
            models.CheckConstraint(condition=Q(state__in=["open", "soft", "closed"]), name="recon_period_state_known"),
            models.CheckConstraint(
                condition=Q(locked_maker="") | ~Q(locked_maker=F("soft_closed_maker")), name="recon_period_two_hands"
            ),
            models.CheckConstraint(
                condition=Q(until__isnull=True) | Q(state="soft"), name="recon_period_reopened_is_soft"
            ),
        ]


class PeriodAct(models.Model):
    """What was done to a period. Never changed."""

    id = IdField(prefix="pac", primary_key=True)
    period_id = IdField(prefix="prd")
    act = models.TextField()
    by = models.JSONField()
    reason = models.TextField(default="")
    facts = models.JSONField(default=dict)
    at = models.DateTimeField()

    class Meta:
        db_table = "recon_period_act"
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["period_id", "at", "id"], name="recon_period_act_order"),
        ]


class PeriodEvent(models.Model):
    """Which leaves of the evidence log tell of a period: its packets hold them. Never changed."""

    event_id = IdField(prefix="evt", primary_key=True)
    period_id = IdField(prefix="prd")

    class Meta:
        db_table = "recon_period_event"
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["period_id"], name="recon_period_event_of")]


class TieOut(models.Model):
    """A reconciled account in a period: its figures as last computed, with their hash. The signatures are beside it."""

    id = IdField(prefix="tie", primary_key=True)
    period_id = IdField(prefix="prd")
    account_id = IdField(prefix="rca")
    currency = models.TextField()
    figures = models.JSONField()
    figures_hash = models.TextField()
    state = models.TextField(default="open")
    explanation = models.TextField(default="")  # of what is left, for the figures of explained_hash only
    explained_hash = models.TextField(default="")
    explained_by = models.JSONField(null=True)
    explained_maker = models.TextField(default="")  # the person behind it: who explains does not approve
    explanation_version = models.IntegerField(default=0)  # counts the explanations; a signature is of one of them
    version = models.IntegerField(db_default=1)
    computed_at = models.DateTimeField()

    class Meta:
        db_table = "recon_tie_out"
        constraints: ClassVar[list[BaseConstraint]] = [
            models.UniqueConstraint(fields=["period_id", "account_id"], name="recon_tie_out_once"),
            models.CheckConstraint(
                condition=Q(state__in=["open", "prepared", "approved", "suspended"]), name="recon_tie_out_state_known"
            ),
            models.CheckConstraint(
                condition=Q(explanation_version=0, explanation="", explained_maker="")
                | (Q(explanation_version__gt=0) & ~Q(explanation="") & ~Q(explained_maker="")),
                name="recon_tie_out_explained_by_somebody",
            ),
        ]


class SignOff(models.Model):
    """A signature under figures and what is said of them. It is suspended when either changes; else it stays."""

    id = IdField(prefix="sgn", primary_key=True)
    tie_out_id = IdField(prefix="tie")
    step = models.TextField()
    figures = models.JSONField()
    figures_hash = models.TextField()
    explanation = models.TextField(default="")
    explanation_version = models.IntegerField(default=0)
    signed_by = models.JSONField()
    maker = models.TextField()  # the person behind it
    signed_at = models.DateTimeField()
    suspended_at = models.DateTimeField(null=True)
    suspended_hash = models.TextField(default="")  # of the figures that it is not of

    class Meta:
        db_table = "recon_sign_off"
        constraints: ClassVar[list[BaseConstraint]] = [
            models.CheckConstraint(condition=Q(step__in=["prepared", "approved"]), name="recon_sign_off_step_known"),
            models.CheckConstraint(condition=~Q(maker=""), name="recon_sign_off_by_somebody"),
            models.UniqueConstraint(
                fields=["tie_out_id", "step"], condition=Q(suspended_at__isnull=True), name="recon_sign_off_step_once"
            ),
            models.UniqueConstraint(  # who prepared does not approve
                fields=["tie_out_id", "maker"], condition=Q(suspended_at__isnull=True), name="recon_sign_off_two_people"
            ),
        ]


class Task(models.Model):
    """A row of a period's checklist; what it says stands in ``checklist.py`` under its key."""

    id = IdField(prefix="tsk", primary_key=True)
    period_id = IdField(prefix="prd")
    key = models.TextField()
    owner_id = IdField(prefix="usr", null=True)
    due_on = models.DateField()
    note = models.TextField(default="")
    links = models.JSONField(default=list)
    done_by = models.JSONField(null=True)
    done_at = models.DateTimeField(null=True)
    version = models.IntegerField(db_default=1)

    class Meta:
        db_table = "recon_closeout_task"
        constraints: ClassVar[list[BaseConstraint]] = [
            models.UniqueConstraint(fields=["period_id", "key"], name="recon_closeout_task_once"),
        ]


class Packet(models.Model):
    """One closeout packet; once it is ready it never changes."""

    id = IdField(prefix="pkt", primary_key=True)
    period_id = IdField(prefix="prd")
    revision = models.IntegerField()
    state = models.TextField(default="pending")
    sample_size = models.IntegerField()
    sample = models.JSONField(default=dict)  # the audit sample, drawn once: when the packet was asked for
    content = models.BinaryField(null=True)
    sha256 = models.TextField(default="")
    contents_hash = models.TextField(default="")  # of the manifest
    size_bytes = models.BigIntegerField(default=0)
    problem = models.TextField(default="")
    requested_by = models.JSONField()
    created_at = models.DateTimeField()
    sealed_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "recon_closeout_packet"
        constraints: ClassVar[list[BaseConstraint]] = [
            models.UniqueConstraint(  # one that could not be sealed leaves its number to the next
                fields=["period_id", "revision"],
                condition=~Q(state="failed"),
                name="recon_closeout_packet_revision_once",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["pending", "ready", "failed"]), name="recon_closeout_packet_state_known"
            ),
            models.CheckConstraint(
                condition=~Q(state="ready") | Q(content__isnull=False, sealed_at__isnull=False),
                name="recon_closeout_packet_ready_is_whole",
            ),
        ]


class GlAccount(models.Model):
    """How a ledger account is called in the general ledger that the journal goes to."""

    ledger_account_id = IdField(prefix="acct", primary_key=True)
    gl_code = models.TextField()
    gl_name = models.TextField(default="")
    changed_by = models.JSONField()
    changed_at = models.DateTimeField()

    class Meta:
        db_table = "recon_gl_account"


class MoneyDay(models.Model):
    """A business day that is over: when it was cut off, and whether its customer money is to be looked at (again).

    The row is the lock at which two workers meet.
    """

    business_day = models.DateField(primary_key=True)
    period_id = IdField(prefix="prd")
    cut_off_at = models.DateTimeField()
    is_due = models.BooleanField(db_default=True)
    looked_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "recon_money_day"
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["business_day"], name="recon_money_day_due", condition=Q(is_due=True)),
        ]


class MoneyWatch(models.Model):
    """Up to when postings were looked through for those that count in a day that was proven before. One row."""

    id = models.BigIntegerField(primary_key=True)
    seen_at = models.DateTimeField()

    class Meta:
        db_table = "recon_money_watch"
        constraints: ClassVar[list[BaseConstraint]] = [
            models.CheckConstraint(condition=Q(id=1), name="recon_money_watch_one"),
        ]


class MoneyProof(models.Model):
    """What was owed to customers in a currency when a business day was cut off, and what was there. Never changed:
    what comes later for the day makes the next revision.
    """

    id = IdField(prefix="mpr", primary_key=True)
    business_day = models.DateField()
    currency = models.TextField()
    revision = models.IntegerField()
    period_id = IdField(prefix="prd")
    owed_minor = models.BigIntegerField()
    held_minor = models.BigIntegerField()
    in_transit_minor = models.BigIntegerField()  # of what is held: with the rails, less what they are owed
    difference_minor = models.BigIntegerField()  # held − owed
    advanced_minor = models.BigIntegerField()  # negative balances of customers, positive here: in owed with their minus
    bank_minor = models.BigIntegerField(null=True)  # the banks' own word; null: not every bank's statement says one
    bank_ledger_minor = models.BigIntegerField(null=True)  # what the ledger says of the same accounts
    parts = models.JSONField()  # by ledger account: owed, held, others, banks
    cut_off_at = models.DateTimeField()
    computed_at = models.DateTimeField()

    class Meta:
        db_table = "recon_money_proof"
        constraints: ClassVar[list[BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["business_day", "currency", "revision"], name="recon_money_proof_revision_once"
            ),
            models.CheckConstraint(condition=Q(revision__gt=0), name="recon_money_proof_revision_counts"),
            models.CheckConstraint(
                condition=Q(difference_minor=F("held_minor") - F("owed_minor")), name="recon_money_proof_adds_up"
            ),
            models.CheckConstraint(
                condition=Q(bank_minor__isnull=True, bank_ledger_minor__isnull=True)
                | Q(bank_minor__isnull=False, bank_ledger_minor__isnull=False),
                name="recon_money_proof_bank_beside_ledger",
            ),
            models.CheckConstraint(
                condition=Q(computed_at__gte=F("cut_off_at")), name="recon_money_proof_after_the_day"
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["period_id", "currency", "business_day"], name="recon_money_proof_month"),
        ]
