"""Recording facts: exact canonical bytes, one statement, in the caller's transaction, and never changed again."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import DatabaseError, connection
from django.test.utils import CaptureQueriesContext

from evidence import queries
from evidence.catalogue import UnknownEventType
from evidence.operations import record_events
from evidence.types import NewEvent
from evidence.verifier import canonical, tree
from tests.evidence.sealing import INTENT, an_intents_events, as_role, record, seal, some_events
from zentra.core.actors import EDGE
from zentra.core.canonical import NotCanonical
from zentra.core.clock import now
from zentra.core.tenancy import NoTenant, TenantRef, tenant_work

MOMENT = datetime(2026, 4, 26, 14, 12, 9, 481_999, tzinfo=UTC)


def execute(statement: str, values: Sequence[Any] = ()) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def in_workspace(workspace: TenantRef, statement: str) -> None:
    with tenant_work(workspace):
        execute(statement)


def test_the_bytes_are_canonical_and_say_what_the_contract_lists(workspace: TenantRef) -> None:
    with tenant_work(workspace):
        [event_id] = record_events(
            events=[
                NewEvent(
                    type="policy.accepted",
                    actor=EDGE,
                    data={"rule": "größe"},
                    intent_id=INTENT,
                    trace_id="ab" * 16,
                    announced_as=("limit.accepted",),
                )
            ],
            now=MOMENT,
        )
        event = queries.find_event(event_id=event_id)

    assert canonical.read_object(event.body, what="it") == {
        "id": event_id,
        "type": "policy.accepted",
        "schema": "v2026.04",
        "occurred_at": "2026-04-26T14:12:09.481Z",
        "workspace": workspace.slug,
        "actor": {"kind": "service", "id": "svc_edge", "role": "service", "credential": None},
        "intent_id": INTENT,
        "trace_id": "ab" * 16,
        "data": {"rule": "größe", "announced_as": ["limit.accepted"]},
    }
    assert event.recorded_at == MOMENT
    assert event.names == {"policy.accepted", "limit.accepted"}
    assert event.index is None


def test_any_number_of_events_is_one_statement(workspace: TenantRef) -> None:
    with CaptureQueriesContext(connection) as captured, tenant_work(workspace):
        ids = record_events(events=some_events(50), now=now())

    assert sum("evidence_event" in query["sql"] for query in captured.captured_queries) == 1
    assert ids == sorted(set(ids))


def test_nothing_to_record_costs_nothing(workspace: TenantRef) -> None:
    with tenant_work(workspace), CaptureQueriesContext(connection) as captured:
        assert record_events(events=[], now=now()) == []

    assert len(captured) == 0


def test_a_wrong_event_is_refused_and_none_of_its_company_is_recorded(workspace: TenantRef) -> None:
    wrong = [
        (NewEvent("no.such_type", EDGE, {}), UnknownEventType),
        (NewEvent("ingress.accepted", EDGE, {}, announced_as=("no.such_type",)), UnknownEventType),
        (NewEvent("ingress.accepted", EDGE, {"amount": 1.5}), NotCanonical),
        (NewEvent("ingress.accepted", EDGE, {"amount": 2**53}), NotCanonical),
        (NewEvent("ingress.accepted", EDGE, {"größe": 1}), NotCanonical),
        (NewEvent("ingress.accepted", EDGE, {"at": datetime.now(UTC)}), NotCanonical),
    ]

    for event, error in wrong:
        with tenant_work(workspace):
            with pytest.raises(error):
                record_events(events=[*some_events(1), event], now=now())
            assert queries.latest_events() == []
            assert not queries.has_unsealed()


def test_events_vanish_with_the_transaction_that_recorded_them(workspace: TenantRef) -> None:
    def record_and_fail() -> None:
        with tenant_work(workspace):
            record_events(events=some_events(3), now=now())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        record_and_fail()

    with tenant_work(workspace):
        assert queries.latest_events() == []


def test_there_is_no_recording_outside_a_workspace(database: None) -> None:
    with pytest.raises(NoTenant):
        record_events(events=some_events(1), now=now())


def test_another_workspace_never_sees_an_event(workspace: TenantRef, other_workspace: TenantRef) -> None:
    [event_id, *_] = record(workspace, *an_intents_events())

    with tenant_work(other_workspace):
        assert queries.timeline(intent_id=INTENT) == []
        with pytest.raises(queries.EventNotFound):
            queries.find_event(event_id=event_id)


def test_the_database_refuses_a_leaf_hash_that_is_not_that_of_the_bytes(workspace: TenantRef) -> None:
    with pytest.raises(DatabaseError, match="evidence_event_leaf_hash_of_body"), tenant_work(workspace):
        execute(
            "INSERT INTO evidence_event (id, recorded_at, type, announced_as, body, leaf_hash)"
            " VALUES (gen_random_uuid(), now(), 'account.created', '{}', %s, %s)",
            [b"{}", tree.leaf_hash(b"{ }")],
        )


COLUMNS = {"event": "body", "leaf": "leaf_hash", "node": "hash", "checkpoint": "root", "packet": "content"}


@pytest.mark.parametrize("role", ["ZENTRA_DATABASE_URL", "ZENTRA_SEALER_DATABASE_URL", "ZENTRA_OWNER_DATABASE_URL"])
def test_no_role_can_change_remove_or_empty_evidence(workspace: TenantRef, role: str) -> None:
    record(workspace, *some_events(3))
    seal(workspace)

    with as_role(role):
        for table, column in COLUMNS.items():
            for statement in ("UPDATE evidence_{0} SET {1} = {1}", "DELETE FROM evidence_{0}", "TRUNCATE evidence_{0}"):
                with pytest.raises(DatabaseError, match=r"append-only|permission denied"):
                    in_workspace(workspace, statement.format(table, column))


def test_the_application_cannot_give_events_a_place_or_sign(workspace: TenantRef) -> None:
    for table in ("leaf", "node", "checkpoint"):
        with pytest.raises(DatabaseError, match="permission denied"):
            in_workspace(workspace, f"INSERT INTO evidence_{table} SELECT * FROM evidence_{table}")


def test_the_sealer_cannot_record_events_or_store_packets(workspace: TenantRef) -> None:
    for table in ("event", "packet"):
        with as_role("ZENTRA_SEALER_DATABASE_URL"), pytest.raises(DatabaseError, match="permission denied"):
            in_workspace(workspace, f"INSERT INTO evidence_{table} SELECT * FROM evidence_{table}")


def test_the_guards_hold_where_replication_would_switch_triggers_off(workspace: TenantRef) -> None:
    with tenant_work(workspace), connection.cursor() as cursor:
        cursor.execute(
            "SELECT t.tgname, t.tgenabled::text FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid"
            " WHERE c.relnamespace = %s::regnamespace AND c.relname LIKE 'evidence_%%' AND NOT t.tgisinternal",
            [workspace.schema],
        )
        guards = dict(cursor.fetchall())

    assert len(guards) == 7
    assert set(guards.values()) == {"A"}


def test_bodies_are_plain_json_for_everyone_else(workspace: TenantRef) -> None:
    record(workspace, *an_intents_events())

    with tenant_work(workspace):
        types = [json.loads(event.body)["type"] for event in queries.timeline(intent_id=INTENT)]

    assert types == [event.type for event in an_intents_events()]
