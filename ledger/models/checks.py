"""What the integrity check and the re-sum found."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.db.models.constraints import BaseConstraint

from zentra.core.fields import IdField


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
