GRANT SELECT, INSERT ON {schema}.recon_period, {schema}.recon_period_act, {schema}.recon_period_event,
  {schema}.recon_tie_out, {schema}.recon_sign_off, {schema}.recon_closeout_task, {schema}.recon_closeout_packet,
  {schema}.recon_gl_account TO {app};
GRANT UPDATE (state, until, request, soft_closed_by, soft_closed_maker, soft_closed_at, locked_by, locked_maker,
              locked_at, version)
  ON {schema}.recon_period TO {app};
GRANT UPDATE (figures, figures_hash, state, explanation, explained_hash, explained_by, explained_maker,
              explanation_version, version, computed_at)
  ON {schema}.recon_tie_out TO {app};
GRANT UPDATE (suspended_at, suspended_hash) ON {schema}.recon_sign_off TO {app};
GRANT UPDATE (owner_id, due_on, note, links, done_by, done_at, version) ON {schema}.recon_closeout_task TO {app};
GRANT UPDATE (state, content, sha256, contents_hash, size_bytes, problem, sealed_at)
  ON {schema}.recon_closeout_packet TO {app};
GRANT UPDATE (gl_code, gl_name, changed_by, changed_at) ON {schema}.recon_gl_account TO {app};
GRANT SELECT, INSERT ON {schema}.recon_money_day, {schema}.recon_money_watch, {schema}.recon_money_proof TO {app};
GRANT UPDATE (is_due, looked_at) ON {schema}.recon_money_day TO {app};
GRANT UPDATE (seen_at) ON {schema}.recon_money_watch TO {app};
