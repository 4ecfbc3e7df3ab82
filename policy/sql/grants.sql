GRANT SELECT, INSERT ON {schema}.policy_rule_set, {schema}.policy_decision TO {app};
GRANT SELECT, INSERT, UPDATE ON {schema}.policy_limit_subject, {schema}.policy_reservation, {schema}.policy_review TO {app};
GRANT USAGE ON ALL SEQUENCES IN SCHEMA {schema} TO {app};
