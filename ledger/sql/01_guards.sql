-- Immutability. These triggers read no table, so they are ENABLE ALWAYS: they hold even where
-- session_replication_role is 'replica'. They are statement triggers, so they also see TRUNCATE and an UPDATE that
-- would have found no row.

CREATE OR REPLACE FUNCTION {schema}.ledger_refuse_change() RETURNS trigger
LANGUAGE plpgsql
SET search_path = {schema}, pg_catalog, pg_temp
AS $function$
BEGIN
  RAISE EXCEPTION '% is append-only: % is refused', TG_TABLE_NAME, TG_OP
    USING ERRCODE = 'ZL010',
          DETAIL = json_build_object('table', TG_TABLE_NAME, 'statement', TG_OP)::text;
END
$function$;

DROP TRIGGER IF EXISTS ledger_posting_immutable ON {schema}.ledger_posting;
CREATE TRIGGER ledger_posting_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON {schema}.ledger_posting
  FOR EACH STATEMENT EXECUTE FUNCTION {schema}.ledger_refuse_change();
ALTER TABLE {schema}.ledger_posting ENABLE ALWAYS TRIGGER ledger_posting_immutable;

DROP TRIGGER IF EXISTS ledger_entry_immutable ON {schema}.ledger_entry;
CREATE TRIGGER ledger_entry_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON {schema}.ledger_entry
  FOR EACH STATEMENT EXECUTE FUNCTION {schema}.ledger_refuse_change();
ALTER TABLE {schema}.ledger_entry ENABLE ALWAYS TRIGGER ledger_entry_immutable;

DROP TRIGGER IF EXISTS ledger_posting_transition_immutable ON {schema}.ledger_posting_transition;
CREATE TRIGGER ledger_posting_transition_immutable
  BEFORE UPDATE OR DELETE OR TRUNCATE ON {schema}.ledger_posting_transition
  FOR EACH STATEMENT EXECUTE FUNCTION {schema}.ledger_refuse_change();
ALTER TABLE {schema}.ledger_posting_transition ENABLE ALWAYS TRIGGER ledger_posting_transition_immutable;

DROP TRIGGER IF EXISTS ledger_entry_position_immutable ON {schema}.ledger_entry_position;
CREATE TRIGGER ledger_entry_position_immutable
  BEFORE UPDATE OR DELETE OR TRUNCATE ON {schema}.ledger_entry_position
  FOR EACH STATEMENT EXECUTE FUNCTION {schema}.ledger_refuse_change();
ALTER TABLE {schema}.ledger_entry_position ENABLE ALWAYS TRIGGER ledger_entry_position_immutable;

-- The sequencer deletes from here; nothing else may.
DROP TRIGGER IF EXISTS ledger_entry_unsequenced_kept ON {schema}.ledger_entry_unsequenced;
CREATE TRIGGER ledger_entry_unsequenced_kept BEFORE UPDATE OR TRUNCATE ON {schema}.ledger_entry_unsequenced
  FOR EACH STATEMENT EXECUTE FUNCTION {schema}.ledger_refuse_change();
ALTER TABLE {schema}.ledger_entry_unsequenced ENABLE ALWAYS TRIGGER ledger_entry_unsequenced_kept;

DROP TRIGGER IF EXISTS ledger_balance_kept ON {schema}.ledger_balance;
CREATE TRIGGER ledger_balance_kept BEFORE DELETE OR TRUNCATE ON {schema}.ledger_balance
  FOR EACH STATEMENT EXECUTE FUNCTION {schema}.ledger_refuse_change();
ALTER TABLE {schema}.ledger_balance ENABLE ALWAYS TRIGGER ledger_balance_kept;

DROP TRIGGER IF EXISTS ledger_account_kept ON {schema}.ledger_account;
CREATE TRIGGER ledger_account_kept BEFORE DELETE OR TRUNCATE ON {schema}.ledger_account
  FOR EACH STATEMENT EXECUTE FUNCTION {schema}.ledger_refuse_change();
ALTER TABLE {schema}.ledger_account ENABLE ALWAYS TRIGGER ledger_account_kept;

DROP TRIGGER IF EXISTS ledger_hold_kept ON {schema}.ledger_hold;
CREATE TRIGGER ledger_hold_kept BEFORE DELETE OR TRUNCATE ON {schema}.ledger_hold
  FOR EACH STATEMENT EXECUTE FUNCTION {schema}.ledger_refuse_change();
ALTER TABLE {schema}.ledger_hold ENABLE ALWAYS TRIGGER ledger_hold_kept;

DROP TRIGGER IF EXISTS ledger_hold_event_immutable ON {schema}.ledger_hold_event;
CREATE TRIGGER ledger_hold_event_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON {schema}.ledger_hold_event
  FOR EACH STATEMENT EXECUTE FUNCTION {schema}.ledger_refuse_change();
ALTER TABLE {schema}.ledger_hold_event ENABLE ALWAYS TRIGGER ledger_hold_event_immutable;

DROP TRIGGER IF EXISTS ledger_reversed_kept ON {schema}.ledger_reversed;
CREATE TRIGGER ledger_reversed_kept BEFORE DELETE OR TRUNCATE ON {schema}.ledger_reversed
  FOR EACH STATEMENT EXECUTE FUNCTION {schema}.ledger_refuse_change();
ALTER TABLE {schema}.ledger_reversed ENABLE ALWAYS TRIGGER ledger_reversed_kept;

-- What an entry relies on about its account can never change under it. It takes the place of a foreign key on
-- (account, currency), whose check would lock the account's row in every posting. How its entries are sequenced is
-- fixed too: limits are exact only where every entry has taken the account's lock.
CREATE OR REPLACE FUNCTION {schema}.ledger_account_facts_fixed() RETURNS trigger
LANGUAGE plpgsql
SET search_path = {schema}, pg_catalog, pg_temp
AS $function$
BEGIN
  IF (NEW.id, NEW.code, NEW.currency, NEW.account_type, NEW.type, NEW.normal_balance, NEW.created_at, NEW.sequencing)
     IS DISTINCT FROM
     (OLD.id, OLD.code, OLD.currency, OLD.account_type, OLD.type, OLD.normal_balance, OLD.created_at, OLD.sequencing)
  THEN
    RAISE EXCEPTION 'the id, code, currency, type and sequencing of account % never change', OLD.code
      USING ERRCODE = 'ZL010',
            DETAIL = json_build_object('table', TG_TABLE_NAME, 'statement', TG_OP, 'account', OLD.code)::text;
  END IF;
  RETURN NEW;
END
$function$;

DROP TRIGGER IF EXISTS ledger_account_facts_fixed ON {schema}.ledger_account;
CREATE TRIGGER ledger_account_facts_fixed BEFORE UPDATE ON {schema}.ledger_account
  FOR EACH ROW EXECUTE FUNCTION {schema}.ledger_account_facts_fixed();
ALTER TABLE {schema}.ledger_account ENABLE ALWAYS TRIGGER ledger_account_facts_fixed;

-- An account is born with its balance row, whoever inserts it.
CREATE OR REPLACE FUNCTION {schema}.ledger_account_opened() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = {schema}, pg_catalog, pg_temp
AS $function$
BEGIN
  INSERT INTO ledger_balance
    (account_id, posted_debits, posted_credits, pending_debits, pending_credits, version, updated_at)
  VALUES (NEW.id, 0, 0, 0, 0, 0, NEW.created_at);
  RETURN NULL;
END
$function$;

DROP TRIGGER IF EXISTS ledger_account_opened ON {schema}.ledger_account;
CREATE TRIGGER ledger_account_opened AFTER INSERT ON {schema}.ledger_account
  FOR EACH ROW EXECUTE FUNCTION {schema}.ledger_account_opened();

-- A hold is born empty: its amounts and its state are the posting trigger's.
CREATE OR REPLACE FUNCTION {schema}.ledger_hold_born_empty() RETURNS trigger
LANGUAGE plpgsql
SET search_path = {schema}, pg_catalog, pg_temp
AS $function$
BEGIN
  IF (NEW.amount_minor, NEW.captured_minor, NEW.released_minor, NEW.state) IS DISTINCT FROM (0, 0, 0, 'held') THEN
    RAISE EXCEPTION 'hold % is written without amounts; they follow from its postings', NEW.id
      USING ERRCODE = 'ZL010', DETAIL = json_build_object('table', TG_TABLE_NAME, 'statement', TG_OP)::text;
  END IF;
  RETURN NEW;
END
$function$;

DROP TRIGGER IF EXISTS ledger_hold_born_empty ON {schema}.ledger_hold;
CREATE TRIGGER ledger_hold_born_empty BEFORE INSERT ON {schema}.ledger_hold
  FOR EACH ROW EXECUTE FUNCTION {schema}.ledger_hold_born_empty();
ALTER TABLE {schema}.ledger_hold ENABLE ALWAYS TRIGGER ledger_hold_born_empty;

-- Hot rows get room for updates in place; the unsequenced table is filled and emptied all day.
ALTER TABLE {schema}.ledger_balance SET (fillfactor = 50);
ALTER TABLE {schema}.ledger_entry_unsequenced SET
  (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000, autovacuum_vacuum_cost_delay = 0);
