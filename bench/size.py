"""Postings per second in a ledger of five million entries, as a ratio to one of fifty thousand.

Both are workspaces of one server and are asked in turn. They are filled set-based, by the owner, with the triggers off:
postings, entries, positions and idempotency keys of a year, on a hundred accounts, and balances that agree with them.
Events are not: their table is only ever added to. Run ``python -m bench.size``.
"""

import os
import time
from collections.abc import Callable
from threading import Thread
from typing import TYPE_CHECKING, Any, Final

import psycopg

from bench.clients import ROUNDS
from bench.posting import CLIENTS, Figure, rate
from bench.workspace import ACCOUNTS, bench_workspace, connect, leave_connections, make_workspace

if TYPE_CHECKING:
    from zentra.core.tenancy import TenantRef

SMALL: Final = int(os.environ.get("ZENTRA_BENCH_SMALL", "50000"))
LARGE: Final = int(os.environ.get("ZENTRA_BENCH_LARGE", "5000000"))
FIGURES: Final = (
    Figure(f"posting at {LARGE} entries, of that at {SMALL}", "posting, large", "posting, small", 0.8),
    Figure("batch of 100 likewise", "batch, large", "batch, small"),
)
# Posting n of the year debits one account and credits another; both turns of each account come around evenly, so its
# entries alternate. The accounts are numbered by place in the array.
_POSTINGS: Final = """
INSERT INTO ledger_posting (id, purpose, state, entry_count, entry_hash, actor, correlation_id, idempotency_key,
                            effective_at, recorded_at, description, metadata)
SELECT lpad(to_hex(n), 32, '0')::uuid, 'manual', 'posted', 2, sha256(n::text::bytea),
       '{"kind": "service", "id": "svc_bench", "role": "service", "credential": null}', 'req_bench', 'key_' || n,
       t.at, t.at, 'Order 7', '{}'
  FROM generate_series(0, %(postings)s - 1) n
 CROSS JOIN LATERAL (SELECT now() - interval '365 days' + n * (interval '364 days' / %(postings)s) AS at) t
"""
_KEYS: Final = """
INSERT INTO idempotency_key (operation, key, fingerprint, status, body, created_at)
SELECT 'ledger_entries.create', 'key_' || n, sha256(n::text::bytea), 201, '{}', now()
  FROM generate_series(0, %(postings)s - 1) n
"""
_ENTRIES: Final = """
INSERT INTO ledger_entry (id, posting_id, position, account_id, account_ref, direction, amount_minor, currency,
                          effective_at, recorded_at)
SELECT lpad(to_hex(n * 2 + side), 32, '0')::uuid, lpad(to_hex(n), 32, '0')::uuid, side + 1,
       (%(accounts)s::uuid[])[(n + side) %% {accounts} + 1], 'd' || (n + side) %% {accounts},
       CASE side WHEN 0 THEN 'debit' ELSE 'credit' END, 100, 'USD', t.at, t.at
  FROM generate_series(0, %(postings)s - 1) n
 CROSS JOIN LATERAL (SELECT now() - interval '365 days' + n * (interval '364 days' / %(postings)s) AS at) t
 CROSS JOIN (VALUES (0), (1)) s (side)
"""
_POSITIONS: Final = """
INSERT INTO ledger_entry_position (account_id, version, entry_id, delta_minor, balance_after_minor)
SELECT p.account_id, p.version, p.entry_id, p.delta, sum(p.delta) OVER (PARTITION BY p.account_id ORDER BY p.version)
  FROM (SELECT e.account_id, row_number() OVER (PARTITION BY e.account_id ORDER BY e.id) AS version, e.id AS entry_id,
               CASE e.direction WHEN 'credit' THEN e.amount_minor ELSE -e.amount_minor END AS delta
          FROM ledger_entry e WHERE e.account_id = ANY (%(accounts)s)) p
"""
_BALANCES: Final = """
UPDATE ledger_balance b
   SET posted_debits = s.debits, posted_credits = s.credits, version = s.entries
  FROM (SELECT account_id, count(*) AS entries, sum(greatest(-delta_minor, 0)) AS debits,
               sum(greatest(delta_minor, 0)) AS credits FROM ledger_entry_position GROUP BY account_id) s
 WHERE b.account_id = s.account_id AND b.account_id = ANY (%(accounts)s)
"""


def measure(*, say: Callable[[str], None] = print) -> None:
    """Start a server, fill both workspaces, measure them in turn, stop it."""
    with bench_workspace("bench_size") as small:
        large = make_workspace("large")
        leave_connections()
        for workspace, entries in ((small, SMALL), (large, LARGE)):
            say(f"{entries} entries loaded in {_load(workspace, entries):.0f} s")
        rounds = [
            {
                f"{kind}, {name}": rate(workspace, kind, clients=CLIENTS)
                for kind in ("posting", "batch")
                for name, workspace in (("small", small), ("large", large))
            }
            for _ in range(ROUNDS)
        ]
        for figure in FIGURES:
            say("  " + figure.line(rounds))


def _load(workspace: "TenantRef", entries: int) -> float:
    """Seconds that it took. Two connections, for two cores."""
    began = time.perf_counter()
    values: dict[str, Any] = {"postings": entries // 2}
    with connect(workspace.schema, as_owner=True) as owner:
        values["accounts"] = [
            row[0]
            for row in owner.execute(
                "SELECT id FROM ledger_account WHERE code ~ '^d[0-9]+$' ORDER BY length(code), code LIMIT %s",
                [ACCOUNTS],
            )
        ]
        _triggers(owner, "DISABLE")
        beside = Thread(target=_run, args=(workspace, (_POSTINGS, _KEYS), values))
        beside.start()
        _run(workspace, (_ENTRIES.format(accounts=ACCOUNTS), _POSITIONS, _BALANCES), values)
        beside.join()
        _triggers(owner, "ENABLE")
        for table in ("ledger_posting", "ledger_entry", "ledger_entry_position", "idempotency_key", "ledger_balance"):
            owner.execute(f"VACUUM (ANALYZE) {table}".encode())
    return time.perf_counter() - began


def _triggers(owner: psycopg.Connection[Any], verb: str) -> None:
    for table, trigger in (
        ("ledger_posting", "ledger_postings_written"),
        ("ledger_entry", "ledger_entries_written"),
    ):
        owner.execute(f"ALTER TABLE {table} {verb} TRIGGER {trigger}".encode())


def _run(workspace: "TenantRef", statements: tuple[str, ...], values: dict[str, Any]) -> None:
    with connect(workspace.schema, as_owner=True) as owner:
        owner.execute("SET work_mem = '256MB'")
        for statement in statements:
            named = {name: value for name, value in values.items() if f"%({name})s" in statement}
            owner.execute(statement.encode(), named or None)


if __name__ == "__main__":
    measure()
