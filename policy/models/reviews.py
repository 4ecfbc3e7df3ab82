"""The review queue: cases, what raised them, who approved, what was said and done."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from zentra.core.fields import IdField

OPEN = Q(state="open")
KINDS = ("intent", "hold", "callback", "exception", "alert", "outcome_unknown")


class Review(models.Model):
    """A case that a person decides. It always has an owner; one subject has one open case."""

    id = IdField(prefix="rev", primary_key=True)
    case_kind = models.TextField(default="intent", db_default="intent")
    subject = models.TextField(default="", db_default="", db_comment="The intent's, hold's, callback's, party's id.")
    intent_id = models.TextField(null=True)
    decision_id = IdField(prefix="dec", null=True)
    party_id = models.TextField(null=True)
    queue = models.TextField(default="operations", db_default="operations")
    rule = models.TextField()
    saw = models.TextField()
    amount_minor = models.BigIntegerField(null=True)
    currency = models.CharField(max_length=3, null=True)
    kind = models.TextField(db_comment="The kind of intent, empty for other cases.")
    lane = models.TextField(default="", db_default="")
    score = models.SmallIntegerField(default=0, db_default=0)
    state = models.TextField(default="open")
    owner = models.TextField()
    maker = models.TextField()
    edited_by = models.TextField(null=True, db_comment="Who last changed what the case says.")
    claimed_by = models.TextField(null=True)
    claim_id = models.UUIDField(null=True)
    claimed_until = models.DateTimeField(null=True)
    snoozed_until = models.DateTimeField(null=True)
    snoozed_by = models.TextField(null=True)
    escalation = models.SmallIntegerField(default=0, db_default=0)
    escalated_at = models.DateTimeField(null=True)
    escalated_by = models.TextField(null=True)
    approvals_needed = models.SmallIntegerField(default=1, db_default=1)
    opened_at = models.DateTimeField()
    due_at = models.DateTimeField()
    breached_at = models.DateTimeField(null=True)
    decided_at = models.DateTimeField(null=True)
    decided_by = models.TextField(null=True)
    decided_role = models.TextField(null=True)
    outcome_code = models.TextField(default="", db_default="")
    reason_code = models.TextField(default="", db_default="")
    note = models.TextField(default="")
    changed_at = models.DateTimeField(null=True)
    changed_by = models.TextField(null=True)
    version = models.IntegerField(default=1)

    class Meta:
        db_table = "policy_review"
        constraints = [
            models.UniqueConstraint(
                fields=["case_kind", "subject"], name="review_open_once_per_subject", condition=OPEN & ~Q(subject="")
            ),
            models.UniqueConstraint(
                fields=["intent_id"], name="review_once_per_intent", condition=Q(case_kind="intent")
            ),
            models.CheckConstraint(
                condition=Q(state__in=["open", "approved", "declined", "resolved"]), name="review_state"
            ),
            models.CheckConstraint(condition=Q(case_kind__in=KINDS), name="review_case_kind"),
            models.CheckConstraint(condition=~Q(owner=""), name="review_always_owned"),
            models.CheckConstraint(condition=Q(approvals_needed__in=[1, 2]), name="review_approvals_needed"),
            models.CheckConstraint(
                condition=Q(claimed_by__isnull=True, claim_id__isnull=True, claimed_until__isnull=True)
                | Q(claimed_by__isnull=False, claim_id__isnull=False, claimed_until__isnull=False),
                name="review_claim_is_whole",
            ),
        ]
        indexes = [
            # The queue, oldest first, and the owner's load.
            models.Index(fields=["opened_at", "id"], name="review_open", condition=OPEN),
            models.Index(fields=["owner"], name="review_open_by_owner", condition=OPEN),
            # What claim_next takes, and what breaches.
            models.Index(fields=["due_at", "id"], name="review_open_by_due", condition=OPEN),
            models.Index(fields=["-decided_at", "-id"], name="review_closed", condition=~OPEN),
            models.Index(fields=["intent_id"], name="review_by_intent"),
            # What happened about the same thing before.
            models.Index(fields=["case_kind", "subject", "-opened_at"], name="review_by_subject"),
            models.Index(fields=["party_id"], name="review_by_party", condition=Q(party_id__isnull=False)),
        ]


class ReviewAlert(models.Model):
    """One thing that raised a case, or joined it: a rule, a limit, a screening hit, an AML scenario."""

    id = IdField(prefix="rva", primary_key=True)
    review_id = IdField(prefix="rev")
    kind = models.TextField()
    name = models.TextField()
    words = models.TextField(default="")
    score = models.SmallIntegerField(default=0)
    reference = models.TextField(default="", db_comment="What it points at, such as a hit's id.")
    state = models.TextField(default="open")
    raised_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True)
    resolved_by = models.TextField(null=True)
    note = models.TextField(default="")

    class Meta:
        db_table = "policy_review_alert"
        constraints = [
            models.UniqueConstraint(fields=["review_id", "kind", "name", "reference"], name="review_alert_once"),
            models.CheckConstraint(condition=Q(kind__in=["rule", "limit", "screening", "aml", "system"]),
                                   name="review_alert_kind"),
            models.CheckConstraint(condition=Q(state__in=["open", "cleared", "confirmed"]), name="review_alert_state"),
        ]  # fmt: skip
        indexes = [models.Index(fields=["name", "raised_at"], name="review_alert_by_name")]


class ReviewApproval(models.Model):
    """One person's approval. Where four eyes rule there are two, of two people; more where one lost the right since."""

    id = models.UUIDField(primary_key=True)
    review_id = IdField(prefix="rev")
    place = models.SmallIntegerField()
    by_user = models.TextField()
    by_role = models.TextField()
    at = models.DateTimeField()
    reason_code = models.TextField()
    note = models.TextField()

    class Meta:
        db_table = "policy_review_approval"
        constraints = [
            models.UniqueConstraint(fields=["review_id", "place"], name="review_approval_one_per_place"),
            models.UniqueConstraint(fields=["review_id", "by_user"], name="review_approval_one_per_person"),
            models.CheckConstraint(condition=Q(place__gte=1, place__lte=20), name="review_approval_place"),
        ]


class ReviewNote(models.Model):
    """What somebody said about a case. Never changed."""

    id = IdField(prefix="rvn", primary_key=True)
    review_id = IdField(prefix="rev")
    author = models.TextField()
    text = models.TextField()
    mentions = ArrayField(models.TextField(), default=list)
    at = models.DateTimeField()

    class Meta:
        db_table = "policy_review_note"
        indexes = [models.Index(fields=["review_id", "at"], name="review_note_by_review")]


class ReviewAttachment(models.Model):
    """A file of a case, kept in file storage under a name of ours."""

    id = IdField(prefix="rvf", primary_key=True)
    review_id = IdField(prefix="rev")
    name = models.TextField()
    content_type = models.TextField()
    size = models.BigIntegerField(db_comment="Bytes.")
    sha256 = models.TextField()
    stored_as = models.TextField()
    at = models.DateTimeField()
    by = models.TextField()

    class Meta:
        db_table = "policy_review_attachment"
        constraints = [
            models.UniqueConstraint(fields=["review_id", "sha256", "name"], name="review_attachment_once"),
            models.CheckConstraint(condition=Q(size__gt=0), name="review_attachment_not_empty"),
        ]


class ReviewStep(models.Model):
    """One step of a case's history: what, by whom, when, from what to what. Never changed."""

    id = models.UUIDField(primary_key=True)
    review_id = IdField(prefix="rev")
    what = models.TextField()
    by = models.TextField()
    role = models.TextField(default="")
    at = models.DateTimeField()
    before = models.TextField(default="")
    after = models.TextField(default="")
    note = models.TextField(default="")

    class Meta:
        db_table = "policy_review_step"
        indexes = [models.Index(fields=["review_id", "at", "id"], name="review_step_by_review")]


class SavedView(models.Model):
    """A person's own view of a room: its filters under a name."""

    id = models.UUIDField(primary_key=True)
    user_id = models.TextField()
    room = models.TextField()
    name = models.TextField()
    query = models.TextField()
    created_at = models.DateTimeField()

    class Meta:
        db_table = "policy_saved_view"
        constraints = [models.UniqueConstraint(fields=["user_id", "room", "name"], name="saved_view_once")]
