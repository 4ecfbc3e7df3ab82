-- Nothing joins a locked period: it has the tie-outs that it was locked with.
CREATE OR REPLACE FUNCTION {schema}.recon_tie_out_joins_unlocked() RETURNS trigger
LANGUAGE plpgsql
SET search_path = {schema}, pg_catalog, pg_temp
AS $function$
BEGIN
  IF EXISTS (SELECT FROM recon_period p WHERE p.id = NEW.period_id AND p.state = 'closed') THEN
    RAISE EXCEPTION 'nothing joins a locked period'
      USING ERRCODE = 'check_violation', CONSTRAINT = 'recon_tie_out_joins_unlocked';
  END IF;
  RETURN NEW;
END
$function$;

DROP TRIGGER IF EXISTS recon_tie_out_joins_unlocked ON {schema}.recon_tie_out;
CREATE TRIGGER recon_tie_out_joins_unlocked BEFORE INSERT ON {schema}.recon_tie_out
  FOR EACH ROW EXECUTE FUNCTION {schema}.recon_tie_out_joins_unlocked();
