-- The state of a period: open, soft (adjustments only), closed. Once this returns and commits, no posting that does not
-- know the new state can commit after it.
--
-- Every posting has written to, or locked, the unsequenced table (ROW EXCLUSIVE) before it reads periods: this lock waits
-- for all such postings and holds new ones back until it commits. It also keeps two changes of periods apart. Like
-- every writer it takes that table first and no balance, so that nobody waits in a circle. The wait is bounded.
--
-- A closed period is only ever opened again softly, until a moment, and by another one than who asked for it.
CREATE OR REPLACE FUNCTION {schema}.ledger_set_period_state(
  p_period uuid, p_starts_at timestamptz, p_ends_at timestamptz, p_state text, p_before text, p_until timestamptz,
  p_requested_by jsonb, p_actor jsonb, p_now timestamptz
) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = {schema}, pg_catalog, pg_temp
SET lock_timeout = '2s'
AS $function$
DECLARE
  v ledger_period;
BEGIN
  LOCK TABLE ledger_entry_unsequenced IN SHARE ROW EXCLUSIVE MODE;
  SELECT * INTO v FROM ledger_period c WHERE c.id = p_period;
  IF coalesce(v.state, 'open') IS DISTINCT FROM p_before
     OR (v.id IS NOT NULL AND (v.starts_at, v.ends_at) IS DISTINCT FROM (p_starts_at, p_ends_at)) THEN
    RAISE EXCEPTION 'the period from % to % is %, not %', coalesce(v.starts_at, p_starts_at),
                    coalesce(v.ends_at, p_ends_at), coalesce(v.state, 'open'), p_before
      USING ERRCODE = 'ZL027', DETAIL = json_build_object(
        'state', coalesce(v.state, 'open'), 'expected', p_before)::text;
  END IF;
  IF (v.state = 'closed' AND p_state <> 'closed'
      AND (p_state <> 'soft' OR p_until IS NULL OR p_until <= p_now OR p_until > p_now + interval '31 days'
           OR p_requested_by IS NULL OR p_requested_by ->> 'id' IS NOT DISTINCT FROM p_actor ->> 'id'))
     OR (v.open_until IS NOT NULL AND p_state <> 'closed') THEN
    RAISE EXCEPTION 'a locked period is opened again softly, for a time, and by a second person'
      USING ERRCODE = 'ZL028', DETAIL = json_build_object('state', v.state, 'wanted', p_state)::text;
  END IF;
  INSERT INTO ledger_period AS c
    (id, starts_at, ends_at, state, open_until, requested_by, closed_by, closed_at)
  VALUES (p_period, p_starts_at, p_ends_at, p_state,
          CASE WHEN v.state = 'closed' THEN p_until END, CASE WHEN v.state = 'closed' THEN p_requested_by END,
          p_actor, p_now)
      ON CONFLICT (id) DO UPDATE
     SET state = excluded.state, open_until = excluded.open_until, requested_by = excluded.requested_by,
         closed_by = excluded.closed_by, closed_at = excluded.closed_at;
END
$function$;

DROP TRIGGER IF EXISTS ledger_period_kept ON {schema}.ledger_period;
CREATE TRIGGER ledger_period_kept BEFORE DELETE OR TRUNCATE ON {schema}.ledger_period
  FOR EACH STATEMENT EXECUTE FUNCTION {schema}.ledger_refuse_change();
ALTER TABLE {schema}.ledger_period ENABLE ALWAYS TRIGGER ledger_period_kept;
