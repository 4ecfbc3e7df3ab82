-- What is checked of a posting as a whole, once its entries are sound: reversals, holds, periods, completeness.

-- Two reversals of one posting meet at its row of ledger_reversed, before anything of either locks a balance, whichever
-- of a call's ways they take: one that sets conditions has its balances locked before it is written.
CREATE OR REPLACE FUNCTION {schema}.ledger_lock_reversals(p_reverses uuid[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = {schema}, pg_catalog, pg_temp
AS $function$
BEGIN
  INSERT INTO ledger_reversed (posting_id, reversed_minor, updated_at)
  SELECT DISTINCT p.id, 0, now() FROM ledger_posting p WHERE p.id = ANY (p_reverses) ORDER BY p.id
      ON CONFLICT (posting_id) DO UPDATE SET updated_at = ledger_reversed.updated_at;
END
$function$;

-- Reversals: what is reversed exists, stands posted and is no reversal itself, and all its reversals together never
-- take back more of any account than it moved there. Two reversals of one posting meet at its row of ledger_reversed.
CREATE OR REPLACE FUNCTION {schema}.ledger_check_reversals(p_ids uuid[], p_reverses uuid[], p_now timestamptz)
RETURNS void
LANGUAGE plpgsql
SET search_path = {schema}, pg_catalog, pg_temp
AS $function$
DECLARE
  v record;
BEGIN
  PERFORM ledger_lock_reversals(p_reverses);
  SELECT r.id, p.id AS posting_id, p.reverses_id, p.state INTO v
    FROM unnest(p_reverses) AS r (id) LEFT JOIN ledger_posting p ON p.id = r.id
   WHERE r.id IS NOT NULL AND (p.id IS NULL OR p.reverses_id IS NOT NULL OR p.state <> 'posted')
   LIMIT 1;
  IF v.id IS NOT NULL AND v.posting_id IS NULL THEN
    RAISE EXCEPTION 'posting % does not exist', v.id
      USING ERRCODE = 'ZL014', DETAIL = json_build_object('posting_id', v.id)::text;
  ELSIF v.reverses_id IS NOT NULL THEN
    RAISE EXCEPTION 'posting % is itself a reversal', v.id
      USING ERRCODE = 'ZL013', DETAIL = json_build_object('posting_id', v.id, 'reverses_id', v.reverses_id)::text;
  ELSIF v.id IS NOT NULL THEN
    RAISE EXCEPTION 'posting % is %, not posted', v.id, v.state
      USING ERRCODE = 'ZL018', DETAIL = json_build_object('posting_id', v.id, 'state', v.state)::text;
  END IF;

  INSERT INTO ledger_reversed (posting_id, reversed_minor, updated_at)
  SELECT p.reverses_id, sum(e.amount_minor), p_now
    FROM unnest(p_ids, p_reverses) AS p (id, reverses_id)
    JOIN ledger_entry e ON e.posting_id = p.id AND e.direction = 'debit'
   WHERE p.reverses_id IS NOT NULL
   GROUP BY p.reverses_id
   ORDER BY p.reverses_id
      ON CONFLICT (posting_id) DO UPDATE
     SET reversed_minor = ledger_reversed.reversed_minor + excluded.reversed_minor, updated_at = excluded.updated_at;

  SELECT o.posting_id, a.code, o.currency, sum(o.moved) AS moved,
         coalesce(sum(o.reversed) FILTER (WHERE NOT o.is_fresh), 0) AS reversed_before,
         coalesce(sum(o.reversed) FILTER (WHERE o.is_fresh), 0) AS asked,
         (SELECT r.reversed_minor >= (SELECT sum(amount_minor) FROM ledger_entry d
                                       WHERE d.posting_id = o.posting_id AND d.direction = 'debit')
                                     + (SELECT sum(d.amount_minor) FROM ledger_entry d JOIN ledger_posting p
                                            ON p.id = d.posting_id
                                         WHERE p.id = ANY (p_ids) AND p.reverses_id = o.posting_id
                                           AND d.direction = 'debit')
            FROM ledger_reversed r WHERE r.posting_id = o.posting_id) AS was_whole
    INTO v
    FROM (
      SELECT e.posting_id, e.account_id, e.currency, e.direction AS side, e.amount_minor AS moved, 0 AS reversed,
             false AS is_fresh
        FROM ledger_entry e WHERE e.posting_id = ANY (p_reverses)
      UNION ALL
      SELECT p.reverses_id, e.account_id, e.currency, CASE e.direction WHEN 'debit' THEN 'credit' ELSE 'debit' END, 0,
             e.amount_minor, p.id = ANY (p_ids)
        FROM ledger_posting p JOIN ledger_entry e ON e.posting_id = p.id WHERE p.reverses_id = ANY (p_reverses)
    ) o
    JOIN ledger_account a ON a.id = o.account_id
   GROUP BY o.posting_id, o.account_id, a.code, o.currency, o.side
  HAVING sum(o.reversed) > sum(o.moved)
   ORDER BY o.posting_id, a.code
   LIMIT 1;
  IF NOT FOUND THEN
    RETURN;
  ELSIF v.was_whole THEN
    RAISE EXCEPTION 'posting % is already reversed', v.posting_id
      USING ERRCODE = 'ZL017', DETAIL = json_build_object('posting_id', v.posting_id)::text;
  END IF;
  RAISE EXCEPTION 'of account % only % % can still be reversed, not %', v.code, v.moved - v.reversed_before, v.currency,
                  v.asked
    USING ERRCODE = 'ZL016', DETAIL = json_build_object(
      'posting_id', v.posting_id, 'account', v.code, 'currency', v.currency, 'moved_minor', v.moved,
      'reversed_minor', v.reversed_before, 'remaining_minor', v.moved - v.reversed_before,
      'asked_minor', v.asked)::text;
END
$function$;

-- Holds: their amounts and state follow from the entries of their postings. A pending posting adds; a released one
-- takes away what is pending, on no account more than is; a posted one captures, and only together with a release of
-- as much, out of the account that is held or as the two-phase posting says. Two changes of one hold meet at its row.
CREATE OR REPLACE FUNCTION {schema}.ledger_move_holds(p_ids uuid[], p_now timestamptz) RETURNS void
LANGUAGE plpgsql
SET search_path = {schema}, pg_catalog, pg_temp
AS $function$
DECLARE
  v_holds uuid[];
  v_moved bigint;
  v record;
BEGIN
  SELECT array_agg(DISTINCT p.hold_id) INTO v_holds
    FROM ledger_posting p WHERE p.id = ANY (p_ids) AND p.hold_id IS NOT NULL;
  UPDATE ledger_hold h
     SET amount_minor = h.amount_minor + n.placed, captured_minor = h.captured_minor + n.captured,
         released_minor = h.released_minor + n.released - n.captured,
         release_posting_id = coalesce(n.release_id, h.release_posting_id),
         state = CASE WHEN h.amount_minor + n.placed - h.captured_minor - h.released_minor - n.released > 0 THEN 'held'
                      WHEN n.captured > 0 THEN 'captured' WHEN n.is_expiry THEN 'expired' ELSE 'released' END,
         closed_at = CASE WHEN h.amount_minor + n.placed - h.captured_minor - h.released_minor - n.released > 0
                          THEN NULL ELSE p_now END
    FROM (SELECT p.hold_id, coalesce(sum(d.debits) FILTER (WHERE p.state = 'pending'), 0) AS placed,
                 coalesce(sum(d.debits) FILTER (WHERE p.state = 'posted'), 0) AS captured,
                 coalesce(sum(d.debits) FILTER (WHERE p.state = 'released'), 0) AS released,
                 coalesce(bool_or(p.purpose = 'hold.expire' OR p.purpose LIKE 'hold.expire.%'), false) AS is_expiry,
                 (array_agg(p.id ORDER BY p.id DESC) FILTER (WHERE p.state = 'released'))[1] AS release_id
            FROM ledger_posting p
           CROSS JOIN LATERAL (SELECT sum(e.amount_minor) AS debits FROM ledger_entry e
                                WHERE e.posting_id = p.id AND e.direction = 'debit') d
           WHERE p.id = ANY (p_ids) AND p.hold_id IS NOT NULL
           GROUP BY p.hold_id) n
   WHERE h.id = n.hold_id AND h.state = 'held';
  GET DIAGNOSTICS v_moved = ROW_COUNT;
  IF v_moved < cardinality(v_holds) THEN
    SELECT w.id, h.state INTO v FROM unnest(v_holds) AS w (id) LEFT JOIN ledger_hold h ON h.id = w.id
     WHERE h.state IS DISTINCT FROM 'held' LIMIT 1;
    RAISE EXCEPTION 'hold % is %', v.id, coalesce(v.state, 'unknown')
      USING ERRCODE = CASE WHEN v.state IS NULL THEN 'ZL023' ELSE 'ZL019' END,
            DETAIL = json_build_object('hold_id', v.id, 'state', v.state)::text;
  END IF;
  SELECT p.hold_id, sum(e.amount_minor) FILTER (WHERE p.state = 'posted') AS captured,
         coalesce(sum(e.amount_minor) FILTER (WHERE p.state = 'released'), 0) AS released
    INTO v
    FROM ledger_posting p JOIN ledger_entry e ON e.posting_id = p.id AND e.direction = 'debit'
   WHERE p.id = ANY (p_ids) AND p.hold_id IS NOT NULL
   GROUP BY p.hold_id
  HAVING sum(e.amount_minor) FILTER (WHERE p.state = 'posted')
         > coalesce(sum(e.amount_minor) FILTER (WHERE p.state = 'released'), 0)
   LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'of hold % % are captured and only % released with them', v.hold_id, v.captured, v.released
      USING ERRCODE = '23514', CONSTRAINT = 'ledger_hold_within_amount';
  END IF;
  SELECT h.id, a.code INTO v
    FROM ledger_posting p
    JOIN ledger_hold h ON h.id = p.hold_id
    JOIN ledger_entry e ON e.posting_id = p.id
    JOIN ledger_account held ON held.id = h.account_id
    JOIN ledger_account a ON a.id = e.account_id
   WHERE p.id = ANY (p_ids) AND p.state = 'posted'
     AND CASE h.kind WHEN 'hold' THEN e.direction <> held.normal_balance AND e.account_id <> h.account_id
                     ELSE NOT EXISTS (SELECT FROM ledger_posting o JOIN ledger_entry w ON w.posting_id = o.id
                                       WHERE o.hold_id = h.id AND o.state = 'pending' AND w.account_id = e.account_id
                                         AND w.direction = e.direction AND w.amount_minor = e.amount_minor) END
   LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'hold % holds nothing of account % that could be captured so', v.id, v.code
      USING ERRCODE = '23514', CONSTRAINT = 'ledger_hold_within_amount';
  END IF;
  INSERT INTO ledger_posting_transition (id, posting_id, state, reason, actor, recorded_at)
  SELECT gen_random_uuid(), p.id, CASE h.state WHEN 'captured' THEN 'posted' WHEN 'released' THEN 'voided' ELSE h.state
         END, l.description, l.actor, p_now
    FROM ledger_hold h
    JOIN ledger_posting p ON p.hold_id = h.id AND p.state = 'pending'
    JOIN ledger_posting l ON l.id = h.release_posting_id
   WHERE h.id = ANY (v_holds) AND h.state <> 'held';
  SELECT h.id, a.code, bool_or(e.currency <> h.currency) AS is_foreign,
         sum(CASE p.state WHEN 'pending' THEN e.amount_minor ELSE -e.amount_minor END) AS rest
    INTO v
    FROM ledger_hold h
    JOIN ledger_posting p ON p.hold_id = h.id
    JOIN ledger_entry e ON e.posting_id = p.id
    JOIN ledger_account a ON a.id = e.account_id
   WHERE h.id = ANY (v_holds) AND (p.state <> 'posted' OR e.currency <> h.currency)
   GROUP BY h.id, a.code, (p.state = 'pending') = (e.direction = 'debit')
  HAVING bool_or(e.currency <> h.currency)
      OR sum(CASE p.state WHEN 'pending' THEN e.amount_minor ELSE -e.amount_minor END) < 0
   LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'more of account % would be released than hold % holds there', v.code, v.id
      USING ERRCODE = 'ZL020', DETAIL = json_build_object(
        'hold_id', v.id, 'account', v.code, 'beyond_minor', -v.rest, 'other_currency', v.is_foreign)::text;
  END IF;
END
$function$;

-- Postings: written together with exactly the entries that they declare, and not into a closed period; into a soft
-- closed one adjustments only, and after a re-opened one's time is up nothing. What counts before a closed period would
-- move its balances too, so that it is refused as well, but for adjustments in a period that is re-opened. Since places
-- are unique and never above entry_count, a posting that is whole once can never be added to.
--
-- Periods change under a lock of the unsequenced table that waits for every posting in flight (see
-- ledger_set_period_state). So that table is locked before a period is read, whichever trigger comes first, and the
-- statement after it sees every change that was committed. A transaction with one snapshot for all its statements
-- would not, so that no posting is written in one.
CREATE OR REPLACE FUNCTION {schema}.ledger_postings_written() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = {schema}, pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
AS $function$
DECLARE
  v_ids uuid[];
  v_counts smallint[];
  v_purposes text[];
  v_effective timestamptz[];
  v_recorded timestamptz[];
  v_reverses uuid[];
  v_reversals bigint;
  v_held bigint;
  v record;
BEGIN
  SELECT array_agg(id), array_agg(entry_count), array_agg(purpose), array_agg(effective_at), array_agg(recorded_at),
         array_agg(reverses_id), count(reverses_id), count(hold_id)
    INTO v_ids, v_counts, v_purposes, v_effective, v_recorded, v_reverses, v_reversals, v_held FROM fresh;
  IF v_ids IS NULL THEN
    RETURN NULL;
  END IF;
  IF v_held > 0 THEN
    PERFORM ledger_move_holds(v_ids, v_recorded[1]);
  END IF;
  IF v_reversals > 0 THEN
    PERFORM ledger_check_reversals(v_ids, v_reverses, v_recorded[1]);
  END IF;
  LOCK TABLE ledger_entry_unsequenced IN ROW EXCLUSIVE MODE;
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION 'a posting is written in a transaction of isolation READ COMMITTED' USING ERRCODE = '25001';
  END IF;
  SELECT p.id, p.entry_count, n.entries, c.starts_at, c.ends_at, c.state, c.open_until, p.purpose, p.effective_at
    INTO v
    FROM unnest(v_ids, v_counts, v_purposes, v_effective, v_recorded)
         AS p (id, entry_count, purpose, effective_at, recorded_at)
   CROSS JOIN LATERAL (SELECT count(*) AS entries FROM ledger_entry e
                        WHERE e.posting_id = p.id AND e.effective_at = p.effective_at
                          AND e.recorded_at = p.recorded_at) n
    LEFT JOIN ledger_period c
      ON c.state <> 'open' AND p.effective_at < c.ends_at
     AND CASE WHEN p.effective_at >= c.starts_at
              THEN NOT (c.state = 'soft' AND p.purpose LIKE 'adjustment.%'
                        AND (c.open_until IS NULL OR p.recorded_at < c.open_until))
              ELSE c.state = 'closed'
                   AND NOT EXISTS (SELECT FROM ledger_period o
                                    WHERE p.effective_at >= o.starts_at AND p.effective_at < o.ends_at
                                      AND p.purpose LIKE 'adjustment.%' AND p.recorded_at < o.open_until)
              END
   WHERE n.entries <> p.entry_count OR c.starts_at IS NOT NULL
   ORDER BY c.starts_at  -- the period that it lies in is told before a later one
   LIMIT 1;
  IF NOT FOUND THEN
    RETURN NULL;
  END IF;
  IF v.entries <> v.entry_count THEN
    RAISE EXCEPTION 'posting % declares % entries of its times and has %', v.id, v.entry_count, v.entries
      USING ERRCODE = 'ZL002', DETAIL = json_build_object(
        'posting_id', v.id, 'declared', v.entry_count, 'entries', v.entries)::text;
  END IF;
  IF v.state = 'soft' AND v.purpose NOT LIKE 'adjustment.%' THEN
    RAISE EXCEPTION 'the period from % to % takes adjustments only', v.starts_at, v.ends_at
      USING ERRCODE = 'ZL026', DETAIL = json_build_object(
        'effective_at', v.effective_at, 'starts_at', v.starts_at, 'ends_at', v.ends_at, 'purpose', v.purpose)::text;
  END IF;
  RAISE EXCEPTION 'the books are closed from % to %: nothing counts at %', v.starts_at, v.ends_at, v.effective_at
    USING ERRCODE = 'ZL008', DETAIL = json_build_object(
      'effective_at', v.effective_at, 'starts_at', v.starts_at, 'ends_at', v.ends_at)::text;
END
$function$;

DROP TRIGGER IF EXISTS ledger_postings_written ON {schema}.ledger_posting;
CREATE TRIGGER ledger_postings_written AFTER INSERT ON {schema}.ledger_posting
  REFERENCING NEW TABLE AS fresh
  FOR EACH STATEMENT EXECUTE FUNCTION {schema}.ledger_postings_written();

-- A later state is only for a posting that was born pending, and only one.
CREATE OR REPLACE FUNCTION {schema}.ledger_transition_allowed() RETURNS trigger
LANGUAGE plpgsql
SET search_path = {schema}, pg_catalog, pg_temp
AS $function$
BEGIN
  IF NOT EXISTS (SELECT FROM ledger_posting p WHERE p.id = NEW.posting_id AND p.state = 'pending') THEN
    RAISE EXCEPTION 'posting % is not pending', NEW.posting_id
      USING ERRCODE = 'ZL012', DETAIL = json_build_object('posting_id', NEW.posting_id, 'state', NEW.state)::text;
  END IF;
  RETURN NEW;
END
$function$;

DROP TRIGGER IF EXISTS ledger_transition_allowed ON {schema}.ledger_posting_transition;
CREATE TRIGGER ledger_transition_allowed BEFORE INSERT ON {schema}.ledger_posting_transition
  FOR EACH ROW EXECUTE FUNCTION {schema}.ledger_transition_allowed();
