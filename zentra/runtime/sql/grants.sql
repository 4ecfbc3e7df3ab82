GRANT SELECT, INSERT, UPDATE ON {schema}.runtime_intent TO {app};
GRANT SELECT, INSERT ON {schema}.runtime_transition TO {app};
