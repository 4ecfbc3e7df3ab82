-- Balances as of a moment. What moved on an account is kept summed up by day and by five minutes, by the time at which
-- entries count (effective) and by the time at which they were written (recorded). A balance of any moment is the sum
-- of whole days, of whole five minutes of the last day, and of the few entries that are left.
--
-- All of it follows from entries and positions: it may be thrown away and folded again. Nothing here locks a balance,
-- so folding never stands in the way of a posting.

-- Add up to p_limit positions past the folded version to the turnover of an account; how many there were. The row of
-- ledger_fold is the lock, taken before positions are read: whoever waited for it goes on where the other one ended.
-- Versions of an account become visible in their order, so nothing can appear behind the folded version later.
CREATE OR REPLACE FUNCTION {schema}.ledger_fold(p_account uuid, p_limit integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = {schema}, pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
AS $function$
DECLARE
  v_from bigint;
  v_folded integer;
BEGIN
  INSERT INTO ledger_fold (account_id, version)
  SELECT b.account_id, 0 FROM ledger_balance b WHERE b.account_id = p_account
      ON CONFLICT DO NOTHING;
  SELECT f.version INTO v_from FROM ledger_fold f WHERE f.account_id = p_account FOR UPDATE;
  IF v_from IS NULL OR p_limit < 1 THEN
    RETURN 0;
  END IF;

  -- The position before the first one is read too: what an entry changed of pending is the difference to it.
  WITH history AS (
    SELECT n.version, n.entry_id, n.delta_minor,
           n.pending_debits_after - coalesce(lag(n.pending_debits_after) OVER along, 0) AS pending_debits,
           n.pending_credits_after - coalesce(lag(n.pending_credits_after) OVER along, 0) AS pending_credits
      FROM ledger_entry_position n
     WHERE n.account_id = p_account AND n.version >= v_from AND n.version <= v_from + p_limit
    WINDOW along AS (ORDER BY n.version)
  ), moved AS (
    SELECT h.*, e.effective_at, e.recorded_at
      FROM history h JOIN ledger_entry e ON e.id = h.entry_id
     WHERE h.version > v_from
  ), added AS (
    INSERT INTO ledger_turnover AS t (account_id, basis, grain, starts_at, debits, credits, pending_debits,
                                      pending_credits, entries, first_version, last_version)
    SELECT p_account, b.basis, g.grain, date_bin(g.width, b.at, '1970-01-01 00:00:00+00') AS starts_at,
           coalesce(-sum(m.delta_minor) FILTER (WHERE m.delta_minor < 0), 0),
           coalesce(sum(m.delta_minor) FILTER (WHERE m.delta_minor > 0), 0),
           sum(m.pending_debits), sum(m.pending_credits),
           count(*) FILTER (WHERE m.delta_minor <> 0), min(m.version), max(m.version)
      FROM moved m
     CROSS JOIN LATERAL (VALUES ('effective', m.effective_at), ('recorded', m.recorded_at)) AS b (basis, at)
     CROSS JOIN (VALUES (86400, interval '1 day'), (300, interval '5 minutes')) AS g (grain, width)
     GROUP BY b.basis, g.grain, 4
        ON CONFLICT (account_id, basis, grain, starts_at) DO UPDATE
       SET debits = t.debits + excluded.debits, credits = t.credits + excluded.credits,
           pending_debits = t.pending_debits + excluded.pending_debits,
           pending_credits = t.pending_credits + excluded.pending_credits,
           entries = t.entries + excluded.entries,
           first_version = least(t.first_version, excluded.first_version),
           last_version = greatest(t.last_version, excluded.last_version)
  )
  SELECT count(*) INTO v_folded FROM moved;
  UPDATE ledger_fold f SET version = v_from + v_folded WHERE f.account_id = p_account AND v_folded > 0;
  RETURN v_folded;
END
$function$;

-- Fold accounts that are due, p_limit positions in all; how many there were. Any number may run at once: an account
-- that another one folds is left to it. One that is folded to its end is due no more; that row goes at the very end,
-- since a sequencer that says so again meanwhile waits for it. Should its word be lost in that instant, the next five
-- hundred entries say it again, and until then they are read one by one.
CREATE OR REPLACE FUNCTION {schema}.ledger_fold_due_accounts(p_limit integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = {schema}, pg_catalog, pg_temp
AS $function$
DECLARE
  v_account uuid;
  v_left integer := p_limit;
  v_folded integer;
  v_done uuid[] := '{}';
BEGIN
  WHILE v_left > 0 LOOP
    SELECT d.account_id INTO v_account
      FROM ledger_fold_due d
     WHERE d.account_id <> ALL (v_done)
     ORDER BY d.account_id LIMIT 1 FOR UPDATE SKIP LOCKED;
    EXIT WHEN NOT FOUND;
    v_folded := ledger_fold(v_account, v_left);
    IF v_folded < v_left THEN
      v_done := v_done || v_account;
    END IF;
    v_left := v_left - v_folded;
  END LOOP;
  DELETE FROM ledger_fold_due d WHERE d.account_id = ANY (v_done);
  RETURN p_limit - v_left;
END
$function$;

-- What stood on accounts before an instant: the totals of all entries whose time is less than p_before. "As of T,
-- included" is asked as T and a microsecond. STABLE, so all of it is the one snapshot of whoever calls.
-- entries counts those that are posted. An account without entries has a row of zeros; an unknown id has one too.
CREATE OR REPLACE FUNCTION {schema}.ledger_moments(p_accounts uuid[], p_before timestamptz, p_basis text)
RETURNS TABLE (account_id uuid, debits numeric, credits numeric, pending_debits numeric, pending_credits numeric,
               entries bigint)
LANGUAGE plpgsql STABLE
SET search_path = {schema}, pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
SET jit = off
AS $function$
#variable_conflict use_column
DECLARE
  v_day timestamptz := date_bin('1 day', p_before, '1970-01-01 00:00:00+00');
  v_five timestamptz := date_bin('5 minutes', p_before, '1970-01-01 00:00:00+00');
BEGIN
  RETURN QUERY
  SELECT w.account_id, s.debits, s.credits, s.pending_debits, s.pending_credits, s.entries
    FROM unnest(p_accounts) AS w (account_id)
    LEFT JOIN ledger_fold f ON f.account_id = w.account_id
   CROSS JOIN LATERAL (
     SELECT coalesce(sum(x.debits), 0) AS debits, coalesce(sum(x.credits), 0) AS credits,
            coalesce(sum(x.pending_debits), 0) AS pending_debits,
            coalesce(sum(x.pending_credits), 0) AS pending_credits, coalesce(sum(x.entries), 0)::bigint AS entries
       FROM (
         -- Days that ended by then.
         SELECT t.debits, t.credits, t.pending_debits, t.pending_credits, t.entries
           FROM ledger_turnover t
          WHERE t.account_id = w.account_id AND t.basis = p_basis AND t.grain = 86400 AND t.starts_at < v_day
         UNION ALL
         -- Of the day, the five minutes that ended by then.
         SELECT t.debits, t.credits, t.pending_debits, t.pending_credits, t.entries
           FROM ledger_turnover t
          WHERE t.account_id = w.account_id AND t.basis = p_basis AND t.grain = 300
            AND t.starts_at >= v_day AND t.starts_at < v_five
         UNION ALL
         SELECT greatest(-l.delta_minor, 0), greatest(l.delta_minor, 0),
                -- Only an entry that is not posted changes what is pending; by how much, the position before it says.
                CASE l.delta_minor WHEN 0 THEN l.pending_debits_after - coalesce(
                  (SELECT n.pending_debits_after FROM ledger_entry_position n
                    WHERE n.account_id = w.account_id AND n.version = l.version - 1), 0) ELSE 0 END,
                CASE l.delta_minor WHEN 0 THEN l.pending_credits_after - coalesce(
                  (SELECT n.pending_credits_after FROM ledger_entry_position n
                    WHERE n.account_id = w.account_id AND n.version = l.version - 1), 0) ELSE 0 END,
                (l.delta_minor <> 0)::integer
           FROM (
             -- Of the five minutes, the folded entries that count by then: by their time,
             SELECT n.version, n.delta_minor, n.pending_debits_after, n.pending_credits_after
               FROM ledger_entry e JOIN ledger_entry_position n ON n.entry_id = e.id
              WHERE p_basis = 'effective' AND e.account_id = w.account_id
                AND e.effective_at >= v_five AND e.effective_at < p_before AND n.version <= f.version
             UNION ALL
             -- or, as entries are numbered in the order of their writing, nearly, by the versions of that stretch.
             SELECT n.version, n.delta_minor, n.pending_debits_after, n.pending_credits_after
               FROM ledger_turnover t
               JOIN ledger_entry_position n ON n.account_id = t.account_id
                                           AND n.version BETWEEN t.first_version AND t.last_version
               JOIN ledger_entry e ON e.id = n.entry_id
              WHERE p_basis = 'recorded' AND t.account_id = w.account_id AND t.basis = 'recorded' AND t.grain = 300
                AND t.starts_at = v_five AND v_five < p_before
                AND e.recorded_at >= v_five AND e.recorded_at < p_before
             UNION ALL
             -- Entries that are numbered and not folded yet.
             SELECT n.version, n.delta_minor, n.pending_debits_after, n.pending_credits_after
               FROM ledger_entry_position n JOIN ledger_entry e ON e.id = n.entry_id
              WHERE n.account_id = w.account_id AND n.version > coalesce(f.version, 0)
                AND CASE p_basis WHEN 'effective' THEN e.effective_at ELSE e.recorded_at END < p_before
           ) l
         UNION ALL
         -- Entries that wait for the sequencer.
         SELECT greatest(-u.delta_minor, 0), greatest(u.delta_minor, 0), u.pending_debits, u.pending_credits,
                (u.delta_minor <> 0)::integer
           FROM ledger_entry_unsequenced u JOIN ledger_entry e ON e.id = u.entry_id
          WHERE u.account_id = w.account_id
            AND CASE p_basis WHEN 'effective' THEN e.effective_at ELSE e.recorded_at END < p_before
       ) x
   ) s;
END
$function$;

-- The course of a balance: what stood before each of p_moments (ascending, on the edges of rows of p_grain), and before
-- p_end. The first point is a balance; each later one is that and what moved since, from rows and from what is not
-- folded yet. p_end is a balance again, as it need not lie on an edge. STABLE, so all of it is one snapshot.
CREATE OR REPLACE FUNCTION {schema}.ledger_course(
  p_account uuid, p_moments timestamptz[], p_end timestamptz, p_grain integer, p_basis text
) RETURNS TABLE (at timestamptz, debits numeric, credits numeric, pending_debits numeric, pending_credits numeric)
LANGUAGE plpgsql STABLE
SET search_path = {schema}, pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
SET jit = off
AS $function$
#variable_conflict use_column
DECLARE
  v_first timestamptz := p_moments[1];
  v_last timestamptz := p_moments[cardinality(p_moments)];
  v_folded bigint := coalesce((SELECT f.version FROM ledger_fold f WHERE f.account_id = p_account), 0);
BEGIN
  RETURN QUERY
  WITH change AS (
    SELECT t.starts_at AS at, t.debits, t.credits, t.pending_debits, t.pending_credits
      FROM ledger_turnover t
     WHERE t.account_id = p_account AND t.basis = p_basis AND t.grain = p_grain
       AND t.starts_at >= v_first AND t.starts_at < v_last
    UNION ALL
    SELECT CASE p_basis WHEN 'effective' THEN e.effective_at ELSE e.recorded_at END,
           greatest(-n.delta_minor, 0), greatest(n.delta_minor, 0),
           n.pending_debits_after - coalesce(b.pending_debits_after, 0),
           n.pending_credits_after - coalesce(b.pending_credits_after, 0)
      FROM ledger_entry_position n
      JOIN ledger_entry e ON e.id = n.entry_id
      LEFT JOIN ledger_entry_position b ON b.account_id = n.account_id AND b.version = n.version - 1
     WHERE n.account_id = p_account AND n.version > v_folded
    UNION ALL
    SELECT CASE p_basis WHEN 'effective' THEN e.effective_at ELSE e.recorded_at END,
           greatest(-u.delta_minor, 0), greatest(u.delta_minor, 0), u.pending_debits, u.pending_credits
      FROM ledger_entry_unsequenced u JOIN ledger_entry e ON e.id = u.entry_id
     WHERE u.account_id = p_account
  ), step AS (
    SELECT width_bucket(c.at, p_moments) AS place, sum(c.debits) AS debits, sum(c.credits) AS credits,
           sum(c.pending_debits) AS pending_debits, sum(c.pending_credits) AS pending_credits
      FROM change c WHERE c.at >= v_first AND c.at < v_last GROUP BY 1
  )
  SELECT m.at, o.debits + coalesce(sum(s.debits) OVER along, 0), o.credits + coalesce(sum(s.credits) OVER along, 0),
         o.pending_debits + coalesce(sum(s.pending_debits) OVER along, 0),
         o.pending_credits + coalesce(sum(s.pending_credits) OVER along, 0)
    FROM unnest(p_moments) WITH ORDINALITY AS m (at, place)
   CROSS JOIN ledger_moments(ARRAY[p_account], v_first, p_basis) o
    LEFT JOIN step s ON s.place = m.place - 1
  WINDOW along AS (ORDER BY m.at)
  UNION ALL
  SELECT p_end, l.debits, l.credits, l.pending_debits, l.pending_credits
    FROM ledger_moments(ARRAY[p_account], p_end, p_basis) l
   ORDER BY 1;
END
$function$;

-- Rows of the running day are added to again and again: room for updates in place.
ALTER TABLE {schema}.ledger_turnover SET (fillfactor = 80);
ALTER TABLE {schema}.ledger_fold SET (fillfactor = 50);
