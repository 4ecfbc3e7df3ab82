GRANT SELECT, INSERT, UPDATE ON {schema}.idempotency_key TO {app};
