-- Statements and lines are added, and taken away only while their statement is not complete: 01_guards.sql.
GRANT SELECT, INSERT ON {schema}.recon_account, {schema}.recon_import, {schema}.recon_import_problem TO {app};
GRANT SELECT, INSERT, DELETE ON {schema}.recon_statement, {schema}.recon_line TO {app};
GRANT UPDATE (name, external_id, calendar, settle_days, mapping, taken_version, version, closed_at, closed_by,
              closed_reason)
  ON {schema}.recon_account TO {app};
GRANT UPDATE ON {schema}.recon_import, {schema}.recon_statement TO {app};
-- A settlement's way is told in its row; what is posted stays as it is: 01_guards.sql.
GRANT SELECT, INSERT, UPDATE ON {schema}.recon_settlement TO {app};
