-- The rows of bench/posting.sql in one statement that checks nothing, in the tables that bench.workspace makes:
-- copies without triggers and constraints.
\set debit random(0, :accounts - 1)
\set amount random(1, 100000)
WITH made AS MATERIALIZED (
  SELECT uuidv7() AS posting, uuidv7() AS debit, uuidv7() AS credit, uuidv7() AS event, uuidv7()::text AS key,
         now() AS at, 'd' || :debit::integer AS debit_ref, 'd' || (:debit + 1)::integer AS credit_ref,
         :amount::bigint AS amount
), said AS MATERIALIZED (
  SELECT m.*, convert_to(jsonb_build_object(
           'posting_id', m.posting, 'purpose', 'manual', 'recorded_at', m.at, 'currency', 'USD', 'entries',
           jsonb_build_array(
             jsonb_build_object('account', m.debit_ref, 'direction', 'debit', 'amount_minor', m.amount),
             jsonb_build_object('account', m.credit_ref, 'direction', 'credit', 'amount_minor', m.amount)))::text,
           'UTF8') AS words
    FROM made m
), key AS (
  INSERT INTO bench_idempotency_key (operation, key, fingerprint, status, body, created_at)
  SELECT 'ledger_entries.create', s.key, sha256(s.words), 201, s.words, s.at FROM said s
), event AS (
  INSERT INTO bench_evidence_event (id, recorded_at, type, announced_as, body, leaf_hash)
  SELECT s.event, s.at, 'ledger.entry.posted', '{ledger.entry.created,ledger.balance.updated,posting.committed}',
         s.words, sha256('\x00'::bytea || s.words) FROM said s
), waiting AS (
  INSERT INTO bench_evidence_unsealed (event_id, recorded_at) SELECT s.event, s.at FROM said s
), posting AS (
  INSERT INTO bench_ledger_posting
    (id, purpose, state, entry_count, entry_hash, actor, correlation_id, idempotency_key, effective_at, recorded_at,
     description, metadata)
  SELECT s.posting, 'manual', 'posted', 2, sha256(s.words),
         '{"kind": "service", "id": "svc_bench", "role": "service", "credential": null}', 'req_bench', s.key, s.at,
         s.at, 'Order 7', '{}' FROM said s
), line AS MATERIALIZED (
  SELECT s.debit AS id, 1 AS position, s.debit_ref AS ref, 'debit' AS direction, -s.amount AS delta, s.posting, s.at
    FROM said s
   UNION ALL
  SELECT s.credit, 2, s.credit_ref, 'credit', s.amount, s.posting, s.at FROM said s
), entry AS (
  INSERT INTO bench_ledger_entry
    (id, posting_id, position, account_id, account_ref, direction, amount_minor, currency, effective_at, recorded_at)
  SELECT l.id, l.posting, l.position, md5(l.ref)::uuid, l.ref, l.direction, abs(l.delta), 'USD', l.at, l.at FROM line l
)
INSERT INTO bench_ledger_entry_unsequenced (account_id, entry_id, delta_minor)
SELECT md5(l.ref)::uuid, l.id, l.delta FROM line l;
