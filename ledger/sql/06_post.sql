-- Lock the balances of the accounts, in id order, before anything else of the call locks one. Whoever locks a balance
-- has locked the unsequenced table before, in the weak mode of every writer: see ledger_set_account_state.
CREATE OR REPLACE FUNCTION {schema}.ledger_lock(p_accounts uuid[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = {schema}, pg_catalog, pg_temp
AS $function$
BEGIN
  LOCK TABLE ledger_entry_unsequenced IN ROW EXCLUSIVE MODE;
  PERFORM FROM ledger_balance b WHERE b.account_id = ANY (p_accounts) ORDER BY b.account_id FOR UPDATE;
END
$function$;

-- What a call asks of balances, beyond the accounts' own limits: p_conditions is a list of {account_id, lock_version}
-- (before the posting; what waits for the sequencer counts as versions) and {account_id, metric, at_least, at_most}
-- (after it). Call it under the lock of the accounts.
CREATE OR REPLACE FUNCTION {schema}.ledger_check_conditions(p_conditions jsonb, p_is_before boolean) RETURNS void
LANGUAGE plpgsql
SET search_path = {schema}, pg_catalog, pg_temp
AS $function$
DECLARE
  v record;
BEGIN
  SELECT a.code, a.currency, k.metric, k.at_least, k.at_most, k.lock_version, b.version + w.entries AS version,
         CASE k.metric WHEN 'posted' THEN s.posted WHEN 'pending' THEN s.pending_in - s.pending_out
                       ELSE s.posted - s.pending_out END AS found
    INTO v
    FROM jsonb_to_recordset(p_conditions)
         AS k (account_id uuid, lock_version bigint, metric text, at_least bigint, at_most bigint)
    JOIN ledger_account a ON a.id = k.account_id
    JOIN ledger_balance b ON b.account_id = a.id
   CROSS JOIN LATERAL (
     SELECT count(*) AS entries, coalesce(sum(u.delta_minor), 0) AS delta,
            coalesce(sum(u.pending_debits), 0) AS debits, coalesce(sum(u.pending_credits), 0) AS credits
       FROM ledger_entry_unsequenced u WHERE u.account_id = a.id) w
   CROSS JOIN LATERAL (
     SELECT (b.posted_credits - b.posted_debits + w.delta) * CASE a.normal_balance WHEN 'credit' THEN 1 ELSE -1 END
              AS posted,
            CASE a.normal_balance WHEN 'credit' THEN b.pending_debits + w.debits ELSE b.pending_credits + w.credits END
              AS pending_out,
            CASE a.normal_balance WHEN 'credit' THEN b.pending_credits + w.credits ELSE b.pending_debits + w.debits END
              AS pending_in) s
   WHERE CASE WHEN p_is_before THEN k.lock_version <> b.version + w.entries
              ELSE k.metric IS NOT NULL
                   AND CASE k.metric WHEN 'posted' THEN s.posted WHEN 'pending' THEN s.pending_in - s.pending_out
                                     ELSE s.posted - s.pending_out END
                       NOT BETWEEN coalesce(k.at_least, -9007199254740991) AND coalesce(k.at_most, 9007199254740991)
         END
   LIMIT 1;
  IF NOT FOUND THEN
    RETURN;
  ELSIF p_is_before THEN
    RAISE EXCEPTION 'account % is at version %, not %', v.code, v.version, v.lock_version
      USING ERRCODE = 'ZL024', DETAIL = json_build_object(
        'account', v.code, 'lock_version', v.lock_version, 'version', v.version)::text;
  END IF;
  RAISE EXCEPTION '% of account % would be %', v.metric, v.code, v.found
    USING ERRCODE = 'ZL015', DETAIL = json_build_object(
      'account', v.code, 'currency', v.currency, 'metric', v.metric, 'balance_minor', v.found,
      'at_least_minor', v.at_least, 'at_most_minor', v.at_most)::text;
END
$function$;
-- The first release's signatures: a function with other arguments would otherwise stand beside ours.
DROP FUNCTION IF EXISTS {schema}.ledger_check_reversals(uuid[]);
DROP FUNCTION IF EXISTS {schema}.ledger_post(
  timestamptz, jsonb, text, text, text, text, text, text, uuid[], smallint[], text[], uuid[], bytea[], timestamptz[],
  text[], jsonb[], uuid[], smallint[], smallint[], uuid[], text[], text[], bigint[], text[], bigint[]);

-- The posting call. Postings are parallel arrays in the order in which they happen; entries are parallel arrays too
-- and name their posting by its place, from 1. An account is named by id, or by code with the entry's currency. What
-- only some postings have stands in p_more, by place: {state, hold_id, corrects_id, fx, source_event_id, decision_id,
-- external_reference}; null says that none has any. p_conditions is a list of what ledger_check_conditions reads, with
-- entry, the place of an entry of the account, in the place of account_id.
--
-- standing: the posting that stands for each one asked for: itself, or the one that an earlier call had written for
-- the same id or the same step (intent_id, purpose); such a one is a replay and nothing of it is written again.
-- account_ids, account_codes: of the entries, in their order.
CREATE OR REPLACE FUNCTION {schema}.ledger_post(
  p_recorded_at timestamptz,
  p_actor jsonb,
  p_posting_ids uuid[],
  p_entry_counts smallint[],
  p_purposes text[],
  p_reverses uuid[],
  p_hashes bytea[],
  p_effective_ats timestamptz[],
  p_descriptions text[],
  p_metadata jsonb[],
  p_correlation_ids text[],
  p_intent_ids text[],
  p_idempotency_keys text[],
  p_entry_ids uuid[],
  p_entry_postings smallint[],
  p_positions smallint[],
  p_account_ids uuid[],
  p_account_refs text[],
  p_directions text[],
  p_amounts bigint[],
  p_currencies text[],
  p_floors bigint[],
  p_more jsonb DEFAULT NULL,
  p_conditions jsonb DEFAULT NULL,
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
  v_unknown bigint;
  v_written bigint;
  v_conditions jsonb;
BEGIN
  SELECT array_agg(a.id ORDER BY l.place), array_agg(a.code ORDER BY l.place),
         min(l.place) FILTER (WHERE a.id IS NULL)
    INTO account_ids, account_codes, v_unknown
    FROM unnest(p_account_ids, p_account_refs, p_currencies) WITH ORDINALITY AS l (id, ref, currency, place)
    LEFT JOIN ledger_account a ON a.id = coalesce(
           l.id, (SELECT c.id FROM ledger_account c WHERE c.code = l.ref AND c.currency = l.currency));
  IF v_unknown IS NOT NULL THEN
    RAISE EXCEPTION 'account % (%) does not exist', p_account_refs[v_unknown], p_currencies[v_unknown]
      USING ERRCODE = 'ZL003', DETAIL = json_build_object(
        'account', p_account_refs[v_unknown], 'currency', p_currencies[v_unknown],
        'posting', p_entry_postings[v_unknown])::text;
  END IF;
  IF p_conditions IS NOT NULL THEN
    v_conditions := ledger_lock_for(account_ids, p_floors, p_conditions, p_reverses);
    -- What stands already met its conditions when it was written.
    v_conditions := (
      SELECT jsonb_agg(k.k)
        FROM jsonb_array_elements(v_conditions) AS k (k)
       CROSS JOIN LATERAL (SELECT p_entry_postings[(k.k ->> 'entry')::integer] AS place) w
       WHERE NOT EXISTS (SELECT FROM ledger_posting s WHERE s.id = p_posting_ids[w.place])
         AND NOT EXISTS (SELECT FROM ledger_posting s
                          WHERE s.intent_id = p_intent_ids[w.place] AND s.purpose = p_purposes[w.place]));
    PERFORM ledger_check_conditions(v_conditions, true);
  END IF;

  WITH posting AS (
    INSERT INTO ledger_posting
      (id, purpose, state, intent_id, reverses_id, corrects_id, hold_id, fx, entry_count, entry_hash, actor,
       correlation_id, idempotency_key, source_event_id, decision_id, external_reference, effective_at, recorded_at,
       description, metadata)
    SELECT p.id, p.purpose, coalesce(m.more ->> 'state', 'posted'), p.intent_id, p.reverses_id,
           (m.more ->> 'corrects_id')::uuid, (m.more ->> 'hold_id')::uuid, m.more -> 'fx', p.entry_count, p.hash,
           p_actor, p.correlation_id, p.idempotency_key, m.more ->> 'source_event_id', m.more ->> 'decision_id',
           m.more ->> 'external_reference', p.effective_at, p_recorded_at, p.description, p.metadata
      FROM unnest(p_posting_ids, p_entry_counts, p_purposes, p_reverses, p_hashes, p_effective_ats, p_descriptions,
                  p_metadata, p_correlation_ids, p_intent_ids, p_idempotency_keys) WITH ORDINALITY
           AS p (id, entry_count, purpose, reverses_id, hash, effective_at, description, metadata, correlation_id,
                 intent_id, idempotency_key, place)
     CROSS JOIN LATERAL (SELECT p_more -> (p.place - 1)::integer AS more) m
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
    IF v_conditions IS NOT NULL THEN
      PERFORM ledger_check_conditions(v_conditions, false);
    END IF;
    RETURN;
  END IF;
  -- Somebody was first with an id or a step. This is a new statement, so it sees what they committed.
  SELECT array_agg(coalesce(
           (SELECT s.id FROM ledger_posting s WHERE s.id = p.id),
           (SELECT s.id FROM ledger_posting s WHERE s.intent_id = p.intent_id AND s.purpose = p.purpose))
           ORDER BY p.place),
         array_agg(NOT EXISTS (SELECT FROM ledger_entry e WHERE e.posting_id = p.id AND e.id = ANY (p_entry_ids))
                   ORDER BY p.place)
    INTO standing, replayed
    FROM unnest(p_posting_ids, p_purposes, p_intent_ids) WITH ORDINALITY AS p (id, purpose, intent_id, place);
  PERFORM ledger_check_conditions(
    (SELECT jsonb_agg(k.k) FROM jsonb_array_elements(v_conditions) AS k (k)
      WHERE NOT replayed[p_entry_postings[(k.k ->> 'entry')::integer]]), false);
END
$function$;

-- Conditions name accounts by an entry's place: put the account in, and lock every account that the call will lock.
DROP FUNCTION IF EXISTS {schema}.ledger_lock_for(uuid[], bigint[], jsonb);
CREATE OR REPLACE FUNCTION {schema}.ledger_lock_for(
  p_account_ids uuid[], p_floors bigint[], p_conditions jsonb, p_reverses uuid[]
) RETURNS jsonb
LANGUAGE plpgsql
SET search_path = {schema}, pg_catalog, pg_temp
AS $function$
DECLARE
  v_conditions jsonb;
BEGIN
  SELECT jsonb_agg(k || jsonb_build_object('account_id', p_account_ids[(k ->> 'entry')::integer]))
    INTO v_conditions FROM jsonb_array_elements(p_conditions) AS k;
  PERFORM ledger_lock_reversals(p_reverses);
  PERFORM ledger_lock(ARRAY(
    SELECT e.id FROM unnest(p_account_ids, p_floors) AS e (id, floor_minor)
      JOIN ledger_account a ON a.id = e.id
     WHERE a.sequencing = 'immediate' OR e.floor_minor IS NOT NULL
     UNION
    SELECT (k ->> 'account_id')::uuid FROM jsonb_array_elements(coalesce(v_conditions, '[]')) AS k));
  RETURN v_conditions;
END
$function$;

-- Many postings of which each stands or is refused by itself: the arguments and answers of ledger_post, and for each
-- refused posting {sqlstate, message, detail, constraint}. Locks are taken for all of them in id order, before anything
-- is written, so that two such calls cannot wait for each other, also when they are the same call twice. All are tried
-- at once first. When one is refused, or one sets conditions, which are about just before and just after it, each gets
-- a savepoint of its own, in order. What says nothing about one posting (a deadlock, a lost lock) ends the whole call.
CREATE OR REPLACE FUNCTION {schema}.ledger_post_each(
  p_recorded_at timestamptz,
  p_actor jsonb,
  p_posting_ids uuid[],
  p_entry_counts smallint[],
  p_purposes text[],
  p_reverses uuid[],
  p_hashes bytea[],
  p_effective_ats timestamptz[],
  p_descriptions text[],
  p_metadata jsonb[],
  p_correlation_ids text[],
  p_intent_ids text[],
  p_idempotency_keys text[],
  p_entry_ids uuid[],
  p_entry_postings smallint[],
  p_positions smallint[],
  p_account_ids uuid[],
  p_account_refs text[],
  p_directions text[],
  p_amounts bigint[],
  p_currencies text[],
  p_floors bigint[],
  p_more jsonb DEFAULT NULL,
  p_conditions jsonb DEFAULT NULL,
  OUT standing uuid[],
  OUT replayed boolean[],
  OUT account_ids uuid[],
  OUT account_codes text[],
  OUT refusals jsonb[]
)
LANGUAGE plpgsql
SET search_path = {schema}, pg_catalog, pg_temp
SET enable_seqscan = off
AS $function$
DECLARE
  v_first integer := 1;
  v_last integer;
  v_one record;
  v_known uuid[];
  v_state text;
  v_message text;
  v_detail text;
  v_constraint text;
BEGIN
  v_known := ARRAY(SELECT coalesce(e.id, (SELECT a.id FROM ledger_account a
                                           WHERE a.code = e.ref AND a.currency = e.currency))
                     FROM unnest(p_account_ids, p_account_refs, p_currencies) WITH ORDINALITY
                          AS e (id, ref, currency, place) ORDER BY e.place);
  PERFORM ledger_lock_for(v_known, p_floors, coalesce(p_conditions, '[]'), p_reverses);
  BEGIN
    IF p_conditions IS NULL THEN
      SELECT * INTO v_one FROM ledger_post(
        p_recorded_at, p_actor, p_posting_ids, p_entry_counts, p_purposes, p_reverses, p_hashes, p_effective_ats,
        p_descriptions, p_metadata, p_correlation_ids, p_intent_ids, p_idempotency_keys, p_entry_ids,
        p_entry_postings, p_positions, p_account_ids, p_account_refs, p_directions, p_amounts, p_currencies, p_floors,
        p_more);
      standing := v_one.standing;
      replayed := v_one.replayed;
      account_ids := v_one.account_ids;
      account_codes := v_one.account_codes;
      RETURN;
    END IF;
  EXCEPTION WHEN OTHERS THEN
    IF left(SQLSTATE, 2) NOT IN ('ZL', '22', '23') THEN
      RAISE;
    END IF;
  END;
  account_ids := v_known;
  account_codes := p_account_refs;
  standing := p_posting_ids;
  replayed := array_fill(false, ARRAY[cardinality(p_posting_ids)]);
  refusals := array_fill(NULL::jsonb, ARRAY[cardinality(p_posting_ids)]);
  FOR i IN 1 .. cardinality(p_posting_ids) LOOP
    v_last := v_first + p_entry_counts[i] - 1;
    BEGIN
      SELECT * INTO v_one FROM ledger_post(
        p_recorded_at, p_actor, p_posting_ids[i:i], p_entry_counts[i:i], p_purposes[i:i], p_reverses[i:i],
        p_hashes[i:i], p_effective_ats[i:i], p_descriptions[i:i], p_metadata[i:i], p_correlation_ids[i:i],
        p_intent_ids[i:i], p_idempotency_keys[i:i], p_entry_ids[v_first:v_last],
        array_fill(1::smallint, ARRAY[v_last - v_first + 1]), p_positions[v_first:v_last],
        p_account_ids[v_first:v_last], p_account_refs[v_first:v_last], p_directions[v_first:v_last],
        p_amounts[v_first:v_last], p_currencies[v_first:v_last], p_floors[v_first:v_last],
        CASE WHEN p_more IS NOT NULL THEN jsonb_build_array(p_more -> (i - 1)) END,
        (SELECT jsonb_agg(k || jsonb_build_object('entry', (k ->> 'entry')::integer - v_first + 1))
           FROM jsonb_array_elements(p_conditions) AS k
          WHERE (k ->> 'entry')::integer BETWEEN v_first AND v_last));
      standing[i] := v_one.standing[1];
      replayed[i] := coalesce(v_one.replayed[1], false);
      account_codes[v_first:v_last] := v_one.account_codes;
    EXCEPTION WHEN OTHERS THEN
      IF left(SQLSTATE, 2) NOT IN ('ZL', '22', '23') THEN
        RAISE;
      END IF;
      GET STACKED DIAGNOSTICS v_state = RETURNED_SQLSTATE, v_message = MESSAGE_TEXT, v_detail = PG_EXCEPTION_DETAIL,
                              v_constraint = CONSTRAINT_NAME;
      refusals[i] := jsonb_build_object(
        'sqlstate', v_state, 'message', v_message, 'detail', v_detail, 'constraint', v_constraint);
    END;
    v_first := v_last + 1;
  END LOOP;
END
$function$;
