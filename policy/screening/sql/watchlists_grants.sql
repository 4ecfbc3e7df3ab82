-- Entries are added; a version that was never activated takes its own away again when it is canceled or discarded.
GRANT SELECT, INSERT ON {schema}.screening_list, {schema}.screening_list_version TO {app};
GRANT UPDATE (is_active, active_version) ON {schema}.screening_list TO {app};
GRANT UPDATE (state, base_number, base_entries, total, done, added, changed, removed, entries, digest, problem,
              updated_at, finished_at, activated_by, activated_at)
  ON {schema}.screening_list_version TO {app};
GRANT SELECT, INSERT, DELETE ON {schema}.screening_entry, {schema}.screening_entry_key, {schema}.screening_list_seen
  TO {app};
GRANT UPDATE (removed_version) ON {schema}.screening_entry, {schema}.screening_entry_key TO {app};
