-- A party's history and the checks made of it are only ever added to.
CREATE OR REPLACE FUNCTION {schema}.screening_refuse_change() RETURNS trigger
    LANGUAGE plpgsql SET search_path = {schema}, pg_catalog AS $$
BEGIN
    RAISE EXCEPTION '% on % is refused: history never changes', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$;

DROP TRIGGER IF EXISTS screening_step_immutable ON {schema}.screening_step;
CREATE TRIGGER screening_step_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON {schema}.screening_step
    FOR EACH STATEMENT EXECUTE FUNCTION {schema}.screening_refuse_change();
ALTER TABLE {schema}.screening_step ENABLE ALWAYS TRIGGER screening_step_immutable;

DROP TRIGGER IF EXISTS screening_check_immutable ON {schema}.screening_check;
CREATE TRIGGER screening_check_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON {schema}.screening_check
    FOR EACH STATEMENT EXECUTE FUNCTION {schema}.screening_refuse_change();
ALTER TABLE {schema}.screening_check ENABLE ALWAYS TRIGGER screening_check_immutable;

-- KYC states change as the table in policy/screening/kyc.py says, and no other way; a test compares the two.
CREATE OR REPLACE FUNCTION {schema}.screening_check_kyc() RETURNS trigger
    LANGUAGE plpgsql SET search_path = {schema}, pg_catalog AS $$
BEGIN
    IF NOT (OLD.kyc_state || '>' || NEW.kyc_state = ANY (ARRAY[
        'none>pending', 'none>verified', 'none>rejected',
        'pending>verified', 'pending>rejected', 'pending>none', 'pending>expired',
        'verified>expired', 'verified>rejected',
        'rejected>pending', 'rejected>verified',
        'expired>pending', 'expired>verified', 'expired>rejected'
    ])) THEN
        RAISE EXCEPTION 'a party that is % cannot become %', OLD.kyc_state, NEW.kyc_state
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'screening_party_kyc_transition';
    END IF;
    RETURN NEW;
END $$;

DROP TRIGGER IF EXISTS screening_party_kyc ON {schema}.screening_party;
CREATE TRIGGER screening_party_kyc BEFORE UPDATE OF kyc_state ON {schema}.screening_party
    FOR EACH ROW WHEN (OLD.kyc_state IS DISTINCT FROM NEW.kyc_state)
    EXECUTE FUNCTION {schema}.screening_check_kyc();
ALTER TABLE {schema}.screening_party ENABLE ALWAYS TRIGGER screening_party_kyc;

-- A hit that was cleared or lapsed is history; whom and what it is about never changes.
CREATE OR REPLACE FUNCTION {schema}.screening_keep_hit() RETURNS trigger
    LANGUAGE plpgsql SET search_path = {schema}, pg_catalog AS $$
BEGIN
    IF OLD.state IN ('cleared', 'lapsed')
       OR (OLD.party_id, OLD.list_id, OLD.entry_uid) IS DISTINCT FROM (NEW.party_id, NEW.list_id, NEW.entry_uid) THEN
        RAISE EXCEPTION 'a decided hit never changes'
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'screening_hit_kept';
    END IF;
    RETURN NEW;
END $$;

DROP TRIGGER IF EXISTS screening_hit_kept ON {schema}.screening_hit;
CREATE TRIGGER screening_hit_kept BEFORE UPDATE ON {schema}.screening_hit
    FOR EACH ROW EXECUTE FUNCTION {schema}.screening_keep_hit();
ALTER TABLE {schema}.screening_hit ENABLE ALWAYS TRIGGER screening_hit_kept;
