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
