"""The durable queue: nothing is lost, nothing is finished by a stale worker, nobody waits for Redis."""

import socket
import threading
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from django.db import DatabaseError, connection, transaction

from tests.ledger.book import at_once
from zentra.core import clock, ids
from zentra.core.queue import Defer, WorkItem, operations, registry, wake, worker
from zentra.core.queue.broker import app
from zentra.core.queue.queries import open_items
from zentra.core.tenancy import TenantRef

LONG_AGO = datetime.fromisoformat("2001-01-01T00:00:00Z")
"""Due before everything else in this database, so that a claim at this moment finds items of the test alone."""
KIND = "test.work"


@pytest.fixture
def calls() -> Iterator[list[WorkItem]]:
    """The items that the handler of this test's kind was called with."""
    done: list[WorkItem] = []
    registry.handles(KIND)(lambda item, ws: done.append(item))
    yield done
    registry._handlers.pop(KIND)


def put(ws: TenantRef, ref: str = "ref", *, due_at: datetime = LONG_AGO, priority: int = 5) -> UUID:
    return operations.enqueue(workspace_id=ws.id, kind=KIND, ref=ref, due_at=due_at, priority=priority)


def claim(*, limit: int = 10, at: datetime = LONG_AGO) -> list[WorkItem]:
    return operations.claim(limit=limit, now=at)


def state(item_id: UUID) -> tuple[datetime, int, bool, str]:
    """(due_at, attempts, done, last error)"""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT due_at, attempts, done_at IS NOT NULL, last_error FROM work_item WHERE id = %s", [item_id]
        )
        due_at, attempts, done, error = cursor.fetchone()
    return due_at, attempts, done, error


def test_many_claimers_never_share_an_item(workspace: TenantRef) -> None:
    put_in = set(operations.enqueue_many([(workspace.id, KIND, str(n), LONG_AGO, 5) for n in range(200)]))

    claims = at_once([lambda: claim(limit=7)] * 40, threads=8)

    taken = [item.id for each in claims if isinstance(each, list) for item in each]
    assert len(taken) == len(set(taken))
    assert set(taken) == put_in
    assert all(len(each) <= 7 for each in claims if isinstance(each, list))


def test_what_is_urgent_goes_first_then_what_is_oldest(workspace: TenantRef) -> None:
    put(workspace, "late", due_at=LONG_AGO)
    put(workspace, "early", due_at=LONG_AGO - timedelta(seconds=1))
    put(workspace, "urgent", priority=1)

    assert [claim(limit=1)[0].ref for _ in range(3)] == ["urgent", "early", "late"]


def test_what_is_overdue_goes_first_in_a_claim_that_looks_to_it(workspace: TenantRef) -> None:
    put(workspace, "urgent", due_at=LONG_AGO + operations.OVERDUE, priority=1)
    put(workspace, "also urgent", due_at=LONG_AGO + operations.OVERDUE, priority=1)
    put(workspace, "fresh", due_at=LONG_AGO + timedelta(seconds=1), priority=6)
    put(workspace, "starved", priority=7)
    at = LONG_AGO + operations.OVERDUE

    [urgent] = claim(limit=1, at=at)
    lifted = operations.claim(limit=1, now=at, lifts_overdue=True)
    rest = operations.claim(limit=2, now=at, lifts_overdue=True)

    assert urgent.ref in ("urgent", "also urgent")
    assert [item.ref for item in lifted] == ["starved"]
    assert {item.ref for item in rest} == {"urgent", "also urgent", "fresh"} - {urgent.ref}


def test_a_worker_looks_to_what_is_overdue_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bool] = []

    def claim_nothing(*, lifts_overdue: bool, **_: object) -> list[WorkItem]:
        asked.append(lifts_overdue)
        return []

    monkeypatch.setattr(operations, "claim", claim_nothing)
    small = worker.Worker(threads=2)

    for _ in range(2 * worker.LIFTS_EVERY):
        small.drain()

    assert asked == [*[False] * (worker.LIFTS_EVERY - 1), True] * 2


def test_what_is_not_due_is_left(workspace: TenantRef) -> None:
    put(workspace, due_at=LONG_AGO + timedelta(milliseconds=1))

    assert claim() == []


def test_a_claim_is_leased_and_comes_back_when_the_lease_ends(workspace: TenantRef) -> None:
    item_id = put(workspace)
    [first] = claim()

    assert claim(at=LONG_AGO + operations.LEASE - timedelta(seconds=1)) == []
    [second] = claim(at=LONG_AGO + operations.LEASE)

    assert (second.id, second.attempts) == (item_id, 2)
    assert second.claim_id != first.claim_id


def test_a_worker_whose_lease_ran_out_cannot_finish_what_another_holds(workspace: TenantRef) -> None:
    item_id = put(workspace)
    [stale] = claim()
    [live] = claim(at=LONG_AGO + operations.LEASE)

    assert not operations.finish(item=stale, now=LONG_AGO)
    assert not operations.defer(item=stale, until=LONG_AGO, reason="")
    assert not operations.fail(item=stale, error="", now=LONG_AGO)
    assert state(item_id)[2] is False
    assert operations.finish(item=live, now=LONG_AGO)
    assert state(item_id)[2] is True
    assert not operations.fail(item=live, error="", now=LONG_AGO)


def test_putting_off_is_no_attempt(workspace: TenantRef, calls: list[WorkItem]) -> None:
    item_id = put(workspace)
    until = LONG_AGO + timedelta(hours=1)
    registry._handlers[KIND] = lambda item, ws: (_ for _ in ()).throw(Defer(until, "the rail is paused"))

    for _ in range(3):
        operations.defer(item=claim(at=until)[0], until=LONG_AGO, reason="")
    [item] = claim()
    worker.run_item(item)

    assert state(item_id) == (until, 0, False, "the rail is paused")


def test_what_fails_is_kept_with_growing_pauses_for_ever(workspace: TenantRef, calls: list[WorkItem]) -> None:
    item_id = put(workspace)
    registry._handlers[KIND] = lambda item, ws: (_ for _ in ()).throw(ValueError("no"))
    pauses, moment = [], LONG_AGO

    for _ in range(12):
        with clock.frozen(moment):
            [item] = claim(at=moment)
            worker.run_item(item)
        due_at, _attempts, done, error = state(item_id)
        assert (done, error) == (False, "ValueError('no')")
        pauses.append((due_at - moment).total_seconds())
        moment = due_at

    assert pauses == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]
    assert state(item_id)[1] == 12


def test_what_is_done_is_done_once(workspace: TenantRef, calls: list[WorkItem]) -> None:
    item_id = put(workspace, "intent_1")

    worker.run_item(claim()[0])

    assert [item.ref for item in calls] == ["intent_1"]
    assert state(item_id)[2] is True
    assert claim(at=LONG_AGO + timedelta(days=1)) == []
    assert open_items(workspace_id=workspace.id, ref="intent_1") == []


def test_work_of_a_kind_that_nobody_does_is_kept(workspace: TenantRef) -> None:
    item_id = put(workspace)

    worker.run_item(claim()[0])

    assert state(item_id)[2] is False
    assert "No handler" in state(item_id)[3]


def test_work_of_a_workspace_that_is_gone_is_kept_and_does_nothing(workspace: TenantRef, calls: list[WorkItem]) -> None:
    item_id = operations.enqueue(workspace_id=ids.new_uuid(), kind=KIND, ref="", due_at=LONG_AGO)

    worker.run_item(claim()[0])

    assert calls == []
    assert "NoTenant" in state(item_id)[3]
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM work_item WHERE id = %s", [item_id])


def test_what_was_put_in_by_a_transaction_that_failed_is_not_there(workspace: TenantRef) -> None:
    with transaction.atomic():
        put(workspace, "intent_1")
        transaction.set_rollback(True)

    assert open_items(workspace_id=workspace.id, ref="intent_1") == []


def test_done_items_are_pruned_and_open_ones_never(workspace: TenantRef, calls: list[WorkItem]) -> None:
    done, still_open = put(workspace, "done", priority=1), put(workspace, "open")
    operations.finish(item=claim(limit=1)[0], now=LONG_AGO)

    operations.prune_done(before=LONG_AGO + timedelta(days=1))

    assert state(still_open)[2] is False
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM work_item WHERE id = %s", [done])
        assert cursor.fetchone() is None


@pytest.fixture
def silent_broker(monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """A Redis that accepts connections and never says a word, which is worse than one that is away."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"redis://127.0.0.1:{listener.getsockname()[1]}/0"
        monkeypatch.setattr(app.conf, "broker_url", url)
        monkeypatch.setattr(app.conf, "broker_write_url", url)
        monkeypatch.setattr(app, "_pool", None)
        monkeypatch.setattr(app.amqp, "_producer_pool", None)
        yield listener


def test_a_redis_that_never_answers_neither_blocks_nor_fails_a_write(
    workspace: TenantRef, silent_broker: socket.socket
) -> None:
    before = time.monotonic()

    with transaction.atomic():
        item_id = put(workspace, "intent_1")

    assert time.monotonic() - before < 2
    assert claim()[0].id == item_id
    assert wake._thread is not None
    assert wake._thread.is_alive()


def test_a_wake_up_that_fails_leaves_the_waker_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    tried, recovered = threading.Event(), threading.Event()

    def send() -> None:
        if tried.is_set():
            recovered.set()
            return
        tried.set()
        raise ConnectionError("Redis is away")

    monkeypatch.setattr(wake, "send_wake_up", send)
    wake.wake()
    assert tried.wait(30)
    wake.wake()

    assert recovered.wait(30)


def test_a_worker_survives_a_database_that_was_away(
    workspace: TenantRef, calls: list[WorkItem], monkeypatch: pytest.MonkeyPatch
) -> None:
    small = worker.Worker(threads=2)
    real = operations.claim

    def away(**_: object) -> list[WorkItem]:
        raise DatabaseError("the server closed the connection")

    monkeypatch.setattr(operations, "claim", away)
    for _ in range(5):
        with pytest.raises(DatabaseError):
            small.drain()
    monkeypatch.setattr(operations, "claim", lambda *, limit, **_: real(limit=limit, now=LONG_AGO))
    put(workspace, "after")
    small.drain()
    small._pool.shutdown(wait=True)

    assert [item.ref for item in calls] == ["after"]


def test_two_handlers_of_one_kind_are_refused(calls: list[WorkItem]) -> None:
    with pytest.raises(RuntimeError, match="Two handlers"):
        registry.handles(KIND)(lambda item, ws: None)
