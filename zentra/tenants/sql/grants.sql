-- The application signs people in and manages workspaces; it owns nothing and alters no table.
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {app};
GRANT USAGE ON ALL SEQUENCES IN SCHEMA {schema} TO {app};
REVOKE INSERT, UPDATE, DELETE ON {schema}.django_migrations FROM {app};
-- Which workspace a callback lands in is written once and never moved.
REVOKE UPDATE, DELETE ON {schema}.rail_connection FROM {app};
-- The sealer only needs to know which workspaces there are.
GRANT SELECT ON {schema}.tenants_workspace TO {sealer};
