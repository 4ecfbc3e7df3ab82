GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.work_item, {schema}.work_lane, {schema}.heartbeat TO {app};
GRANT USAGE ON ALL SEQUENCES IN SCHEMA {schema} TO {app}, {sealer};
GRANT SELECT, INSERT, UPDATE ON {schema}.work_item, {schema}.heartbeat TO {sealer};
