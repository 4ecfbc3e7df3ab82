"""What moved, and what limits and windows count of it."""

from django.db import models
from django.db.models import Q


class Movement(models.Model):
    """One intent as limits and windows count it: whose money, over which corridor, to whom.

    It counts while ``confirmed``, or while ``reserved`` and not yet expired. One that was held because a limit had no
    room is ``waiting`` and counts in none until it is approved.
    """

    id = models.BigAutoField(primary_key=True)
    intent_id = models.TextField()
    at = models.DateTimeField()
    kind = models.TextField()
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    account = models.TextField()
    customer = models.TextField(null=True)
    corridor = models.TextField(null=True)
    card = models.TextField(null=True)
    counterparty = models.TextField(null=True)
    state = models.TextField()
    expires_at = models.DateTimeField(null=True)
    changed_at = models.DateTimeField()

    class Meta:
        db_table = "policy_movement"
        constraints = [
            models.UniqueConstraint(fields=["intent_id"], name="movement_once_per_intent"),
            models.CheckConstraint(
                condition=Q(state__in=["reserved", "waiting", "confirmed", "released"]), name="movement_state"
            ),
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="movement_amount_positive"),
            models.CheckConstraint(
                condition=~Q(state="reserved") | Q(expires_at__isnull=False), name="movement_reserved_expires"
            ),
        ]
        indexes = [
            # A window of one subject: summed when a counter is new, and read at its tail.
            models.Index(fields=["account", "at"], name="movement_by_account"),
            models.Index(fields=["customer", "at"], name="movement_by_customer", condition=Q(customer__isnull=False)),
            models.Index(fields=["corridor", "at"], name="movement_by_corridor", condition=Q(corridor__isnull=False)),
            models.Index(fields=["card", "at"], name="movement_by_card", condition=Q(card__isnull=False)),
            models.Index(fields=["at"], name="movement_by_time"),
            # What expires.
            models.Index(fields=["expires_at"], name="movement_reserved", condition=Q(state="reserved")),
            # Whether a customer has paid this counterparty before.
            models.Index(
                fields=["customer", "counterparty"],
                name="movement_by_counterparty",
                condition=Q(customer__isnull=False, counterparty__isnull=False),
            ),
        ]


class LimitChange(models.Model):
    """A movement that counts otherwise than before: a counter that knew it is corrected by it, under its own lock.

    One row per subject and currency that may count it. Whoever next weighs the subject folds it in; nobody else takes
    a limit's lock, so an intent may end after its postings without waiting for one that has yet to post.
    """

    id = models.BigAutoField(primary_key=True)
    dimension = models.TextField()
    subject = models.TextField()
    currency = models.CharField(max_length=3)
    kind = models.TextField()
    amount_minor = models.BigIntegerField()
    counterparty = models.TextField()
    old_at = models.DateTimeField()
    old_until = models.DateTimeField(db_comment="Until when it counted before: infinity, an expiry, -infinity.")
    new_at = models.DateTimeField()
    new_until = models.DateTimeField()
    changed_at = models.DateTimeField()

    class Meta:
        db_table = "policy_limit_change"
        indexes = [
            models.Index(fields=["dimension", "subject", "currency"], name="limit_change_by_subject"),
            models.Index(fields=["changed_at"], name="limit_change_oldest"),
        ]


class LimitSubject(models.Model):
    """Whom a limit counts, per currency: the row that concurrent reservations queue on.

    ``currency`` is ``***`` for what is counted over all currencies.
    """

    id = models.BigAutoField(primary_key=True)
    dimension = models.TextField(default="customer", db_default="customer")
    subject = models.TextField()
    currency = models.CharField(max_length=3)

    class Meta:
        db_table = "policy_limit_subject"
        constraints = [
            models.UniqueConstraint(
                fields=["dimension", "subject", "currency"], name="limit_subject_once_per_dimension"
            )
        ]


class LimitCounter(models.Model):
    """What one meter counts of one subject since ``counted_from``, of what counted at ``as_of``.

    It is brought to the present under the subject's lock. ``version`` is the rule set under which it was last kept:
    while other rules were in force it may have missed intents, and is then counted anew. The bounds of the meter
    stand beside it, so that a change can be folded in without the rules.
    """

    id = models.BigAutoField(primary_key=True)
    subject_id = models.BigIntegerField()
    meter = models.TextField()
    counted_from = models.DateTimeField()
    total_minor = models.DecimalField(max_digits=38, decimal_places=0)
    number = models.BigIntegerField()
    distinct_number = models.BigIntegerField(default=0)
    as_of = models.DateTimeField()
    version = models.BigIntegerField()
    measure = models.TextField()
    kinds = models.TextField(db_comment="The kinds that count, each between commas; empty is every kind.")
    from_minor = models.BigIntegerField(null=True)
    below_minor = models.BigIntegerField(null=True)

    class Meta:
        db_table = "policy_limit_counter"
        constraints = [
            models.UniqueConstraint(fields=["subject_id", "meter"], name="limit_counter_once"),
            models.CheckConstraint(
                condition=Q(total_minor__gte=0, number__gte=0, distinct_number__gte=0),
                name="limit_counter_not_negative",
            ),
        ]
        # The page of a limit's usage. Nothing that changes with each intent stands in an index.
        indexes = [models.Index(fields=["meter", "subject_id"], name="limit_counter_by_meter")]


class LimitCounterparty(models.Model):
    """How often one counterparty stands in what a distinct-counterparties meter counts."""

    id = models.BigAutoField(primary_key=True)
    subject_id = models.BigIntegerField()
    meter = models.TextField()
    counterparty = models.TextField()
    uses = models.BigIntegerField()

    class Meta:
        db_table = "policy_limit_counterparty"
        constraints = [
            models.UniqueConstraint(fields=["subject_id", "meter", "counterparty"], name="limit_counterparty_once")
        ]
        indexes = [
            # What is swept away.
            models.Index(fields=["subject_id"], name="limit_counterparty_unused", condition=Q(uses=0))
        ]
