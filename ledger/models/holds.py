"""Holds and their steps."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.db.models.constraints import BaseConstraint

from ledger.types import HOLD_STATES
from ledger.types.words import CURRENCY_FORM
from zentra.core.fields import IdField
from zentra.core.money import MAX_AMOUNT_MINOR


class Hold(models.Model):
    """What is reserved and not settled yet: the family of a pending posting, its increases, captures and releases.

    The amounts are written by the posting trigger alone, from the entries; pending is
    ``amount_minor - captured_minor - released_minor``.
    """

    id = IdField(prefix="hold", primary_key=True)
    kind = models.TextField()  # hold: one account's funds; posting: a two-phase posting, settled whole
    reference = models.TextField()
    account_id = IdField(prefix="acct")  # whose funds are held; of a posting, its first debit
    destination_id = IdField(prefix="acct")  # where a capture goes unless it says otherwise
    currency = models.TextField()
    amount_minor = models.BigIntegerField(default=0)
    captured_minor = models.BigIntegerField(default=0)
    released_minor = models.BigIntegerField(default=0)  # given back, by release or expiry
    state = models.TextField(default="held")
    intent_id = models.TextField(null=True)
    source = models.TextField()  # the request, intent, authorization … that asked for it
    release_condition = models.TextField(default="")
    expires_at = models.DateTimeField(null=True)
    placed_by = models.JSONField()  # the actor
    placed_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    release_posting_id = IdField(prefix="posting", null=True)  # the entry that gave the rest back
    reviewed_by = models.JSONField(null=True)
    reviewed_at = models.DateTimeField(null=True)
    review_note = models.TextField(default="")
    metadata = models.JSONField(default=dict)

    class Meta:
        db_table = "ledger_hold"
        constraints: ClassVar[list[BaseConstraint]] = [
            models.CheckConstraint(condition=Q(kind__in=["hold", "posting"]), name="ledger_hold_kind_known"),
            models.CheckConstraint(condition=Q(state__in=HOLD_STATES), name="ledger_hold_state_known"),
            models.CheckConstraint(condition=Q(currency__regex=CURRENCY_FORM), name="ledger_hold_currency_form"),
            models.CheckConstraint(
                condition=Q(
                    amount_minor__range=(0, MAX_AMOUNT_MINOR),
                    captured_minor__gte=0,
                    released_minor__gte=0,
                    amount_minor__gte=F("captured_minor") + F("released_minor"),
                ),
                name="ledger_hold_within_amount",
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(  # the expiry task
                fields=["expires_at"], name="ledger_hold_due", condition=Q(state="held", expires_at__isnull=False)
            ),
            models.Index(fields=["placed_at", "id"], name="ledger_hold_open", condition=Q(state="held")),
            models.Index(F("placed_at").desc(), F("id").desc(), name="ledger_hold_newest"),
            models.Index(fields=["account_id", "placed_at"], name="ledger_hold_account"),
        ]


class HoldEvent(models.Model):
    """One step of a hold, with its posting, who and why. Never changed."""

    id = IdField(prefix="evt", primary_key=True)
    hold_id = IdField(prefix="hold")
    kind = models.TextField()
    amount_minor = models.BigIntegerField(null=True)
    posting_id = IdField(prefix="posting", null=True)
    expires_at = models.DateTimeField(null=True)
    reason = models.TextField(default="")
    actor = models.JSONField()
    recorded_at = models.DateTimeField()

    class Meta:
        db_table = "ledger_hold_event"
        constraints: ClassVar[list[BaseConstraint]] = [
            models.CheckConstraint(
                condition=Q(
                    kind__in=["placed", "increased", "captured", "released", "expired", "extended", "reviewed"]
                ),
                name="ledger_hold_event_kind_known",
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["hold_id", "recorded_at"], name="ledger_hold_event_hold"),
        ]
