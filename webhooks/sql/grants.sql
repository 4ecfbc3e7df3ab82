-- The application writes history but cannot rewrite it. {schema} and {app} are quoted.
GRANT SELECT, INSERT, UPDATE ON
    {schema}.webhooks_endpoint,
    {schema}.webhooks_endpoint_secret,
    {schema}.webhooks_cursor,
    {schema}.webhooks_delivery,
    {schema}.webhooks_stream,
    {schema}.webhooks_callback_key
TO {app};
GRANT SELECT, INSERT ON {schema}.webhooks_attempt, {schema}.webhooks_callback TO {app};
