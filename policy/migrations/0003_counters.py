from django.db import migrations, models

COPY_RESERVATIONS = """
-- What the first rules had reserved goes on counting, and so does what moved in the last 31 days without a limit: a
-- new limit counts it at once. The runtime's tables are not there yet when a schema is made from nothing.
DO $$
DECLARE
    v_since timestamptz := now() - interval '31 days';
BEGIN
    IF to_regclass('runtime_intent') IS NOT NULL THEN
        INSERT INTO policy_movement (intent_id, at, kind, amount_minor, currency, account, customer, corridor, card,
                                     counterparty, state, expires_at, changed_at)
        SELECT i.intent_id, coalesce(r.at, i.created_at), i.kind, i.amount_minor, i.currency,
               i.source_account::text, s.subject,
               nullif(concat(i.corridor ->> 'source', '>', i.corridor ->> 'destination', '/', i.corridor ->> 'method'),
                      '>/'),
               NULL, i.destination_label,
               CASE WHEN i.status <> 'review' THEN 'confirmed' WHEN r.at IS NULL THEN 'waiting' ELSE 'reserved' END,
               CASE WHEN i.status = 'review' THEN coalesce(r.at, i.created_at) + interval '7 days' END,
               coalesce(r.at, i.created_at)
          FROM runtime_intent i
          LEFT JOIN LATERAL (
              SELECT v.subject_id, v.at FROM policy_reservation v
               WHERE v.intent_id = i.intent_id AND v.released_at IS NULL LIMIT 1
          ) r ON true
          LEFT JOIN policy_limit_subject s ON s.id = r.subject_id
         WHERE i.created_at > v_since
           AND i.status NOT IN ('declined', 'failed', 'expired', 'canceled', 'reversed')
        ON CONFLICT DO NOTHING;
    END IF;
    INSERT INTO policy_movement (intent_id, at, kind, amount_minor, currency, account, customer, state, changed_at)
    SELECT r.intent_id, r.at, 'payment', r.amount_minor, s.currency, '', s.subject, 'confirmed', r.at
      FROM policy_reservation r JOIN policy_limit_subject s ON s.id = r.subject_id
     WHERE r.released_at IS NULL AND r.at > v_since
    ON CONFLICT DO NOTHING;
END $$
"""


MAKE_LISTS = """
-- The lists that the first rules ask, in workspaces that were made before there were lists.
INSERT INTO policy_list (id, name, kind, value_type, description, created_at, created_by, version)
SELECT gen_random_uuid(), l.name, l.kind, 'text', l.description, now(), 'svc_policy', 1
  FROM (VALUES ('denied', 'deny', 'customers and counterparties with whom nothing moves'),
               ('watched', 'watch', 'customers and counterparties whose every intent a person sees'))
       l (name, kind, description)
 WHERE EXISTS (SELECT 1 FROM policy_rule_set)
ON CONFLICT DO NOTHING
"""


DROP_FUNCTIONS = """
DROP FUNCTION IF EXISTS policy_reserve(uuid, text, text, text, bigint, timestamptz);
DROP FUNCTION IF EXISTS policy_reserve_approved(uuid, text, text, text, bigint, timestamptz)
"""


class Migration(migrations.Migration):
    """Changes that counters have yet to hear of, keys of what limits count, and the past that they count."""

    dependencies = [("policy", "0002_desk")]

    operations = [
        migrations.CreateModel(
            name="LimitChange",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("dimension", models.TextField()),
                ("subject", models.TextField()),
                ("currency", models.CharField(max_length=3)),
                ("kind", models.TextField()),
                ("amount_minor", models.BigIntegerField()),
                ("counterparty", models.TextField()),
                ("old_at", models.DateTimeField()),
                (
                    "old_until",
                    models.DateTimeField(
                        db_comment="Until when it counted before: infinity, an expiry, -infinity."
                    ),
                ),
                ("new_at", models.DateTimeField()),
                ("new_until", models.DateTimeField()),
                ("changed_at", models.DateTimeField()),
            ],
            options={
                "db_table": "policy_limit_change",
                "indexes": [
                    models.Index(fields=["dimension", "subject", "currency"], name="limit_change_by_subject"),
                    models.Index(fields=["changed_at"], name="limit_change_oldest"),
                ],
            },
        ),
        migrations.AddConstraint(
            "movement", models.UniqueConstraint(fields=["intent_id"], name="movement_once_per_intent")
        ),
        migrations.AddConstraint(
            "limitcounter", models.UniqueConstraint(fields=["subject_id", "meter"], name="limit_counter_once")
        ),
        migrations.AddIndex(
            "limitcounter", models.Index(fields=["meter", "subject_id"], name="limit_counter_by_meter")
        ),
        migrations.AddConstraint(
            "limitcounterparty",
            models.UniqueConstraint(fields=["subject_id", "meter", "counterparty"], name="limit_counterparty_once"),
        ),
        migrations.AddIndex(
            "limitcounterparty",
            models.Index(fields=["subject_id"], name="limit_counterparty_unused", condition=models.Q(uses=0)),
        ),
        migrations.AddIndex(
            "movement",
            models.Index(
                fields=["customer", "counterparty"],
                name="movement_by_counterparty",
                condition=models.Q(customer__isnull=False, counterparty__isnull=False),
            ),
        ),
        migrations.RunSQL(COPY_RESERVATIONS, migrations.RunSQL.noop),
        migrations.RunSQL(MAKE_LISTS, migrations.RunSQL.noop),
        # The functions of the first rules would not find their table.
        migrations.RunSQL(DROP_FUNCTIONS, migrations.RunSQL.noop),
        migrations.DeleteModel("Reservation"),
    ]
