-- The application writes history but cannot rewrite it. {schema} and {app} are quoted.
GRANT SELECT, INSERT, UPDATE ON
    {schema}.webhooks_endpoint,
    {schema}.webhooks_endpoint_secret,
    {schema}.webhooks_cursor,
    {schema}.webhooks_delivery,
    {schema}.webhooks_stream,
    {schema}.webhooks_replay,
    {schema}.webhooks_health_minute,
    {schema}.webhooks_quarantine,
    {schema}.webhooks_poll,
    {schema}.webhooks_callback_key
TO {app};
GRANT SELECT, INSERT ON {schema}.webhooks_attempt, {schema}.webhooks_callback TO {app};
-- A header that a consumer no longer wants is forgotten, and so is a secret's ciphertext long after it expired.
GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.webhooks_endpoint_header TO {app};
GRANT DELETE ON {schema}.webhooks_endpoint_secret TO {app};
-- Minutes that no plot reaches any more are removed.
GRANT DELETE ON {schema}.webhooks_health_minute TO {app};

-- The application has no DDL: two functions of the owner make months and drop old ones (partitions.sql).
REVOKE ALL ON FUNCTION {schema}.webhooks_keep(text), {schema}.webhooks_make_month(text, timestamptz),
  {schema}.webhooks_make_default(text), {schema}.webhooks_partitions(),
  {schema}.webhooks_make_partitions(timestamptz, integer), {schema}.webhooks_drop_partitions(timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION {schema}.webhooks_make_partitions(timestamptz, integer),
  {schema}.webhooks_drop_partitions(timestamptz) TO {app};
