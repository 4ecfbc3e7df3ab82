-- Rule sets and decisions are only ever added to.
CREATE OR REPLACE FUNCTION {schema}.policy_refuse_change() RETURNS trigger
    LANGUAGE plpgsql SET search_path = {schema}, pg_catalog AS $$
BEGIN
    RAISE EXCEPTION '% on % is refused: decisions and rule sets never change', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$;

DROP TRIGGER IF EXISTS policy_decision_immutable ON {schema}.policy_decision;
CREATE TRIGGER policy_decision_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON {schema}.policy_decision
    FOR EACH STATEMENT EXECUTE FUNCTION {schema}.policy_refuse_change();
ALTER TABLE {schema}.policy_decision ENABLE ALWAYS TRIGGER policy_decision_immutable;

DROP TRIGGER IF EXISTS policy_rule_set_immutable ON {schema}.policy_rule_set;
CREATE TRIGGER policy_rule_set_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON {schema}.policy_rule_set
    FOR EACH STATEMENT EXECUTE FUNCTION {schema}.policy_refuse_change();
ALTER TABLE {schema}.policy_rule_set ENABLE ALWAYS TRIGGER policy_rule_set_immutable;
