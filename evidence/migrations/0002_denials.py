from django.db import migrations, models


class Migration(migrations.Migration):
    """Denials are found without reading the log: a small index beside it."""

    dependencies = [("evidence", "0001_initial")]

    operations = [
        migrations.AddIndex(
            model_name="event",
            index=models.Index(
                condition=models.Q(("type", "access.denied")),
                fields=["-recorded_at", "-id"],
                name="evidence_event_denied",
            ),
        ),
    ]
