"""Attempts and callbacks become partitioned by month; the last day's health is counted once from the rows.

An empty table becomes the default partition of its successor. One with rows becomes the partition of everything up to
a coming month; it is dropped as a whole when its last month is old enough.

What it costs on a large table: one sequential read (the validation of a CHECK, during which reads and writes go on) and
the build of one index beside running work; then an exclusive lock for the moment in which names and catalogue entries
change. No row is copied and no existing index is built again. It may be interrupted anywhere and run again.
"""

import math
from datetime import UTC, datetime, timedelta

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models, transaction

TABLES = ("webhooks_attempt", "webhooks_callback")
# Long enough for the validation: until then no row may fall behind the cut.
MARGIN = timedelta(days=2)

DEFINITIONS = """
SELECT c.relname, k.conname IS NOT NULL, coalesce(pg_get_constraintdef(k.oid), pg_get_indexdef(i.indexrelid))
  FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid LEFT JOIN pg_constraint k ON k.conindid = i.indexrelid
 WHERE i.indrelid = %s::regclass ORDER BY k.conname IS NULL, c.relname
"""
GRANTS = """
SELECT a.grantee::regrole::text, string_agg(a.privilege_type, ', ' ORDER BY a.privilege_type)
  FROM pg_class c, aclexplode(c.relacl) AS a
 WHERE c.oid = %s::regclass AND a.grantee <> c.relowner AND a.grantee <> 0 GROUP BY a.grantee
"""
# The bounds of the latency buckets: webhooks/outbound/health/latency.py as of this migration.
BOUNDS = sorted({*range(1, 21), *(math.ceil(2 ** (step / 4)) for step in range(65))})
BACKFILL = """
INSERT INTO webhooks_health_minute AS h (endpoint_id, minute, first_due, resolved, attempts, failures, latency)
SELECT endpoint_id, minute, sum(first_due), sum(resolved), sum(attempts), sum(failures), '{}'
  FROM (SELECT endpoint_id, date_trunc('minute', first_due_at) AS minute, count(*) AS first_due,
               count(*) FILTER (WHERE state = 'resolved') AS resolved, 0 AS attempts, 0 AS failures
          FROM webhooks_delivery WHERE first_due_at >= %(since)s AND purpose = 'event' GROUP BY 1, 2
        UNION ALL
        SELECT endpoint_id, date_trunc('minute', recorded_at), 0, 0, count(*),
               count(*) FILTER (WHERE error_class IS NOT NULL)
          FROM webhooks_attempt WHERE recorded_at >= %(since)s GROUP BY 1, 2) AS counted
 GROUP BY endpoint_id, minute
ON CONFLICT (endpoint_id, minute) DO UPDATE
   SET first_due = EXCLUDED.first_due, resolved = EXCLUDED.resolved, attempts = EXCLUDED.attempts,
       failures = EXCLUDED.failures
"""
BACKFILL_LATENCY = """
UPDATE webhooks_health_minute h SET latency = l.latency
  FROM (SELECT endpoint_id, minute, array_agg(coalesce(n, 0) ORDER BY bucket) AS latency
          FROM (SELECT m.endpoint_id, m.minute, b.bucket, c.n
                  FROM (SELECT endpoint_id, date_trunc('minute', recorded_at) AS minute,
                               max(width_bucket(greatest(duration_ms, 1), %(bounds)s)) AS last
                          FROM webhooks_attempt WHERE recorded_at >= %(since)s GROUP BY 1, 2) AS m
                 CROSS JOIN LATERAL generate_series(1, m.last) AS b (bucket)
                  LEFT JOIN (SELECT endpoint_id, date_trunc('minute', recorded_at) AS minute,
                                    width_bucket(greatest(duration_ms, 1), %(bounds)s) AS bucket, count(*) AS n
                               FROM webhooks_attempt WHERE recorded_at >= %(since)s GROUP BY 1, 2, 3) AS c
                    ON c.endpoint_id = m.endpoint_id AND c.minute = m.minute AND c.bucket = b.bucket) AS filled
         GROUP BY 1, 2) AS l
 WHERE h.endpoint_id = l.endpoint_id AND h.minute = l.minute
"""


def partition(_apps, schema_editor):
    """Turn both tables, each in its own transaction; one that is partitioned already is passed by."""
    connection = schema_editor.connection
    for table in TABLES:
        with connection.cursor() as cursor:
            if _value(cursor, "SELECT relkind FROM pg_class WHERE oid = %s::regclass", table) == "p":
                continue
            cut = _cut(cursor, table)
            if cut is not None:
                _promise(cursor, table, cut)
            with transaction.atomic(using=connection.alias):
                cursor.execute("SET LOCAL lock_timeout = '10s'")
                cursor.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
                if cut is None and _value(cursor, f"SELECT EXISTS (SELECT FROM {table})"):
                    raise RuntimeError(f"{table} was written to at this moment: run the migration again.")
                _succeed(cursor, table, cut)


def _value(cursor, statement, *values):
    cursor.execute(statement, values or None)
    return cursor.fetchone()[0]


def _cut(cursor, table):
    """The first moment that the old table does not hold: a coming month's beginning. None when it holds nothing."""
    newest = _value(cursor, f"SELECT max(recorded_at) FROM {table}")
    if newest is None:
        return None
    latest = max(newest, datetime.now(UTC)).astimezone(UTC) + MARGIN
    return datetime(latest.year + latest.month // 12, latest.month % 12 + 1, 1, tzinfo=UTC)


def _promise(cursor, table, cut):
    """A valid CHECK that says what the partition's bounds will say, so that attaching reads nothing."""
    cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS webhooks_before_cut")
    cursor.execute(
        f"ALTER TABLE {table} ADD CONSTRAINT webhooks_before_cut CHECK (recorded_at < '{cut.isoformat()}') NOT VALID"
    )
    cursor.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT webhooks_before_cut")


def _succeed(cursor, table, cut):
    """Rename the table and its indexes, make a partitioned one in its name, and attach the old one."""
    old = f"{table}_default" if cut is None else f"{table}_until_{cut:%Y%m}"
    cursor.execute(DEFINITIONS, [table])
    definitions = cursor.fetchall()
    cursor.execute(GRANTS, [table])
    grants = cursor.fetchall()
    for name, _, _ in definitions:
        cursor.execute(f"ALTER INDEX {name} RENAME TO {old}{name.removeprefix(table)}")
    cursor.execute(f"ALTER TABLE {table} RENAME TO {old}")
    like = "INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING GENERATED INCLUDING STORAGE INCLUDING COMMENTS"
    cursor.execute(f"CREATE TABLE {table} (LIKE {old} {like}) PARTITION BY RANGE (recorded_at)")
    cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS webhooks_before_cut")
    for name, is_constraint, definition in definitions:
        cursor.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}" if is_constraint else definition)
    if cut is None:
        cursor.execute(f"ALTER TABLE {table} ATTACH PARTITION {old} DEFAULT")
    else:
        bounds = f"FROM (MINVALUE) TO ('{cut.isoformat()}')"
        cursor.execute(f"ALTER TABLE {table} ATTACH PARTITION {old} FOR VALUES {bounds}")
        cursor.execute(f"ALTER TABLE {old} DROP CONSTRAINT webhooks_before_cut")
        cursor.execute(f"CREATE TABLE {table}_default PARTITION OF {table} DEFAULT")
    for role, privileges in grants:
        cursor.execute(f"GRANT {privileges} ON {table} TO {role}")
        cursor.execute(f"REVOKE ALL ON {old} FROM {role}")


def count_health(_apps, schema_editor):
    """Fill the minutes of the last 25 hours from the rows, where deliveries are older than the minutes."""
    since = (datetime.now(UTC) - timedelta(hours=25)).replace(second=0, microsecond=0)
    with transaction.atomic(using=schema_editor.connection.alias), schema_editor.connection.cursor() as cursor:
        cursor.execute(BACKFILL, {"since": since})
        cursor.execute(BACKFILL_LATENCY, {"since": since, "bounds": BOUNDS})


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("webhooks", "0002_delivery_engine")]

    operations = [
        AddIndexConcurrently(
            "delivery",
            models.Index(
                fields=["endpoint_id", "state", "first_due_at"],
                name="webhooks_delivery_undelivered",
                condition=~models.Q(state="resolved"),
            ),
        ),
        migrations.RunPython(partition),
        migrations.RunPython(count_health),
    ]
