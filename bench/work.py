"""What the clients of a measurement do: one step each, as often as they can. Import it once Django is set up.

``posting`` writes, in one prepared statement that is its own transaction, what ``POST /v1/ledger-entries`` writes: the
idempotency key's row with its fingerprint and its answer, the posting and its entries through ``ledger_post`` with
every check, and the posting's event: canonical bytes, leaf hash, and its place in the sealer's queue. The client makes
ids, fingerprint, entry hash, event bytes and answer with the product's own functions.

``operations`` writes the same through the operations that the API calls, in their several messages. ``unchecked``
writes the same rows with one statement that checks nothing, on tables without triggers and constraints; its client
makes ids and has the bytes ready.
"""

import itertools
from collections.abc import Callable, Iterator
from datetime import datetime
from multiprocessing.synchronize import Event
from typing import Any, Final
from uuid import UUID

import orjson
import psycopg

from bench.clients import Step
from bench.workspace import ACCOUNTS, connect
from evidence.operations import record_events
from ledger.operations import post_batch, posting_event
from ledger.operations.call import _ARGUMENTS as POST_ARGUMENTS
from ledger.operations.call import Answer as PostAnswer
from ledger.operations.call import PostingCall
from ledger.operations.events import posting_facts
from ledger.operations.postings import post_items
from ledger.types import BatchItem, Line, NewPosting, Posted, PostingFacts
from zentra.core import actors, canonical, clock, ids
from zentra.core.idempotency.operations import Answer, fingerprint, run_once
from zentra.core.tenancy import TenantRef, tenant_work

OPERATION: Final = "ledger_entries.create"
ROUTE: Final = "/v1/ledger-entries"
Pair = tuple[str, str]
Connection = psycopg.Connection[tuple[Any, ...]]


def spread(kind: str, number: int) -> Iterator[Pair]:
    """Pairs out of a hundred accounts, others for each client; ``kind`` is d (deferred) or i (immediate)."""
    for call in itertools.count():
        first = (number * 37 + call * 7) % ACCOUNTS
        yield f"{kind}{first}", f"{kind}{(first + 1 + call % 11) % ACCOUNTS}"


def hot(kind: str, number: int) -> Iterator[Pair]:
    """Always one account, against one of the others."""
    return ((f"{kind}0", other if other != f"{kind}0" else f"{kind}1") for _, other in spread(kind, number))


def settlement(number: int) -> Iterator[Pair]:
    """Immediate accounts, each time against one deferred one: customers and the settlement account."""
    return ((customer, "d0") for customer, _ in spread("i", number))


def single(workspace: TenantRef, number: int) -> Step:
    """One row of two columns: the most commits that this server gives these clients."""
    connection = connect(workspace.schema)
    return lambda: connection.execute("INSERT INTO bench_single VALUES (%s, %s)", [ids.new_uuid(), number])


def unchecked(workspace: TenantRef, number: int) -> Step:
    """The rows of a posting, of the same sizes, and nothing else."""
    connection = connect(workspace.schema)
    accounts = _account_ids(connection)
    pairs = spread("d", number)
    digest, event, answer = bytes(32), bytes(930), bytes(580)  # as long as a posting's are

    def step() -> object:
        debit, credit = next(pairs)
        values = {
            "now": clock.now(),
            "key": ids.new_id("req"),
            "posting": ids.new_uuid(),
            "one": ids.new_uuid(),
            "two": ids.new_uuid(),
            "debit": accounts[debit],
            "credit": accounts[credit],
            "debit_ref": ids.to_public("acct", accounts[debit]),
            "credit_ref": ids.to_public("acct", accounts[credit]),
            "event": ids.new_uuid(),
            "digest": digest,
            "event_body": event,
            "answer": answer,
        }
        return connection.execute(_UNCHECKED, values)

    return step


def posting(workspace: TenantRef, pairs: Iterator[Pair], *, postings: int = 1) -> Step:
    """Postings under one key, all or none, with their events, in one statement."""
    connection = connect(workspace.schema)
    accounts = _account_ids(connection)
    statement = _CHECKED.format(events=", ".join([_EVENT] * postings), arguments=POST_ARGUMENTS)

    def step() -> object:
        now, key = clock.now(), ids.new_id("req")
        asked = list(itertools.islice(pairs, postings))
        call = PostingCall.of([_item(accounts[debit], accounts[credit], key, now) for debit, credit in asked])
        posted = _foreseen(call, [code for pair in asked for code in pair], accounts)
        mark = fingerprint(method="POST", route=ROUTE, body={"entries": asked})
        values: list[Any] = [OPERATION, key, mark, orjson.dumps([posting_facts(each) for each in posted]), now, now]
        for each in posted:
            values += _event_values(each, workspace.slug, now)
        return connection.execute(statement, [*values, *call.arguments()]).fetchone()

    return step


def operations(workspace: TenantRef, pairs: Iterator[Pair], *, postings: int = 1) -> Step:
    """The same through the operations, as the API's process runs them."""
    with connect(workspace.schema) as connection:
        accounts = _account_ids(connection)

    def step() -> None:
        now, key = clock.now(), ids.new_id("req")
        asked = list(itertools.islice(pairs, postings))
        items = [_item(accounts[debit], accounts[credit], key, now) for debit, credit in asked]
        mark = fingerprint(method="POST", route=ROUTE, body={"entries": asked})
        with tenant_work(workspace):
            run_once(operation=OPERATION, key=key, fingerprint=mark, now=now, effect=lambda: _effect(items, now))

    return step


def sequence(workspace: TenantRef, stop: Event) -> None:
    """Give waiting entries their places, once a second until none waits, as the worker does."""
    with connect(workspace.schema) as connection:
        while not stop.wait(1.0):
            placed = None
            while placed != 0 and not stop.is_set():
                row = connection.execute("SELECT ledger_sequence(5000, now())").fetchone()
                placed = row[0] if row else 0


def _account_ids(connection: Connection) -> dict[str, UUID]:
    return dict(connection.execute("SELECT code, id FROM ledger_account WHERE code ~ '^[di][0-9]'").fetchall())


def _item(debit: UUID, credit: UUID, key: str, now: datetime) -> BatchItem:
    lines = (Line(debit, "debit", 125_000), Line(credit, "credit", 125_000))
    new = NewPosting(ids.new_id("posting"), "manual", lines, "USD", now, description="Order 7")
    return BatchItem(new, PostingFacts(actors.EDGE, now, "req_bench", idempotency_key=key))


def _foreseen(call: PostingCall, codes: list[str], accounts: dict[str, UUID]) -> list[Posted]:
    """What will stand: a client that names accounts by id knows it before the call."""
    standing = [ids.to_uuid(item.posting.posting_id, prefix="posting") for item in call.items]
    answer = PostAnswer(standing, None, [accounts[code] for code in codes], codes)
    return [each for each in call.results(answer) if isinstance(each, Posted)]


def _event_values(posted: Posted, workspace: str, now: datetime) -> list[Any]:
    """The row that ``record_events`` writes, with the canonical bytes of CONTRACT.md 4."""
    event = posting_event(posted, actor=actors.EDGE, intent_id=None, trace_id=None)
    event_id = ids.new_uuid()
    body = canonical.dumps(
        {
            "id": ids.to_public("evt", event_id),
            "type": event.type,
            "schema": "v2026.04",
            "occurred_at": clock.iso(now),
            "workspace": workspace,
            "actor": event.actor.as_dict(),
            "intent_id": None,
            "trace_id": None,
            "data": {**event.data, "announced_as": list(event.announced_as)},
        }
    )
    return [event_id, event.type, ",".join(event.announced_as), body]


def _effect(items: list[BatchItem], now: datetime) -> Answer:
    results = post_items(items=items) if len(items) == 1 else post_batch(items=items, is_atomic=True)
    posted = [each for each in results if isinstance(each, Posted)]
    events = [posting_event(each, actor=actors.EDGE, intent_id=None, trace_id=None) for each in posted]
    record_events(events=events, now=now)
    return Answer(201, orjson.dumps([posting_facts(each) for each in posted]))


StepOf = Callable[[TenantRef, int], Step]
STEPS: Final[dict[str, StepOf]] = {
    "single": single,
    "unchecked": unchecked,
    "posting": lambda workspace, number: posting(workspace, spread("d", number)),
    "batch": lambda workspace, number: posting(workspace, spread("d", number), postings=100),
    "hot": lambda workspace, number: posting(workspace, hot("d", number)),
    "immediate": lambda workspace, number: posting(workspace, spread("i", number)),
    "hot immediate": lambda workspace, number: posting(workspace, hot("i", number)),
    "settlement": lambda workspace, number: posting(workspace, settlement(number)),
    "operations": lambda workspace, number: operations(workspace, spread("d", number)),
    "operations batch": lambda workspace, number: operations(workspace, spread("d", number), postings=100),
}
_EVENT: Final = "(%s::uuid, %s::text, %s::text, %s::bytea)"
_CHECKED: Final = """
WITH key AS (
  INSERT INTO idempotency_key (operation, key, fingerprint, status, body, created_at)
  VALUES (%s, %s, %s, 201, %s, %s)
), event AS (
  INSERT INTO evidence_event (id, recorded_at, type, announced_as, body, leaf_hash)
  SELECT n.id, %s::timestamptz, n.type, string_to_array(n.names, ','), n.body, sha256('\\x00'::bytea || n.body)
    FROM (VALUES {events}) AS n (id, type, names, body)
  RETURNING id, recorded_at
), waiting AS (
  INSERT INTO evidence_unsealed (event_id, recorded_at) SELECT id, recorded_at FROM event
)
SELECT standing, replayed, account_ids, account_codes FROM ledger_post({arguments})
"""
_UNCHECKED: Final = """
WITH key AS (
  INSERT INTO bench_idempotency_key (operation, key, fingerprint, status, body, created_at)
  VALUES ('ledger_entries.create', %(key)s, %(digest)s, 201, %(answer)s, %(now)s)
), posting AS (
  INSERT INTO bench_ledger_posting
    (id, purpose, state, entry_count, entry_hash, actor, correlation_id, idempotency_key, effective_at, recorded_at,
     description, metadata)
  VALUES (%(posting)s, 'manual', 'posted', 2, %(digest)s,
          '{"kind": "service", "id": "svc_edge", "role": "service", "credential": null}', 'req_bench', %(key)s,
          %(now)s, %(now)s, 'Order 7', '{}')
), entry AS (
  INSERT INTO bench_ledger_entry
    (id, posting_id, position, account_id, account_ref, direction, amount_minor, currency, effective_at, recorded_at)
  VALUES (%(one)s, %(posting)s, 1, %(debit)s, %(debit_ref)s, 'debit', 125000, 'USD', %(now)s, %(now)s),
         (%(two)s, %(posting)s, 2, %(credit)s, %(credit_ref)s, 'credit', 125000, 'USD', %(now)s, %(now)s)
), unsequenced AS (
  INSERT INTO bench_ledger_entry_unsequenced (account_id, entry_id, delta_minor)
  VALUES (%(debit)s, %(one)s, -125000), (%(credit)s, %(two)s, 125000)
), event AS (
  INSERT INTO bench_evidence_event (id, recorded_at, type, announced_as, body, leaf_hash)
  VALUES (%(event)s, %(now)s, 'ledger.entry.posted',
          '{ledger.entry.created,ledger.balance.updated,posting.committed}', %(event_body)s, %(digest)s)
)
INSERT INTO bench_evidence_unsealed (event_id, recorded_at) VALUES (%(event)s, %(now)s)
"""
