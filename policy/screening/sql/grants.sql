-- The application keeps parties and their history; it takes back only names and identifiers. {schema}, {app}: quoted.
GRANT SELECT, INSERT, UPDATE ON
    {schema}.screening_party,
    {schema}.screening_document,
    {schema}.screening_verification,
    {schema}.screening_setting,
    {schema}.screening_run,
    {schema}.screening_run_batch,
    {schema}.screening_hit,
    {schema}.screening_memory,
    {schema}.screening_finding,
    {schema}.screening_monitor_turn
TO {app};
GRANT SELECT, INSERT, DELETE ON {schema}.screening_party_name, {schema}.screening_identifier TO {app};
GRANT SELECT, INSERT ON {schema}.screening_step, {schema}.screening_check TO {app};
