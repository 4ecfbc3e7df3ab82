GRANT SELECT, INSERT ON {schema}.policy_rule_set, {schema}.policy_decision TO {app};
GRANT SELECT, INSERT, UPDATE ON {schema}.policy_limit_subject, {schema}.policy_review TO {app};
GRANT USAGE ON ALL SEQUENCES IN SCHEMA {schema} TO {app};
GRANT SELECT, INSERT, UPDATE ON {schema}.policy_rule_draft, {schema}.policy_movement, {schema}.policy_limit_counter,
    {schema}.policy_limit_counterparty, {schema}.policy_list, {schema}.policy_list_item, {schema}.policy_review_alert TO {app};
GRANT SELECT, INSERT ON {schema}.policy_review_approval, {schema}.policy_review_note, {schema}.policy_review_attachment,
    {schema}.policy_review_step TO {app};
GRANT DELETE ON {schema}.policy_limit_counter, {schema}.policy_limit_counterparty TO {app};
GRANT SELECT, INSERT, DELETE ON {schema}.policy_limit_change TO {app};
GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.policy_saved_view TO {app};
GRANT SELECT, INSERT, UPDATE ON {schema}.policy_backtest TO {app};
