"""A rail may sign without saying when. Only the catalogue changes; no row is read."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("webhooks", "0004_replay_and_search")]

    operations = [
        migrations.AlterField(
            model_name="callback",
            name="signed_at",
            field=models.DateTimeField(db_comment="Null where the rail's scheme signs no moment.", null=True),
        ),
    ]
