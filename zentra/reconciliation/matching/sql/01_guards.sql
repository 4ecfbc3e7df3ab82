-- What is never changed, and how the rest may change. Triggers that read no table are ENABLE ALWAYS.
CREATE OR REPLACE FUNCTION {schema}.recon_matching_kept() RETURNS trigger
LANGUAGE plpgsql
SET search_path = {schema}, pg_catalog, pg_temp
AS $function$
BEGIN
  RAISE EXCEPTION '% is kept as it is: % is refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'ZR010';
END
$function$;

DROP TRIGGER IF EXISTS recon_rule_set_immutable ON {schema}.recon_rule_set;
CREATE TRIGGER recon_rule_set_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON {schema}.recon_rule_set
  FOR EACH STATEMENT EXECUTE FUNCTION {schema}.recon_matching_kept();
ALTER TABLE {schema}.recon_rule_set ENABLE ALWAYS TRIGGER recon_rule_set_immutable;

DROP TRIGGER IF EXISTS recon_entry_immutable ON {schema}.recon_entry;
CREATE TRIGGER recon_entry_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON {schema}.recon_entry
  FOR EACH STATEMENT EXECUTE FUNCTION {schema}.recon_matching_kept();
ALTER TABLE {schema}.recon_entry ENABLE ALWAYS TRIGGER recon_entry_immutable;

DROP TRIGGER IF EXISTS recon_match_kept ON {schema}.recon_match;
CREATE TRIGGER recon_match_kept BEFORE DELETE OR TRUNCATE ON {schema}.recon_match
  FOR EACH STATEMENT EXECUTE FUNCTION {schema}.recon_matching_kept();
ALTER TABLE {schema}.recon_match ENABLE ALWAYS TRIGGER recon_match_kept;

DROP TRIGGER IF EXISTS recon_match_item_kept ON {schema}.recon_match_item;
CREATE TRIGGER recon_match_item_kept BEFORE DELETE OR TRUNCATE ON {schema}.recon_match_item
  FOR EACH STATEMENT EXECUTE FUNCTION {schema}.recon_matching_kept();
ALTER TABLE {schema}.recon_match_item ENABLE ALWAYS TRIGGER recon_match_item_kept;

-- A match is decided, or undone, once; what it says stays.
CREATE OR REPLACE FUNCTION {schema}.recon_match_changes() RETURNS trigger
LANGUAGE plpgsql
SET search_path = {schema}, pg_catalog, pg_temp
AS $function$
BEGIN
  IF (OLD.state, NEW.state) NOT IN (('proposed', 'confirmed'), ('proposed', 'declined'), ('confirmed', 'undone'),
                                    ('confirmed', 'confirmed'))
     -- Standing, it is only asked to be undone, or that is taken back; whom it was undone with stays.
     OR (OLD.state = NEW.state
         AND (OLD.undone_by, OLD.undone_at, OLD.undone_reason) IS DISTINCT FROM
             (NEW.undone_by, NEW.undone_at, NEW.undone_reason))
     OR (OLD.state <> NEW.state
         AND (OLD.undo_asked_by, OLD.undo_asked_at, OLD.undo_asked_reason) IS DISTINCT FROM
             (NEW.undo_asked_by, NEW.undo_asked_at, NEW.undo_asked_reason))
     OR (OLD.id, OLD.account_id, OLD.how, OLD.rule, OLD.rules_version, OLD.run_id, OLD.lines, OLD.entries,
         OLD.line_minor, OLD.entry_minor, OLD.fee_minor, OLD.currency, OLD.reason, OLD.explanation, OLD.made_by,
         OLD.made_at)
        IS DISTINCT FROM
        (NEW.id, NEW.account_id, NEW.how, NEW.rule, NEW.rules_version, NEW.run_id, NEW.lines, NEW.entries,
         NEW.line_minor, NEW.entry_minor, NEW.fee_minor, NEW.currency, NEW.reason, NEW.explanation, NEW.made_by,
         NEW.made_at)
     OR (OLD.state = 'confirmed'
         AND (OLD.decided_by, OLD.decided_at) IS DISTINCT FROM (NEW.decided_by, NEW.decided_at)) THEN
    RAISE EXCEPTION 'a match is decided or undone, and never rewritten' USING ERRCODE = 'ZR011';
  END IF;
  RETURN NEW;
END
$function$;
DROP TRIGGER IF EXISTS recon_match_changes ON {schema}.recon_match;
CREATE TRIGGER recon_match_changes BEFORE UPDATE ON {schema}.recon_match
  FOR EACH ROW EXECUTE FUNCTION {schema}.recon_match_changes();
ALTER TABLE {schema}.recon_match ENABLE ALWAYS TRIGGER recon_match_changes;

-- What a match held stays in it; it only ceases to stand, and never stands again.
CREATE OR REPLACE FUNCTION {schema}.recon_match_item_changes() RETURNS trigger
LANGUAGE plpgsql
SET search_path = {schema}, pg_catalog, pg_temp
AS $function$
BEGIN
  IF NOT OLD.stands OR NEW.stands
     OR (OLD.match_id, OLD.place, OLD.line_id, OLD.entry_id)
        IS DISTINCT FROM (NEW.match_id, NEW.place, NEW.line_id, NEW.entry_id) THEN
    RAISE EXCEPTION 'an item of a match only ceases to stand' USING ERRCODE = 'ZR011';
  END IF;
  RETURN NEW;
END
$function$;
DROP TRIGGER IF EXISTS recon_match_item_changes ON {schema}.recon_match_item;
CREATE TRIGGER recon_match_item_changes BEFORE UPDATE ON {schema}.recon_match_item
  FOR EACH ROW EXECUTE FUNCTION {schema}.recon_match_item_changes();
ALTER TABLE {schema}.recon_match_item ENABLE ALWAYS TRIGGER recon_match_item_changes;

-- Filled and emptied by every import and run.
ALTER TABLE {schema}.recon_open_line SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 5000);
ALTER TABLE {schema}.recon_open_entry SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 5000);
