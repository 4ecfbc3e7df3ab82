-- An entry never changes: a version that says something else of somebody brings a new row, and only from which version
-- on the old one does not count is written later. What an activated version brought is never taken away.
CREATE OR REPLACE FUNCTION {schema}.screening_guard_entry() RETURNS trigger
    LANGUAGE plpgsql SET search_path = {schema}, pg_catalog AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF (to_jsonb(OLD) - 'removed_version') IS DISTINCT FROM (to_jsonb(NEW) - 'removed_version') THEN
            RAISE EXCEPTION 'an entry of a watchlist never changes' USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF EXISTS (SELECT FROM screening_list_version v
                WHERE v.list_id = OLD.list_id AND v.number = OLD.first_version AND v.activated_at IS NOT NULL) THEN
        RAISE EXCEPTION 'an entry that counted is never deleted' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN OLD;
END $$;

DROP TRIGGER IF EXISTS screening_entry_guarded ON {schema}.screening_entry;
CREATE TRIGGER screening_entry_guarded BEFORE UPDATE OR DELETE ON {schema}.screening_entry
    FOR EACH ROW EXECUTE FUNCTION {schema}.screening_guard_entry();

-- Entries of the active versions that share a key. One index answers this; the planner knows nothing of arrays that
-- have just been written and would read the whole table, so it is not asked.
CREATE OR REPLACE FUNCTION {schema}.screening_candidates(p_keys integer[], p_identifiers integer[], p_most integer)
    RETURNS TABLE (entry_id uuid, is_person boolean, names text[], is_same_number boolean)
    LANGUAGE sql STABLE SET search_path = {schema}, pg_catalog SET enable_seqscan = off SET jit = off AS $$
    SELECT k.entry_id, k.is_person, k.names, k.keys && p_identifiers
      FROM screening_entry_key k JOIN screening_list l ON l.id = k.list_id
     WHERE k.keys && p_keys AND l.is_active AND k.first_version <= l.active_version
       AND (k.removed_version IS NULL OR k.removed_version > l.active_version)
     LIMIT p_most
$$;
