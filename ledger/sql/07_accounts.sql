-- The state of an account: active, frozen, closed for good. Once this returns and commits, no posting that does not know
-- the new state can commit after it.
--
-- A posting to an immediate account holds the account's balance, so that lock is enough. One to a deferred account
-- locks no account, but it has written to the unsequenced table: a SHARE lock on that waits for all such postings and
-- holds new ones back until this commits, which is a matter of milliseconds. Every writer locks that table (ROW
-- EXCLUSIVE) before it locks a balance, and so does this, so that nobody waits in a circle. The wait is bounded.
CREATE OR REPLACE FUNCTION {schema}.ledger_set_account_state(
  p_account uuid, p_state text, p_reason text, p_actor jsonb, p_now timestamptz
) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = {schema}, pg_catalog, pg_temp
SET lock_timeout = '2s'
AS $function$
DECLARE
  v record;
BEGIN
  IF (SELECT a.sequencing FROM ledger_account a WHERE a.id = p_account) = 'deferred' THEN
    LOCK TABLE ledger_entry_unsequenced IN SHARE MODE;
  ELSE
    LOCK TABLE ledger_entry_unsequenced IN ROW EXCLUSIVE MODE;
  END IF;
  PERFORM FROM ledger_balance b WHERE b.account_id = p_account FOR UPDATE;
  SELECT a.code, a.currency, a.state, b.posted_credits - b.posted_debits + w.delta AS net,
         b.pending_debits + w.debits AS pending_debits, b.pending_credits + w.credits AS pending_credits
    INTO v
    FROM ledger_account a
    JOIN ledger_balance b ON b.account_id = a.id
   CROSS JOIN LATERAL (
     SELECT coalesce(sum(u.delta_minor), 0) AS delta, coalesce(sum(u.pending_debits), 0) AS debits,
            coalesce(sum(u.pending_credits), 0) AS credits
       FROM ledger_entry_unsequenced u WHERE u.account_id = a.id) w
   WHERE a.id = p_account;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'account % does not exist', p_account
      USING ERRCODE = 'ZL025', DETAIL = json_build_object('account_id', p_account)::text;
  ELSIF v.state = 'closed' THEN
    RAISE EXCEPTION 'account % is closed', v.code
      USING ERRCODE = 'ZL011', DETAIL = json_build_object('account', v.code, 'state', v.state)::text;
  ELSIF p_state = 'closed' AND (v.net <> 0 OR v.pending_debits <> 0 OR v.pending_credits <> 0) THEN
    RAISE EXCEPTION 'account % is not empty', v.code
      USING ERRCODE = 'ZL022', DETAIL = json_build_object(
        'account', v.code, 'currency', v.currency, 'net_minor', v.net,
        'pending_debits_minor', v.pending_debits, 'pending_credits_minor', v.pending_credits)::text;
  END IF;
  -- What is so already stays as it is said: nobody takes the place of who did it, and why, without an event.
  UPDATE ledger_account
     SET state = p_state, state_reason = p_reason, state_changed_by = p_actor, state_changed_at = p_now,
         updated_at = p_now
   WHERE id = p_account AND state <> p_state;
  RETURN v.state;
END
$function$;
