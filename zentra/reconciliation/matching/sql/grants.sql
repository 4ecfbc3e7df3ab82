-- Matching's own tables; those of the desk are in desk_grants.sql. Open lines are put in by imports of statements.
GRANT SELECT, INSERT ON {schema}.recon_entry, {schema}.recon_rule_set TO {app};
GRANT SELECT, INSERT, DELETE ON {schema}.recon_open_line, {schema}.recon_open_entry TO {app};
GRANT SELECT, INSERT, UPDATE ON {schema}.recon_run, {schema}.recon_match, {schema}.recon_match_item,
    {schema}.recon_expected, {schema}.recon_exception TO {app};
