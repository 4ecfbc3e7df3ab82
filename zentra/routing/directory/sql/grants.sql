GRANT SELECT, INSERT ON {schema}.rail_connection TO {app};
