-- Cases: four eyes, an end that stands, and a history that is only added to, whoever asks and however.

-- A person approves once, never what they made, and as the second never what they changed last.
CREATE OR REPLACE FUNCTION {schema}.policy_check_approval() RETURNS trigger
    LANGUAGE plpgsql SET search_path = {schema}, pg_catalog AS $$
DECLARE
    v_review policy_review;
    v_given int;
BEGIN
    -- The lock is a statement of its own: what is counted next sees every approval that committed before it.
    PERFORM 1 FROM policy_review r WHERE r.id = NEW.review_id FOR UPDATE;
    SELECT * INTO v_review FROM policy_review r WHERE r.id = NEW.review_id;
    SELECT count(*) INTO v_given FROM policy_review_approval a WHERE a.review_id = NEW.review_id;
    IF v_review.id IS NULL OR v_review.state <> 'open' THEN
        RAISE EXCEPTION 'approval is refused: there is no such open case' USING ERRCODE = 'restrict_violation';
    ELSIF NEW.by_user NOT LIKE 'usr\_%' THEN
        RAISE EXCEPTION 'approval is refused: % is no person', NEW.by_user USING ERRCODE = 'restrict_violation';
    ELSIF NEW.by_user = v_review.maker THEN
        RAISE EXCEPTION 'approval is refused: % made it', NEW.by_user USING ERRCODE = 'restrict_violation';
    ELSIF NEW.place <> v_given + 1 THEN
        RAISE EXCEPTION 'approval is refused: place % of %', NEW.place, v_review.approvals_needed
            USING ERRCODE = 'restrict_violation';
    ELSIF NEW.place > 1 AND NEW.by_user IS NOT DISTINCT FROM v_review.edited_by THEN
        RAISE EXCEPTION 'approval is refused: % changed it last', NEW.by_user USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

DROP TRIGGER IF EXISTS policy_review_approval_checked ON {schema}.policy_review_approval;
CREATE TRIGGER policy_review_approval_checked BEFORE INSERT ON {schema}.policy_review_approval
    FOR EACH ROW EXECUTE FUNCTION {schema}.policy_check_approval();
ALTER TABLE {schema}.policy_review_approval ENABLE ALWAYS TRIGGER policy_review_approval_checked;

-- A case opens open, keeps what it is about, never asks for fewer eyes, and ends once.
CREATE OR REPLACE FUNCTION {schema}.policy_check_review() RETURNS trigger
    LANGUAGE plpgsql SET search_path = {schema}, pg_catalog AS $$
DECLARE
    v_given int;
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.state <> 'open' THEN
            RAISE EXCEPTION 'a case opens open' USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
    ELSIF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'a case is never deleted' USING ERRCODE = 'restrict_violation';
    ELSIF OLD.state <> 'open' THEN
        RAISE EXCEPTION 'a closed case never changes' USING ERRCODE = 'restrict_violation';
    ELSIF (NEW.id, NEW.case_kind, NEW.subject, NEW.intent_id, NEW.decision_id, NEW.maker, NEW.amount_minor,
           NEW.currency, NEW.opened_at)
          IS DISTINCT FROM (OLD.id, OLD.case_kind, OLD.subject, OLD.intent_id, OLD.decision_id, OLD.maker,
                            OLD.amount_minor, OLD.currency, OLD.opened_at) THEN
        RAISE EXCEPTION 'what a case is about never changes' USING ERRCODE = 'restrict_violation';
    ELSIF NEW.approvals_needed < OLD.approvals_needed THEN
        RAISE EXCEPTION 'four eyes stay four' USING ERRCODE = 'restrict_violation';
    ELSIF OLD.edited_by IS NOT NULL AND NEW.edited_by IS NULL THEN
        RAISE EXCEPTION 'who changed a case last stays known' USING ERRCODE = 'restrict_violation';
    ELSIF NEW.state = 'open' THEN
        RETURN NEW;
    ELSIF NEW.decided_at IS NULL OR NEW.decided_by IS NULL OR NEW.outcome_code = '' OR NEW.reason_code = '' THEN
        RAISE EXCEPTION 'a case ends with who, when, outcome and reason' USING ERRCODE = 'restrict_violation';
    ELSIF NEW.decided_by = OLD.maker AND NEW.state IN ('approved', 'declined') THEN
        RAISE EXCEPTION 'a case is not decided by who made it' USING ERRCODE = 'restrict_violation';
    ELSIF (NEW.case_kind = 'intent') = (NEW.state = 'resolved') THEN
        RAISE EXCEPTION 'a held intent is approved or declined, any other case is resolved'
            USING ERRCODE = 'restrict_violation';
    ELSIF NEW.state = 'approved' THEN
        SELECT count(*) INTO v_given FROM policy_review_approval a WHERE a.review_id = NEW.id;
        IF v_given < NEW.approvals_needed THEN
            RAISE EXCEPTION 'approved needs % approvals and has %', NEW.approvals_needed, v_given
                USING ERRCODE = 'restrict_violation';
        ELSIF NOT EXISTS (SELECT 1 FROM policy_review_approval a
                           WHERE a.review_id = NEW.id AND a.place = v_given AND a.by_user = NEW.decided_by) THEN
            RAISE EXCEPTION 'the last to approve decides' USING ERRCODE = 'restrict_violation';
        ELSIF EXISTS (SELECT 1 FROM policy_review_alert a WHERE a.review_id = NEW.id AND a.kind IN ('screening', 'aml')
                       AND a.state <> 'cleared') THEN
            RAISE EXCEPTION 'a hit that is not cleared is not approved' USING ERRCODE = 'restrict_violation';
        END IF;
    END IF;
    RETURN NEW;
END $$;

DROP TRIGGER IF EXISTS policy_review_checked ON {schema}.policy_review;
CREATE TRIGGER policy_review_checked BEFORE INSERT OR UPDATE OR DELETE ON {schema}.policy_review
    FOR EACH ROW EXECUTE FUNCTION {schema}.policy_check_review();
ALTER TABLE {schema}.policy_review ENABLE ALWAYS TRIGGER policy_review_checked;

-- A confirmed alert stays confirmed, and those of a closed case stay as they were.
CREATE OR REPLACE FUNCTION {schema}.policy_check_alert() RETURNS trigger
    LANGUAGE plpgsql SET search_path = {schema}, pg_catalog AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'an alert is never deleted' USING ERRCODE = 'restrict_violation';
    END IF;
    PERFORM 1 FROM policy_review r WHERE r.id = NEW.review_id AND r.state = 'open' FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the alerts of a closed case stay as they were' USING ERRCODE = 'restrict_violation';
    ELSIF TG_OP = 'UPDATE' AND OLD.state = 'confirmed' AND NEW.state <> 'confirmed' THEN
        RAISE EXCEPTION 'a confirmed alert stays confirmed' USING ERRCODE = 'restrict_violation';
    ELSIF TG_OP = 'UPDATE' AND (NEW.review_id, NEW.kind, NEW.name, NEW.reference)
          IS DISTINCT FROM (OLD.review_id, OLD.kind, OLD.name, OLD.reference) THEN
        RAISE EXCEPTION 'what an alert is about never changes' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

DROP TRIGGER IF EXISTS policy_review_alert_checked ON {schema}.policy_review_alert;
CREATE TRIGGER policy_review_alert_checked BEFORE INSERT OR UPDATE OR DELETE ON {schema}.policy_review_alert
    FOR EACH ROW EXECUTE FUNCTION {schema}.policy_check_alert();
ALTER TABLE {schema}.policy_review_alert ENABLE ALWAYS TRIGGER policy_review_alert_checked;

-- Approvals, notes, files and steps are only ever added to.
CREATE OR REPLACE FUNCTION {schema}.policy_refuse_rewriting() RETURNS trigger
    LANGUAGE plpgsql SET search_path = {schema}, pg_catalog AS $$
BEGIN
    RAISE EXCEPTION '% on % is refused: what was said about a case stays', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$;

DROP TRIGGER IF EXISTS policy_review_approval_stays ON {schema}.policy_review_approval;
CREATE TRIGGER policy_review_approval_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON {schema}.policy_review_approval
    FOR EACH STATEMENT EXECUTE FUNCTION {schema}.policy_refuse_rewriting();
ALTER TABLE {schema}.policy_review_approval ENABLE ALWAYS TRIGGER policy_review_approval_stays;

DROP TRIGGER IF EXISTS policy_review_note_stays ON {schema}.policy_review_note;
CREATE TRIGGER policy_review_note_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON {schema}.policy_review_note
    FOR EACH STATEMENT EXECUTE FUNCTION {schema}.policy_refuse_rewriting();
ALTER TABLE {schema}.policy_review_note ENABLE ALWAYS TRIGGER policy_review_note_stays;

DROP TRIGGER IF EXISTS policy_review_attachment_stays ON {schema}.policy_review_attachment;
CREATE TRIGGER policy_review_attachment_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON {schema}.policy_review_attachment
    FOR EACH STATEMENT EXECUTE FUNCTION {schema}.policy_refuse_rewriting();
ALTER TABLE {schema}.policy_review_attachment ENABLE ALWAYS TRIGGER policy_review_attachment_stays;

DROP TRIGGER IF EXISTS policy_review_step_stays ON {schema}.policy_review_step;
CREATE TRIGGER policy_review_step_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON {schema}.policy_review_step
    FOR EACH STATEMENT EXECUTE FUNCTION {schema}.policy_refuse_rewriting();
ALTER TABLE {schema}.policy_review_step ENABLE ALWAYS TRIGGER policy_review_step_stays;

DROP TRIGGER IF EXISTS policy_review_stays ON {schema}.policy_review;
CREATE TRIGGER policy_review_stays BEFORE TRUNCATE ON {schema}.policy_review
    FOR EACH STATEMENT EXECUTE FUNCTION {schema}.policy_refuse_rewriting();
ALTER TABLE {schema}.policy_review ENABLE ALWAYS TRIGGER policy_review_stays;

DROP TRIGGER IF EXISTS policy_review_alert_stays ON {schema}.policy_review_alert;
CREATE TRIGGER policy_review_alert_stays BEFORE TRUNCATE ON {schema}.policy_review_alert
    FOR EACH STATEMENT EXECUTE FUNCTION {schema}.policy_refuse_rewriting();
ALTER TABLE {schema}.policy_review_alert ENABLE ALWAYS TRIGGER policy_review_alert_stays;
