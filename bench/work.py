"""What the clients of a measurement do: one step each, as often as they can. Import it once Django is set up.

``posting`` writes, in one prepared statement that is its own transaction, what ``POST /v1/ledger-entries`` writes: the
idempotency key's row with its fingerprint and its answer, the posting and its entries through ``ledger_post`` with
every check, and the posting's event: canonical bytes, leaf hash, and its place in the sealer's queue. The client makes
ids, fingerprint, entry hash, event bytes and answer with the product's own functions.

``operations`` writes the same through the operations that the API calls, in their several messages. ``unchecked``
writes the same rows, with bytes made by the same client, in one statement that checks nothing, on tables without
triggers and constraints.
"""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
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
from ledger.operations.call import ARGUMENTS, PostingCall
from ledger.operations.call import Answer as PostAnswer
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


@dataclass(frozen=True)
class Made:
    """What a client makes for one call before it sends anything, with the product's own functions."""

    now: datetime
    key: str
    fingerprint: bytes
    call: PostingCall
    events: list[tuple[UUID, str, str, bytes]]
    answer: bytes

    @classmethod
    def of(cls, asked: list[Pair], accounts: dict[str, UUID], workspace: TenantRef) -> "Made":
        """Ids, fingerprint, entry hashes, event bytes and the answer, of postings between pairs of accounts."""
        now, key = clock.now(), ids.new_id("req")
        call = PostingCall.of([_item(accounts[debit], accounts[credit], key, now) for debit, credit in asked])
        posted = _foreseen(call, [code for pair in asked for code in pair], accounts)
        mark = fingerprint(method="POST", route=ROUTE, body={"entries": asked})
        events = [_event(each, workspace.slug, now) for each in posted]
        return cls(now, key, mark, call, events, orjson.dumps([posting_facts(each) for each in posted]))


def unchecked(workspace: TenantRef, number: int) -> Step:
    """The rows of a posting, with bytes made as a posting's are, and nothing else."""
    connection = connect(workspace.schema)
    accounts, pairs = _account_ids(connection), spread("d", number)

    def step() -> object:
        pair = next(pairs)
        made = Made.of([pair], accounts, workspace)
        event_id, _, _, event = made.events[0]
        entry_ids = (*made.call.entry_ids, event_id)
        digest = bytes.fromhex(made.call.hashes[0])
        posting_id = ids.to_uuid(made.call.items[0].posting.posting_id, prefix="posting")
        values = _row_values(made.now, made.key, posting_id, entry_ids, _named(pair, accounts))
        return connection.execute(_UNCHECKED, {**values, "digest": digest, "event_body": event, "answer": made.answer})

    return step


def unchecked_ready(workspace: TenantRef, number: int) -> Step:
    """The same rows, with bytes that are as long and always the same: the client makes nothing but ids."""
    connection = connect(workspace.schema)
    accounts, pairs = _account_ids(connection), spread("d", number)
    ready = {"digest": bytes(32), "event_body": bytes(930), "answer": bytes(580)}

    def step() -> object:
        fresh = (ids.new_uuid(), ids.new_uuid(), ids.new_uuid())
        values = _row_values(clock.now(), ids.new_id("req"), ids.new_uuid(), fresh, _named(next(pairs), accounts))
        return connection.execute(_UNCHECKED, {**values, **ready})

    return step


def posting(workspace: TenantRef, pairs: Iterator[Pair], *, postings: int = 1) -> Step:
    """Postings under one key, all or none, with their events, in one statement."""
    connection = connect(workspace.schema)
    accounts = _account_ids(connection)
    statement = _CHECKED.format(events=", ".join([_EVENT] * postings), arguments=ARGUMENTS)

    def step() -> object:
        made = Made.of(list(itertools.islice(pairs, postings)), accounts, workspace)
        values = [OPERATION, made.key, made.fingerprint, made.answer, made.now, made.now]
        events = [value for event in made.events for value in event]
        return connection.execute(statement, [*values, *events, *made.call.arguments()]).fetchone()

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


def _event(posted: Posted, workspace: str, now: datetime) -> tuple[UUID, str, str, bytes]:
    """The row that ``record_events`` writes, with its canonical bytes."""
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
    return event_id, event.type, ",".join(event.announced_as), body


def _named(pair: Pair, accounts: dict[str, UUID]) -> dict[str, object]:
    debit, credit = (accounts[code] for code in pair)
    refs = {"debit_ref": ids.to_public("acct", debit), "credit_ref": ids.to_public("acct", credit)}
    return {"debit": debit, "credit": credit, **refs}


def _row_values(
    now: datetime, key: str, posting_id: UUID, fresh: tuple[UUID, ...], named: dict[str, object]
) -> dict[str, object]:
    """What ``_UNCHECKED`` writes, but for the bytes; ``fresh`` are the ids of two entries and an event."""
    one, two, event = fresh
    return {"now": now, "key": key, "posting": posting_id, "one": one, "two": two, "event": event, **named}


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
    "unchecked, bytes ready": unchecked_ready,
    "posting": lambda workspace, number: posting(workspace, spread("d", number)),
    "batch": lambda workspace, number: posting(workspace, spread("d", number), postings=100),
    "hot": lambda workspace, number: posting(workspace, hot("d", number)),
    "immediate": lambda workspace, number: posting(workspace, spread("i", number)),
    "hot immediate": lambda workspace, number: posting(workspace, hot("i", number)),
    "settlement": lambda workspace, number: posting(workspace, settlement(number)),
    "operations": lambda workspace, number: operations(workspace, spread("d", number)),
    "operations batch": lambda workspace, number: operations(workspace, spread("d", number), postings=100),
}
WITHOUT_SEQUENCER: Final = frozenset({"single", "unchecked", "unchecked, bytes ready"})
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
