-- Postings and entries are inserted and read, nothing more. Balances, positions, transitions and the unsequenced table
-- are written by the posting triggers and the sequencer alone, which run as the owner of the schema.
GRANT SELECT, INSERT ON {schema}.ledger_posting, {schema}.ledger_entry TO {app};
GRANT SELECT ON {schema}.ledger_posting_transition TO {app};
REVOKE INSERT ON {schema}.ledger_posting_transition FROM {app};
GRANT SELECT ON {schema}.ledger_balance, {schema}.ledger_entry_position, {schema}.ledger_entry_unsequenced TO {app};
GRANT SELECT, INSERT ON {schema}.ledger_account TO {app};
GRANT UPDATE (name, customer, external_id, category_id, floor_minor, ceiling_minor, limits_reason, limits_changed_by,
              limits_changed_at, metadata, updated_at)
  ON {schema}.ledger_account TO {app};
GRANT SELECT ON {schema}.ledger_period TO {app};
GRANT SELECT, INSERT, UPDATE ON {schema}.ledger_resum TO {app};

-- A trigger function that runs as the owner could otherwise be hung on a temporary table of the caller's own making,
-- and would write whatever stands in that.
REVOKE ALL ON FUNCTION {schema}.ledger_entries_written() FROM PUBLIC;
REVOKE ALL ON FUNCTION {schema}.ledger_postings_written() FROM PUBLIC;
REVOKE ALL ON FUNCTION {schema}.ledger_account_opened() FROM PUBLIC;

REVOKE ALL ON FUNCTION {schema}.ledger_sequence(integer, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION {schema}.ledger_sequence(integer, timestamptz) TO {app};
REVOKE ALL ON FUNCTION {schema}.ledger_place_locked(
  uuid[], uuid[], smallint[], uuid[], text[], bigint[], bigint[], bigint, timestamptz) FROM PUBLIC;
REVOKE ALL ON FUNCTION {schema}.ledger_check_reversals(uuid[], uuid[], timestamptz) FROM PUBLIC;
REVOKE ALL ON FUNCTION {schema}.ledger_move_holds(uuid[], timestamptz) FROM PUBLIC;
REVOKE ALL ON FUNCTION {schema}.ledger_lock_reversals(uuid[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION {schema}.ledger_lock_reversals(uuid[]) TO {app};
REVOKE ALL ON FUNCTION {schema}.ledger_lock(uuid[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION {schema}.ledger_lock(uuid[]) TO {app};
REVOKE ALL ON FUNCTION {schema}.ledger_set_account_state(uuid, text, text, jsonb, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION {schema}.ledger_set_account_state(uuid, text, text, jsonb, timestamptz) TO {app};
REVOKE ALL ON FUNCTION {schema}.ledger_set_period_state(
  uuid, timestamptz, timestamptz, text, text, timestamptz, jsonb, jsonb, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION {schema}.ledger_set_period_state(
  uuid, timestamptz, timestamptz, text, text, timestamptz, jsonb, jsonb, timestamptz) TO {app};
REVOKE ALL ON FUNCTION {schema}.ledger_explain_refusal(uuid[], smallint[], uuid[], text[], bigint[]) FROM PUBLIC;

GRANT SELECT ON {schema}.ledger_posting, {schema}.ledger_entry, {schema}.ledger_account TO {sealer};

-- Holds: the application says who, why and until when; the amounts and the state follow from entries, by trigger.
GRANT SELECT, INSERT ON {schema}.ledger_hold TO {app};
GRANT UPDATE (expires_at, release_condition, reviewed_by, reviewed_at, review_note, metadata)
  ON {schema}.ledger_hold TO {app};
GRANT SELECT, INSERT ON {schema}.ledger_hold_event TO {app};
GRANT SELECT ON {schema}.ledger_reversed, {schema}.ledger_turnover, {schema}.ledger_fold, {schema}.ledger_fold_due
  TO {app};
GRANT SELECT, INSERT ON {schema}.ledger_category, {schema}.ledger_import_refusal TO {app};
GRANT UPDATE (name) ON {schema}.ledger_category TO {app};
GRANT SELECT, INSERT, UPDATE ON {schema}.ledger_monitor, {schema}.ledger_check_run, {schema}.ledger_import,
  {schema}.ledger_export TO {app};

-- Balances as of a moment: turnover is written by folding alone.
REVOKE ALL ON FUNCTION {schema}.ledger_fold(uuid, integer) FROM PUBLIC;
REVOKE ALL ON FUNCTION {schema}.ledger_fold_due_accounts(integer) FROM PUBLIC;
REVOKE ALL ON FUNCTION {schema}.ledger_moments(uuid[], timestamptz, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION {schema}.ledger_course(uuid, timestamptz[], timestamptz, integer, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION {schema}.ledger_fold(uuid, integer), {schema}.ledger_fold_due_accounts(integer),
  {schema}.ledger_moments(uuid[], timestamptz, text),
  {schema}.ledger_course(uuid, timestamptz[], timestamptz, integer, text) TO {app};
