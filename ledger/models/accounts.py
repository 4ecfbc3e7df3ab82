"""Accounts, their categories, balances and monitors."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.db.models.constraints import BaseConstraint

from ledger.types import ACCOUNT_STATES, ACCOUNT_TYPES, CLASSES
from ledger.types.words import CURRENCY_FORM
from zentra.core.fields import IdField
from zentra.core.money import MAX_AMOUNT_MINOR


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
    limits_reason = models.TextField(db_default="")
    limits_changed_by = models.JSONField(null=True)  # the actor
    limits_changed_at = models.DateTimeField(null=True)
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
            models.CheckConstraint(condition=Q(currency__regex=CURRENCY_FORM), name="ledger_account_currency_form"),
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
            # Pending ones are left out: a release may be sequenced a moment before what it takes away.
            models.CheckConstraint(
                condition=Q(posted_debits__gte=0, posted_credits__gte=0), name="ledger_balance_totals_not_negative"
            ),
            models.CheckConstraint(condition=Q(version__gte=0), name="ledger_balance_version_not_negative"),
        ]


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
