"""Imports and exports."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.db.models.constraints import BaseConstraint

from zentra.core.fields import IdField


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
