-- What was sent to us never changes. {schema} is the quoted schema name.
--
-- Lines are added to a statement that is being imported and to no other; one that fails a check is taken away wholly
-- before it was complete, never afterwards. Of a complete statement only its place after the one before it is judged
-- again, when an older one comes in late.
CREATE OR REPLACE FUNCTION {schema}.recon_refuse_change() RETURNS trigger
    LANGUAGE plpgsql SET search_path = {schema}, pg_catalog AS $$
BEGIN
    RAISE EXCEPTION '% on % is refused: what banks and rails sent never changes', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$;

DROP TRIGGER IF EXISTS recon_line_immutable ON {schema}.recon_line;
CREATE TRIGGER recon_line_immutable BEFORE UPDATE OR TRUNCATE ON {schema}.recon_line
    FOR EACH STATEMENT EXECUTE FUNCTION {schema}.recon_refuse_change();
ALTER TABLE {schema}.recon_line ENABLE ALWAYS TRIGGER recon_line_immutable;

DROP TRIGGER IF EXISTS recon_statement_kept ON {schema}.recon_statement;
CREATE TRIGGER recon_statement_kept BEFORE TRUNCATE ON {schema}.recon_statement
    FOR EACH STATEMENT EXECUTE FUNCTION {schema}.recon_refuse_change();
ALTER TABLE {schema}.recon_statement ENABLE ALWAYS TRIGGER recon_statement_kept;

CREATE OR REPLACE FUNCTION {schema}.recon_lines_of_open_statements() RETURNS trigger
    LANGUAGE plpgsql SET search_path = {schema}, pg_catalog AS $$
DECLARE
    touched uuid[];
    complete uuid;
BEGIN
    touched := ARRAY(SELECT DISTINCT statement_id FROM moved);
    SELECT id INTO complete FROM recon_statement WHERE id = ANY(touched) AND is_complete LIMIT 1;
    IF complete IS NOT NULL THEN
        RAISE EXCEPTION '% of lines of % is refused: the statement is complete', TG_OP, complete
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;

DROP TRIGGER IF EXISTS recon_line_added ON {schema}.recon_line;
CREATE TRIGGER recon_line_added AFTER INSERT ON {schema}.recon_line
    REFERENCING NEW TABLE AS moved
    FOR EACH STATEMENT EXECUTE FUNCTION {schema}.recon_lines_of_open_statements();

DROP TRIGGER IF EXISTS recon_line_taken_away ON {schema}.recon_line;
CREATE TRIGGER recon_line_taken_away AFTER DELETE ON {schema}.recon_line
    REFERENCING OLD TABLE AS moved
    FOR EACH STATEMENT EXECUTE FUNCTION {schema}.recon_lines_of_open_statements();

CREATE OR REPLACE FUNCTION {schema}.recon_statement_changes() RETURNS trigger
    LANGUAGE plpgsql SET search_path = {schema}, pg_catalog AS $$
BEGIN
    IF NOT OLD.is_complete THEN
        RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
    END IF;
    IF TG_OP = 'UPDATE' THEN
        OLD.continuity := NEW.continuity;
        OLD.previous_id := NEW.previous_id;
        OLD.break_minor := NEW.break_minor;
        IF OLD IS NOT DISTINCT FROM NEW THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION '% of statement % is refused: it is complete', TG_OP, OLD.id
        USING ERRCODE = 'restrict_violation';
END $$;

DROP TRIGGER IF EXISTS recon_statement_immutable ON {schema}.recon_statement;
CREATE TRIGGER recon_statement_immutable BEFORE UPDATE OR DELETE ON {schema}.recon_statement
    FOR EACH ROW EXECUTE FUNCTION {schema}.recon_statement_changes();
ALTER TABLE {schema}.recon_statement ENABLE ALWAYS TRIGGER recon_statement_immutable;

-- What was posted is never posted as something else, and what somebody sent never becomes the rail's own.
CREATE OR REPLACE FUNCTION {schema}.recon_settlement_changes() RETURNS trigger
    LANGUAGE plpgsql SET search_path = {schema}, pg_catalog AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.state <> 'posted'
       AND (NEW.statement_id, NEW.account_id, NEW.batch, NEW.currency, NEW.gross_minor, NEW.fee_minor, NEW.net_minor,
            NEW.paid_on, NEW.created_at, NEW.is_collected)
         = (OLD.statement_id, OLD.account_id, OLD.batch, OLD.currency, OLD.gross_minor, OLD.fee_minor, OLD.net_minor,
            OLD.paid_on, OLD.created_at, OLD.is_collected) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% of the settlement of % is refused: it is %', TG_OP, OLD.statement_id, OLD.state
        USING ERRCODE = 'restrict_violation';
END $$;

DROP TRIGGER IF EXISTS recon_settlement_immutable ON {schema}.recon_settlement;
CREATE TRIGGER recon_settlement_immutable BEFORE UPDATE OR DELETE ON {schema}.recon_settlement
    FOR EACH ROW EXECUTE FUNCTION {schema}.recon_settlement_changes();
ALTER TABLE {schema}.recon_settlement ENABLE ALWAYS TRIGGER recon_settlement_immutable;

DROP TRIGGER IF EXISTS recon_settlement_kept ON {schema}.recon_settlement;
CREATE TRIGGER recon_settlement_kept BEFORE TRUNCATE ON {schema}.recon_settlement
    FOR EACH STATEMENT EXECUTE FUNCTION {schema}.recon_refuse_change();
ALTER TABLE {schema}.recon_settlement ENABLE ALWAYS TRIGGER recon_settlement_kept;
