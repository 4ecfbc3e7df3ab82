"""The tables of matching. Private to ``zentra.reconciliation``: others go through operations and queries."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.db.models.constraints import BaseConstraint

from zentra.core.fields import IdField
from zentra.reconciliation.matching.desk.models import Dispute, ExceptionStep, WatchedIntent, WatchPosition

__all__ = [
    "Adjustment", "Dispute", "Entry", "ExceptionNote", "ExceptionStep", "Expected", "Match", "MatchException",
    "MatchItem", "OpenEntry", "OpenLine", "RuleSet", "Run", "WatchPosition", "WatchedIntent",
]  # fmt: skip

EXCEPTION_KINDS = (
    "line_only", "entry_only", "missing", "amount_differs", "date_differs", "currency_differs", "duplicate",
    "split_mismatch", "fee_variance", "continuity_break",
)  # fmt: skip
RUN_STATES = ("queued", "running", "done", "failed")


class Entry(models.Model):
    """An entry of a reconciled ledger account, taken over in the order of the account's history (``version``).

    ``amount_minor`` is signed in the account's normal direction: what raises a bank account or what a rail owes us is
    positive, so that it compares with a line's.
    """

    entry_id = IdField(prefix="entry", primary_key=True)
    account_id = IdField(prefix="rca")
    version = models.BigIntegerField()
    posting_id = IdField(prefix="posting")
    intent_id = models.TextField(null=True)
    purpose = models.TextField()
    amount_minor = models.BigIntegerField()
    currency = models.TextField()
    effective_at = models.DateTimeField()
    effective_on = models.DateField()  # in the workspace's time zone
    recorded_at = models.DateTimeField()
    original_amount_minor = models.BigIntegerField(null=True)  # before exchange, where the posting tells it; signed
    original_currency = models.TextField(db_default="")
    reference = models.TextField(default="")  # normalised: external reference, else provider reference, else intent
    references = models.JSONField(default=dict)  # as kept: external, provider, intent, correlation
    batch = models.TextField(default="")

    class Meta:
        db_table = "recon_entry"
        constraints: ClassVar[list[BaseConstraint]] = [
            models.UniqueConstraint(fields=["account_id", "version"], name="recon_entry_place_once"),
            models.CheckConstraint(
                condition=Q(original_currency="") ^ Q(original_amount_minor__isnull=False),
                name="recon_entry_original_whole",
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["account_id", "effective_on", "entry_id"], name="recon_entry_by_day"),
            models.Index(fields=["account_id", "reference"], name="recon_entry_reference", condition=~Q(reference="")),
            models.Index(fields=["account_id", "batch"], name="recon_entry_batch", condition=~Q(batch="")),
        ]


class OpenLine(models.Model):
    """A line that no confirmed or proposed match holds: the worklist, so that a run costs what is open, not history."""

    line_id = IdField(prefix="lin", primary_key=True)
    account_id = IdField(prefix="rca")

    class Meta:
        db_table = "recon_open_line"
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["account_id"], name="recon_open_line_account")]


class OpenEntry(models.Model):
    """An entry that no confirmed or proposed match holds."""

    entry_id = IdField(prefix="entry", primary_key=True)
    account_id = IdField(prefix="rca")

    class Meta:
        db_table = "recon_open_entry"
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["account_id"], name="recon_open_entry_account")]


class RuleSet(models.Model):
    """The matching rules of an account, one row a version; never changed."""

    pk = models.CompositePrimaryKey("account_id", "version")
    account_id = IdField(prefix="rca")
    version = models.BigIntegerField()
    rules = models.JSONField()  # in their order: [{key, kind, …its numbers}]
    note = models.TextField(default="")
    created_by = models.JSONField()
    created_at = models.DateTimeField()

    class Meta:
        db_table = "recon_rule_set"


class Run(models.Model):
    """One pass of an account's rules over what is open."""

    id = IdField(prefix="mrn", primary_key=True)
    account_id = IdField(prefix="rca")
    rules_version = models.IntegerField()
    is_dry_run = models.BooleanField(default=False)
    state = models.TextField(default="queued")
    lines = models.BigIntegerField(default=0)  # open when it began
    entries = models.BigIntegerField(default=0)
    matches = models.BigIntegerField(default=0)
    by_rule = models.JSONField(default=dict)  # {rule key: {matches, lines, entries, same, fresh, lost}}
    same = models.BigIntegerField(default=0)  # of a dry run: matches that stand by a rule and would be made again
    fresh = models.BigIntegerField(default=0)  # … that would be made anew
    lost = models.BigIntegerField(default=0)  # … that stand by a rule and would not be made
    rules = models.JSONField(null=True)  # of a dry run of rules that nobody has saved: those
    problem = models.TextField(default="")
    started_by = models.JSONField()
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "recon_run"
        constraints: ClassVar[list[BaseConstraint]] = [
            models.CheckConstraint(condition=Q(state__in=RUN_STATES), name="recon_run_state_known"),
            models.CheckConstraint(condition=Q(is_dry_run=True) | Q(rules__isnull=True), name="recon_run_saved_rules"),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(F("created_at").desc(), F("id").desc(), name="recon_run_newest"),
        ]


class Match(models.Model):
    """Lines and entries that are said to be the same money. Undone ones stay as history."""

    id = IdField(prefix="mat", primary_key=True)
    account_id = IdField(prefix="rca")
    state = models.TextField()  # proposed (waits for a second person), confirmed, undone, declined
    how = models.TextField()  # rule, manual, forced
    rule = models.TextField(default="")
    rules_version = models.IntegerField(null=True)
    run_id = IdField(prefix="mrn", null=True)
    lines = models.IntegerField()
    entries = models.IntegerField()
    line_minor = models.BigIntegerField()  # sum of the lines
    entry_minor = models.BigIntegerField()  # sum of the entries
    fee_minor = models.BigIntegerField(default=0)  # of the difference, what is a fee
    currency = models.TextField()
    reason = models.TextField(default="")
    explanation = models.JSONField(default=dict)  # what agreed, part by part
    made_by = models.JSONField()
    made_at = models.DateTimeField()
    decided_by = models.JSONField(null=True)  # the second person
    decided_at = models.DateTimeField(null=True)
    undo_asked_by = models.JSONField(null=True)  # the first of two people who undo it
    undo_asked_at = models.DateTimeField(null=True)  # of the asking, else of its refusal
    undo_asked_reason = models.TextField(db_default="")
    undone_by = models.JSONField(null=True)
    undone_at = models.DateTimeField(null=True)
    undone_reason = models.TextField(default="")

    class Meta:
        db_table = "recon_match"
        constraints: ClassVar[list[BaseConstraint]] = [
            models.CheckConstraint(
                condition=Q(state__in=["proposed", "confirmed", "undone", "declined"]), name="recon_match_state_known"
            ),
            models.CheckConstraint(condition=Q(how__in=["rule", "manual", "forced"]), name="recon_match_how_known"),
            models.CheckConstraint(
                condition=Q(how="rule") | ~Q(made_by__id__isnull=True), name="recon_match_made_by_somebody"
            ),
            models.CheckConstraint(  # four eyes
                condition=Q(decided_by__isnull=True)
                | ~Q(state__in=["confirmed", "undone"])
                | ~Q(decided_by__id=F("made_by__id")),
                name="recon_match_four_eyes",
            ),
            models.CheckConstraint(  # four eyes, where a second person was asked
                condition=Q(undo_asked_by__isnull=True) | ~Q(state="undone") | ~Q(undone_by__id=F("undo_asked_by__id")),
                name="recon_match_undo_four_eyes",
            ),
            models.CheckConstraint(
                condition=Q(how="forced") | Q(entry_minor=F("line_minor") + F("fee_minor")) | Q(how="rule"),
                name="recon_match_agrees_or_forced",
            ),
            models.CheckConstraint(condition=~Q(how="forced") | ~Q(reason=""), name="recon_match_forced_says_why"),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(F("account_id"), F("made_at").desc(), F("id").desc(), name="recon_match_newest"),
            models.Index(
                fields=["account_id"], name="recon_match_apart", condition=Q(state__in=["declined", "undone"])
            ),
            models.Index(fields=["account_id", "id"], name="recon_match_proposed", condition=Q(state="proposed")),
        ]


class MatchItem(models.Model):
    """A line, an entry, or one of each, of a match. While it stands, no other standing match may hold them."""

    pk = models.CompositePrimaryKey("match_id", "place")
    match_id = IdField(prefix="mat")
    place = models.BigIntegerField()
    line_id = IdField(prefix="lin", null=True)
    entry_id = IdField(prefix="entry", null=True)
    stands = models.BooleanField()

    class Meta:
        db_table = "recon_match_item"
        constraints: ClassVar[list[BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["line_id"], condition=Q(stands=True, line_id__isnull=False), name="recon_line_matched_once"
            ),
            models.UniqueConstraint(
                fields=["entry_id"], condition=Q(stands=True, entry_id__isnull=False), name="recon_entry_matched_once"
            ),
            models.CheckConstraint(
                condition=Q(line_id__isnull=False) | Q(entry_id__isnull=False), name="recon_match_item_of_something"
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [  # history; what stands is found by the unique ones
            models.Index(fields=["line_id"], name="recon_line_was_matched", condition=Q(stands=False)),
            models.Index(fields=["entry_id"], name="recon_entry_was_matched", condition=Q(stands=False)),
        ]


class Expected(models.Model):
    """Money that somebody owes us and when it is due; *missing* after that."""

    id = IdField(prefix="exd", primary_key=True)
    account_id = IdField(prefix="rca")  # where it should arrive
    source = models.TextField()  # rail name
    reference = models.TextField()  # normalised batch or payment reference
    amount_minor = models.BigIntegerField()  # net
    gross_minor = models.BigIntegerField(null=True)
    fee_minor = models.BigIntegerField(null=True)
    currency = models.TextField()
    due_on = models.DateField()
    state = models.TextField(default="expected")
    line_id = IdField(prefix="lin", null=True)
    made_at = models.DateTimeField()
    changed_at = models.DateTimeField()

    class Meta:
        db_table = "recon_expected"
        constraints: ClassVar[list[BaseConstraint]] = [
            models.UniqueConstraint(fields=["account_id", "source", "reference"], name="recon_expected_once"),
            models.CheckConstraint(
                condition=Q(state__in=["expected", "arrived", "missing", "written_off"]),
                name="recon_expected_state_known",
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["due_on", "id"], name="recon_expected_due", condition=Q(state="expected")),
        ]


class MatchException(models.Model):
    """What does not pair, with its kind; somebody works on it until it is explained, matched or adjusted."""

    id = IdField(prefix="exc", primary_key=True)
    account_id = IdField(prefix="rca")
    kind = models.TextField()
    state = models.TextField(default="open")  # open, waiting (for a second person), resolved
    line_id = IdField(prefix="lin", null=True)
    entry_id = IdField(prefix="entry", null=True)
    expected_id = IdField(prefix="exd", null=True)
    statement_id = IdField(prefix="stm", null=True)
    intent_id = models.TextField(null=True)  # whose money it is, where that is known; a live break has no other subject
    match_id = IdField(prefix="mat", null=True)  # what resolved it, or is proposed to
    amount_minor = models.BigIntegerField()
    difference_minor = models.BigIntegerField()
    currency = models.TextField()
    facts = models.JSONField(default=dict)  # what the kind was told from
    happened_on = models.DateField()  # aging counts from here
    due_at = models.DateTimeField()
    owner_id = IdField(prefix="usr", null=True)
    resolution = models.TextField(default="")  # matched, explained, adjusted, written_off, disputed, gone
    reason_code = models.TextField(default="")
    reason = models.TextField(default="")
    explained_by = models.JSONField(null=True)  # who proposed an explanation that took a second person
    version = models.IntegerField(db_default=1)
    opened_at = models.DateTimeField()
    resolved_by = models.JSONField(null=True)
    resolved_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "recon_exception"
        constraints: ClassVar[list[BaseConstraint]] = [
            models.CheckConstraint(condition=Q(kind__in=EXCEPTION_KINDS), name="recon_exception_kind_known"),
            models.CheckConstraint(
                condition=Q(state__in=["open", "waiting", "resolved"]), name="recon_exception_state_known"
            ),
            models.CheckConstraint(  # four eyes
                condition=Q(explained_by__isnull=True)
                | ~Q(resolution="explained")
                | ~Q(explained_by__id=F("resolved_by__id")),
                name="recon_exception_four_eyes",
            ),
            models.UniqueConstraint(
                fields=["line_id"], condition=~Q(state="resolved") & Q(line_id__isnull=False),
                name="recon_exception_line_once",
            ),
            models.UniqueConstraint(
                fields=["entry_id"], condition=~Q(state="resolved") & Q(entry_id__isnull=False, line_id__isnull=True),
                name="recon_exception_entry_once",
            ),
            models.UniqueConstraint(
                fields=["expected_id"], condition=~Q(state="resolved") & Q(expected_id__isnull=False),
                name="recon_exception_expected_once",
            ),
            models.UniqueConstraint(  # a live break: about an intent, before any line or entry shows it
                fields=["intent_id", "kind"],
                condition=~Q(state="resolved")
                & Q(intent_id__isnull=False, line_id__isnull=True, entry_id__isnull=True, expected_id__isnull=True),
                name="recon_exception_intent_once",
            ),
        ]  # fmt: skip
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["intent_id"], name="recon_exception_by_intent", condition=Q(intent_id__isnull=False)),
            models.Index(
                fields=["account_id", "happened_on", "id"], name="recon_exception_open", condition=~Q(state="resolved")
            ),
            models.Index(F("opened_at").desc(), F("id").desc(), name="recon_exception_newest"),
            models.Index(fields=["line_id"], name="recon_exception_of_line", condition=Q(line_id__isnull=False)),
            models.Index(fields=["entry_id"], name="recon_exception_of_entry", condition=Q(entry_id__isnull=False)),
            models.Index(
                fields=["statement_id"], name="recon_exception_of_stm", condition=Q(statement_id__isnull=False)
            ),
        ]


class ExceptionNote(models.Model):
    """What somebody said of an exception, or a file that they put to it. Never changed."""

    id = IdField(prefix="nte", primary_key=True)
    exception_id = IdField(prefix="exc")
    text = models.TextField(default="")
    file_name = models.TextField(default="")
    content_type = models.TextField(default="")
    storage_name = models.TextField(default="")
    sha256 = models.BinaryField(null=True)
    size_bytes = models.BigIntegerField(null=True)
    made_by = models.JSONField()
    made_at = models.DateTimeField()

    class Meta:
        db_table = "recon_exception_note"
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["exception_id", "made_at", "id"], name="recon_exception_note_order"),
        ]


class Adjustment(models.Model):
    """A posting that somebody proposes to resolve an exception, and that a second person lets through. Four eyes."""

    id = IdField(prefix="adj", primary_key=True)
    exception_id = IdField(prefix="exc")
    kind = models.TextField()  # adjustment or write_off
    reason_code = models.TextField()
    reason = models.TextField()
    lines = models.JSONField()  # [{account, direction, amount_minor}]
    currency = models.TextField()
    amount_minor = models.BigIntegerField()
    effective_on = models.DateField()
    state = models.TextField(default="proposed")  # proposed, posted, declined
    posting_id = IdField(prefix="posting", null=True)
    proposed_by = models.JSONField()
    proposed_at = models.DateTimeField()
    decided_by = models.JSONField(null=True)
    decided_at = models.DateTimeField(null=True)
    decision = models.TextField(default="")

    class Meta:
        db_table = "recon_adjustment"
        constraints: ClassVar[list[BaseConstraint]] = [
            models.CheckConstraint(
                condition=Q(kind__in=["adjustment", "write_off"]), name="recon_adjustment_kind_known"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["proposed", "posted", "declined"]), name="recon_adjustment_state_known"
            ),
            models.CheckConstraint(  # four eyes
                condition=~Q(state="posted") | ~Q(decided_by__id=F("proposed_by__id")),
                name="recon_adjustment_four_eyes",
            ),
            models.CheckConstraint(
                condition=Q(state="proposed", decided_by__isnull=True, decided_at__isnull=True)
                | (~Q(state="proposed") & Q(decided_by__isnull=False, decided_at__isnull=False)),
                name="recon_adjustment_decided_by_somebody",
            ),
            models.CheckConstraint(
                condition=Q(state="posted", posting_id__isnull=False)
                | (~Q(state="posted") & Q(posting_id__isnull=True)),
                name="recon_adjustment_posted_once",
            ),
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="recon_adjustment_amount_positive"),
            models.UniqueConstraint(
                fields=["exception_id"], condition=Q(state="proposed"), name="recon_adjustment_one_at_a_time"
            ),
        ]
