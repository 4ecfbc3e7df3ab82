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

-- A proof of customers' money stays as it was computed; so does the day that it is of.
DROP TRIGGER IF EXISTS recon_money_proof_immutable ON {schema}.recon_money_proof;
CREATE TRIGGER recon_money_proof_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON {schema}.recon_money_proof
  FOR EACH STATEMENT EXECUTE FUNCTION {schema}.recon_closeout_refuse_change();
ALTER TABLE {schema}.recon_money_proof ENABLE ALWAYS TRIGGER recon_money_proof_immutable;

DROP TRIGGER IF EXISTS recon_money_day_kept ON {schema}.recon_money_day;
CREATE TRIGGER recon_money_day_kept BEFORE DELETE OR TRUNCATE ON {schema}.recon_money_day
  FOR EACH STATEMENT EXECUTE FUNCTION {schema}.recon_closeout_refuse_change();
ALTER TABLE {schema}.recon_money_day ENABLE ALWAYS TRIGGER recon_money_day_kept;

CREATE OR REPLACE FUNCTION {schema}.recon_money_day_fixed() RETURNS trigger
LANGUAGE plpgsql
SET search_path = {schema}, pg_catalog, pg_temp
AS $function$
BEGIN
  IF (NEW.business_day, NEW.period_id, NEW.cut_off_at)
     IS DISTINCT FROM (OLD.business_day, OLD.period_id, OLD.cut_off_at) THEN
    RAISE EXCEPTION 'the cut-off of a day never changes' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END
$function$;

DROP TRIGGER IF EXISTS recon_money_day_fixed ON {schema}.recon_money_day;
CREATE TRIGGER recon_money_day_fixed BEFORE UPDATE ON {schema}.recon_money_day
  FOR EACH ROW EXECUTE FUNCTION {schema}.recon_money_day_fixed();
ALTER TABLE {schema}.recon_money_day ENABLE ALWAYS TRIGGER recon_money_day_fixed;

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

-- What is signed stays: figures and words change only after the signatures under them are suspended. Each explanation
-- has a number of its own.
CREATE OR REPLACE FUNCTION {schema}.recon_tie_out_changes_unsigned() RETURNS trigger
LANGUAGE plpgsql
SET search_path = {schema}, pg_catalog, pg_temp
AS $function$
BEGIN
  IF (NEW.id, NEW.period_id, NEW.account_id) IS DISTINCT FROM (OLD.id, OLD.period_id, OLD.account_id)
     OR NEW.explanation_version < OLD.explanation_version
     OR (NEW.explanation_version = OLD.explanation_version
         AND (NEW.explanation, NEW.explained_hash, NEW.explained_by, NEW.explained_maker)
             IS DISTINCT FROM (OLD.explanation, OLD.explained_hash, OLD.explained_by, OLD.explained_maker)) THEN
    RAISE EXCEPTION 'another explanation has a number of its own'
      USING ERRCODE = 'check_violation', CONSTRAINT = 'recon_tie_out_explanation_numbered';
  ELSIF (NEW.figures, NEW.figures_hash, NEW.explanation_version)
        IS DISTINCT FROM (OLD.figures, OLD.figures_hash, OLD.explanation_version)
        AND EXISTS (SELECT FROM recon_sign_off s WHERE s.tie_out_id = NEW.id AND s.suspended_at IS NULL) THEN
    RAISE EXCEPTION 'what is signed changes only when its signatures are suspended'
      USING ERRCODE = 'check_violation', CONSTRAINT = 'recon_tie_out_changes_unsigned';
  END IF;
  RETURN NEW;
END
$function$;

DROP TRIGGER IF EXISTS recon_tie_out_changes_unsigned ON {schema}.recon_tie_out;
CREATE TRIGGER recon_tie_out_changes_unsigned BEFORE UPDATE ON {schema}.recon_tie_out
  FOR EACH ROW EXECUTE FUNCTION {schema}.recon_tie_out_changes_unsigned();

-- The checklist of a locked period stays as it was, but for the task that comes after the lock.
CREATE OR REPLACE FUNCTION {schema}.recon_closeout_task_frozen() RETURNS trigger
LANGUAGE plpgsql
SET search_path = {schema}, pg_catalog, pg_temp
AS $function$
BEGIN
  IF (NEW.id, NEW.period_id, NEW.key) IS DISTINCT FROM (OLD.id, OLD.period_id, OLD.key)
     OR (OLD.key <> 'packet'
         AND EXISTS (SELECT FROM recon_period p WHERE p.id = OLD.period_id AND p.state = 'closed')) THEN
    RAISE EXCEPTION 'the checklist of a locked period stays'
      USING ERRCODE = 'restrict_violation', CONSTRAINT = 'recon_closeout_task_frozen';
  END IF;
  RETURN NEW;
END
$function$;

DROP TRIGGER IF EXISTS recon_closeout_task_frozen ON {schema}.recon_closeout_task;
CREATE TRIGGER recon_closeout_task_frozen BEFORE UPDATE ON {schema}.recon_closeout_task
  FOR EACH ROW EXECUTE FUNCTION {schema}.recon_closeout_task_frozen();

-- A signature is suspended once, and changes in no other way.
CREATE OR REPLACE FUNCTION {schema}.recon_sign_off_suspended_once() RETURNS trigger
LANGUAGE plpgsql
SET search_path = {schema}, pg_catalog, pg_temp
AS $function$
BEGIN
  IF OLD.suspended_at IS NOT NULL OR NEW.suspended_at IS NULL
     OR (NEW.id, NEW.tie_out_id, NEW.step, NEW.figures, NEW.figures_hash, NEW.explanation, NEW.signed_by, NEW.maker,
         NEW.signed_at, NEW.explanation_version)
        IS DISTINCT FROM
        (OLD.id, OLD.tie_out_id, OLD.step, OLD.figures, OLD.figures_hash, OLD.explanation, OLD.signed_by, OLD.maker,
         OLD.signed_at, OLD.explanation_version) THEN
    RAISE EXCEPTION 'a signature is suspended once and never changes' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END
$function$;

DROP TRIGGER IF EXISTS recon_sign_off_suspended_once ON {schema}.recon_sign_off;
CREATE TRIGGER recon_sign_off_suspended_once BEFORE UPDATE ON {schema}.recon_sign_off
  FOR EACH ROW EXECUTE FUNCTION {schema}.recon_sign_off_suspended_once();
ALTER TABLE {schema}.recon_sign_off ENABLE ALWAYS TRIGGER recon_sign_off_suspended_once;

-- A signature is of the figures and the words that stand, in a period that is not open; an approval follows another
-- person's preparation of the same, and whoever explained does not approve. The tie-out's row is the lock at which
-- signing and computing meet; the period's is held by whoever signs or opens it.
CREATE OR REPLACE FUNCTION {schema}.recon_sign_off_of_what_stands() RETURNS trigger
LANGUAGE plpgsql
SET search_path = {schema}, pg_catalog, pg_temp
AS $function$
DECLARE
  t recon_tie_out;
  v_state text;
  v_explains boolean;
BEGIN
  PERFORM FROM recon_tie_out o WHERE o.id = NEW.tie_out_id FOR UPDATE;
  SELECT * INTO t FROM recon_tie_out o WHERE o.id = NEW.tie_out_id;
  v_explains := t.explanation <> '' AND t.explained_hash = t.figures_hash;
  IF t.figures_hash IS DISTINCT FROM NEW.figures_hash OR NEW.suspended_at IS NOT NULL
     OR t.explanation_version <> NEW.explanation_version
     OR NEW.explanation <> (CASE WHEN v_explains THEN t.explanation ELSE '' END) THEN
    RAISE EXCEPTION 'the signature is not of the figures that stand'
      USING ERRCODE = 'check_violation', CONSTRAINT = 'recon_sign_off_of_what_stands';
  END IF;
  SELECT p.state INTO v_state FROM recon_period p WHERE p.id = t.period_id;
  IF v_state IS DISTINCT FROM 'soft' AND v_state IS DISTINCT FROM 'closed' THEN
    RAISE EXCEPTION 'nothing is signed in a period that is open'
      USING ERRCODE = 'check_violation', CONSTRAINT = 'recon_sign_off_not_while_open';
  ELSIF NEW.step = 'approved' AND v_explains AND t.explained_maker = NEW.maker THEN
    RAISE EXCEPTION 'who explained it does not approve it'
      USING ERRCODE = 'check_violation', CONSTRAINT = 'recon_sign_off_two_people';
  ELSIF NEW.step = 'approved' AND NOT EXISTS (
      SELECT FROM recon_sign_off s
       WHERE s.tie_out_id = NEW.tie_out_id AND s.step = 'prepared' AND s.suspended_at IS NULL
         AND s.figures_hash = NEW.figures_hash AND s.explanation_version = NEW.explanation_version
         AND s.maker <> NEW.maker) THEN
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
