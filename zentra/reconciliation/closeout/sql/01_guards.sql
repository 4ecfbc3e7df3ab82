-- What was done and signed stays. These triggers read no table, so they are ENABLE ALWAYS.

CREATE OR REPLACE FUNCTION {schema}.recon_closeout_refuse_change() RETURNS trigger
LANGUAGE plpgsql
SET search_path = {schema}, pg_catalog, pg_temp
AS $function$
BEGIN
  RAISE EXCEPTION '% on % is refused: what was done and signed stays', TG_OP, TG_TABLE_NAME
    USING ERRCODE = 'restrict_violation';
END
$function$;

DROP TRIGGER IF EXISTS recon_period_act_immutable ON {schema}.recon_period_act;
CREATE TRIGGER recon_period_act_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON {schema}.recon_period_act
  FOR EACH STATEMENT EXECUTE FUNCTION {schema}.recon_closeout_refuse_change();
ALTER TABLE {schema}.recon_period_act ENABLE ALWAYS TRIGGER recon_period_act_immutable;

DROP TRIGGER IF EXISTS recon_period_event_immutable ON {schema}.recon_period_event;
CREATE TRIGGER recon_period_event_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON {schema}.recon_period_event
  FOR EACH STATEMENT EXECUTE FUNCTION {schema}.recon_closeout_refuse_change();
ALTER TABLE {schema}.recon_period_event ENABLE ALWAYS TRIGGER recon_period_event_immutable;

DROP TRIGGER IF EXISTS recon_period_kept ON {schema}.recon_period;
CREATE TRIGGER recon_period_kept BEFORE DELETE OR TRUNCATE ON {schema}.recon_period
  FOR EACH STATEMENT EXECUTE FUNCTION {schema}.recon_closeout_refuse_change();
ALTER TABLE {schema}.recon_period ENABLE ALWAYS TRIGGER recon_period_kept;

DROP TRIGGER IF EXISTS recon_sign_off_kept ON {schema}.recon_sign_off;
CREATE TRIGGER recon_sign_off_kept BEFORE DELETE OR TRUNCATE ON {schema}.recon_sign_off
  FOR EACH STATEMENT EXECUTE FUNCTION {schema}.recon_closeout_refuse_change();
ALTER TABLE {schema}.recon_sign_off ENABLE ALWAYS TRIGGER recon_sign_off_kept;

DROP TRIGGER IF EXISTS recon_closeout_packet_kept ON {schema}.recon_closeout_packet;
CREATE TRIGGER recon_closeout_packet_kept BEFORE DELETE OR TRUNCATE ON {schema}.recon_closeout_packet
  FOR EACH STATEMENT EXECUTE FUNCTION {schema}.recon_closeout_refuse_change();
ALTER TABLE {schema}.recon_closeout_packet ENABLE ALWAYS TRIGGER recon_closeout_packet_kept;

-- The days of a period never change.
CREATE OR REPLACE FUNCTION {schema}.recon_period_days_fixed() RETURNS trigger
LANGUAGE plpgsql
SET search_path = {schema}, pg_catalog, pg_temp
AS $function$
BEGIN
  IF (NEW.id, NEW.starts_on, NEW.ends_on, NEW.starts_at, NEW.ends_at)
     IS DISTINCT FROM (OLD.id, OLD.starts_on, OLD.ends_on, OLD.starts_at, OLD.ends_at) THEN
    RAISE EXCEPTION 'the days of a period never change' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END
$function$;

DROP TRIGGER IF EXISTS recon_period_days_fixed ON {schema}.recon_period;
CREATE TRIGGER recon_period_days_fixed BEFORE UPDATE ON {schema}.recon_period
  FOR EACH ROW EXECUTE FUNCTION {schema}.recon_period_days_fixed();
ALTER TABLE {schema}.recon_period ENABLE ALWAYS TRIGGER recon_period_days_fixed;

-- A signature is suspended once, and changes in no other way.
CREATE OR REPLACE FUNCTION {schema}.recon_sign_off_suspended_once() RETURNS trigger
LANGUAGE plpgsql
SET search_path = {schema}, pg_catalog, pg_temp
AS $function$
BEGIN
  IF OLD.suspended_at IS NOT NULL OR NEW.suspended_at IS NULL
     OR (NEW.id, NEW.tie_out_id, NEW.step, NEW.figures, NEW.figures_hash, NEW.explanation, NEW.signed_by, NEW.maker,
         NEW.signed_at)
        IS DISTINCT FROM
        (OLD.id, OLD.tie_out_id, OLD.step, OLD.figures, OLD.figures_hash, OLD.explanation, OLD.signed_by, OLD.maker,
         OLD.signed_at) THEN
    RAISE EXCEPTION 'a signature is suspended once and never changes' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END
$function$;

DROP TRIGGER IF EXISTS recon_sign_off_suspended_once ON {schema}.recon_sign_off;
CREATE TRIGGER recon_sign_off_suspended_once BEFORE UPDATE ON {schema}.recon_sign_off
  FOR EACH ROW EXECUTE FUNCTION {schema}.recon_sign_off_suspended_once();
ALTER TABLE {schema}.recon_sign_off ENABLE ALWAYS TRIGGER recon_sign_off_suspended_once;

-- A signature is of the figures that stand, and an approval follows another person's preparation of the same figures.
-- The tie-out's row is the lock at which signing and computing meet.
CREATE OR REPLACE FUNCTION {schema}.recon_sign_off_of_what_stands() RETURNS trigger
LANGUAGE plpgsql
SET search_path = {schema}, pg_catalog, pg_temp
AS $function$
DECLARE
  v_hash text;
BEGIN
  PERFORM FROM recon_tie_out t WHERE t.id = NEW.tie_out_id FOR UPDATE;
  SELECT t.figures_hash INTO v_hash FROM recon_tie_out t WHERE t.id = NEW.tie_out_id;
  IF v_hash IS DISTINCT FROM NEW.figures_hash OR NEW.suspended_at IS NOT NULL THEN
    RAISE EXCEPTION 'the signature is not of the figures that stand'
      USING ERRCODE = 'check_violation', CONSTRAINT = 'recon_sign_off_of_what_stands';
  ELSIF NEW.step = 'approved' AND NOT EXISTS (
      SELECT FROM recon_sign_off s
       WHERE s.tie_out_id = NEW.tie_out_id AND s.step = 'prepared' AND s.suspended_at IS NULL
         AND s.figures_hash = NEW.figures_hash AND s.maker <> NEW.maker) THEN
    RAISE EXCEPTION 'an approval follows the preparation of the same figures by another person'
      USING ERRCODE = 'check_violation', CONSTRAINT = 'recon_sign_off_two_people';
  END IF;
  RETURN NEW;
END
$function$;

DROP TRIGGER IF EXISTS recon_sign_off_of_what_stands ON {schema}.recon_sign_off;
CREATE TRIGGER recon_sign_off_of_what_stands BEFORE INSERT ON {schema}.recon_sign_off
  FOR EACH ROW EXECUTE FUNCTION {schema}.recon_sign_off_of_what_stands();

-- A sealed packet never changes.
CREATE OR REPLACE FUNCTION {schema}.recon_closeout_packet_sealed() RETURNS trigger
LANGUAGE plpgsql
SET search_path = {schema}, pg_catalog, pg_temp
AS $function$
BEGIN
  IF OLD.state = 'ready' THEN
    RAISE EXCEPTION 'a sealed packet never changes' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END
$function$;

DROP TRIGGER IF EXISTS recon_closeout_packet_sealed ON {schema}.recon_closeout_packet;
CREATE TRIGGER recon_closeout_packet_sealed BEFORE UPDATE ON {schema}.recon_closeout_packet
  FOR EACH ROW EXECUTE FUNCTION {schema}.recon_closeout_packet_sealed();
ALTER TABLE {schema}.recon_closeout_packet ENABLE ALWAYS TRIGGER recon_closeout_packet_sealed;
