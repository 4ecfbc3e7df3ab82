"""What matching costs: a million lines against a million entries, all rules, as a ratio to one hash join over them.

Of a hundred lines 84 pair with an entry by reference and amount, 4 are a batch that one entry stands for, 1 stands
for four entries of its reference, 4 are net of a fee that they tell, 1 differs by one minor unit, 1 was exchanged, 2
pair with nothing. The run is the product's own: it copies what is open, lets each rule find its matches, writes them
with their items, takes lines and entries off the worklists and sorts the rest into exceptions, in one transaction, on
a durable server. The join is ``SELECT count(*)`` over lines and entries on reference, amount and currency, with the
run's memory and no parallel workers, since what writes has none either. The second run finds nothing and shows what
an idle one costs.

Run ``python -m bench.reconciliation`` (some minutes). ``ZENTRA_BENCH_LINES`` says how many lines.
"""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, Final

from bench.workspace import bench_workspace, connect

if TYPE_CHECKING:
    from zentra.core.tenancy import TenantRef

LINES: Final = int(os.environ.get("ZENTRA_BENCH_LINES", "1000000"))
ROUNDS: Final = 5
AIM: Final = 20.0
_EVERY_SECONDS: Final = 0.2

# n counts to LINES; what n stands for follows from its last two digits.
_FILL: Final = """
INSERT INTO recon_line (id, account_id, statement_id, number, booked_on, value_on, amount_minor, currency, kind,
  reference, "references", batch, gross_minor, fee_minor, original_amount_minor,
  original_currency, counterparty, description, is_reversal, fingerprint)
SELECT {uuid}, %(account)s, %(statement)s, n, date '2026-04-01' + (n %% 28)::integer,
       date '2026-04-01' + (n %% 28)::integer,
       CASE WHEN k BETWEEN 88 AND 91 THEN 4 ELSE 1 END * (1000 + n * 7919 %% 1000000)
         - CASE WHEN k BETWEEN 92 AND 95 THEN 30 WHEN k IN (96, 97) THEN 1 ELSE 0 END,
       'USD', '',
       CASE WHEN k BETWEEN 88 AND 91 THEN 'S' || n / 4 WHEN k >= 98 THEN 'L' || n ELSE 'INV' || n END, '{{}}',
       CASE WHEN k BETWEEN 84 AND 87 THEN 'B' || n / 4 ELSE '' END,
       CASE WHEN k BETWEEN 92 AND 95 THEN 1000 + n * 7919 %% 1000000 END, CASE WHEN k BETWEEN 92 AND 95 THEN 30 END,
       CASE k WHEN 97 THEN 2000 + n END, CASE k WHEN 97 THEN 'EUR' ELSE '' END, '', '', false, sha256(n::text::bytea)
  FROM (SELECT n, n %% 100 AS k FROM generate_series(1, %(lines)s::bigint) n) g
 WHERE k NOT BETWEEN 88 AND 91 OR n %% 4 = 0;
INSERT INTO recon_entry (entry_id, account_id, version, posting_id, purpose, amount_minor, currency, effective_at,
  effective_on, recorded_at, reference, "references", batch, original_amount_minor, original_currency)
SELECT {uuid}, %(account)s, n, {uuid}, 'manual',
       CASE WHEN k BETWEEN 84 AND 87 THEN (SELECT sum(1000 + m * 7919 %% 1000000) FROM generate_series(n, n + 3) m)
            WHEN k BETWEEN 88 AND 91 THEN 1000 + (n / 4 * 4) * 7919 %% 1000000
            ELSE 1000 + n * 7919 %% 1000000 END,
       'USD', now(), date '2026-04-01' + (n %% 28)::integer, now(),
       CASE WHEN k BETWEEN 84 AND 87 THEN 'B' || n / 4 WHEN k BETWEEN 88 AND 91 THEN 'S' || n / 4
            WHEN k >= 98 THEN 'E' || n ELSE 'INV' || n END, '{{}}', '',
       CASE k WHEN 97 THEN 2000 + n END, CASE k WHEN 97 THEN 'EUR' ELSE '' END
  FROM (SELECT n, n %% 100 AS k FROM generate_series(1, %(lines)s::bigint) n) g
 WHERE k NOT BETWEEN 84 AND 87 OR n %% 4 = 0;
INSERT INTO recon_open_line (line_id, account_id) SELECT id, account_id FROM recon_line;
INSERT INTO recon_open_entry (entry_id, account_id) SELECT entry_id, account_id FROM recon_entry;
UPDATE recon_statement SET is_complete = true;
"""
_JOIN: Final = """
SELECT count(*) FROM recon_line l
  JOIN recon_entry e ON e.reference = l.reference AND e.amount_minor = l.amount_minor AND e.currency = l.currency
 WHERE l.account_id = %s AND e.account_id = %s
"""


def main() -> None:
    """Fill, join, match, match again; print what each took."""
    with bench_workspace("bench_reconciliation") as workspace:
        account = _open(workspace)
        _fill(workspace, account)
        joins = _join(workspace, account)
        base = median(joins)
        print(f"hash join count: {base:.2f} s ({min(joins):.2f} to {max(joins):.2f})", flush=True)
        took = _run(workspace, account)
        print(f"matching, of one hash join: {took / base:.1f} (aim: at most {AIM:.0f})", flush=True)
        _run(workspace, account)


def _open(workspace: "TenantRef") -> str:
    from zentra.core import actors, clock
    from zentra.core.tenancy import tenant_work
    from zentra.reconciliation.matching.operations import save_rules
    from zentra.reconciliation.matching.types import Rule
    from zentra.reconciliation.statements.operations import open_reconciled_account

    rules = (
        Rule(key="exact", kind="exact", within_days=3),
        Rule(key="fee", kind="fee", within_days=3),
        Rule(key="batch", kind="batch", within_days=5),
        Rule(key="split", kind="split", within_days=5),
        Rule(key="fx", kind="fx", within_days=3, tolerance_bp=100),
        Rule(key="tolerance", kind="tolerance", within_days=3, tolerance_minor=1),
    )
    with tenant_work(workspace):
        account = open_reconciled_account(
            ledger_account="d0", kind="bank", name="Bench", external_id="BENCH1", actor=actors.RECONCILIATION,
            now=clock.now(),
        )  # fmt: skip
        save_rules(
            account_id=account.id, rules=rules, note="", after_version=0, actor=actors.RECONCILIATION, now=clock.now()
        )
    return account.id


def _fill(workspace: "TenantRef", account: str) -> None:
    from django.db import connection

    from zentra.core import clock, ids
    from zentra.core.tenancy import tenant_work
    from zentra.reconciliation.statements.models import Statement

    statement, days = ids.new_uuid(), {"starts_on": "2026-04-01", "ends_on": "2026-04-30"}
    with tenant_work(workspace), connection.cursor() as cursor:
        Statement.objects.create(
            id=ids.to_public("stm", statement), account_id=account, import_id=ids.new_id("sti"), format="csv",
            external_id="BENCH", currency="USD", lines=LINES, created_at=clock.now(), **days,
        )  # fmt: skip
        cursor.execute("SHOW server_version_num")
        uuid = "uuidv7()" if int(cursor.fetchone()[0]) >= 180_000 else "gen_random_uuid()"
        values: dict[str, Any] = {"account": ids.to_uuid(account, prefix="rca"), "statement": statement, "lines": LINES}
        for part in _FILL.format(uuid=uuid).split(";\n"):
            if part.strip():
                cursor.execute(part, values)
    with connect(workspace.schema, as_owner=True) as owner:
        owner.execute("VACUUM ANALYZE recon_line")
        owner.execute("VACUUM ANALYZE recon_entry")
        owner.execute("VACUUM ANALYZE recon_open_line")
        owner.execute("VACUUM ANALYZE recon_open_entry")


def _join(workspace: "TenantRef", account: str) -> list[float]:
    from zentra.core import ids

    key, took = ids.to_uuid(account, prefix="rca"), []
    with connect(workspace.schema) as connection:
        for setting in ("work_mem = '64MB'", "enable_mergejoin = off", "enable_nestloop = off"):
            connection.execute(f"SET {setting}".encode())
        connection.execute("SET max_parallel_workers_per_gather = 0")
        for _ in range(ROUNDS):
            began = time.perf_counter()
            connection.execute(_JOIN, [key, key])
            took.append(time.perf_counter() - began)
    return took


def _run(workspace: "TenantRef", account: str) -> float:
    from django.db import connection

    from zentra.core import actors, clock
    from zentra.core.tenancy import tenant_work
    from zentra.reconciliation.matching.operations import run_matching

    with tenant_work(workspace):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            backend = cursor.fetchone()[0]
        with _memory(backend) as peak:
            began = time.perf_counter()
            run = run_matching(account_id=account, is_dry_run=False, actor=actors.RECONCILIATION, now=clock.now())
            took = time.perf_counter() - began
    by_rule = ", ".join(f"{count.rule} {count.matches:,}" for count in run.by_rule) or "nothing"
    print(
        f"run over {run.lines:,} lines and {run.entries:,} entries: {took:.1f} s, {run.matches:,} matches ({by_rule});"
        f" its backend's own memory at most {peak[0] / 1024:.0f} MiB",
        flush=True,
    )
    return took


@contextmanager
def _memory(backend: int) -> Iterator[list[int]]:
    """The most memory, in KiB, that a server process had of its own meanwhile; looked at five times a second."""
    peak, done = [0], threading.Event()

    def watch() -> None:
        while not done.wait(_EVERY_SECONDS):
            status = Path(f"/proc/{backend}/status").read_text()
            own = next(line for line in status.splitlines() if line.startswith("RssAnon"))
            peak[0] = max(peak[0], int(own.split()[1]))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield peak
    finally:
        done.set()
        watcher.join()


if __name__ == "__main__":
    main()
