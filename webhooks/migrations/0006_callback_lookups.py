"""Callbacks are found by their id and by the one that came first; both were read from every month whole."""

from django.db import migrations, models

from zentra.core.db.partitions import AddPartitionedIndex


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("webhooks", "0005_callback_signatures")]

    operations = [
        AddPartitionedIndex("callback", models.Index(fields=["id"], name="webhooks_callback_by_id")),
        AddPartitionedIndex(
            "callback", models.Index(fields=["first_id", "recorded_at"], name="webhooks_callback_by_first")
        ),
    ]
