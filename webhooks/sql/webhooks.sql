-- Attempts and callbacks are history: written once, never changed. Retention drops whole months (partitions.sql).
-- Idempotent; {schema} is the quoted schema name.

CREATE OR REPLACE FUNCTION {schema}.webhooks_refuse_change() RETURNS trigger
LANGUAGE plpgsql
SET search_path = {schema}, pg_catalog
AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are never changed', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END
$$;

-- On the parents and on each partition.
SELECT {schema}.webhooks_keep(t.name)
  FROM (SELECT 'webhooks_attempt' UNION ALL SELECT 'webhooks_callback'
        UNION ALL SELECT w.name FROM {schema}.webhooks_partitions() w) AS t (name);
DROP TRIGGER IF EXISTS webhooks_attempt_is_final ON {schema}.webhooks_attempt;
DROP TRIGGER IF EXISTS webhooks_callback_is_final ON {schema}.webhooks_callback;

-- Deliveries are searched for by state far less than they change; keep room for updates in place.
ALTER TABLE {schema}.webhooks_delivery SET (fillfactor = 85);
-- The same few rows of the present minute are added to all the time.
ALTER TABLE {schema}.webhooks_health_minute SET (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);
