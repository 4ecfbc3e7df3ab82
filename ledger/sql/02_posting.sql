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
-- written whole; accounts with a floor are locked in id order, checked and numbered here; entries of all other
-- accounts go to the unsequenced table, which locks nothing.
CREATE OR REPLACE FUNCTION {schema}.ledger_entries_written() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = {schema}, pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
AS $function$
DECLARE
  v_ids uuid[];
  v_postings uuid[];
  v_positions smallint[];
  v_accounts uuid[];
  v_currencies text[];
  v_deltas bigint[];
  v_floors bigint[];
  v_now timestamptz;
  v_placed bigint;
BEGIN
  -- Transition tables are folded into arrays before anything is joined with them.
  SELECT array_agg(n.id), array_agg(n.posting_id), array_agg(n.position), array_agg(n.account_id),
         array_agg(n.currency), array_agg(CASE n.direction WHEN 'credit' THEN n.amount_minor ELSE -n.amount_minor END),
         array_agg(n.floor_minor), max(n.recorded_at)
    INTO v_ids, v_postings, v_positions, v_accounts, v_currencies, v_deltas, v_floors, v_now
    FROM fresh n;
  IF v_ids IS NULL THEN
    RETURN NULL;  -- a replay: the statement inserted nothing
  END IF;
  PERFORM FROM unnest(v_postings, v_currencies, v_deltas) AS e (posting_id, currency, delta)
    GROUP BY e.posting_id, e.currency HAVING sum(e.delta) <> 0;
  IF FOUND THEN
    PERFORM ledger_explain_refusal(v_postings, v_positions, v_accounts, v_currencies, v_deltas);
  END IF;

  -- The usual way: sound entries of accounts without a floor wait for the sequencer, and nothing is locked.
  INSERT INTO ledger_entry_unsequenced (account_id, entry_id, delta_minor)
  SELECT e.account_id, e.id, e.delta
    FROM unnest(v_ids, v_postings, v_positions, v_accounts, v_currencies, v_deltas, v_floors)
         AS e (id, posting_id, position, account_id, currency, delta, floor_minor)
    JOIN ledger_posting p ON p.id = e.posting_id AND e.position <= p.entry_count
    JOIN ledger_account a ON a.id = e.account_id AND a.currency = e.currency AND a.state = 'active'
    JOIN ledger_balance b ON b.account_id = a.id
                         AND abs(b.posted_credits - b.posted_debits + e.delta) <= 9007199254740991
   WHERE e.floor_minor IS NULL AND a.floor_minor IS NULL;
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
           a.currency AS account_currency, b.posted_credits - b.posted_debits AS net
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
    ELSIF v.state = 'frozen' THEN
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
  RAISE EXCEPTION 'debits % and credits % of % differ', coalesce(v.debits, 0), coalesce(v.credits, 0), v.currency
    USING ERRCODE = 'ZL001', DETAIL = json_build_object(
      'posting_id', v.posting_id, 'currency', v.currency,
      'debits_minor', coalesce(v.debits, 0), 'credits_minor', coalesce(v.credits, 0))::text;
END
$function$;

-- Entries of accounts with a floor, and entries that set a floor themselves: the accounts are locked, the floors
-- checked, the entries numbered and added up. False, and nothing done, unless all p_count that are left are sound: an
-- unknown or frozen account is told before a missing balance.
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
    FROM unnest(p_postings, p_positions, p_accounts, p_currencies, p_deltas, p_floors)
         AS e (posting_id, position, account_id, currency, delta, floor_minor)
    JOIN ledger_posting p ON p.id = e.posting_id AND e.position <= p.entry_count
    JOIN ledger_account a ON a.id = e.account_id AND a.currency = e.currency AND a.state = 'active'
   WHERE coalesce(e.floor_minor, a.floor_minor) IS NOT NULL;
  IF v_sound <> p_count THEN
    RETURN false;
  END IF;

  -- The lock is a statement of its own, in id order: the statements after it see what the last holder committed.
  PERFORM FROM ledger_balance b WHERE b.account_id = ANY (v_locked) ORDER BY b.account_id FOR UPDATE;

  -- What the posting takes is checked after each posting of the call. Entries that wait for the sequencer count too:
  -- an account without a floor has some when a posting sets one for itself.
  SELECT t.*, a.code, a.currency
    INTO v
    FROM (
      SELECT s.account_id, s.taken, s.floor_minor, s.net_after, s.available_before,
             s.available_before - sum(s.taken) OVER (PARTITION BY s.account_id ORDER BY s.posting_id) AS available_after
        FROM (
          SELECT b.account_id, e.posting_id, b.available_before,
                 -sum(e.delta * b.side) AS taken,
                 b.net_before + sum(e.delta) AS net_after,
                 max(coalesce(e.floor_minor, b.floor_minor)) AS floor_minor
            FROM unnest(p_accounts, p_postings, p_deltas, p_floors) AS e (account_id, posting_id, delta, floor_minor)
            JOIN (
              SELECT l.account_id, l.floor_minor, l.side, l.net AS net_before,
                     l.net * l.side - CASE l.side WHEN 1 THEN l.pending_debits ELSE l.pending_credits END
                       AS available_before
                FROM (SELECT b.account_id, a.floor_minor, b.pending_debits, b.pending_credits,
                             CASE a.normal_balance WHEN 'credit' THEN 1 ELSE -1 END AS side,
                             b.posted_credits - b.posted_debits
                               + coalesce((SELECT sum(w.delta_minor) FROM ledger_entry_unsequenced w
                                            WHERE w.account_id = b.account_id AND w.entry_id <> ALL (p_ids)), 0) AS net
                        FROM ledger_balance b JOIN ledger_account a ON a.id = b.account_id
                       WHERE b.account_id = ANY (v_locked)) l
            ) b ON b.account_id = e.account_id
           GROUP BY b.account_id, e.posting_id, b.available_before, b.net_before
        ) s
    ) t
    JOIN ledger_account a ON a.id = t.account_id
   WHERE (t.taken > 0 AND t.available_after < t.floor_minor) OR abs(t.net_after) > 9007199254740991
   ORDER BY t.account_id
   LIMIT 1;
  IF FOUND THEN
    IF abs(v.net_after) > 9007199254740991 THEN
      RAISE EXCEPTION 'the balance of account % would pass 2^53-1', v.code
        USING ERRCODE = 'ZL007', DETAIL = json_build_object(
          'account', v.code, 'net_minor', v.net_after, 'amount_minor', abs(v.taken))::text;
    END IF;
    RAISE EXCEPTION 'account % has % available, % is needed', v.code, v.available_after + v.taken, v.taken
      USING ERRCODE = 'ZL006', DETAIL = json_build_object(
        'account', v.code, 'currency', v.currency, 'available_minor', v.available_after + v.taken,
        'required_minor', v.taken, 'floor_minor', v.floor_minor,
        'missing_minor', v.floor_minor - v.available_after)::text;
  END IF;

  -- An account that is locked for one entry of the call has all its entries placed here; those that the usual way
  -- has put among the unsequenced stay there, which is as good a place.
  WITH line AS (
    SELECT e.account_id, e.id, e.delta, e.place
      FROM unnest(p_ids, p_accounts, p_deltas, p_floors) WITH ORDINALITY AS e (id, account_id, delta, floor_minor, place)
      JOIN ledger_account a ON a.id = e.account_id
     WHERE e.account_id = ANY (v_locked) AND coalesce(e.floor_minor, a.floor_minor) IS NOT NULL
  ), placed AS (
    INSERT INTO ledger_entry_position (account_id, version, entry_id, delta_minor, balance_after_minor)
    SELECT l.account_id, b.version + row_number() OVER history, l.id, l.delta,
           b.posted_credits - b.posted_debits + sum(l.delta) OVER history
      FROM line l JOIN ledger_balance b ON b.account_id = l.account_id
    WINDOW history AS (PARTITION BY l.account_id ORDER BY l.place)
  )
  UPDATE ledger_balance b
     SET posted_debits = b.posted_debits + n.debits, posted_credits = b.posted_credits + n.credits,
         version = b.version + n.entries, updated_at = p_now
    FROM (SELECT account_id, count(*) AS entries, coalesce(sum(delta) FILTER (WHERE delta > 0), 0) AS credits,
                 coalesce(-sum(delta) FILTER (WHERE delta < 0), 0) AS debits
            FROM line GROUP BY account_id) n
   WHERE b.account_id = n.account_id;
  RETURN true;
END
$function$;

DROP TRIGGER IF EXISTS ledger_entries_written ON {schema}.ledger_entry;
CREATE TRIGGER ledger_entries_written AFTER INSERT ON {schema}.ledger_entry
  REFERENCING NEW TABLE AS fresh
  FOR EACH STATEMENT EXECUTE FUNCTION {schema}.ledger_entries_written();

-- What is reversed exists and is no reversal itself. That there is one reversal only is a unique index.
CREATE OR REPLACE FUNCTION {schema}.ledger_check_reversals(p_reverses uuid[]) RETURNS void
LANGUAGE plpgsql
SET search_path = {schema}, pg_catalog, pg_temp
AS $function$
DECLARE
  v record;
BEGIN
  SELECT r.id, p.id AS posting_id, p.reverses_id INTO v
    FROM unnest(p_reverses) AS r (id) LEFT JOIN ledger_posting p ON p.id = r.id
   WHERE p.id IS NULL OR p.reverses_id IS NOT NULL
   LIMIT 1;
  IF v.id IS NULL THEN
    RETURN;
  ELSIF v.posting_id IS NULL THEN
    RAISE EXCEPTION 'posting % does not exist', v.id
      USING ERRCODE = 'ZL014', DETAIL = json_build_object('posting_id', v.id)::text;
  END IF;
  RAISE EXCEPTION 'posting % is itself a reversal', v.id
    USING ERRCODE = 'ZL013', DETAIL = json_build_object('posting_id', v.id, 'reverses_id', v.reverses_id)::text;
END
$function$;

-- Postings: written together with exactly the entries that they declare, and not into a closed period. Since places
-- are unique and never above entry_count, a posting that is whole once can never be added to.
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
  v_effective timestamptz[];
  v_recorded timestamptz[];
  v_reverses uuid[];
  v record;
BEGIN
  SELECT array_agg(id), array_agg(entry_count), array_agg(effective_at), array_agg(recorded_at),
         array_agg(reverses_id) FILTER (WHERE reverses_id IS NOT NULL)
    INTO v_ids, v_counts, v_effective, v_recorded, v_reverses FROM fresh;
  IF v_ids IS NULL THEN
    RETURN NULL;
  END IF;
  IF v_reverses IS NOT NULL THEN
    PERFORM ledger_check_reversals(v_reverses);
  END IF;
  SELECT p.id, p.entry_count, n.entries, c.starts_at, c.ends_at, p.effective_at
    INTO v
    FROM unnest(v_ids, v_counts, v_effective, v_recorded) AS p (id, entry_count, effective_at, recorded_at)
   CROSS JOIN LATERAL (SELECT count(*) AS entries FROM ledger_entry e
                        WHERE e.posting_id = p.id AND e.effective_at = p.effective_at
                          AND e.recorded_at = p.recorded_at) n
    LEFT JOIN ledger_period c
      ON c.state = 'closed' AND p.effective_at >= c.starts_at AND p.effective_at < c.ends_at
   WHERE n.entries <> p.entry_count OR c.starts_at IS NOT NULL
   LIMIT 1;
  IF NOT FOUND THEN
    RETURN NULL;
  END IF;
  IF v.entries <> v.entry_count THEN
    RAISE EXCEPTION 'posting % declares % entries of its times and has %', v.id, v.entry_count, v.entries
      USING ERRCODE = 'ZL002', DETAIL = json_build_object(
        'posting_id', v.id, 'declared', v.entry_count, 'entries', v.entries)::text;
  END IF;
  RAISE EXCEPTION 'the period from % to % is closed', v.starts_at, v.ends_at
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

-- The posting call. Postings are parallel arrays in the order in which they happen; entries are parallel arrays too
-- and name their posting by its place, from 1. An account is named by id, or by code with the entry's currency.
--
-- standing: the posting that stands for each one asked for: itself, or the one that an earlier call had written for
-- the same id or the same step (intent_id, purpose); such a one is a replay and nothing of it is written again.
-- account_ids, account_codes: of the entries, in their order.
CREATE OR REPLACE FUNCTION {schema}.ledger_post(
  p_recorded_at timestamptz,
  p_actor jsonb,
  p_correlation_id text,
  p_intent_id text,
  p_idempotency_key text,
  p_source_event_id text,
  p_decision_id text,
  p_external_reference text,
  p_posting_ids uuid[],
  p_entry_counts smallint[],
  p_purposes text[],
  p_reverses uuid[],
  p_hashes bytea[],
  p_effective_ats timestamptz[],
  p_descriptions text[],
  p_metadata jsonb[],
  p_entry_ids uuid[],
  p_entry_postings smallint[],
  p_positions smallint[],
  p_account_ids uuid[],
  p_account_refs text[],
  p_directions text[],
  p_amounts bigint[],
  p_currencies text[],
  p_floors bigint[],
  OUT standing uuid[],
  OUT replayed boolean[],
  OUT account_ids uuid[],
  OUT account_codes text[]
)
LANGUAGE plpgsql
SET search_path = {schema}, pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
AS $function$
DECLARE
  v_written bigint;
BEGIN
  account_ids := p_account_ids;
  account_codes := p_account_refs;
  FOR i IN 1 .. cardinality(p_entry_ids) LOOP
    IF account_ids[i] IS NULL THEN
      account_ids[i] := (SELECT a.id FROM ledger_account a
                          WHERE a.code = p_account_refs[i] AND a.currency = p_currencies[i]);
    ELSE
      account_codes[i] := (SELECT a.code FROM ledger_account a WHERE a.id = p_account_ids[i]);
    END IF;
    IF account_ids[i] IS NULL OR account_codes[i] IS NULL THEN
      RAISE EXCEPTION 'account % (%) does not exist', p_account_refs[i], p_currencies[i]
        USING ERRCODE = 'ZL003',
              DETAIL = json_build_object('account', p_account_refs[i], 'currency', p_currencies[i])::text;
    END IF;
  END LOOP;

  WITH posting AS (
    INSERT INTO ledger_posting
      (id, purpose, state, intent_id, reverses_id, entry_count, entry_hash, actor, correlation_id, idempotency_key,
       source_event_id, decision_id, external_reference, effective_at, recorded_at, description, metadata)
    SELECT p.id, p.purpose, 'posted', p_intent_id, p.reverses_id, p.entry_count, p.hash, p_actor, p_correlation_id,
           p_idempotency_key, p_source_event_id, p_decision_id, p_external_reference, p.effective_at, p_recorded_at,
           p.description, p.metadata
      FROM unnest(p_posting_ids, p_entry_counts, p_purposes, p_reverses, p_hashes, p_effective_ats, p_descriptions,
                  p_metadata)
           AS p (id, entry_count, purpose, reverses_id, hash, effective_at, description, metadata)
        ON CONFLICT DO NOTHING
    RETURNING id, effective_at
  )
  INSERT INTO ledger_entry
    (id, posting_id, position, account_id, account_ref, direction, amount_minor, currency, floor_minor,
     effective_at, recorded_at)
  SELECT l.id, p.id, l.position, l.account_id, l.ref, l.direction, l.amount_minor, l.currency, l.floor_minor,
         p.effective_at, p_recorded_at
    FROM unnest(p_entry_ids, p_entry_postings, p_positions, account_ids, p_account_refs, p_directions, p_amounts,
                p_currencies, p_floors)
         AS l (id, posting, position, account_id, ref, direction, amount_minor, currency, floor_minor)
    JOIN posting p ON p.id = p_posting_ids[l.posting];
  GET DIAGNOSTICS v_written = ROW_COUNT;
  IF v_written = cardinality(p_entry_ids) THEN
    standing := p_posting_ids;  -- replayed stays null: nothing is
    RETURN;
  END IF;
  -- Somebody was first with an id, a step or a reversal. This is a new statement, so it sees what they committed.
  SELECT array_agg(coalesce(
           (SELECT s.id FROM ledger_posting s WHERE s.id = p.id),
           (SELECT s.id FROM ledger_posting s WHERE s.intent_id = p_intent_id AND s.purpose = p.purpose),
           (SELECT s.id FROM ledger_posting s WHERE s.reverses_id = p.reverses_id)) ORDER BY p.place),
         array_agg(NOT EXISTS (SELECT FROM ledger_entry e WHERE e.posting_id = p.id AND e.id = ANY (p_entry_ids))
                   ORDER BY p.place)
    INTO standing, replayed
    FROM unnest(p_posting_ids, p_purposes, p_reverses) WITH ORDINALITY AS p (id, purpose, reverses_id, place);
END
$function$;
