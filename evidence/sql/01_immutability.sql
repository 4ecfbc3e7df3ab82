-- Evidence is append-only. These triggers read no table, so they are ENABLE ALWAYS: they hold even where
-- session_replication_role is 'replica'. They are statement triggers, so that they see TRUNCATE as well.

CREATE OR REPLACE FUNCTION {schema}.evidence_refuse_change() RETURNS trigger
LANGUAGE plpgsql
SET search_path = {schema}, pg_catalog, pg_temp
AS $function$
BEGIN
  RAISE EXCEPTION '% is append-only: % is refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'ZE010';
END
$function$;

DROP TRIGGER IF EXISTS evidence_event_immutable ON {schema}.evidence_event;
CREATE TRIGGER evidence_event_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON {schema}.evidence_event
  FOR EACH STATEMENT EXECUTE FUNCTION {schema}.evidence_refuse_change();
ALTER TABLE {schema}.evidence_event ENABLE ALWAYS TRIGGER evidence_event_immutable;

DROP TRIGGER IF EXISTS evidence_leaf_immutable ON {schema}.evidence_leaf;
CREATE TRIGGER evidence_leaf_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON {schema}.evidence_leaf
  FOR EACH STATEMENT EXECUTE FUNCTION {schema}.evidence_refuse_change();
ALTER TABLE {schema}.evidence_leaf ENABLE ALWAYS TRIGGER evidence_leaf_immutable;

DROP TRIGGER IF EXISTS evidence_node_immutable ON {schema}.evidence_node;
CREATE TRIGGER evidence_node_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON {schema}.evidence_node
  FOR EACH STATEMENT EXECUTE FUNCTION {schema}.evidence_refuse_change();
ALTER TABLE {schema}.evidence_node ENABLE ALWAYS TRIGGER evidence_node_immutable;

DROP TRIGGER IF EXISTS evidence_checkpoint_immutable ON {schema}.evidence_checkpoint;
CREATE TRIGGER evidence_checkpoint_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON {schema}.evidence_checkpoint
  FOR EACH STATEMENT EXECUTE FUNCTION {schema}.evidence_refuse_change();
ALTER TABLE {schema}.evidence_checkpoint ENABLE ALWAYS TRIGGER evidence_checkpoint_immutable;

DROP TRIGGER IF EXISTS evidence_packet_immutable ON {schema}.evidence_packet;
CREATE TRIGGER evidence_packet_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON {schema}.evidence_packet
  FOR EACH STATEMENT EXECUTE FUNCTION {schema}.evidence_refuse_change();
ALTER TABLE {schema}.evidence_packet ENABLE ALWAYS TRIGGER evidence_packet_immutable;

-- The sealer deletes from here what it sequenced; nothing may empty or change it.
DROP TRIGGER IF EXISTS evidence_unsealed_kept ON {schema}.evidence_unsealed;
CREATE TRIGGER evidence_unsealed_kept BEFORE UPDATE OR TRUNCATE ON {schema}.evidence_unsealed
  FOR EACH STATEMENT EXECUTE FUNCTION {schema}.evidence_refuse_change();
ALTER TABLE {schema}.evidence_unsealed ENABLE ALWAYS TRIGGER evidence_unsealed_kept;

DROP TRIGGER IF EXISTS evidence_log_kept ON {schema}.evidence_log;
CREATE TRIGGER evidence_log_kept BEFORE DELETE OR TRUNCATE ON {schema}.evidence_log
  FOR EACH STATEMENT EXECUTE FUNCTION {schema}.evidence_refuse_change();
ALTER TABLE {schema}.evidence_log ENABLE ALWAYS TRIGGER evidence_log_kept;

-- Filled and emptied all day.
ALTER TABLE {schema}.evidence_unsealed SET
  (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);
