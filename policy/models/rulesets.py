"""Rule sets, the drafts that become them, and what they decided."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.expressions import RawSQL

from zentra.core.fields import IdField


class RuleSet(models.Model):
    """A numbered, immutable set of rules. The highest number is live.

    ``editors`` are all who wrote it: whoever publishes is none of them, which the database holds too.
    """

    version = models.BigIntegerField(primary_key=True)
    rules = models.JSONField()
    published_at = models.DateTimeField()
    published_by = models.TextField()
    draft_id = IdField(prefix="rsd", null=True)
    editors = ArrayField(models.TextField(), default=list, db_default=[])
    note = models.TextField(default="", db_default="")
    digest = models.TextField(default="", db_default="", db_comment="SHA-256 of the canonical document.")
    restores = models.BigIntegerField(null=True, db_comment="The version that a rollback published again.")

    class Meta:
        db_table = "policy_rule_set"
        constraints = [
            models.CheckConstraint(
                condition=RawSQL("NOT published_by = ANY(editors)", [], output_field=models.BooleanField()),
                name="rule_set_maker_is_not_checker",
            )
        ]


class RuleDraft(models.Model):
    """Rules being written: draft, validated, then published as a rule set or discarded."""

    id = IdField(prefix="rsd", primary_key=True)
    name = models.TextField()
    document = models.JSONField()
    based_on = models.BigIntegerField(db_comment="The version that it was copied from.")
    restores = models.BigIntegerField(null=True)
    state = models.TextField(default="draft")
    made_by = models.TextField()
    editors = ArrayField(models.TextField(), default=list)
    edited_by = models.TextField()
    created_at = models.DateTimeField()
    edited_at = models.DateTimeField()
    validated_at = models.DateTimeField(null=True)
    validated_by = models.TextField(null=True)
    ended_at = models.DateTimeField(null=True)
    ended_by = models.TextField(null=True)
    published_version = models.BigIntegerField(null=True)
    version = models.IntegerField(default=1)

    class Meta:
        db_table = "policy_rule_draft"
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["draft", "validated", "published", "discarded"]), name="rule_draft_state"
            ),
            models.UniqueConstraint(fields=["published_version"], name="rule_draft_published_once"),
        ]
        indexes = [models.Index(fields=["-edited_at", "-id"], name="rule_draft_newest")]


class Decision(models.Model):
    """What policy decided about an intent and why: every rule with its input and outcome. Never changed.

    ``rules`` keeps, per rule, the values that each node of its tree saw; the tree itself stands in the rule set.
    ``facts`` is the subject as the rules saw it, so that a rule can be tried on it later.
    """

    id = IdField(prefix="dec", primary_key=True)
    intent_id = models.TextField()
    rule_set = models.BigIntegerField()
    outcome = models.TextField()
    lane = models.TextField()
    rules = models.JSONField()
    decided_at = models.DateTimeField()
    actor = models.JSONField()
    score = models.SmallIntegerField(default=0, db_default=0)
    gate = models.TextField(default="", db_default="")
    tags = ArrayField(models.TextField(), default=list, db_default=[])
    four_eyes = models.BooleanField(default=False, db_default=False)
    facts = models.JSONField(default=dict, db_default={})
    duration_us = models.IntegerField(null=True)

    class Meta:
        db_table = "policy_decision"
        constraints = [
            models.CheckConstraint(condition=Q(outcome__in=["accepted", "review", "declined"]), name="decision_outcome")
        ]
        indexes = [
            models.Index(fields=["intent_id"], name="decision_by_intent"),
            # The decisions page and a backtest over a time span, by keyset.
            models.Index(fields=["-decided_at", "-id"], name="decision_newest"),
        ]
