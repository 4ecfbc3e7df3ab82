"""Rule sets, decisions, limit reservations and reviews."""

from django.db import models

from zentra.core.fields import IdField


class RuleSet(models.Model):
    """A numbered, immutable set of rules. The highest number is live."""

    version = models.BigIntegerField(primary_key=True)
    rules = models.JSONField()
    published_at = models.DateTimeField()
    published_by = models.TextField()

    class Meta:
        db_table = "policy_rule_set"


class Decision(models.Model):
    """What policy decided about an intent and why: every rule with its input and outcome. Never changed."""

    id = IdField(prefix="dec", primary_key=True)
    intent_id = models.TextField()
    rule_set = models.BigIntegerField()
    outcome = models.TextField()
    lane = models.TextField()
    rules = models.JSONField()
    decided_at = models.DateTimeField()
    actor = models.JSONField()

    class Meta:
        db_table = "policy_decision"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(outcome__in=["accepted", "review", "declined"]), name="decision_outcome"
            )
        ]
        indexes = [models.Index(fields=["intent_id"], name="decision_by_intent")]


class LimitSubject(models.Model):
    """Whom a rolling limit counts, per currency: the row that concurrent reservations queue on."""

    id = models.BigAutoField(primary_key=True)
    subject = models.TextField()
    currency = models.CharField(max_length=3)

    class Meta:
        db_table = "policy_limit_subject"
        constraints = [models.UniqueConstraint(fields=["subject", "currency"], name="limit_subject_once")]


class Reservation(models.Model):
    """What an intent holds of a rolling limit, until it is released."""

    id = IdField(prefix="lim", primary_key=True)
    subject = models.ForeignKey(LimitSubject, on_delete=models.PROTECT)
    intent_id = models.TextField()
    amount_minor = models.BigIntegerField()
    at = models.DateTimeField()
    released_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "policy_reservation"
        constraints = [
            models.UniqueConstraint(fields=["subject", "intent_id"], name="reservation_once_per_intent"),
            models.CheckConstraint(condition=models.Q(amount_minor__gt=0), name="reservation_amount_positive"),
        ]
        indexes = [
            # policy_reserve sums the window of one subject.
            models.Index(fields=["subject", "at"], name="reservation_window"),
            models.Index(fields=["intent_id"], name="reservation_by_intent"),
        ]


class Review(models.Model):
    """A held intent that a person decides. It always has an owner."""

    id = IdField(prefix="rev", primary_key=True)
    intent_id = models.TextField()
    decision_id = IdField(prefix="dec")
    rule = models.TextField()
    saw = models.TextField()
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    kind = models.TextField()
    state = models.TextField(default="open")
    owner = models.TextField()
    maker = models.TextField()
    opened_at = models.DateTimeField()
    due_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True)
    decided_by = models.TextField(null=True)
    decided_role = models.TextField(null=True)
    note = models.TextField(default="")
    version = models.IntegerField(default=1)

    class Meta:
        db_table = "policy_review"
        constraints = [
            models.UniqueConstraint(fields=["intent_id"], name="review_once_per_intent"),
            models.CheckConstraint(condition=models.Q(state__in=["open", "approved", "declined"]), name="review_state"),
            models.CheckConstraint(condition=~models.Q(owner=""), name="review_always_owned"),
        ]
        indexes = [
            # The queue, oldest first, and the owner's load.
            models.Index(fields=["opened_at", "id"], name="review_open", condition=models.Q(state="open")),
            models.Index(fields=["owner"], name="review_open_by_owner", condition=models.Q(state="open")),
            models.Index(fields=["-decided_at", "-id"], name="review_closed", condition=~models.Q(state="open")),
        ]
