"""The tables of statements. Private to ``zentra.reconciliation``: others go through operations and queries."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.db.models.constraints import BaseConstraint

from zentra.core.fields import IdField
from zentra.core.money import MAX_AMOUNT_MINOR

FORMATS = ("camt053", "mt940", "bai2", "csv", "settlement")


class ReconciledAccount(models.Model):
    """A ledger account that somebody else keeps too: a bank, or a rail that owes us what it collected.

    ``external_id`` is how their files name it: the IBAN or account number without spaces, or the rail's name.
    """

    id = IdField(prefix="rca", primary_key=True)
    ledger_account_id = IdField(prefix="acct")
    ledger_account_code = models.TextField()
    kind = models.TextField()  # bank or rail
    name = models.TextField()
    external_id = models.TextField()
    currency = models.TextField()
    calendar = models.TextField(db_default="weekdays")  # whose holidays are no business days
    settle_days = models.SmallIntegerField(db_default=1)  # business days until its money is there: T+n
    mapping = models.JSONField(null=True)  # how its CSV files are read
    taken_version = models.BigIntegerField(db_default=0)  # up to which version of the ledger account entries are taken
    version = models.IntegerField(db_default=1)
    created_by = models.JSONField()
    created_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    closed_by = models.JSONField(null=True)
    closed_reason = models.TextField(db_default="")

    class Meta:
        db_table = "recon_account"
        constraints: ClassVar[list[BaseConstraint]] = [
            models.UniqueConstraint(fields=["ledger_account_id"], name="recon_account_ledger_once"),
            models.UniqueConstraint(fields=["external_id", "currency"], name="recon_account_external_once"),
            models.CheckConstraint(condition=Q(kind__in=["bank", "rail"]), name="recon_account_kind_known"),
            models.CheckConstraint(condition=Q(settle_days__range=(0, 60)), name="recon_account_settle_days_range"),
        ]


class StatementImport(models.Model):
    """A file on its way in; each chunk of lines commits with its progress, so that whatever dies goes on."""

    id = IdField(prefix="sti", primary_key=True)
    account_id = IdField(prefix="rca", null=True)  # null: the file names its accounts
    format = models.TextField()
    is_dry_run = models.BooleanField(default=False)
    state = models.TextField(default="queued")
    file_name = models.TextField()
    storage_name = models.TextField()
    sha256 = models.BinaryField()
    size_bytes = models.BigIntegerField()
    read_bytes = models.BigIntegerField(default=0)
    statements = models.IntegerField(default=0)  # complete, or repeated
    statements_refused = models.IntegerField(default=0)
    problems = models.BigIntegerField(default=0)
    lines_read = models.BigIntegerField(default=0)
    lines_written = models.BigIntegerField(default=0)
    lines_repeated = models.BigIntegerField(default=0)
    lines_refused = models.BigIntegerField(default=0)
    problem_code = models.TextField(default="")
    problem = models.TextField(default="")
    mapping = models.JSONField(null=True)
    created_by = models.JSONField()
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    # Where our own collector fetched it, and under which number and name it was announced there; empty: somebody sent
    # it. Written by the collector alone when the import begins and never changed, so that nothing which is uploaded can
    # pass for a file of the rail's own.
    collected_from = models.TextField(db_default="")
    collected_as = models.TextField(db_default="")

    class Meta:
        db_table = "recon_import"
        constraints: ClassVar[list[BaseConstraint]] = [
            models.CheckConstraint(condition=Q(format__in=FORMATS), name="recon_import_format_known"),
            models.CheckConstraint(
                condition=Q(state__in=["queued", "running", "done", "failed", "canceled"]),
                name="recon_import_state_known",
            ),
            models.UniqueConstraint(  # the same file twice, for the same account and read in the same way
                # What somebody sent never stands in the way of the very same from the rail or bank itself.
                fields=["sha256", "format", "account_id", "collected_from"],
                nulls_distinct=False,
                condition=Q(is_dry_run=False, state__in=["queued", "running", "done"]),
                name="recon_import_file_once",
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(F("created_at").desc(), F("id").desc(), name="recon_import_newest"),
            models.Index(  # what the collector has fetched already
                fields=["collected_from", "collected_as"],
                name="recon_import_collected",
                condition=~Q(collected_from=""),
            ),
        ]


class ImportProblem(models.Model):
    """What was wrong in a file: a line that was refused, or a check of a statement that failed."""

    pk = models.CompositePrimaryKey("import_id", "number")
    import_id = IdField(prefix="sti")
    number = models.BigIntegerField()
    place = models.TextField()  # line 12, Stmt 1/Ntry 5
    code = models.TextField()
    detail = models.TextField()
    extra = models.JSONField(default=dict)
    is_warning = models.BooleanField(default=False)  # told, and the statement stands

    class Meta:
        db_table = "recon_import_problem"


class Statement(models.Model):
    """One statement of one account: balances, dates and sums as the bank or rail says them. Minor units."""

    id = IdField(prefix="stm", primary_key=True)
    account_id = IdField(prefix="rca")
    import_id = IdField(prefix="sti")
    format = models.TextField()  # camt053.02 … settlement
    external_id = models.TextField()  # the sender's own name for it
    sequence = models.BigIntegerField(null=True)
    page = models.IntegerField(db_default=0)  # which page of that number; 0: the statement is whole
    currency = models.TextField()
    starts_on = models.DateField()
    ends_on = models.DateField()
    opening_minor = models.BigIntegerField(null=True)  # signed: what the bank owes us is positive
    closing_minor = models.BigIntegerField(null=True)
    lines = models.BigIntegerField(default=0)
    credits_minor = models.DecimalField(max_digits=38, decimal_places=0, default=0)  # money in
    debits_minor = models.DecimalField(max_digits=38, decimal_places=0, default=0)  # money out, positive
    continuity = models.TextField(db_default="unknown")  # first, continuous, gap, overlap, unknown
    previous_id = IdField(prefix="stm", null=True)  # the statement that it was compared with
    break_minor = models.BigIntegerField(null=True)  # this opening less that closing
    is_complete = models.BooleanField(db_default=False)  # every line is written and every check was made
    is_collected = models.BooleanField(db_default=False)  # a rail's report that we fetched from the rail ourselves
    created_at = models.DateTimeField()

    class Meta:
        db_table = "recon_statement"
        constraints: ClassVar[list[BaseConstraint]] = [
            # What somebody sent never stands in the way of what the rail itself says of the same batch.
            models.UniqueConstraint(fields=["account_id", "external_id", "is_collected"], name="recon_statement_once"),
            models.CheckConstraint(condition=Q(ends_on__gte=F("starts_on")), name="recon_statement_runs_forward"),
            models.CheckConstraint(
                condition=Q(continuity__in=["first", "continuous", "gap", "overlap", "unknown"]),
                name="recon_statement_continuity_known",
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["account_id", "ends_on", "id"], name="recon_statement_by_day"),
        ]


class Line(models.Model):
    """One line of a statement, as it was sent. Never changed; whether it is matched stands in ``matching``.

    ``amount_minor`` is signed from our side: money that came to us is positive.
    """

    id = IdField(prefix="lin", primary_key=True)
    account_id = IdField(prefix="rca")
    statement_id = IdField(prefix="stm")
    number = models.BigIntegerField()  # place in the statement, from 1
    booked_on = models.DateField()
    value_on = models.DateField()
    amount_minor = models.BigIntegerField()
    currency = models.TextField()
    kind = models.TextField(default="")  # the bank's transaction code, or payment, refund, fee, payout
    reference = models.TextField(default="")  # normalised: the one that pairs best; empty: none
    references = models.JSONField(default=dict)  # as sent: end_to_end_id, uetr, bank_reference, batch, instruction_id …
    batch = models.TextField(default="")  # normalised reference of the batch that it belongs to
    gross_minor = models.BigIntegerField(null=True)  # signed like the amount; amount = gross − fee
    fee_minor = models.BigIntegerField(null=True)
    original_amount_minor = models.BigIntegerField(null=True)  # before exchange: signed, minor units of its currency
    original_currency = models.TextField(db_default="")
    exchange_rate = models.TextField(db_default="")  # the statement's own, as written
    counterparty = models.TextField(default="")
    description = models.TextField(default="")
    is_reversal = models.BooleanField(default=False)
    fingerprint = models.BinaryField()  # SHA-256 of what makes it the same line when it is sent again

    class Meta:
        db_table = "recon_line"
        constraints: ClassVar[list[BaseConstraint]] = [
            models.UniqueConstraint(fields=["statement_id", "number"], name="recon_line_place_once"),
            models.CheckConstraint(
                # A payment that a rail's fee eats up has a net of nothing: it still settles its gross.
                condition=(
                    ~Q(amount_minor=0)
                    | Q(gross_minor__isnull=False, fee_minor__isnull=False, fee_minor=F("gross_minor"))
                    & ~Q(gross_minor=0)
                )
                & Q(amount_minor__range=(-MAX_AMOUNT_MINOR, MAX_AMOUNT_MINOR)),
                name="recon_line_amount_range",
            ),
            models.CheckConstraint(
                condition=Q(original_amount_minor__isnull=True, original_currency="", exchange_rate="")
                | (
                    Q(original_amount_minor__isnull=False)  # null would pass
                    & Q(original_amount_minor__range=(-MAX_AMOUNT_MINOR, MAX_AMOUNT_MINOR))
                    & ~Q(original_amount_minor=0)
                    & ~Q(original_currency="")
                    & ~Q(original_currency=F("currency"))
                ),
                name="recon_line_original_whole",
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["account_id", "booked_on", "id"], name="recon_line_by_day"),
            models.Index(fields=["account_id", "reference"], name="recon_line_reference", condition=~Q(reference="")),
            models.Index(fields=["account_id", "batch"], name="recon_line_batch", condition=~Q(batch="")),
            models.Index(fields=["account_id", "fingerprint"], name="recon_line_same"),
        ]


class Settlement(models.Model):
    """What a rail's report says that it paid out, on its way into the ledger: once, or why not yet. Minor units.

    Figures are from the bank's side: ``net`` is what arrives there, ``net = gross - fee``.
    """

    statement_id = IdField(prefix="stm", primary_key=True)
    account_id = IdField(prefix="rca")
    batch = models.TextField()
    currency = models.TextField()
    gross_minor = models.BigIntegerField()
    fee_minor = models.BigIntegerField()
    net_minor = models.BigIntegerField()
    paid_on = models.DateField()
    state = models.TextField()
    is_collected = models.BooleanField()
    reason_code = models.TextField(default="")  # why it is not posted, as the ledger said it last
    reason = models.TextField(default="")
    tries = models.IntegerField(default=0)
    next_try_at = models.DateTimeField(null=True)
    posting_id = IdField(prefix="posting", null=True)
    effective_at = models.DateTimeField(null=True)
    posted_with = IdField(prefix="stm", null=True)  # the other report of the same batch that it was posted with
    late_for = models.TextField(default="")  # the month (2026-04) that was closed when it came
    confirmed_by = models.JSONField(null=True)  # who let it be posted; null: it came from the rail
    confirmed_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()

    class Meta:
        db_table = "recon_settlement"
        constraints: ClassVar[list[BaseConstraint]] = [
            models.CheckConstraint(
                condition=Q(state__in=["awaiting_person", "waiting", "posted", "conflict"]),
                name="recon_settlement_state_known",
            ),
            models.CheckConstraint(
                condition=Q(state="posted", posting_id__isnull=False) | (~Q(state="posted") & Q(posting_id=None)),
                name="recon_settlement_posted_has_posting",
            ),
            models.CheckConstraint(  # nobody's file moves money by itself
                condition=~Q(state__in=["waiting", "posted"])
                | Q(is_collected=True)
                | Q(confirmed_by__isnull=False)
                | Q(state="posted", posted_with__isnull=False),
                name="recon_settlement_somebody_said_so",
            ),
            models.CheckConstraint(
                condition=Q(net_minor=F("gross_minor") - F("fee_minor")), name="recon_settlement_adds_up"
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["account_id", "batch"], name="recon_settlement_batch"),
            models.Index(  # the list of what is not posted
                fields=["created_at", "statement_id"],
                name="recon_settlement_open",
                condition=~Q(state="posted"),
            ),
        ]
