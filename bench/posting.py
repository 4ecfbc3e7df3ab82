"""Postings per second through the posting call, as a ratio to what the same server does at best.

Three things are measured, interleaved, on one durable PostgreSQL with its defaults for commits:

* ``single``: one row inserted and committed, the most commits that clients can get;
* ``unchecked``: one statement that writes the rows of a posting into copies of the tables without any trigger;
* ``posting``: ``ledger_post`` with ids, entry hash and every check, while the sequencer runs as in production.

Run ``python -m bench.posting`` (about two minutes). Each client is a process with one connection and a commit for
every call. A figure is the median of five rounds; the spread is the lowest and the highest round.
"""

import os
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from multiprocessing.synchronize import Event
from typing import Any, Final

import psycopg

from bench.clients import ROUNDS, SECONDS, DurableGround, Step, measure_rate
from zentra.embedded.programs import Ports

CLIENTS: Final = (1, 4, 16)
ACCOUNTS: Final = 100
DATABASE: Final = "bench"


@dataclass(frozen=True)
class Result:
    """Calls per second of each round, by kind."""

    clients: int
    rounds: list[dict[str, float]]

    def rate(self, kind: str) -> float:
        """The median of the rounds."""
        return statistics.median(each[kind] for each in self.rounds)

    def ratio(self, kind: str, base: str) -> tuple[float, float, float]:
        """(median, lowest, highest) of the rounds' ratios."""
        ratios = sorted(each[kind] / each[base] for each in self.rounds)
        return statistics.median(ratios), ratios[0], ratios[-1]


def measure(*, say: Callable[[str], None] = print) -> list[Result]:
    """Start a server, measure, stop it; says each line as it is known."""
    ground = DurableGround.create()
    try:
        os.environ.update(ground.environment(database=DATABASE, redis_database=0, ports=Ports.any_free()))
        ground.start()
        ground.create_database(DATABASE)
        schema = _prepare()
        say(f"{ROUNDS} interleaved rounds of {SECONDS:g} s each, median (lowest to highest round)")
        return [_measure_clients(schema, clients, say) for clients in CLIENTS]
    finally:
        ground.stop()


def _measure_clients(schema: str, clients: int, say: Callable[[str], None]) -> Result:
    kinds = ("single", "unchecked", "posting", "hot")
    result = Result(clients, [{kind: _rate(schema, kind, clients) for kind in kinds} for _ in range(ROUNDS)])
    say(
        f"{clients:>2} clients: {result.rate('posting'):>6.0f} postings/s"
        f" · of single-row commits ({result.rate('single'):.0f}/s) {_words(result.ratio('posting', 'single'))}"
        f" · of unchecked writes ({result.rate('unchecked'):.0f}/s) {_words(result.ratio('posting', 'unchecked'))}"
        f" · all on two hot accounts {_words(result.ratio('hot', 'posting'))} of spread"
    )
    return result


def _words(ratio: tuple[float, float, float]) -> str:
    median, lowest, highest = ratio
    return f"{median:.2f} ({lowest:.2f} to {highest:.2f})"


def _prepare() -> str:
    """A workspace with accounts, and the tables to compare with; its schema."""
    import django

    django.setup()
    from django.db import connections
    from psycopg import sql

    from ledger.operations import open_account
    from zentra.core import actors, clock
    from zentra.core.schema import connect_as_owner
    from zentra.core.tenancy import tenant_work
    from zentra.tenants.operations import create_workspace

    workspace = create_workspace(slug="bench", name="Bench", mode="sandbox", ledger_currency="USD", now=clock.now())
    with tenant_work(workspace):
        for number in range(ACCOUNTS):
            open_account(
                code=f"a{number}",
                account_type="customer",
                currency="USD",
                floor_minor=None,
                actor=actors.LEDGER,
                now=clock.now(),
            )
    with connect_as_owner() as owner:
        owner.execute(sql.SQL("SET search_path = {}").format(sql.Identifier(workspace.schema)))
        owner.execute("CREATE TABLE bench_single (id uuid PRIMARY KEY, number bigint NOT NULL)")
        for table in ("posting", "entry", "entry_unsequenced"):
            name, original = sql.Identifier(f"bench_{table}"), sql.Identifier(f"ledger_{table}")
            owner.execute(sql.SQL("CREATE TABLE {} (LIKE {} INCLUDING ALL)").format(name, original))
        grant = sql.SQL(
            "GRANT SELECT, INSERT ON bench_single, bench_posting, bench_entry, bench_entry_unsequenced TO {}"
        )
        owner.execute(grant.format(sql.Identifier(_app_role())))
    connections.close_all()  # the clients are forked and open their own
    return workspace.schema


def _app_role() -> str:
    from django.conf import settings

    return str(settings.ZENTRA_APP_ROLE)


def _rate(schema: str, kind: str, clients: int) -> float:
    def make_step(number: int) -> Step:
        return _STEPS[kind](_connect(schema), number)

    beside = partial(_sequencer, schema) if kind in {"posting", "hot"} else None
    return measure_rate(make_step, clients=clients, beside=beside)


def _sequencer(schema: str, stop: Event) -> None:
    with _connect(schema) as connection:
        while not stop.wait(1.0):
            placed = None
            while placed != 0 and not stop.is_set():
                row = connection.execute("SELECT ledger_sequence(5000, now())").fetchone()
                placed = row[0] if row else 0


def _connect(schema: str) -> psycopg.Connection[tuple[Any, ...]]:
    return psycopg.connect(
        os.environ["ZENTRA_DATABASE_URL"], autocommit=True, prepare_threshold=0, options=f"-c search_path={schema}"
    )


def _single(connection: psycopg.Connection[Any], number: int) -> Step:
    from zentra.core import ids

    return lambda: connection.execute("INSERT INTO bench_single VALUES (%s, %s)", [ids.new_uuid(), number])


def _posting(connection: psycopg.Connection[Any], number: int) -> Step:
    from ledger.operations.call import POST_SQL

    call = iter(range(1 << 60))
    return lambda: connection.execute(POST_SQL, _arguments(_spread(number, next(call)))).fetchone()


def _hot(connection: psycopg.Connection[Any], _number: int) -> Step:
    from ledger.operations.call import POST_SQL

    return lambda: connection.execute(POST_SQL, _arguments(("customer_balance", "settlement_account"))).fetchone()


def _unchecked(connection: psycopg.Connection[Any], number: int) -> Step:
    accounts = [row[0] for row in connection.execute("SELECT id FROM ledger_account WHERE code ~ '^a[0-9]'")]
    call = iter(range(1 << 60))

    def step() -> object:
        debit, credit = _pair(number, next(call))
        arguments = _arguments((f"a{debit}", f"a{credit}"))
        arguments[19] = [accounts[debit], accounts[credit]]
        return connection.execute(_UNCHECKED_SQL, arguments)

    return step


def _pair(number: int, call: int) -> tuple[int, int]:
    first = (number * 37 + call * 7) % ACCOUNTS
    return first, (first + 1 + call % 11) % ACCOUNTS


def _spread(number: int, call: int) -> tuple[str, str]:
    debit, credit = _pair(number, call)
    return f"a{debit}", f"a{credit}"


def _arguments(accounts: Sequence[str]) -> list[Any]:
    """What a caller does for one posting: ids, canonical bytes, hash."""
    from ledger.operations.call import PostingCall
    from ledger.types import BatchItem, Line, NewPosting, PostingFacts
    from zentra.core import actors, clock, ids

    now = clock.now()
    lines = (Line(accounts[0], "debit", 125_000), Line(accounts[1], "credit", 125_000))
    intent_id = ids.new_id("intent")
    posting = NewPosting(ids.new_id("posting"), "reserve", lines, "USD", now)
    facts = PostingFacts(actors.LEDGER, now, "req_bench", intent_id=intent_id, idempotency_key=f"key_{intent_id}")
    return PostingCall.of([BatchItem(posting, facts)]).arguments()


# The rows of a posting and nothing else: the arguments of ledger_post, in its order.
_UNCHECKED_SQL: Final = """
WITH a AS (
  SELECT %s::timestamptz AS recorded_at, %s::jsonb AS actor, %s::text AS correlation_id, %s::text AS intent_id,
         %s::text AS idempotency_key, %s::text AS source_event_id, %s::text AS decision_id,
         %s::text AS external_reference, %s::uuid[] AS ids, %s::smallint[] AS counts, %s::text[] AS purposes,
         %s::uuid[] AS reverses, %s::bytea[] AS hashes, %s::timestamptz[] AS effective_ats, %s::text[] AS descriptions,
         %s::jsonb[] AS metadata, %s::uuid[] AS entry_ids, %s::smallint[] AS postings, %s::smallint[] AS positions,
         %s::uuid[] AS account_ids, %s::text[] AS refs, %s::text[] AS directions, %s::bigint[] AS amounts,
         %s::text[] AS currencies, %s::bigint[] AS floors
), p AS (
  INSERT INTO bench_posting (id, purpose, state, intent_id, reverses_id, entry_count, entry_hash, actor,
         correlation_id, idempotency_key, source_event_id, decision_id, external_reference, effective_at, recorded_at,
         description, metadata)
  SELECT ids[1], purposes[1], 'posted', intent_id, reverses[1], counts[1], hashes[1], actor, correlation_id,
         idempotency_key, source_event_id, decision_id, external_reference, effective_ats[1], recorded_at,
         descriptions[1], metadata[1] FROM a
), e AS (
  INSERT INTO bench_entry (id, posting_id, position, account_id, account_ref, direction, amount_minor, currency,
         floor_minor, effective_at, recorded_at)
  SELECT l.id, a.ids[1], l.position, l.account_id, l.ref, l.direction, l.amount, l.currency, l.floor,
         a.effective_ats[1], a.recorded_at
    FROM a, unnest(a.entry_ids, a.positions, a.account_ids, a.refs, a.directions, a.amounts, a.currencies, a.floors)
         AS l (id, position, account_id, ref, direction, amount, currency, floor)
  RETURNING id, account_id, amount_minor
)
INSERT INTO bench_entry_unsequenced (account_id, entry_id, delta_minor) SELECT account_id, id, amount_minor FROM e
"""
_STEPS: Final[dict[str, Callable[[psycopg.Connection[Any], int], Step]]] = {
    "single": _single,
    "unchecked": _unchecked,
    "posting": _posting,
    "hot": _hot,
}


if __name__ == "__main__":
    measure()
