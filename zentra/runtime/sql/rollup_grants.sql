GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.runtime_stage_minute TO {app};
GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.runtime_volume_minute TO {app};
GRANT SELECT, INSERT, UPDATE ON {schema}.runtime_rollup_cursor TO {app};
