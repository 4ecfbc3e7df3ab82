-- Attempts and callbacks are history: written once, never changed. Retention drops partitions, as owner.
-- Idempotent; {schema} is the quoted schema name.

CREATE OR REPLACE FUNCTION {schema}.webhooks_refuse_change() RETURNS trigger
LANGUAGE plpgsql
SET search_path = {schema}, pg_catalog
AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are never changed', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END
$$;

DROP TRIGGER IF EXISTS webhooks_attempt_is_final ON {schema}.webhooks_attempt;
CREATE TRIGGER webhooks_attempt_is_final BEFORE UPDATE OR DELETE OR TRUNCATE ON {schema}.webhooks_attempt
    FOR EACH STATEMENT EXECUTE FUNCTION {schema}.webhooks_refuse_change();
ALTER TABLE {schema}.webhooks_attempt ENABLE ALWAYS TRIGGER webhooks_attempt_is_final;

DROP TRIGGER IF EXISTS webhooks_callback_is_final ON {schema}.webhooks_callback;
CREATE TRIGGER webhooks_callback_is_final BEFORE UPDATE OR DELETE OR TRUNCATE ON {schema}.webhooks_callback
    FOR EACH STATEMENT EXECUTE FUNCTION {schema}.webhooks_refuse_change();
ALTER TABLE {schema}.webhooks_callback ENABLE ALWAYS TRIGGER webhooks_callback_is_final;

-- Deliveries are searched for by state far less than they change; keep room for updates in place.
ALTER TABLE {schema}.webhooks_delivery SET (fillfactor = 85);
