-- The application records facts and stores packets. Only the sealer gives facts their place and signs.
GRANT SELECT, INSERT ON {schema}.evidence_event, {schema}.evidence_unsealed, {schema}.evidence_packet TO {app};
GRANT SELECT ON {schema}.evidence_leaf, {schema}.evidence_node, {schema}.evidence_checkpoint, {schema}.evidence_log
  TO {app};
-- A workspace is born with its log, and there is only ever one row.
GRANT INSERT ON {schema}.evidence_log TO {app};

GRANT SELECT ON {schema}.evidence_event, {schema}.evidence_packet TO {sealer};
GRANT SELECT, DELETE ON {schema}.evidence_unsealed TO {sealer};
GRANT SELECT, INSERT ON {schema}.evidence_leaf, {schema}.evidence_node, {schema}.evidence_checkpoint,
  {schema}.evidence_log TO {sealer};
-- SELECT … FOR UPDATE of the log's row, the sealer's lock, asks for UPDATE on some column; nothing else does.
GRANT UPDATE (created_at) ON {schema}.evidence_log TO {sealer};
