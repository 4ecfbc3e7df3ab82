-- Posting. The rules live in the triggers, so that they hold for every INSERT by whatever way; ledger_post is the one
-- call that writes a posting and its entries in the one statement which the triggers ask for.
--
-- Trigger functions are SECURITY DEFINER: they write balances, positions and the unsequenced table, on which the
-- application role may only SELECT. ledger_post is not: it can do no more than its caller. pg_temp stands last on
-- every path, so that no temporary table can take the place of ours.
--
-- Plans are pinned (generic, index lookups): these statements touch a handful of rows by key whatever the size of the
-- tables. Left to itself the planner makes a new plan for each call, which took more time than the call (measured).

-- Entries: every account exists, is active and of the entry's currency; each posting balances per currency and is
-- written whole; immediate accounts are locked in id order, checked and numbered here; entries of all other accounts
-- go to the unsequenced table, which locks nothing.
CREATE OR REPLACE FUNCTION {schema}.ledger_entries_written() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = {schema}, pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
AS $function$
DECLARE
  v_is_unbalanced boolean;
  v_placed bigint;
  v_ids uuid[];
  v_postings uuid[];
  v_positions smallint[];
  v_accounts uuid[];
  v_currencies text[];
  v_deltas bigint[];
  v_floors bigint[];
  v_now timestamptz;
BEGIN
  -- Transition tables are folded into arrays before anything is joined with them.
  SELECT array_agg(n.id), array_agg(n.posting_id), array_agg(n.position), array_agg(n.account_id),
         array_agg(n.currency), array_agg(CASE n.direction WHEN 'credit' THEN n.amount_minor ELSE -n.amount_minor END),
         array_agg(n.floor_minor), max(n.recorded_at),
         (SELECT bool_or(s.total <> 0)
            FROM (SELECT sum(CASE f.direction WHEN 'credit' THEN f.amount_minor ELSE -f.amount_minor END) AS total
                    FROM fresh f GROUP BY f.posting_id, f.currency) s)
    INTO v_ids, v_postings, v_positions, v_accounts, v_currencies, v_deltas, v_floors, v_now, v_is_unbalanced
    FROM fresh n;
  IF v_ids IS NULL THEN
    RETURN NULL;  -- a replay: the statement inserted nothing
  ELSIF v_is_unbalanced THEN
    PERFORM ledger_explain_refusal(v_postings, v_positions, v_accounts, v_currencies, v_deltas);
  END IF;

  -- The usual way: sound entries of deferred accounts wait for the sequencer, and nothing is locked. What is released
  -- may leave a frozen account: it only gives back. Huge entries (above 2^40) and those of huge balances (above 2^52)
  -- take the other way, where what waits is counted too, so that no balance passes 2^53-1 unseen.
  INSERT INTO ledger_entry_unsequenced (account_id, entry_id, delta_minor, pending_debits, pending_credits)
  SELECT e.account_id, e.id, CASE p.state WHEN 'posted' THEN e.delta ELSE 0 END,
         CASE p.state WHEN 'posted' THEN 0 WHEN 'pending' THEN greatest(-e.delta, 0) ELSE -greatest(e.delta, 0) END,
         CASE p.state WHEN 'posted' THEN 0 WHEN 'pending' THEN greatest(e.delta, 0) ELSE -greatest(-e.delta, 0) END
    FROM unnest(v_ids, v_postings, v_positions, v_accounts, v_currencies, v_deltas, v_floors)
         AS e (id, posting_id, position, account_id, currency, delta, floor_minor)
    JOIN ledger_posting p ON p.id = e.posting_id AND e.position <= p.entry_count
    JOIN ledger_account a ON a.id = e.account_id AND a.currency = e.currency
                         AND (a.state = 'active' OR a.state = 'frozen' AND p.state = 'released')
    JOIN ledger_balance b ON b.account_id = a.id AND abs(b.posted_credits - b.posted_debits) <= 4503599627370496
   WHERE e.floor_minor IS NULL AND a.sequencing = 'deferred' AND abs(e.delta) <= 1099511627776;
  GET DIAGNOSTICS v_placed = ROW_COUNT;
  IF v_placed < cardinality(v_ids) AND NOT ledger_place_locked(
       v_ids, v_postings, v_positions, v_accounts, v_currencies, v_deltas, v_floors, cardinality(v_ids) - v_placed,
       v_now) THEN
    PERFORM ledger_explain_refusal(v_postings, v_positions, v_accounts, v_currencies, v_deltas);
  END IF;
  RETURN NULL;
END
$function$;

-- Why a set of entries is refused, with the numbers. Only ever called to raise.
CREATE OR REPLACE FUNCTION {schema}.ledger_explain_refusal(
  p_postings uuid[], p_positions smallint[], p_accounts uuid[], p_currencies text[], p_deltas bigint[]
) RETURNS void
LANGUAGE plpgsql
SET search_path = {schema}, pg_catalog, pg_temp
AS $function$
DECLARE
  v record;
BEGIN
  FOR v IN
    SELECT e.posting_id, e.account_id, e.currency, e.position, e.delta, p.entry_count, a.code, a.state,
           p.state AS posting_state, a.currency AS account_currency, b.posted_credits - b.posted_debits AS net
      FROM unnest(p_postings, p_positions, p_accounts, p_currencies, p_deltas)
           AS e (posting_id, position, account_id, currency, delta)
      LEFT JOIN ledger_account a ON a.id = e.account_id
      LEFT JOIN ledger_balance b ON b.account_id = e.account_id
      LEFT JOIN ledger_posting p ON p.id = e.posting_id
     ORDER BY e.posting_id, e.position
  LOOP
    IF v.code IS NULL THEN
      RAISE EXCEPTION 'account % does not exist', v.account_id
        USING ERRCODE = 'ZL003', DETAIL = json_build_object('account', v.account_id)::text;
    ELSIF v.account_currency <> v.currency THEN
      RAISE EXCEPTION 'account % holds %, not %', v.code, v.account_currency, v.currency
        USING ERRCODE = 'ZL005', DETAIL = json_build_object(
          'account', v.code, 'account_currency', v.account_currency, 'currency', v.currency)::text;
    ELSIF v.state = 'frozen' AND v.posting_state IS DISTINCT FROM 'released' THEN
      RAISE EXCEPTION 'account % is frozen', v.code
        USING ERRCODE = 'ZL004', DETAIL = json_build_object('account', v.code, 'state', v.state)::text;
    ELSIF v.state = 'closed' THEN
      RAISE EXCEPTION 'account % is closed', v.code
        USING ERRCODE = 'ZL011', DETAIL = json_build_object('account', v.code, 'state', v.state)::text;
    ELSIF v.entry_count IS NULL OR v.position > v.entry_count THEN
      RAISE EXCEPTION 'posting % is not written in this statement', v.posting_id
        USING ERRCODE = 'ZL002', DETAIL = json_build_object('posting_id', v.posting_id, 'position', v.position)::text;
    ELSIF abs(v.net + v.delta) > 9007199254740991 THEN
      RAISE EXCEPTION 'the balance of account % would pass 2^53-1', v.code
        USING ERRCODE = 'ZL007', DETAIL = json_build_object(
          'account', v.code, 'net_minor', v.net, 'amount_minor', abs(v.delta))::text;
    END IF;
  END LOOP;
  SELECT e.posting_id, e.currency,
         sum(e.delta) FILTER (WHERE e.delta > 0) AS credits, -sum(e.delta) FILTER (WHERE e.delta < 0) AS debits
    INTO v
    FROM unnest(p_postings, p_currencies, p_deltas) AS e (posting_id, currency, delta)
   GROUP BY 1, 2 HAVING sum(e.delta) <> 0 LIMIT 1;
  IF NOT FOUND THEN
    -- It was refused for what no longer is: an account was frozen then and is not now. Asked again, it is written.
    RAISE EXCEPTION 'an account changed its state meanwhile' USING ERRCODE = '40001';
  END IF;
  RAISE EXCEPTION 'debits % and credits % of % differ', coalesce(v.debits, 0), coalesce(v.credits, 0), v.currency
    USING ERRCODE = 'ZL001', DETAIL = json_build_object(
      'posting_id', v.posting_id, 'currency', v.currency,
      'debits_minor', coalesce(v.debits, 0), 'credits_minor', coalesce(v.credits, 0))::text;
END
$function$;

-- What the usual way has left: entries of immediate accounts, entries that set a floor themselves, and huge ones. The
-- accounts are locked, limits checked, the entries numbered and added up. False, and nothing done, unless all p_count
-- are sound: an unknown or frozen account is told before a missing balance.
--
-- Available is posted less what is pending out; what a pending entry takes never draws overdraft. The highest balance
-- counts what is pending in.
CREATE OR REPLACE FUNCTION {schema}.ledger_place_locked(
  p_ids uuid[], p_postings uuid[], p_positions smallint[], p_accounts uuid[], p_currencies text[], p_deltas bigint[],
  p_floors bigint[], p_count bigint, p_now timestamptz
) RETURNS boolean
LANGUAGE plpgsql
SET search_path = {schema}, pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
AS $function$
DECLARE
  v_locked uuid[];
  v_sound bigint;
  v record;
BEGIN
  SELECT array_agg(DISTINCT e.account_id), count(*)
    INTO v_locked, v_sound
    FROM unnest(p_ids, p_postings, p_positions, p_accounts, p_currencies)
         AS e (id, posting_id, position, account_id, currency)
    JOIN ledger_posting p ON p.id = e.posting_id AND e.position <= p.entry_count
    JOIN ledger_account a ON a.id = e.account_id AND a.currency = e.currency
                         AND (a.state = 'active' OR a.state = 'frozen' AND p.state = 'released')
   WHERE NOT EXISTS (SELECT FROM ledger_entry_unsequenced u WHERE u.account_id = e.account_id AND u.entry_id = e.id);
  IF v_sound <> p_count THEN
    RETURN false;
  END IF;

  -- The lock is a statement of its own, in id order: the statements after it see what the last holder committed.
  PERFORM FROM ledger_balance b WHERE b.account_id = ANY (v_locked) ORDER BY b.account_id FOR UPDATE;

  -- What each posting of the call takes is checked after that posting, in the order of ids. Entries that wait for the
  -- sequencer count too: a deferred account has some when a posting sets a floor for itself. An account may have been
  -- frozen while we waited for its lock.
  SELECT t.*, a.code, a.currency, a.state
    INTO v
    FROM (
      SELECT s.account_id, s.taken, s.added, s.floor_minor, s.ceiling_minor, s.all_released,
             s.net_before + sum(s.delta) OVER history AS net_after,
             s.available_before - sum(s.taken) OVER history AS available_after,
             s.highest_before + sum(s.added) OVER history AS highest_after
        FROM (
          SELECT b.account_id, e.posting_id, b.net_before, b.available_before, b.highest_before, b.ceiling_minor,
                 sum(e.delta) FILTER (WHERE p.state = 'posted') AS delta,
                 sum(CASE WHEN p.state = 'posted' THEN -e.delta * b.side
                          WHEN p.state = 'pending' THEN greatest(-e.delta * b.side, 0)
                          ELSE -greatest(e.delta * b.side, 0) END) AS taken,
                 sum(CASE WHEN p.state = 'posted' THEN e.delta * b.side
                          WHEN p.state = 'pending' THEN greatest(e.delta * b.side, 0)
                          ELSE -greatest(-e.delta * b.side, 0) END) AS added,
                 max(CASE p.state WHEN 'pending' THEN greatest(coalesce(e.floor_minor, b.floor_minor), 0)
                                  ELSE coalesce(e.floor_minor, b.floor_minor) END)
                   FILTER (WHERE coalesce(e.floor_minor, b.floor_minor) IS NOT NULL) AS floor_minor,
                 bool_and(p.state = 'released') AS all_released
            FROM unnest(p_accounts, p_postings, p_deltas, p_floors) AS e (account_id, posting_id, delta, floor_minor)
            JOIN ledger_posting p ON p.id = e.posting_id
            JOIN (
              SELECT l.account_id, l.floor_minor, l.ceiling_minor, l.side, l.net AS net_before,
                     l.net * l.side - CASE l.side WHEN 1 THEN l.debits ELSE l.credits END AS available_before,
                     l.net * l.side + CASE l.side WHEN 1 THEN l.credits ELSE l.debits END AS highest_before
                FROM (SELECT b.account_id, a.floor_minor, a.ceiling_minor,
                             CASE a.normal_balance WHEN 'credit' THEN 1 ELSE -1 END AS side,
                             b.posted_credits - b.posted_debits + w.delta AS net,
                             b.pending_debits + w.debits AS debits, b.pending_credits + w.credits AS credits
                        FROM ledger_balance b
                        JOIN ledger_account a ON a.id = b.account_id
                       CROSS JOIN LATERAL (
                         SELECT coalesce(sum(u.delta_minor), 0) AS delta, coalesce(sum(u.pending_debits), 0) AS debits,
                                coalesce(sum(u.pending_credits), 0) AS credits
                           FROM ledger_entry_unsequenced u
                          WHERE u.account_id = b.account_id AND u.entry_id <> ALL (p_ids)) w
                       WHERE b.account_id = ANY (v_locked)) l
            ) b ON b.account_id = e.account_id
           GROUP BY b.account_id, e.posting_id, b.net_before, b.available_before, b.highest_before, b.ceiling_minor
        ) s
      WINDOW history AS (PARTITION BY s.account_id ORDER BY s.posting_id)
    ) t
    JOIN ledger_account a ON a.id = t.account_id
   WHERE (t.taken > 0 AND t.available_after < t.floor_minor) OR (t.added > 0 AND t.highest_after > t.ceiling_minor)
      OR abs(t.net_after) > 9007199254740991
      OR (a.state <> 'active' AND NOT (a.state = 'frozen' AND t.all_released))
   ORDER BY t.account_id
   LIMIT 1;
  IF FOUND THEN
    IF v.state <> 'active' AND NOT (v.state = 'frozen' AND v.all_released) THEN
      RETURN false;
    ELSIF abs(v.net_after) > 9007199254740991 THEN
      RAISE EXCEPTION 'the balance of account % would pass 2^53-1', v.code
        USING ERRCODE = 'ZL007', DETAIL = json_build_object(
          'account', v.code, 'net_minor', v.net_after, 'amount_minor', abs(v.taken))::text;
    ELSIF v.taken > 0 AND v.available_after < v.floor_minor THEN
      RAISE EXCEPTION 'account % has % available, % is needed', v.code, v.available_after + v.taken, v.taken
        USING ERRCODE = 'ZL006', DETAIL = json_build_object(
          'account', v.code, 'currency', v.currency, 'available_minor', v.available_after + v.taken,
          'required_minor', v.taken, 'floor_minor', v.floor_minor,
          'missing_minor', v.floor_minor - v.available_after)::text;
    END IF;
    RAISE EXCEPTION 'account % may hold % at most, % would be in it', v.code, v.ceiling_minor, v.highest_after
      USING ERRCODE = 'ZL021', DETAIL = json_build_object(
        'account', v.code, 'currency', v.currency, 'ceiling_minor', v.ceiling_minor,
        'balance_minor', v.highest_after - v.added, 'added_minor', v.added,
        'beyond_minor', v.highest_after - v.ceiling_minor)::text;
  END IF;

  -- An account that is locked for one entry of the call has all its entries placed here; those that the usual way
  -- has put among the unsequenced stay there, which is as good a place.
  WITH line AS (
    SELECT e.account_id, e.id, e.place, CASE p.state WHEN 'posted' THEN e.delta ELSE 0 END AS delta,
           CASE p.state WHEN 'posted' THEN 0 WHEN 'pending' THEN greatest(-e.delta, 0) ELSE -greatest(e.delta, 0) END
             AS pending_debits,
           CASE p.state WHEN 'posted' THEN 0 WHEN 'pending' THEN greatest(e.delta, 0) ELSE -greatest(-e.delta, 0) END
             AS pending_credits
      FROM unnest(p_ids, p_postings, p_accounts, p_deltas) WITH ORDINALITY
           AS e (id, posting_id, account_id, delta, place)
      JOIN ledger_posting p ON p.id = e.posting_id
     WHERE NOT EXISTS (SELECT FROM ledger_entry_unsequenced u WHERE u.account_id = e.account_id AND u.entry_id = e.id)
  ), placed AS (
    INSERT INTO ledger_entry_position
      (account_id, version, entry_id, delta_minor, balance_after_minor, pending_debits_after, pending_credits_after)
    SELECT l.account_id, b.version + row_number() OVER history, l.id, l.delta,
           b.posted_credits - b.posted_debits + sum(l.delta) OVER history,
           b.pending_debits + sum(l.pending_debits) OVER history,
           b.pending_credits + sum(l.pending_credits) OVER history
      FROM line l JOIN ledger_balance b ON b.account_id = l.account_id
    WINDOW history AS (PARTITION BY l.account_id ORDER BY l.place)
  ), added AS (
    UPDATE ledger_balance b
       SET posted_debits = b.posted_debits + n.debits, posted_credits = b.posted_credits + n.credits,
           pending_debits = b.pending_debits + n.pending_debits,
           pending_credits = b.pending_credits + n.pending_credits,
           version = b.version + n.entries, updated_at = p_now
      FROM (SELECT account_id, count(*) AS entries, coalesce(sum(delta) FILTER (WHERE delta > 0), 0) AS credits,
                   coalesce(-sum(delta) FILTER (WHERE delta < 0), 0) AS debits,
                   sum(pending_debits) AS pending_debits, sum(pending_credits) AS pending_credits
              FROM line GROUP BY account_id) n
     WHERE b.account_id = n.account_id
    RETURNING b.account_id, b.version AS after, b.version - n.entries AS before
  )
  INSERT INTO ledger_fold_due (account_id)
  SELECT account_id FROM added WHERE after / 500 > before / 500
      ON CONFLICT DO NOTHING;
  RETURN true;
END
$function$;

DROP TRIGGER IF EXISTS ledger_entries_written ON {schema}.ledger_entry;
CREATE TRIGGER ledger_entries_written AFTER INSERT ON {schema}.ledger_entry
  REFERENCING NEW TABLE AS fresh
  FOR EACH STATEMENT EXECUTE FUNCTION {schema}.ledger_entries_written();
