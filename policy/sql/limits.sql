-- Limits and windows: what moved of whom, counted exactly, whoever else counts at the same moment.
--
-- A movement counts in a window that began before its `at` while it is confirmed, or reserved and not yet expired. A
-- counter is what one meter counts of one subject since `counted_from`, of what counted at `as_of`; both are moved to
-- the present under the subject's lock, forwards or, when the clock went back, backwards, by the movements in between
-- alone. Only weighing and the recheck of an approval take these locks, all of one intent in the order of their ids,
-- and both before any lock of the ledger. Whatever else changes a
-- movement writes down the change (policy_limit_change), which the next one to hold the lock folds in: reading the
-- movements and the changes in ONE statement shows both or neither.
ALTER TABLE {schema}.policy_limit_counter SET (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);
ALTER TABLE {schema}.policy_limit_change SET (autovacuum_vacuum_scale_factor = 0.05);

-- Until when a movement counts.
CREATE OR REPLACE FUNCTION {schema}.policy_counts_until(p_state text, p_expires_at timestamptz) RETURNS timestamptz
    LANGUAGE sql IMMUTABLE SET search_path = {schema}, pg_catalog AS $$
    SELECT CASE p_state WHEN 'confirmed' THEN 'infinity' WHEN 'reserved' THEN p_expires_at ELSE '-infinity' END
$$;

CREATE OR REPLACE FUNCTION {schema}.policy_movement_changed() RETURNS trigger
    LANGUAGE plpgsql SET search_path = {schema}, pg_catalog AS $$
DECLARE
    v_old timestamptz := policy_counts_until(OLD.state, OLD.expires_at);
    v_new timestamptz := policy_counts_until(NEW.state, NEW.expires_at);
BEGIN
    IF v_old = v_new AND OLD.at = NEW.at THEN
        RETURN NULL;
    END IF;
    IF v_old <> '-infinity'
       AND (OLD.intent_id, OLD.kind, OLD.amount_minor, OLD.currency, OLD.account, OLD.customer, OLD.corridor, OLD.card,
            OLD.counterparty) IS DISTINCT FROM
           (NEW.intent_id, NEW.kind, NEW.amount_minor, NEW.currency, NEW.account, NEW.customer, NEW.corridor, NEW.card,
            NEW.counterparty) THEN
        RAISE EXCEPTION 'what a movement is never changes while it counts' USING ERRCODE = 'restrict_violation';
    END IF;
    INSERT INTO policy_limit_change (dimension, subject, currency, kind, amount_minor, counterparty, old_at, old_until,
                                     new_at, new_until, changed_at)
    SELECT d.dimension, d.subject, c.currency, NEW.kind, NEW.amount_minor, coalesce(NEW.counterparty, ''), OLD.at, v_old,
           NEW.at, v_new, NEW.changed_at
      FROM (VALUES ('account', nullif(NEW.account, '')), ('customer', NEW.customer), ('corridor', NEW.corridor),
                   ('card', NEW.card), ('workspace', '*')) d (dimension, subject),
           (VALUES (NEW.currency), ('***')) c (currency)
     WHERE d.subject IS NOT NULL;
    RETURN NULL;
END $$;

DROP TRIGGER IF EXISTS policy_movement_changed ON {schema}.policy_movement;
CREATE TRIGGER policy_movement_changed AFTER UPDATE ON {schema}.policy_movement
    FOR EACH ROW EXECUTE FUNCTION {schema}.policy_movement_changed();

-- A new version of the rules waits for the intents that are being weighed by the old one, so that what its counters
-- count from the past misses none of them. Intents that come meanwhile wait for it in turn.
CREATE OR REPLACE FUNCTION {schema}.policy_await_weighed() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = {schema}, pg_catalog AS $$
BEGIN
    LOCK TABLE policy_rule_set IN SHARE ROW EXCLUSIVE MODE;
    RETURN NULL;
END $$;

DROP TRIGGER IF EXISTS policy_rule_set_awaits ON {schema}.policy_rule_set;
CREATE TRIGGER policy_rule_set_awaits BEFORE INSERT ON {schema}.policy_rule_set
    FOR EACH STATEMENT EXECUTE FUNCTION {schema}.policy_await_weighed();

-- How far each of these counters is from the present: what entered or left its window, what expired, what changed.
-- One row per counter, or per counter and counterparty where those are counted. The arrays stand in parallel; a counter
-- that knows nothing yet counts from infinity. Its callers use its rows in the statement that calls it.
CREATE OR REPLACE FUNCTION {schema}.policy_limit_moved(
    p_dimension text[], p_subject text[], p_currency text[], p_measure text[], p_kinds text[], p_low bigint[],
    p_high bigint[], p_from timestamptz[], p_new_from timestamptz[], p_as_of timestamptz[], p_now timestamptz[]
) RETURNS TABLE (place bigint, counterparty text, amount numeric, number bigint)
    LANGUAGE plpgsql STABLE ROWS 10 SET search_path = {schema}, pg_catalog AS $$
BEGIN
    RETURN QUERY
    SELECT c.place, CASE WHEN c.measure = 'distinct_counterparties' THEN coalesce(x.counterparty, '') END,
           sum(x.sign * x.amount_minor), sum(x.sign)
      FROM unnest(p_dimension, p_subject, p_currency, p_measure, p_kinds, p_low, p_high, p_from, p_new_from, p_as_of,
                  p_now)
           WITH ORDINALITY AS c (dimension, subject, currency, measure, kinds, low, high, from_at, new_from, as_of, now,
                                 place),
      LATERAL (
        SELECT h.kind, h.amount_minor, h.counterparty,
               (h.new_at > c.from_at AND h.new_until > c.as_of)::int
               - (h.old_at > c.from_at AND h.old_until > c.as_of)::int
          FROM policy_limit_change h
         WHERE h.dimension = c.dimension AND h.subject = c.subject AND h.currency = c.currency
        UNION ALL
        SELECT w.kind, w.amount_minor, w.counterparty, CASE WHEN c.new_from > c.from_at THEN -1 ELSE 1 END
          FROM (
            SELECT m.kind, m.amount_minor, m.counterparty, m.currency, m.state, m.expires_at FROM policy_movement m
             WHERE c.dimension = 'customer' AND m.customer = c.subject
               AND m.at > least(c.from_at, c.new_from) AND m.at <= greatest(c.from_at, c.new_from)
            UNION ALL
            SELECT m.kind, m.amount_minor, m.counterparty, m.currency, m.state, m.expires_at FROM policy_movement m
             WHERE c.dimension = 'account' AND m.account = c.subject
               AND m.at > least(c.from_at, c.new_from) AND m.at <= greatest(c.from_at, c.new_from)
            UNION ALL
            SELECT m.kind, m.amount_minor, m.counterparty, m.currency, m.state, m.expires_at FROM policy_movement m
             WHERE c.dimension = 'corridor' AND m.corridor = c.subject
               AND m.at > least(c.from_at, c.new_from) AND m.at <= greatest(c.from_at, c.new_from)
            UNION ALL
            SELECT m.kind, m.amount_minor, m.counterparty, m.currency, m.state, m.expires_at FROM policy_movement m
             WHERE c.dimension = 'card' AND m.card = c.subject
               AND m.at > least(c.from_at, c.new_from) AND m.at <= greatest(c.from_at, c.new_from)
            UNION ALL
            SELECT m.kind, m.amount_minor, m.counterparty, m.currency, m.state, m.expires_at FROM policy_movement m
             WHERE c.dimension = 'workspace'
               AND m.at > least(c.from_at, c.new_from) AND m.at <= greatest(c.from_at, c.new_from)
          ) w
         WHERE (c.currency = '***' OR w.currency = c.currency)
           AND (w.state = 'confirmed' OR w.state = 'reserved' AND w.expires_at > c.as_of)
        UNION ALL
        SELECT m.kind, m.amount_minor, m.counterparty, CASE WHEN c.now > c.as_of THEN -1 ELSE 1 END
          FROM policy_movement m
         WHERE m.state = 'reserved'
           AND m.expires_at > least(c.as_of, c.now) AND m.expires_at <= greatest(c.as_of, c.now)
           AND m.at > c.new_from AND (c.currency = '***' OR m.currency = c.currency)
           AND c.subject = CASE c.dimension WHEN 'customer' THEN m.customer WHEN 'account' THEN m.account
                                            WHEN 'corridor' THEN m.corridor WHEN 'card' THEN m.card ELSE '*' END
      ) x (kind, amount_minor, counterparty, sign)
     WHERE x.sign <> 0 AND (c.kinds = '' OR strpos(c.kinds, ',' || x.kind || ',') > 0)
       AND (c.low IS NULL OR x.amount_minor >= c.low) AND (c.high IS NULL OR x.amount_minor < c.high)
     GROUP BY 1, 2;
END $$;
