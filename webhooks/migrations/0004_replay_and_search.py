"""What the replay of a range keeps, and the indexes of the searches.

Deliveries are written to all day: their indexes are built beside running work, and the new ones stand before those
that they replace go. Attempts are partitioned: theirs are built partition by partition.
"""

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models
from django.db.models import Q

from zentra.core.db.partitions import AddPartitionedIndex


def _delivery(*, fields, name, condition, **options):
    return AddIndexConcurrently("delivery", models.Index(fields=fields, name=name, condition=condition, **options))


def _attempt(column, condition):
    fields = [column, "recorded_at", "id"]
    name = f"webhooks_attempt_by_{column.removeprefix('response_').removesuffix('_class').removesuffix('_id')}"
    return AddPartitionedIndex("attempt", models.Index(fields=fields, name=name, condition=condition))


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("webhooks", "0003_partitions")]

    operations = [
        migrations.AddField(
            "delivery",
            "last_error_class",
            models.TextField(default="", db_default="", db_comment="Of the last attempt; empty: it arrived."),
        ),
        migrations.AddField(
            "replay",
            "skipped_disabled",
            models.IntegerField(default=0, db_default=0, db_comment="Those of them whose endpoint was."),
        ),
        migrations.AddField(
            "replay",
            "not_requested",
            models.IntegerField(default=0, db_default=0, db_comment="What a cancel left as it was."),
        ),
        migrations.AddField(
            "replay",
            "next_slice_at",
            models.DateTimeField(null=True, db_comment="Its rate: nothing is requested before."),
        ),
        migrations.AddField("replay", "cancel_reason", models.TextField(default="", db_default="")),
        _delivery(
            fields=["intent_id"],
            name="webhooks_delivery_of_intent",
            opclasses=["text_pattern_ops"],
            condition=Q(intent_id__isnull=False),
        ),
        RemoveIndexConcurrently("delivery", "webhooks_delivery_by_intent"),
        _delivery(
            fields=["replay_id", "-recorded_at", "-id"],
            name="webhooks_delivery_of_replay",
            condition=Q(replay_id__isnull=False),
        ),
        RemoveIndexConcurrently("delivery", "webhooks_delivery_by_replay"),
        _delivery(
            fields=["endpoint_id", "state", "recorded_at", "id"],
            name="webhooks_delivery_missed",
            condition=~Q(state="resolved"),
        ),
        _delivery(
            fields=["last_status", "-recorded_at", "-id"],
            name="webhooks_delivery_by_status",
            condition=Q(last_status__gte=300),
        ),
        _delivery(
            fields=["last_error_class", "-recorded_at", "-id"],
            name="webhooks_delivery_by_error",
            condition=~Q(last_error_class=""),
        ),
        _delivery(
            fields=["purpose", "-recorded_at", "-id"],
            name="webhooks_delivery_by_purpose",
            condition=~Q(purpose="event"),
        ),
        _attempt("error_class", Q(error_class__isnull=False)),
        _attempt("response_status", Q(response_status__gte=300)),
        _attempt("trigger", ~Q(trigger="auto")),
        _attempt("replay_id", Q(replay_id__isnull=False)),
    ]
