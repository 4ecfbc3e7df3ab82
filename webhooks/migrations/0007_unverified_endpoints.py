"""An endpoint may wait for the answer to a challenge before anything is sent to it."""

from django.db import migrations, models

STATES = ("", "person", "gone", "failing", "unverified")


class Migration(migrations.Migration):
    dependencies = [("webhooks", "0006_callback_lookups")]

    operations = [
        migrations.RemoveConstraint(model_name="endpoint", name="webhooks_endpoint_disabled_by"),
        migrations.AlterField(
            model_name="endpoint",
            name="disabled_by",
            field=models.TextField(
                default="", db_comment="person, gone (410), failing or unverified; empty while enabled."
            ),
        ),
        migrations.AddConstraint(
            model_name="endpoint",
            constraint=models.CheckConstraint(
                name="webhooks_endpoint_disabled_by", condition=models.Q(disabled_by__in=STATES)
            ),
        ),
    ]
