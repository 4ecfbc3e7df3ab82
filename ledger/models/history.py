"""An account's history: the place of each entry, and what moved by stretches of time."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.constraints import BaseConstraint

from zentra.core.fields import IdField


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
    """An entry of a deferred account, until the sequencer gives it its place (credits − debits)."""

    pk = models.CompositePrimaryKey("account_id", "entry_id")
    account_id = IdField(prefix="acct")
    entry_id = IdField(prefix="entry")
    delta_minor = models.BigIntegerField()
    pending_debits = models.BigIntegerField(db_default=0)  # what the entry adds to them; negative takes away
    pending_credits = models.BigIntegerField(db_default=0)

    class Meta:
        db_table = "ledger_entry_unsequenced"


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
