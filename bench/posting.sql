-- One posting in plain SQL, for pgbench on PostgreSQL 18 (before that, write gen_random_uuid() for uuidv7()): ids, a
-- hash over words, the key's row, the event's row, and every check. One statement, so one transaction.
--
--   PGOPTIONS="-c search_path=ws_bench" pgbench --no-vacuum --protocol prepared --file bench/posting.sql \
--     --client 16 --jobs 2 --time 10 --define accounts=100 "$ZENTRA_DATABASE_URL"
--
-- Accounts are d0, d1, … of USD; with accounts=1 the debit is always on d0: a hot account.
\set debit random(0, :accounts - 1)
\set credit :debit + 1
\set amount random(1, 100000)
WITH made AS MATERIALIZED (
  SELECT uuidv7() AS posting, uuidv7() AS debit, uuidv7() AS credit, uuidv7() AS event, uuidv7()::text AS key,
         now() AS at, 'd' || :debit::integer AS debit_ref, 'd' || :credit::integer AS credit_ref,
         :amount::bigint AS amount
), said AS MATERIALIZED (
  -- What the hash covers. The application writes canonical JSON with more words; the ledger keeps any 32 bytes.
  SELECT m.*, convert_to(jsonb_build_object(
           'posting_id', m.posting, 'purpose', 'manual', 'recorded_at', m.at, 'currency', 'USD', 'entries',
           jsonb_build_array(
             jsonb_build_object('account', m.debit_ref, 'direction', 'debit', 'amount_minor', m.amount),
             jsonb_build_object('account', m.credit_ref, 'direction', 'credit', 'amount_minor', m.amount)))::text,
           'UTF8') AS words
    FROM made m
), key AS (
  INSERT INTO idempotency_key (operation, key, fingerprint, status, body, created_at)
  SELECT 'ledger_entries.create', s.key, sha256(s.words), 201, s.words, s.at FROM said s
), event AS (
  INSERT INTO evidence_event (id, recorded_at, type, announced_as, body, leaf_hash)
  SELECT s.event, s.at, 'ledger.entry.posted', '{ledger.entry.created,ledger.balance.updated,posting.committed}',
         s.words, sha256('\x00'::bytea || s.words) FROM said s
), waiting AS (
  INSERT INTO evidence_unsealed (event_id, recorded_at) SELECT s.event, s.at FROM said s
)
SELECT p.standing, p.replayed, p.account_ids, p.account_codes
  FROM said s
 CROSS JOIN LATERAL ledger_post(
         s.at, '{"kind": "service", "id": "svc_bench", "role": "service", "credential": null}',
         ARRAY[s.posting], '{2}', '{manual}', '{null}', ARRAY[sha256(s.words)], ARRAY[s.at], '{Order 7}', '{"{}"}',
         '{req_bench}', '{null}', ARRAY[s.key],
         ARRAY[s.debit, s.credit], '{1,1}', '{1,2}', '{null,null}', ARRAY[s.debit_ref, s.credit_ref],
         '{debit,credit}', ARRAY[s.amount, s.amount], '{USD,USD}', '{null,null}') p;
