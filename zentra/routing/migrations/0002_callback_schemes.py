"""How each rail signs its callbacks, and one current secret for each."""

from django.db import migrations, models

# Of several that nobody retired, the newest is current; the others stay valid for a day, as in a rotation.
RETIRE_OLDER = """
UPDATE routing_rail_secret s SET retired_at = now() + interval '1 day'
 WHERE s.retired_at IS NULL
   AND EXISTS (SELECT FROM routing_rail_secret n
                WHERE n.rail_id = s.rail_id AND n.retired_at IS NULL
                  AND (n.created_at, n.id) > (s.created_at, s.id))
"""


class Migration(migrations.Migration):

    dependencies = [("routing", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="rail",
            name="callback_scheme",
            field=models.TextField(db_comment="How its callbacks are signed.", default="standard_webhooks"),
        ),
        migrations.AddField(
            model_name="rail",
            name="callback_settings",
            field=models.JSONField(db_comment="The scheme's settings: names of headers.", default=dict),
        ),
        migrations.AlterField(
            model_name="railsecret",
            name="retired_at",
            field=models.DateTimeField(db_comment="Valid until then; null: until it is replaced.", null=True),
        ),
        migrations.AddConstraint(
            model_name="rail",
            constraint=models.CheckConstraint(
                condition=models.Q(("callback_scheme__in", ("standard_webhooks", "stripe", "hmac_hex", "ed25519"))),
                name="routing_rail_scheme_known",
            ),
        ),
        migrations.RunSQL(RETIRE_OLDER, migrations.RunSQL.noop),
        migrations.AddConstraint(
            model_name="railsecret",
            constraint=models.UniqueConstraint(
                condition=models.Q(("retired_at__isnull", True)),
                fields=("rail",),
                name="routing_rail_secret_one_current",
            ),
        ),
    ]
