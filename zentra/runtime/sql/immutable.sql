-- History is only ever added to, whoever asks. A trigger that reads no table may always be on.
CREATE OR REPLACE FUNCTION {schema}.runtime_refuse_change() RETURNS trigger
    LANGUAGE plpgsql SET search_path = {schema}, pg_catalog AS $$
BEGIN
    RAISE EXCEPTION '% on % is refused: history is only ever added to', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$;

DROP TRIGGER IF EXISTS runtime_transition_immutable ON {schema}.runtime_transition;
CREATE TRIGGER runtime_transition_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON {schema}.runtime_transition
    FOR EACH STATEMENT EXECUTE FUNCTION {schema}.runtime_refuse_change();
ALTER TABLE {schema}.runtime_transition ENABLE ALWAYS TRIGGER runtime_transition_immutable;

DROP TRIGGER IF EXISTS runtime_intent_kept ON {schema}.runtime_intent;
CREATE TRIGGER runtime_intent_kept BEFORE DELETE OR TRUNCATE ON {schema}.runtime_intent
    FOR EACH STATEMENT EXECUTE FUNCTION {schema}.runtime_refuse_change();
ALTER TABLE {schema}.runtime_intent ENABLE ALWAYS TRIGGER runtime_intent_kept;
