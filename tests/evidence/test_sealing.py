"""Sealing: every committed event gets one place, whatever races; nothing is signed that the bytes do not support."""

import itertools
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from django.db import connection, connections
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evidence import memory, queries, store
from evidence.memory import ForkRefused, Signed
from evidence.operations import NoLog, ensure_log, record_events, sequence_batch
from evidence.store import LogDamaged
from evidence.verifier import tree
from evidence.verifier.checkpoint import open_checkpoint
from evidence.verifier.note import Verifier
from tests.evidence.sealing import (
    INTENT,
    an_intents_events,
    as_role,
    as_sealer,
    record,
    seal,
    sequence,
    sign,
    some_events,
)  # fmt: skip
from zentra.core.clock import now
from zentra.core.tenancy import TenantRef, tenant_work


def leaf_ids(workspace: TenantRef) -> list[str]:
    with tenant_work(workspace):
        leaves = queries.leaves_since(index=-1, limit=100_000)
    assert [leaf.index for leaf in leaves] == list(range(len(leaves)))
    return [leaf.event_id for leaf in leaves]


def test_events_are_sequenced_in_the_order_in_which_they_happened(workspace: TenantRef) -> None:
    recorded = record(workspace, *some_events(5)) + record(workspace, *some_events(5))

    assert sequence(workspace) == 10
    assert leaf_ids(workspace) == recorded
    with tenant_work(workspace):
        assert not queries.has_unsealed()


def test_an_event_that_commits_late_is_taken_next(workspace: TenantRef) -> None:
    started, finish = threading.Event(), threading.Event()

    def commit_late() -> list[str]:
        try:
            with tenant_work(workspace):
                ids = record_events(events=some_events(1), now=now())
                started.set()
                finish.wait(10)
            return ids
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(commit_late)
        started.wait(10)
        quick = record(workspace, *some_events(1))
        sequence(workspace)
        assert leaf_ids(workspace) == quick
        finish.set()
        late = slow.result(10)

    assert sequence(workspace) == 1
    assert leaf_ids(workspace) == quick + late


def test_racing_sealers_give_each_event_one_place(workspace: TenantRef) -> None:
    record(workspace, *some_events(300))
    with tenant_work(workspace):
        ensure_log(now=now())

    def race(_: int) -> int:
        count = 0
        with as_sealer():
            for _turn in range(12):
                with tenant_work(workspace):
                    count += sequence_batch(now=now(), limit=13).count
        connections.close_all()
        return count

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(race, range(4))) == 300

    assert len(set(leaf_ids(workspace))) == 300
    checkpoint = sign(workspace)
    assert checkpoint is not None
    assert checkpoint.size == 300


def test_a_sequenced_batch_tells_the_deliveries_how_far_they_may_go(workspace: TenantRef) -> None:
    record(workspace, *some_events(3))
    sequence(workspace)

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT ref FROM public.work_item WHERE workspace_id = %s AND kind = 'webhooks.fan_out'", [workspace.id]
        )
        assert cursor.fetchall() == [("2",)]


def test_an_event_put_into_the_unsealed_table_again_keeps_its_one_place(workspace: TenantRef) -> None:
    record(workspace, *some_events(2))
    sequence(workspace)
    with tenant_work(workspace), connection.cursor() as cursor:
        cursor.execute("INSERT INTO evidence_unsealed SELECT id, recorded_at FROM evidence_event")
    more = record(workspace, *some_events(1))

    assert sequence(workspace) == 1
    assert leaf_ids(workspace)[2:] == more


def test_a_workspace_without_a_log_is_not_sequenced(workspace: TenantRef) -> None:
    with as_role("ZENTRA_OWNER_DATABASE_URL"), connection.cursor() as cursor:
        cursor.execute(f'ALTER TABLE "{workspace.schema}".evidence_log DISABLE TRIGGER ALL')
        cursor.execute(f'DELETE FROM "{workspace.schema}".evidence_log')
        cursor.execute(f'ALTER TABLE "{workspace.schema}".evidence_log ENABLE ALWAYS TRIGGER evidence_log_kept')

    with as_sealer(), pytest.raises(NoLog), tenant_work(workspace):
        sequence_batch(now=now())


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=st.lists(st.integers(min_value=1, max_value=23), min_size=1, max_size=4))
def test_the_signed_root_is_that_of_the_stored_bytes_in_log_order(workspace: TenantRef, batches: list[int]) -> None:
    for batch in batches:
        record(workspace, *some_events(batch))
        checkpoint = seal(workspace)

    with tenant_work(workspace):
        events = queries.events_after(index=-1, limit=10_000)
        key = Verifier.parse(queries.find_verifier_key() or "")
    frontier = tree.Frontier()
    frontier.append(tree.leaf_hash(event.body) for event in events)
    assert checkpoint is not None
    head = open_checkpoint(checkpoint.note.encode(), key)
    assert (head.size, head.root) == (frontier.size, frontier.root) == (checkpoint.size, checkpoint.root)
    assert head.origin == f"localhost/{workspace.slug}"


def test_every_checkpoint_continues_the_one_before(workspace: TenantRef) -> None:
    checkpoints = []
    for count in (3, 1, 8, 20):
        record(workspace, *some_events(count))
        checkpoints.append(seal(workspace))

    for old, new in itertools.pairwise(checkpoints):
        assert old is not None
        assert new is not None
        with tenant_work(workspace):
            proof = tree.consistency_proof(old.size, new.size, store.read_nodes)
        tree.check_consistency(old.size, old.root, new.size, new.root, proof)


def test_nothing_is_signed_twice(workspace: TenantRef) -> None:
    record(workspace, *some_events(3))

    assert seal(workspace) is not None
    assert seal(workspace) is None


@contextmanager
def tampering(workspace: TenantRef, table: str) -> Iterator[None]:
    """What only the owner can do: switch the guards of a table off."""
    with as_role("ZENTRA_OWNER_DATABASE_URL"), connection.cursor() as cursor:
        cursor.execute(f'ALTER TABLE "{workspace.schema}".{table} DISABLE TRIGGER ALL')
        cursor.execute(f'SET search_path = "{workspace.schema}"')
        yield
        cursor.execute("SET search_path = public")
        cursor.execute(f'ALTER TABLE "{workspace.schema}".{table} ENABLE ALWAYS TRIGGER {table}_immutable')


def execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.parametrize(
    ("table", "statement"),
    [
        ("evidence_event", "UPDATE evidence_event SET body = '{}', leaf_hash = sha256('\\x00'::bytea || '{}'::bytea)"),
        ("evidence_event", "DELETE FROM evidence_event WHERE id IN (SELECT event_id FROM evidence_leaf LIMIT 9)"),
        ("evidence_leaf", "UPDATE evidence_leaf SET leaf_hash = sha256('x') WHERE index = 7"),
        ("evidence_leaf", "DELETE FROM evidence_leaf WHERE index = 6"),
        ("evidence_node", "UPDATE evidence_node SET hash = sha256('x')"),
        ("evidence_node", "DELETE FROM evidence_node"),
        ("evidence_checkpoint", "UPDATE evidence_checkpoint SET root = sha256('x')"),
    ],
)  # fmt: skip
def test_nothing_is_signed_over_rows_that_were_changed(workspace: TenantRef, table: str, statement: str) -> None:
    record(workspace, *some_events(5))
    before = seal(workspace)
    record(workspace, *some_events(4))
    sequence(workspace)
    with tampering(workspace, table):
        execute(statement)

    with pytest.raises((LogDamaged, ForkRefused)):
        sign(workspace)

    with tenant_work(workspace):
        after = queries.latest_checkpoint()
    assert before is not None
    assert after is not None
    assert after.size == before.size


def test_a_database_that_was_restored_to_an_older_state_is_not_signed_on(workspace: TenantRef) -> None:
    record(workspace, *some_events(5))
    seal(workspace)
    signed = memory.recall(workspace.id)
    assert signed is not None
    memory.remember(workspace.id, Signed(origin=signed.origin, size=9, root=bytes(32)))
    record(workspace, *some_events(1))
    sequence(workspace)

    with pytest.raises(ForkRefused, match="9 leaves were signed before, and the database has 6"):
        sign(workspace)


def test_another_history_of_the_same_length_is_not_signed(workspace: TenantRef) -> None:
    record(workspace, *some_events(5))
    seal(workspace)
    signed = memory.recall(workspace.id)
    assert signed is not None
    memory.remember(workspace.id, Signed(origin=signed.origin, size=5, root=bytes(32)))
    record(workspace, *some_events(1))
    sequence(workspace)

    with pytest.raises(ForkRefused, match="first 5 leaves"):
        sign(workspace)


def test_what_was_signed_is_on_disk_before_the_database_has_it(
    workspace: TenantRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(workspace, *some_events(2))
    sequence(workspace)

    def full_disk(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(memory, "remember", full_disk)
    with pytest.raises(OSError, match="No space left"):
        sign(workspace)

    with tenant_work(workspace):
        assert queries.latest_checkpoint() is None


def test_an_unreadable_memory_refuses_to_sign(workspace: TenantRef) -> None:
    record(workspace, *some_events(2))
    seal(workspace)
    memory._path(workspace.id).write_text("{")
    record(workspace, *some_events(1))
    sequence(workspace)

    with pytest.raises(ForkRefused, match="does not say"):
        sign(workspace)


def test_how_far_the_log_is_sealed_is_told_with_the_age_of_what_waits(workspace: TenantRef) -> None:
    record(workspace, *some_events(4))
    moment = now()
    with tenant_work(workspace):
        waiting = queries.sealed_to(now=moment)
    seal(workspace)
    with tenant_work(workspace):
        done = queries.sealed_to(now=now())

    assert (waiting.sequenced, waiting.signed, waiting.waiting) == (0, 0, 4)
    assert 0 <= waiting.age_seconds < 30
    assert (done.sequenced, done.signed, done.waiting, done.age_seconds) == (4, 4, 0, 0.0)


def test_events_are_followed_by_leaf_index_and_by_any_announced_name(workspace: TenantRef) -> None:
    recorded = record(workspace, *an_intents_events())
    sequence(workspace)

    with tenant_work(workspace):
        assert [event.id for event in queries.events_after(index=1, limit=2)] == recorded[2:4]
        [limits] = queries.events_after(index=-1, types=["limit.accepted"])
        [callback] = queries.events_after(index=-1, types=["callback.applied"])
        assert queries.intents_after(index=-1) == (5, [INTENT])
        assert queries.intents_after(index=4) == (5, [])
        assert queries.next_index() == 5
        assert [event.index for event in queries.timeline(intent_id=INTENT)] == [0, 1, 2, 3, 4]
    assert limits.id == recorded[1]
    assert callback.index == 3
