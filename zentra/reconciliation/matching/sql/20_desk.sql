-- The desk: what was said stays, four eyes stay four, and an adjustment is decided once, whoever asks and however.

CREATE OR REPLACE FUNCTION {schema}.recon_refuse_rewriting() RETURNS trigger
    LANGUAGE plpgsql SET search_path = {schema}, pg_catalog AS $$
BEGIN
    RAISE EXCEPTION '% on % is refused: what was said about an exception stays', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$;

DROP TRIGGER IF EXISTS recon_exception_note_stays ON {schema}.recon_exception_note;
CREATE TRIGGER recon_exception_note_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON {schema}.recon_exception_note
    FOR EACH STATEMENT EXECUTE FUNCTION {schema}.recon_refuse_rewriting();
ALTER TABLE {schema}.recon_exception_note ENABLE ALWAYS TRIGGER recon_exception_note_stays;

DROP TRIGGER IF EXISTS recon_exception_step_stays ON {schema}.recon_exception_step;
CREATE TRIGGER recon_exception_step_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON {schema}.recon_exception_step
    FOR EACH STATEMENT EXECUTE FUNCTION {schema}.recon_refuse_rewriting();
ALTER TABLE {schema}.recon_exception_step ENABLE ALWAYS TRIGGER recon_exception_step_stays;

DROP TRIGGER IF EXISTS recon_exception_stays ON {schema}.recon_exception;
CREATE TRIGGER recon_exception_stays BEFORE DELETE OR TRUNCATE ON {schema}.recon_exception
    FOR EACH STATEMENT EXECUTE FUNCTION {schema}.recon_refuse_rewriting();
ALTER TABLE {schema}.recon_exception ENABLE ALWAYS TRIGGER recon_exception_stays;

DROP TRIGGER IF EXISTS recon_adjustment_stays ON {schema}.recon_adjustment;
CREATE TRIGGER recon_adjustment_stays BEFORE DELETE OR TRUNCATE ON {schema}.recon_adjustment
    FOR EACH STATEMENT EXECUTE FUNCTION {schema}.recon_refuse_rewriting();
ALTER TABLE {schema}.recon_adjustment ENABLE ALWAYS TRIGGER recon_adjustment_stays;

DROP TRIGGER IF EXISTS recon_dispute_stays ON {schema}.recon_dispute;
CREATE TRIGGER recon_dispute_stays BEFORE DELETE OR TRUNCATE ON {schema}.recon_dispute
    FOR EACH STATEMENT EXECUTE FUNCTION {schema}.recon_refuse_rewriting();
ALTER TABLE {schema}.recon_dispute ENABLE ALWAYS TRIGGER recon_dispute_stays;

-- An adjustment is proposed by a person, keeps what was proposed, and another person posts it.
CREATE OR REPLACE FUNCTION {schema}.recon_check_adjustment() RETURNS trigger
    LANGUAGE plpgsql SET search_path = {schema}, pg_catalog AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.state <> 'proposed' THEN
            RAISE EXCEPTION 'an adjustment begins as a proposal' USING ERRCODE = 'restrict_violation';
        ELSIF coalesce(NEW.proposed_by ->> 'id', '') NOT LIKE 'usr\_%' THEN
            RAISE EXCEPTION 'an adjustment is proposed by a person' USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
    ELSIF OLD.state <> 'proposed' THEN
        RAISE EXCEPTION 'a decided adjustment never changes' USING ERRCODE = 'restrict_violation';
    ELSIF (NEW.id, NEW.exception_id, NEW.kind, NEW.reason_code, NEW.reason, NEW.lines, NEW.currency, NEW.amount_minor,
           NEW.effective_on, NEW.proposed_by, NEW.proposed_at)
          IS DISTINCT FROM (OLD.id, OLD.exception_id, OLD.kind, OLD.reason_code, OLD.reason, OLD.lines, OLD.currency,
                            OLD.amount_minor, OLD.effective_on, OLD.proposed_by, OLD.proposed_at) THEN
        RAISE EXCEPTION 'what was proposed never changes' USING ERRCODE = 'restrict_violation';
    ELSIF NEW.state <> 'posted' THEN
        RETURN NEW;
    ELSIF coalesce(NEW.decided_by ->> 'id', '') NOT LIKE 'usr\_%' THEN
        RAISE EXCEPTION 'a person lets an adjustment through' USING ERRCODE = 'restrict_violation';
    ELSIF NEW.decided_by ->> 'id' = OLD.proposed_by ->> 'id' THEN
        RAISE EXCEPTION 'an adjustment is not let through by who proposed it' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

DROP TRIGGER IF EXISTS recon_adjustment_checked ON {schema}.recon_adjustment;
CREATE TRIGGER recon_adjustment_checked BEFORE INSERT OR UPDATE ON {schema}.recon_adjustment
    FOR EACH ROW EXECUTE FUNCTION {schema}.recon_check_adjustment();
ALTER TABLE {schema}.recon_adjustment ENABLE ALWAYS TRIGGER recon_adjustment_checked;

-- A dispute keeps what was claimed and is answered once.
CREATE OR REPLACE FUNCTION {schema}.recon_check_dispute() RETURNS trigger
    LANGUAGE plpgsql SET search_path = {schema}, pg_catalog AS $$
BEGIN
    IF OLD.state <> 'open' THEN
        RAISE EXCEPTION 'an answered dispute never changes' USING ERRCODE = 'restrict_violation';
    ELSIF (NEW.id, NEW.exception_id, NEW.provider, NEW.claim, NEW.reason_code, NEW.reason, NEW.amount_minor,
           NEW.currency, NEW.answer_due_on, NEW.made_by, NEW.made_at)
          IS DISTINCT FROM (OLD.id, OLD.exception_id, OLD.provider, OLD.claim, OLD.reason_code, OLD.reason,
                            OLD.amount_minor, OLD.currency, OLD.answer_due_on, OLD.made_by, OLD.made_at) THEN
        RAISE EXCEPTION 'what was claimed never changes' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

DROP TRIGGER IF EXISTS recon_dispute_checked ON {schema}.recon_dispute;
CREATE TRIGGER recon_dispute_checked BEFORE UPDATE ON {schema}.recon_dispute
    FOR EACH ROW EXECUTE FUNCTION {schema}.recon_check_dispute();
ALTER TABLE {schema}.recon_dispute ENABLE ALWAYS TRIGGER recon_dispute_checked;
