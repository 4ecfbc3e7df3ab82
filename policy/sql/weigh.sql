-- Everything that the database has to say about an intent, and its hold on every limit or on none, in one call.
--
-- The functions that are called set how plans are made, for those that they call too: by index and once, although the
-- tables may be small when the first plan is made.
--
-- policy_weigh returns the live version first: when it is not p_version nothing else is done, and the caller compiles
-- that one. The subjects are whom its meters count. The meters are those that count this intent (or only ask), each
-- with the place of its subject; a cap is the most it may reach with this intent, null when it only asks. Without room
-- under every cap the movement waits, counted nowhere, until somebody approves it.

-- The rows that intents of the same subjects queue on, made where they are missing, locked in the order of their ids.
-- Missing ones are made before any is locked, in one order for everybody, so that no two wait for each other.
CREATE OR REPLACE FUNCTION {schema}.policy_lock_subjects(p_dimensions text[], p_names text[], p_currencies text[])
    RETURNS bigint[]
    LANGUAGE plpgsql VOLATILE SET search_path = {schema}, pg_catalog AS $$
DECLARE
    v_ids bigint[];
BEGIN
    FOR attempt IN 1..2 LOOP
        SELECT array_agg(s.id ORDER BY a.place) INTO v_ids
          FROM unnest(p_dimensions, p_names, p_currencies) WITH ORDINALITY a (dimension, name, currency, place)
          JOIN policy_limit_subject s
            ON s.dimension = a.dimension AND s.subject = a.name AND s.currency = a.currency;
        EXIT WHEN cardinality(v_ids) = cardinality(p_names);
        INSERT INTO policy_limit_subject (dimension, subject, currency)
            SELECT a.dimension, a.name, a.currency
              FROM unnest(p_dimensions, p_names, p_currencies) a (dimension, name, currency) ORDER BY 1, 2, 3
            ON CONFLICT ON CONSTRAINT limit_subject_once_per_dimension DO NOTHING;
    END LOOP;
    PERFORM 1 FROM policy_limit_subject s WHERE s.id = ANY (v_ids) ORDER BY s.id FOR NO KEY UPDATE;
    RETURN v_ids;
END $$;

-- What is known of an intent's parties: which of the values are on the lists (places in the arrays), whether its
-- customer pays this counterparty for the first time (null without a customer), and the facts of the references.
CREATE OR REPLACE FUNCTION {schema}.policy_known(
    p_intent text, p_customer text, p_counterparty text, p_now timestamptz, p_lists text[], p_values text[],
    p_references text[]
) RETURNS TABLE (listed int[], is_first boolean, parties jsonb)
    LANGUAGE plpgsql STABLE SET search_path = {schema}, pg_catalog AS $$
BEGIN
    listed := '{}';
    IF cardinality(p_lists) > 0 THEN
        SELECT coalesce(array_agg(a.place::int), '{}') INTO listed
          FROM unnest(p_lists, p_values) WITH ORDINALITY a (list, value, place)
          JOIN policy_list_item i ON i.list_name = a.list AND i.value = a.value AND i.removed_at IS NULL
         WHERE i.expires_at IS NULL OR i.expires_at > p_now;
    END IF;
    IF p_customer IS NOT NULL AND p_counterparty IS NOT NULL THEN
        is_first := NOT EXISTS (
            SELECT 1 FROM policy_movement m
             WHERE m.customer = p_customer AND m.counterparty = p_counterparty AND m.state = 'confirmed'
               AND m.intent_id <> p_intent
        );
    END IF;
    parties := '[]';
    IF cardinality(p_references) > 0 THEN
        SELECT coalesce(jsonb_agg(to_jsonb(f)), '[]') INTO parties FROM screening_facts(p_references) f;
    END IF;
    RETURN NEXT;
END $$;

CREATE OR REPLACE FUNCTION {schema}.policy_weigh(
    p_version bigint, p_intent text, p_kind text, p_amount bigint, p_currency text, p_account text, p_customer text,
    p_corridor text, p_card text, p_counterparty text, p_expires_at timestamptz, p_now timestamptz,
    p_dimensions text[], p_names text[], p_currencies text[],
    p_subjects int[], p_meters text[], p_measures text[], p_kinds text[], p_lows bigint[], p_highs bigint[],
    p_starts timestamptz[], p_counts boolean[], p_caps numeric[],
    p_lists text[], p_values text[], p_references text[]
) RETURNS TABLE (live_version bigint, used numeric[], added bigint[], is_reserved boolean, listed int[],
                 is_first boolean, parties jsonb)
    LANGUAGE plpgsql VOLATILE SET search_path = {schema}, pg_catalog
    SET enable_seqscan = off SET enable_bitmapscan = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    v_asked int := cardinality(p_meters);
    v_ids bigint[];
    v_amounts numeric[];
    v_numbers bigint[];
    v_distincts bigint[];
    -- The counters of our subjects, those that were asked for first: as they stand, and where they are to go.
    k_subjects bigint[];
    k_meters text[];
    k_dimensions text[];
    k_names text[];
    k_currencies text[];
    k_measures text[];
    k_kinds text[];
    k_lows bigint[];
    k_highs bigint[];
    k_totals numeric[];
    k_numbers bigint[];
    k_distincts bigint[];
    k_from timestamptz[];
    k_new_from timestamptz[];
    k_as_of timestamptz[];
    k_now timestamptz[];
    v_new text[];
    v_known bigint[];
BEGIN
    -- Held to the end of the transaction: a new version waits for us, and the next statement sees it when we waited.
    LOCK TABLE policy_rule_set IN ROW EXCLUSIVE MODE;
    SELECT s.version INTO live_version FROM policy_rule_set s ORDER BY s.version DESC LIMIT 1;
    IF live_version IS DISTINCT FROM p_version THEN
        RETURN NEXT;
        RETURN;
    END IF;
    SELECT k.listed, k.is_first, k.parties INTO listed, is_first, parties
      FROM policy_known(p_intent, p_customer, p_counterparty, p_now, p_lists, p_values, p_references) k;
    is_reserved := true;
    used := '{}';
    added := '{}';
    IF v_asked > 0 THEN
        v_ids := policy_lock_subjects(p_dimensions, p_names, p_currencies);
        -- A statement of its own after the lock: it sees what the holder before us committed.
        SELECT array_agg(c.subject_id), array_agg(c.meter),
               array_agg(p_dimensions[c.place]), array_agg(p_names[c.place]),
               array_agg(p_currencies[c.place]), array_agg(c.measure),
               array_agg(c.kinds), array_agg(c.low), array_agg(c.high),
               array_agg(c.total), array_agg(c.number),
               array_agg(c.distinct_number), array_agg(c.from_at),
               array_agg(c.new_from), array_agg(c.as_of), array_agg(c.now),
               array_agg(c.meter) FILTER (WHERE c.from_at = 'infinity' AND c.measure = 'distinct_counterparties')
          INTO k_subjects, k_meters, k_dimensions, k_names, k_currencies, k_measures, k_kinds, k_lows, k_highs,
               k_totals, k_numbers, k_distincts, k_from, k_new_from, k_as_of, k_now, v_new
          FROM (
            SELECT a.n, v_ids[a.place] AS subject_id, a.place, a.meter, a.measure, a.kinds, a.low, a.high,
                   coalesce(k.total_minor, 0) AS total, coalesce(k.number, 0) AS number,
                   coalesce(k.distinct_number, 0) AS distinct_number,
                   coalesce(k.counted_from, 'infinity') AS from_at, a.start AS new_from,
                   coalesce(k.as_of, p_now) AS as_of, p_now AS now
              FROM unnest(p_subjects, p_meters, p_measures, p_kinds, p_lows, p_highs, p_starts)
                   WITH ORDINALITY a (place, meter, measure, kinds, low, high, start, n)
              LEFT JOIN policy_limit_counter k
                ON k.subject_id = v_ids[a.place] AND k.meter = a.meter AND k.version = p_version
            UNION ALL
            -- The others of these subjects hear of changes with them.
            SELECT v_asked + row_number() OVER (), k.subject_id, s.place::int, k.meter, k.measure, k.kinds,
                   k.from_minor, k.below_minor, k.total_minor, k.number, k.distinct_number, k.counted_from,
                   k.counted_from, k.as_of, k.as_of
              FROM unnest(v_ids) WITH ORDINALITY s (id, place)
              JOIN policy_limit_counter k ON k.subject_id = s.id AND k.version = p_version
             WHERE NOT EXISTS (SELECT 1 FROM unnest(p_subjects, p_meters) a (place, meter)
                                WHERE a.place = s.place AND a.meter = k.meter)
             ORDER BY 1
          ) c;
        IF v_new IS NOT NULL THEN
            DELETE FROM policy_limit_counterparty u WHERE u.subject_id = ANY (v_ids) AND u.meter = ANY (v_new)
               AND NOT EXISTS (SELECT 1 FROM policy_limit_counter k WHERE k.subject_id = u.subject_id
                                  AND k.meter = u.meter AND k.version = p_version);
        END IF;

        WITH heard AS (
            DELETE FROM policy_limit_change h USING unnest(p_dimensions, p_names, p_currencies) s (d, n, c)
             WHERE h.dimension = s.d AND h.subject = s.n AND h.currency = s.c
        ), moved AS MATERIALIZED (
            SELECT m.place, m.counterparty, m.amount, m.number
              FROM policy_limit_moved(k_dimensions, k_names, k_currencies, k_measures, k_kinds, k_lows, k_highs,
                                      k_from, k_new_from, k_as_of, k_now) m
        ), uses AS (
            INSERT INTO policy_limit_counterparty AS u (subject_id, meter, counterparty, uses)
            SELECT k_subjects[m.place], k_meters[m.place], m.counterparty, m.number FROM moved m
             WHERE m.counterparty IS NOT NULL AND m.number <> 0
            ON CONFLICT (subject_id, meter, counterparty) DO UPDATE SET uses = u.uses + excluded.uses
            RETURNING u.subject_id, u.meter, u.counterparty, u.uses
        )
        SELECT array_agg(coalesce(d.amount, 0) ORDER BY n), array_agg(coalesce(d.number, 0) ORDER BY n),
               array_agg(coalesce(d.crossed, 0) ORDER BY n)
          INTO v_amounts, v_numbers, v_distincts
          FROM generate_series(1, cardinality(k_meters)) n
          LEFT JOIN (
            SELECT m.place, sum(m.amount) AS amount, sum(m.number) AS number,
                   sum((u.uses > 0)::int - (u.uses - m.number > 0)::int) AS crossed
              FROM moved m
              LEFT JOIN uses u ON u.subject_id = k_subjects[m.place] AND u.meter = k_meters[m.place]
                              AND u.counterparty = m.counterparty
             GROUP BY m.place
          ) d ON d.place = n;

        SELECT array_agg(a.n) INTO v_known
          FROM unnest(p_measures, p_counts) WITH ORDINALITY a (measure, counts, n)
          JOIN policy_limit_counterparty u ON u.subject_id = k_subjects[a.n] AND u.meter = k_meters[a.n]
                                          AND u.counterparty = coalesce(p_counterparty, '') AND u.uses > 0
         WHERE a.measure = 'distinct_counterparties' AND a.counts;
        FOR i IN 1..v_asked LOOP
            used[i] := CASE p_measures[i] WHEN 'sum' THEN k_totals[i] + v_amounts[i]
                                          WHEN 'count' THEN k_numbers[i] + v_numbers[i]
                                          ELSE k_distincts[i] + v_distincts[i] END;
            added[i] := CASE WHEN NOT p_counts[i] THEN 0 WHEN p_measures[i] = 'sum' THEN p_amount
                             WHEN i = ANY (v_known) THEN 0 ELSE 1 END;
            is_reserved := is_reserved AND (p_caps[i] IS NULL OR NOT p_counts[i] OR used[i] + added[i] <= p_caps[i]);
        END LOOP;

        INSERT INTO policy_limit_counter AS k (subject_id, meter, counted_from, as_of, version, total_minor, number,
                                               distinct_number, measure, kinds, from_minor, below_minor)
        SELECT k_subjects[n], k_meters[n], k_new_from[n], k_now[n], p_version,
               k_totals[n] + v_amounts[n] + CASE WHEN is_reserved AND p_counts[n] THEN p_amount ELSE 0 END,
               k_numbers[n] + v_numbers[n] + (is_reserved AND coalesce(p_counts[n], false))::int,
               k_distincts[n] + v_distincts[n]
               + CASE WHEN is_reserved AND p_counts[n] AND k_measures[n] = 'distinct_counterparties' THEN added[n]
                      ELSE 0 END,
               k_measures[n], k_kinds[n], k_lows[n], k_highs[n]
          FROM generate_series(1, cardinality(k_meters)) n
         WHERE n <= v_asked OR v_numbers[n] <> 0 OR v_amounts[n] <> 0 OR v_distincts[n] <> 0
        ON CONFLICT (subject_id, meter) DO UPDATE
           SET counted_from = excluded.counted_from, as_of = excluded.as_of, version = excluded.version,
               total_minor = excluded.total_minor, number = excluded.number,
               distinct_number = excluded.distinct_number, measure = excluded.measure, kinds = excluded.kinds,
               from_minor = excluded.from_minor, below_minor = excluded.below_minor;
        IF is_reserved AND 'distinct_counterparties' = ANY (p_measures) THEN
            INSERT INTO policy_limit_counterparty AS u (subject_id, meter, counterparty, uses)
            SELECT k_subjects[n], k_meters[n], coalesce(p_counterparty, ''), 1 FROM generate_series(1, v_asked) n
             WHERE p_measures[n] = 'distinct_counterparties' AND p_counts[n]
            ON CONFLICT (subject_id, meter, counterparty) DO UPDATE SET uses = u.uses + 1;
        END IF;
    END IF;
    INSERT INTO policy_movement (intent_id, at, kind, amount_minor, currency, account, customer, corridor, card,
                                 counterparty, state, expires_at, changed_at)
    VALUES (p_intent, p_now, p_kind, p_amount, p_currency, coalesce(p_account, ''), p_customer, p_corridor, p_card,
            p_counterparty,
            CASE WHEN NOT is_reserved THEN 'waiting' WHEN p_expires_at IS NULL THEN 'confirmed' ELSE 'reserved' END,
            p_expires_at, p_now);
    RETURN NEXT;
END $$;

-- What these meters stand at, without a lock and without writing: counters that know, else the movements themselves.
-- p_without is an intent that is left out; is_known says whether p_counterparty is among those that are counted.
CREATE OR REPLACE FUNCTION {schema}.policy_limits_read(
    p_dimensions text[], p_names text[], p_currencies text[], p_meters text[], p_measures text[], p_kinds text[],
    p_lows bigint[], p_highs bigint[], p_starts timestamptz[], p_now timestamptz, p_without text, p_counterparty text
) RETURNS TABLE (place int, used numeric, is_known boolean)
    LANGUAGE plpgsql STABLE SET search_path = {schema}, pg_catalog
    SET enable_seqscan = off SET enable_bitmapscan = off SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    RETURN QUERY
    WITH counter AS MATERIALIZED (
        SELECT a.n, a.dimension, a.name, a.currency, a.meter, a.measure, a.kinds, a.low, a.high, a.start,
               k.subject_id, coalesce(k.total_minor, 0) AS total, coalesce(k.number, 0) AS number,
               coalesce(k.distinct_number, 0) AS distinct_number,
               coalesce(k.counted_from, 'infinity') AS from_at, coalesce(k.as_of, p_now) AS as_of
          FROM unnest(p_dimensions, p_names, p_currencies, p_meters, p_measures, p_kinds, p_lows, p_highs, p_starts)
               WITH ORDINALITY a (dimension, name, currency, meter, measure, kinds, low, high, start, n)
          LEFT JOIN policy_limit_subject s
            ON s.dimension = a.dimension AND s.subject = a.name AND s.currency = a.currency
          LEFT JOIN policy_limit_counter k ON k.subject_id = s.id AND k.meter = a.meter
                AND k.version = (SELECT r.version FROM policy_rule_set r ORDER BY r.version DESC LIMIT 1)
    ), asked AS (
        SELECT array_agg(c.dimension) AS dimensions, array_agg(c.name) AS names,
               array_agg(c.currency) AS currencies, array_agg(c.measure) AS measures,
               array_agg(c.kinds) AS kinds, array_agg(c.low) AS lows,
               array_agg(c.high) AS highs, array_agg(c.from_at) AS from_at,
               array_agg(c.start) AS new_from, array_agg(c.as_of) AS as_of,
               array_agg(p_now) AS now
          FROM (SELECT * FROM counter ORDER BY n) c
    ), moved AS MATERIALIZED (
        SELECT m.place, m.counterparty, sum(m.amount) AS amount, sum(m.number) AS number FROM (
            SELECT f.place, f.counterparty, f.amount, f.number
              FROM asked q, policy_limit_moved(q.dimensions, q.names, q.currencies, q.measures, q.kinds, q.lows,
                                               q.highs, q.from_at, q.new_from, q.as_of, q.now) f
            UNION ALL
            SELECT c.n, CASE WHEN c.measure = 'distinct_counterparties' THEN coalesce(o.counterparty, '') END,
                   -o.amount_minor, -1
              FROM policy_movement o, counter c
             WHERE o.intent_id = p_without AND o.at > c.start
               AND (o.state = 'confirmed' OR o.state = 'reserved' AND o.expires_at > p_now)
               AND (c.currency = '***' OR o.currency = c.currency)
               AND (c.kinds = '' OR strpos(c.kinds, ',' || o.kind || ',') > 0)
               AND (c.low IS NULL OR o.amount_minor >= c.low) AND (c.high IS NULL OR o.amount_minor < c.high)
               AND c.name = CASE c.dimension WHEN 'customer' THEN o.customer WHEN 'account' THEN o.account
                                             WHEN 'corridor' THEN o.corridor WHEN 'card' THEN o.card ELSE '*' END
        ) m GROUP BY 1, 2
    ), crossed AS (
        SELECT m.place, sum(m.amount) AS amount, sum(m.number) AS number,
               sum((coalesce(u.uses, 0) + m.number > 0)::int - (coalesce(u.uses, 0) > 0)::int) AS crossed
          FROM moved m JOIN counter c ON c.n = m.place
          LEFT JOIN policy_limit_counterparty u
            ON u.subject_id = c.subject_id AND u.meter = c.meter AND u.counterparty = m.counterparty
         GROUP BY m.place
    )
    SELECT c.n::int,
           CASE c.measure WHEN 'sum' THEN c.total + coalesce(x.amount, 0)
                          WHEN 'count' THEN c.number + coalesce(x.number, 0)
                          ELSE c.distinct_number + coalesce(x.crossed, 0) END,
           c.measure = 'distinct_counterparties' AND
           coalesce((SELECT u.uses FROM policy_limit_counterparty u WHERE u.subject_id = c.subject_id
                        AND u.meter = c.meter AND u.counterparty = p_counterparty), 0)
           + coalesce((SELECT m.number FROM moved m WHERE m.place = c.n AND m.counterparty = p_counterparty), 0) > 0
      FROM counter c LEFT JOIN crossed x ON x.place = c.n
     ORDER BY c.n;
END $$;

-- A reservation, a confirmation, a release: what the movement becomes. Nothing when it is not in one of the states.
CREATE OR REPLACE FUNCTION {schema}.policy_move(
    p_intent text, p_from text[], p_to text, p_expires_at timestamptz, p_now timestamptz
) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = {schema}, pg_catalog AS $$
BEGIN
    UPDATE policy_movement m SET state = p_to, expires_at = p_expires_at, changed_at = p_now
     WHERE m.intent_id = p_intent AND m.state = ANY (p_from);
    RETURN FOUND;
END $$;

-- An approved intent counts, room or not: what was reserved from when it was, anything else from now on. The counters
-- hear of it as of every change, so one that nobody weighed is written as waiting first.
CREATE OR REPLACE FUNCTION {schema}.policy_count_approved(
    p_intent text, p_kind text, p_amount bigint, p_currency text, p_account text, p_customer text, p_corridor text,
    p_card text, p_counterparty text, p_now timestamptz
) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = {schema}, pg_catalog AS $$
BEGIN
    INSERT INTO policy_movement (intent_id, at, kind, amount_minor, currency, account, customer, corridor, card,
                                 counterparty, state, changed_at)
    VALUES (p_intent, p_now, p_kind, p_amount, p_currency, coalesce(p_account, ''), p_customer, p_corridor, p_card,
            p_counterparty, 'waiting', p_now)
    ON CONFLICT ON CONSTRAINT movement_once_per_intent DO NOTHING;
    UPDATE policy_movement m SET state = 'confirmed', expires_at = NULL, changed_at = p_now
     WHERE m.intent_id = p_intent AND m.state = 'reserved';
    UPDATE policy_movement m SET state = 'confirmed', expires_at = NULL, changed_at = p_now, at = p_now,
           customer = coalesce(m.customer, p_customer)
     WHERE m.intent_id = p_intent AND m.state IN ('waiting', 'released');
END $$;

-- Reservations whose time is over stopped counting by themselves; this says so of them.
CREATE OR REPLACE FUNCTION {schema}.policy_expire_reservations(p_now timestamptz, p_limit int) RETURNS int
    LANGUAGE plpgsql VOLATILE SET search_path = {schema}, pg_catalog AS $$
DECLARE
    v_expired int;
BEGIN
    UPDATE policy_movement m SET state = 'released', changed_at = p_now
     WHERE m.id IN (SELECT e.id FROM policy_movement e WHERE e.state = 'reserved' AND e.expires_at <= p_now
                     ORDER BY e.expires_at LIMIT p_limit FOR UPDATE SKIP LOCKED);
    GET DIAGNOSTICS v_expired = ROW_COUNT;
    RETURN v_expired;
END $$;

-- Changes of subjects that are no longer weighed are never folded in: their counters are taken away with them, under
-- the lock, and counted anew should they come again. A subject of very many movements keeps its counters.
CREATE OR REPLACE FUNCTION {schema}.policy_sweep_counters(p_now timestamptz, p_limit int) RETURNS int
    LANGUAGE plpgsql VOLATILE SET search_path = {schema}, pg_catalog AS $$
DECLARE
    v_live bigint := (SELECT s.version FROM policy_rule_set s ORDER BY s.version DESC LIMIT 1);
    v_dimensions text[];
    v_names text[];
    v_currencies text[];
    v_ids bigint[];
    v_gone int;
    v_more int;
BEGIN
    SELECT coalesce(array_agg(q.dimension), '{}'), array_agg(q.subject), array_agg(q.currency)
      INTO v_dimensions, v_names, v_currencies
      FROM (SELECT h.dimension, h.subject, h.currency FROM policy_limit_change h
              LEFT JOIN policy_limit_subject s ON s.dimension = h.dimension AND s.subject = h.subject
                                              AND s.currency = h.currency
             WHERE h.changed_at < p_now - interval '10 minutes'
               AND NOT EXISTS (SELECT 1 FROM policy_limit_counter k
                                WHERE k.subject_id = s.id AND k.version = v_live AND k.number > 1000)
             GROUP BY 1, 2, 3 ORDER BY 1, 2, 3 LIMIT p_limit) q;
    IF cardinality(v_dimensions) > 0 THEN
        v_ids := policy_lock_subjects(v_dimensions, v_names, v_currencies);
        DELETE FROM policy_limit_counter k WHERE k.subject_id = ANY (v_ids);
        DELETE FROM policy_limit_counterparty u WHERE u.subject_id = ANY (v_ids);
        DELETE FROM policy_limit_change h USING unnest(v_dimensions, v_names, v_currencies) s (d, n, c)
         WHERE h.dimension = s.d AND h.subject = s.n AND h.currency = s.c;
        GET DIAGNOSTICS v_gone = ROW_COUNT;
    END IF;
    -- Rows that an intent is just writing are left for the next sweep: nobody waits for another in a ring.
    DELETE FROM policy_limit_counter k WHERE k.version < v_live
       AND k.id IN (SELECT o.id FROM policy_limit_counter o WHERE o.version < v_live LIMIT p_limit
                     FOR UPDATE SKIP LOCKED);
    GET DIAGNOSTICS v_more = ROW_COUNT;
    DELETE FROM policy_limit_counterparty u WHERE u.uses = 0
       AND u.id IN (SELECT o.id FROM policy_limit_counterparty o WHERE o.uses = 0 LIMIT p_limit
                     FOR UPDATE SKIP LOCKED);
    RETURN coalesce(v_gone, 0) + v_more;
END $$;
