-- One round trip of the money path: the live rules, and a hold on the rolling limit when it has room.
--
-- Concurrent intents of one subject queue on its row. The lock is a statement of its own: the next statement of a
-- volatile function sees what the holder before us committed. Without a subject nothing is locked or counted.
CREATE OR REPLACE FUNCTION {schema}.policy_reserve(
    p_reservation uuid, p_intent text, p_subject text, p_currency text, p_amount bigint, p_now timestamptz
) RETURNS TABLE (version bigint, rules jsonb, cap bigint, used bigint, is_reserved boolean)
    LANGUAGE plpgsql VOLATILE SET search_path = {schema}, pg_catalog AS $$
DECLARE
    v_subject bigint;
    v_rolling jsonb;
BEGIN
    SELECT s.version, s.rules INTO version, rules FROM policy_rule_set s ORDER BY s.version DESC LIMIT 1;
    SELECT r INTO v_rolling FROM jsonb_array_elements(rules -> 'rules') r WHERE r ->> 'type' = 'rolling_sum' LIMIT 1;
    is_reserved := false;
    IF p_subject IS NULL OR v_rolling IS NULL THEN
        RETURN NEXT;
        RETURN;
    END IF;
    cap := coalesce((v_rolling -> 'limits_minor' ->> p_currency)::bigint, (v_rolling ->> 'default_limit_minor')::bigint);
    INSERT INTO policy_limit_subject AS s (dimension, subject, currency) VALUES ('customer', p_subject, p_currency)
        ON CONFLICT ON CONSTRAINT limit_subject_once_per_dimension DO NOTHING;
    SELECT s.id INTO v_subject FROM policy_limit_subject s
        WHERE s.dimension = 'customer' AND s.subject = p_subject AND s.currency = p_currency FOR UPDATE;
    SELECT coalesce(sum(r.amount_minor), 0) INTO used FROM policy_reservation r
        WHERE r.subject_id = v_subject AND r.released_at IS NULL
          AND r.at > p_now - make_interval(secs => (v_rolling ->> 'window_seconds')::int);
    IF used + p_amount <= cap THEN
        INSERT INTO policy_reservation (id, subject_id, intent_id, amount_minor, at)
            VALUES (p_reservation, v_subject, p_intent, p_amount, p_now);
        is_reserved := true;
    END IF;
    RETURN NEXT;
END $$;

-- An approved intent counts against the limit that held it, whether or not there was room.
CREATE OR REPLACE FUNCTION {schema}.policy_reserve_approved(
    p_reservation uuid, p_intent text, p_subject text, p_currency text, p_amount bigint, p_now timestamptz
) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = {schema}, pg_catalog AS $$
BEGIN
    INSERT INTO policy_limit_subject (dimension, subject, currency) VALUES ('customer', p_subject, p_currency)
        ON CONFLICT ON CONSTRAINT limit_subject_once_per_dimension DO NOTHING;
    INSERT INTO policy_reservation (id, subject_id, intent_id, amount_minor, at)
        SELECT p_reservation, s.id, p_intent, p_amount, p_now FROM policy_limit_subject s
         WHERE s.dimension = 'customer' AND s.subject = p_subject AND s.currency = p_currency
        ON CONFLICT ON CONSTRAINT reservation_once_per_intent DO UPDATE SET released_at = NULL;
END $$;
