-- Give the entries that wait their place: version and running balance, per account, in batches.
--
-- Accounts are locked in id order, and one that somebody else holds is left for the next round, so that any number of
-- sequencers may run. An entry leaves the unsequenced table in the same statement in which the balance takes it up:
-- every snapshot sees it exactly once. SECURITY DEFINER because only this function and the posting triggers write
-- these tables. Returns how many entries were placed.
CREATE OR REPLACE FUNCTION {schema}.ledger_sequence(p_limit integer, p_now timestamptz) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = {schema}, pg_catalog, pg_temp
AS $function$
DECLARE
  v_accounts uuid[];
  v_placed integer;
BEGIN
  -- Before any balance, as every writer does: see ledger_set_account_state.
  LOCK TABLE ledger_entry_unsequenced IN ROW EXCLUSIVE MODE;
  SELECT array_agg(l.account_id) INTO v_accounts
    FROM (SELECT b.account_id FROM ledger_balance b
           WHERE b.account_id IN (SELECT w.account_id FROM (SELECT u.account_id FROM ledger_entry_unsequenced u
                                                             ORDER BY u.account_id, u.entry_id LIMIT p_limit) w)
           ORDER BY b.account_id
             FOR UPDATE SKIP LOCKED) l;
  IF v_accounts IS NULL THEN
    RETURN 0;
  END IF;

  WITH gone AS (
    DELETE FROM ledger_entry_unsequenced u
     USING (SELECT w.account_id, w.entry_id FROM ledger_entry_unsequenced w
             WHERE w.account_id = ANY (v_accounts)
             ORDER BY w.account_id, w.entry_id LIMIT p_limit) w
     WHERE u.account_id = w.account_id AND u.entry_id = w.entry_id
    RETURNING u.account_id, u.entry_id, u.delta_minor, u.pending_debits, u.pending_credits
  ), placed AS (
    INSERT INTO ledger_entry_position
      (account_id, version, entry_id, delta_minor, balance_after_minor, pending_debits_after, pending_credits_after)
    SELECT g.account_id, b.version + row_number() OVER history, g.entry_id, g.delta_minor,
           b.posted_credits - b.posted_debits + sum(g.delta_minor) OVER history,
           b.pending_debits + sum(g.pending_debits) OVER history,
           b.pending_credits + sum(g.pending_credits) OVER history
      FROM gone g JOIN ledger_balance b ON b.account_id = g.account_id
    WINDOW history AS (PARTITION BY g.account_id ORDER BY g.entry_id)
  ), added AS (
    UPDATE ledger_balance b
       SET posted_debits = b.posted_debits + n.debits, posted_credits = b.posted_credits + n.credits,
           pending_debits = b.pending_debits + n.pending_debits,
           pending_credits = b.pending_credits + n.pending_credits,
           version = b.version + n.entries, updated_at = p_now
      FROM (SELECT account_id, count(*) AS entries, sum(pending_debits) AS pending_debits,
                   sum(pending_credits) AS pending_credits,
                   coalesce(sum(delta_minor) FILTER (WHERE delta_minor > 0), 0) AS credits,
                   coalesce(-sum(delta_minor) FILTER (WHERE delta_minor < 0), 0) AS debits
              FROM gone GROUP BY account_id) n
     WHERE b.account_id = n.account_id
    RETURNING b.account_id, b.version, n.entries
  ), due AS (
    INSERT INTO ledger_fold_due (account_id)
    SELECT account_id FROM added WHERE version / 500 > (version - entries) / 500
        ON CONFLICT DO NOTHING
  )
  SELECT coalesce(sum(entries), 0) INTO v_placed FROM added;
  RETURN v_placed;
END
$function$;
