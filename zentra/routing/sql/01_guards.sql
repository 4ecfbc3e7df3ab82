-- Decisions are append-only; attempts keep who they are and never leave an end state. These triggers read no table, so
-- they are ENABLE ALWAYS.

CREATE OR REPLACE FUNCTION {schema}.routing_refuse_change() RETURNS trigger
LANGUAGE plpgsql
SET search_path = {schema}, pg_catalog, pg_temp
AS $function$
BEGIN
  RAISE EXCEPTION '% on % is refused', TG_OP, TG_TABLE_NAME USING ERRCODE = 'ZR010';
END
$function$;

CREATE OR REPLACE FUNCTION {schema}.routing_guard_attempt() RETURNS trigger
LANGUAGE plpgsql
SET search_path = {schema}, pg_catalog, pg_temp
AS $function$
BEGIN
  IF (NEW.id, NEW.decision_id, NEW.intent_id, NEW.rail_id, NEW.number, NEW.key, NEW.started_at)
     IS DISTINCT FROM (OLD.id, OLD.decision_id, OLD.intent_id, OLD.rail_id, OLD.number, OLD.key, OLD.started_at) THEN
    RAISE EXCEPTION 'attempt % keeps its intent, rail and key', OLD.key USING ERRCODE = 'ZR011';
  END IF;
  IF NEW.state <> OLD.state AND OLD.state IN ('settled', 'declined', 'failed', 'unavailable', 'not_found') THEN
    RAISE EXCEPTION 'attempt % ended as %', OLD.key, OLD.state USING ERRCODE = 'ZR012';
  END IF;
  RETURN NEW;
END
$function$;

DROP TRIGGER IF EXISTS routing_decision_immutable ON {schema}.routing_decision;
CREATE TRIGGER routing_decision_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON {schema}.routing_decision
  FOR EACH STATEMENT EXECUTE FUNCTION {schema}.routing_refuse_change();
ALTER TABLE {schema}.routing_decision ENABLE ALWAYS TRIGGER routing_decision_immutable;

DROP TRIGGER IF EXISTS routing_attempt_kept ON {schema}.routing_attempt;
CREATE TRIGGER routing_attempt_kept BEFORE DELETE OR TRUNCATE ON {schema}.routing_attempt
  FOR EACH STATEMENT EXECUTE FUNCTION {schema}.routing_refuse_change();
ALTER TABLE {schema}.routing_attempt ENABLE ALWAYS TRIGGER routing_attempt_kept;

DROP TRIGGER IF EXISTS routing_attempt_guarded ON {schema}.routing_attempt;
CREATE TRIGGER routing_attempt_guarded BEFORE UPDATE ON {schema}.routing_attempt
  FOR EACH ROW EXECUTE FUNCTION {schema}.routing_guard_attempt();
ALTER TABLE {schema}.routing_attempt ENABLE ALWAYS TRIGGER routing_attempt_guarded;

DROP TRIGGER IF EXISTS routing_pause_kept ON {schema}.routing_outgoing_pause;
CREATE TRIGGER routing_pause_kept BEFORE DELETE OR TRUNCATE ON {schema}.routing_outgoing_pause
  FOR EACH STATEMENT EXECUTE FUNCTION {schema}.routing_refuse_change();
ALTER TABLE {schema}.routing_outgoing_pause ENABLE ALWAYS TRIGGER routing_pause_kept;
