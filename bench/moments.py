"""What a balance as of a date costs in a ledger of five million entries, as a ratio to one of fifty thousand.

Both ledgers lie in one database and cover the same year. Every posting touches one account, so half of all entries are
its own; that account is asked, at random moments of the year, by effective and by recorded time, and for its course
over the year. Entries are written straight into the tables; those of the account are folded by the ledger's own
function but for the last few hundred, as in a ledger that runs. The other accounts are not asked and not folded.

Run ``python -m bench.moments`` (about two minutes, nearly all of it loading). A figure is the median of five
interleaved rounds; the spread is the lowest and the highest round.
"""

import os
import random
import statistics
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import psycopg
from psycopg import sql

from bench.clients import ROUNDS
from zentra.embedded.programs import Ports
from zentra.embedded.testing import ThrowAwayGround

SIZES: Final = {"small": 50_000, "large": 5_000_000}
DATABASE: Final = "bench_moments"
QUESTIONS: Final = 200  # of each kind in a round
OTHERS: Final = 100  # accounts that share the other half of the entries
UNFOLDED: Final = 400
FROM: Final = datetime(2025, 1, 1, tzinfo=UTC)
YEAR: Final = timedelta(days=365)

Connection = psycopg.Connection[Any]
Question = Callable[[Connection, UUID, datetime], object]

# Posting n has an entry of the account that all touch and one of the others. One in eight counts from up to two days
# before it was written.
_ENTRIES: Final = """
INSERT INTO ledger_entry (id, posting_id, position, account_id, account_ref, direction, amount_minor, currency,
                          effective_at, recorded_at)
SELECT lpad(to_hex(n * 2 + side), 32, '0')::uuid, lpad(to_hex(n), 32, '0')::uuid, side + 1,
       CASE side WHEN 0 THEN %(busy)s ELSE (%(others)s::uuid[])[n %% {others} + 1] END, 'bench',
       CASE side WHEN 0 THEN 'credit' ELSE 'debit' END, 100, 'USD',
       %(from)s + at - CASE n %% 8 WHEN 0 THEN (n %% 173) * interval '1000 seconds' ELSE interval '0' END,
       %(from)s + at
  FROM generate_series(0, %(postings)s - 1) n
 CROSS JOIN LATERAL (SELECT n * (interval '365 days' / %(postings)s) AS at) t
 CROSS JOIN (VALUES (0), (1)) s (side)
"""
_POSITIONS: Final = """
INSERT INTO ledger_entry_position (account_id, version, entry_id, delta_minor, balance_after_minor)
SELECT CASE side WHEN 0 THEN %(busy)s ELSE (%(others)s::uuid[])[n %% {others} + 1] END, version,
       lpad(to_hex(n * 2 + side), 32, '0')::uuid, sign, sign * version
  FROM generate_series(0, %(postings)s - 1) n
 CROSS JOIN (VALUES (0, 100), (1, -100)) s (side, sign)
 CROSS JOIN LATERAL (SELECT CASE side WHEN 0 THEN n + 1 ELSE n / {others} + 1 END AS version) v
"""


def measure(*, say: Callable[[str], None] = print) -> None:
    """Start a server, load both ledgers, ask them in turn, stop it."""
    ground = ThrowAwayGround.create()
    try:
        os.environ.update(ground.environment(database=DATABASE, redis_database=0, ports=Ports.any_free()))
        ground.start()
        ground.create_database(DATABASE)
        ledgers = {name: _prepare(name, entries, say) for name, entries in SIZES.items()}
        say(f"{ROUNDS} interleaved rounds of {QUESTIONS} questions, median (lowest to highest round)")
        for kind, ask in _QUESTIONS.items():
            _compare(kind, ask, ledgers, say)
        _say_plain_sum(ledgers["large"], say)
    finally:
        ground.stop()


def _prepare(name: str, entries: int, say: Callable[[str], None]) -> tuple[Connection, UUID]:
    """A workspace with so many entries; a connection to it as the application, and the account that all touch."""
    import django

    django.setup()
    from django.db import connections

    from ledger.operations import open_account
    from zentra.core import actors, clock, ids
    from zentra.core.tenancy import tenant_work
    from zentra.tenants.operations import create_workspace

    workspace = create_workspace(slug=name, name=name, mode="live", ledger_currency="USD", now=clock.now())
    with tenant_work(workspace):
        busy, *others = (
            ids.to_uuid(
                open_account(
                    code=f"bench{number}", account_type="suspense", currency="USD", actor=actors.LEDGER, now=clock.now()
                ).id,
                prefix="acct",
            )
            for number in range(OTHERS + 1)
        )
    connections.close_all()
    began = time.perf_counter()
    _load(workspace.schema, busy, others, entries)
    say(f"{entries:,} entries written and folded in {time.perf_counter() - began:.0f} s")
    return _connect("ZENTRA_DATABASE_URL", workspace.schema), busy


def _load(schema: str, busy: UUID, others: Sequence[UUID], entries: int) -> None:
    values = {"busy": busy, "others": list(others), "from": FROM, "postings": entries // 2}
    with _connect("ZENTRA_OWNER_DATABASE_URL", schema) as owner:
        for (trigger,) in owner.execute(
            "SELECT tgname FROM pg_trigger WHERE tgrelid = 'ledger_entry'::regclass"
            " AND NOT tgisinternal AND tgtype & 4 > 0"
        ).fetchall():  # what the posting call would do for each entry
            owner.execute(sql.SQL("ALTER TABLE ledger_entry DISABLE TRIGGER {}").format(sql.Identifier(trigger)))
        for statement in (_ENTRIES, _POSITIONS):
            owner.execute(statement.format(others=OTHERS).encode(), values)
        count = entries // 2 - UNFOLDED
        for folded in range(0, count, 100_000):
            owner.execute("SELECT ledger_fold(%s, %s)", [busy, min(100_000, count - folded)])
        owner.execute("VACUUM ANALYZE ledger_entry, ledger_entry_position, ledger_turnover, ledger_fold")


def _connect(url: str, schema: str) -> Connection:
    return psycopg.connect(os.environ[url], autocommit=True, prepare_threshold=0, options=f"-c search_path={schema}")


def _effective(connection: Connection, account: UUID, at: datetime) -> object:
    return connection.execute("SELECT * FROM ledger_moments(ARRAY[%s], %s, 'effective')", [account, at]).fetchone()


def _recorded(connection: Connection, account: UUID, at: datetime) -> object:
    return connection.execute("SELECT * FROM ledger_moments(ARRAY[%s], %s, 'recorded')", [account, at]).fetchone()


def _course(connection: Connection, account: UUID, at: datetime) -> object:
    from ledger.queries.moments import evenly_spaced

    moments, grain = evenly_spaced(start=FROM, end=at, points=100)
    return connection.execute(
        "SELECT * FROM ledger_course(%s, %s::timestamptz[], %s, %s, 'effective')", [account, moments, at, grain]
    ).fetchall()


_QUESTIONS: Final[dict[str, Question]] = {
    "as of effective": _effective,
    "as of recorded": _recorded,
    "course, 100 points": _course,
}


def _compare(kind: str, ask: Question, ledgers: dict[str, tuple[Connection, UUID]], say: Callable[[str], None]) -> None:
    dice = random.Random(7)
    rounds: list[dict[str, float]] = []
    for number in range(ROUNDS + 1):
        moments = [FROM + YEAR * dice.random() for _ in range(QUESTIONS)]
        times = {name: _milliseconds(ask, *ledger, moments) for name, ledger in ledgers.items()}
        if number:  # the first round warms up
            rounds.append(times)
    small, large = (statistics.median(each[name] for each in rounds) for name in SIZES)
    ratios = sorted(each["large"] / each["small"] for each in rounds)
    say(
        f"{kind:>18}: {small:.2f} ms at {SIZES['small']:,} entries, {large:.2f} ms at {SIZES['large']:,}"
        f" · ratio {statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"
    )


def _milliseconds(ask: Question, connection: Connection, account: UUID, moments: Sequence[datetime]) -> float:
    began = time.perf_counter()
    for moment in moments:
        ask(connection, account, moment)
    return (time.perf_counter() - began) * 1_000 / len(moments)


def _say_plain_sum(ledger: tuple[Connection, UUID], say: Callable[[str], None]) -> None:
    """The same answer without turnover, and that it is the same."""
    connection, account = ledger
    at = FROM + YEAR * 0.7
    began = time.perf_counter()
    row = connection.execute(
        "SELECT sum(amount_minor) FROM ledger_entry WHERE account_id = %s AND effective_at < %s", [account, at]
    ).fetchone()
    elapsed = (time.perf_counter() - began) * 1_000
    answer: Any = _effective(connection, account, at)
    if row is None or answer[2] - answer[1] != row[0]:
        raise SystemExit(f"The balance {answer} is not the sum of the entries, {row}.")
    say(f"{'':>18}  adding up the entries themselves takes {elapsed:.0f} ms, and gives the same")


if __name__ == "__main__":
    measure()
