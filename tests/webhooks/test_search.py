"""Finding deliveries and attempts: what each filter selects, and that an index answers it over many rows."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import fields
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.backends.utils import CursorWrapper

from tests.webhooks.replaying import make_deliveries, make_endpoint, start, work_off
from tests.webhooks.work import deliveries
from tests.workspaces import create, drop
from webhooks.outbound import searching
from webhooks.queries import (
    FAILED,
    AttemptFilter,
    DeliveryFilter,
    ReplayScope,
    get_delivery_detail,
    get_replay,
    list_deliveries,
    list_replays,
    preview_replay,
    search_attempts,
)
from webhooks.types import AttemptRecord, DeliveryRecord
from zentra.core import ids, schema
from zentra.core.clock import now
from zentra.core.ids import BadId
from zentra.core.tenancy import TenantRef, tenant_work

_ATTEMPTS = """
INSERT INTO webhooks_attempt (id, recorded_at, delivery_id, endpoint_id, number, trigger, started_at, duration_ms, url,
    request_headers, response_status, response_headers, response_body, is_truncated, error_class, error_detail,
    is_signature_verified, is_superseded, replay_id, remote_address)
SELECT gen_random_uuid(), d.recorded_at + interval '1 second', d.id, d.endpoint_id, 1, %(trigger)s, d.recorded_at, 87,
       'http://127.0.0.1:9/hook', %(headers)s::jsonb, %(status)s, '[["server", "nginx"]]'::jsonb, %(body)s, false,
       %(error)s, coalesce(%(error)s, ''), true, false, NULL, ''
FROM webhooks_delivery d WHERE d.id = ANY(%(ids)s)
"""


def make_attempts(
    ws: TenantRef,
    delivery_ids: list[str],
    *,
    status: int | None = 204,
    error: str | None = None,
    body: bytes = b"",
    trigger: str = "auto",
    headers: str = '{"webhook-id": "evt_1"}',
) -> None:
    """One attempt of each of these deliveries, a second after it was made."""
    keys = [ids.to_uuid(each, prefix="dlv") for each in delivery_ids]
    values = {"status": status, "error": error, "body": body, "trigger": trigger, "headers": headers, "ids": keys}
    with tenant_work(ws), connection.cursor() as cursor:
        cursor.execute(_ATTEMPTS, values)


def found(ws: TenantRef, **where: Any) -> set[str]:
    return {each.id for each in deliveries(ws, **where)}


def said(where: DeliveryFilter | AttemptFilter) -> str:
    """What a filter asks for, in short."""
    asked = ((each.name, getattr(where, each.name), each.default) for each in fields(where))
    return ",".join(f"{name}={value}" for name, value, default in asked if value != default) or "all"


def attempts(ws: TenantRef, **where: Any) -> list[AttemptRecord]:
    with tenant_work(ws):
        return list(search_attempts(where=AttemptFilter(**where)).rows)


# -- What the filters select -------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("local_webhooks")
class TestDeliveries:
    def test_by_what_they_are(self, workspace: TenantRef) -> None:
        first, second = make_endpoint(workspace), make_endpoint(workspace, "other")
        failed = make_deliveries(workspace, first, "exhausted", 2, status=500, error="server_error")
        gone = make_deliveries(workspace, second, "retained", 1, status=410, error="gone", event_type="hold.placed")
        fine = make_deliveries(workspace, second, "resolved", 2, intent_id="pay_8172")
        test = make_deliveries(workspace, second, "resolved", 1, purpose="test")
        job = start(workspace, endpoint_id=first)
        work_off(workspace, job.id)

        assert found(workspace, endpoint_id=first) == set(failed)
        assert found(workspace, states=("retained",)) == set(gone)
        assert found(workspace, states=("retained", "resolved")) == {*gone, *fine, *test}
        assert found(workspace, status=410) == set(gone)
        assert found(workspace, error_class="gone") == set(gone)
        assert found(workspace, event_type="hold.placed") == set(gone)
        assert found(workspace, intent_id="pay_8172") == set(fine)
        assert found(workspace, purpose="test") == set(test)
        assert found(workspace, replay_id=job.id) == set(failed)
        assert found(workspace, endpoint_id=second, status=500) == set()

    def test_by_time(self, workspace: TenantRef) -> None:
        begin = now() - timedelta(hours=1)
        made = make_deliveries(workspace, make_endpoint(workspace), "resolved", 5, first=begin)

        assert found(workspace, since=begin + timedelta(seconds=2), until=begin + timedelta(seconds=4)) == set(
            made[1:3]
        )

    def test_by_the_beginning_of_an_id(self, workspace: TenantRef) -> None:
        endpoint_id = make_endpoint(workspace)
        made = make_deliveries(workspace, endpoint_id, "exhausted", 3, intent_id="pay_8172")
        make_deliveries(workspace, endpoint_id, "exhausted", 1, intent_id="payX8172")
        one = deliveries(workspace)[0]

        assert found(workspace, text=made[0]) == {made[0]}
        assert found(workspace, text=f"  {made[1][:14].upper().replace('DLV', 'dlv')} ") == {made[1]}
        assert found(workspace, text=one.event_id[:16]) == {one.id}
        assert len(found(workspace, text=endpoint_id)) == 4
        assert found(workspace, text="pay_") == set(made)
        assert found(workspace, text="pay_8172") == set(made)
        assert len(found(workspace, text="")) == len(found(workspace, text="dlv_")) == 4

    def test_what_no_id_can_be_finds_nothing(self, workspace: TenantRef) -> None:
        make_deliveries(workspace, make_endpoint(workspace), "exhausted", 1, intent_id="pay_1")

        for text in ("dlv_!", "dlv_9", "evt_01u", "%", "_", "\\", "a\x00b", "dlv_" + "0" * 27, "ü'"):
            assert found(workspace, text=text) == set(), text

    def test_a_wrong_id_is_refused(self, workspace: TenantRef) -> None:
        with pytest.raises(BadId):
            found(workspace, endpoint_id="whe_1")

    def test_pages_of_several_states_are_in_order_and_complete(self, workspace: TenantRef) -> None:
        endpoint_id = make_endpoint(workspace)
        made = [
            each for state in ("exhausted", "retained") for each in make_deliveries(workspace, endpoint_id, state, 7)
        ]
        make_deliveries(workspace, endpoint_id, "resolved", 3)
        seen: list[DeliveryRecord] = []
        with tenant_work(workspace):
            page = list_deliveries(where=DeliveryFilter(states=FAILED), limit=3)
            while page.next_key is not None:
                seen += page.rows
                page = list_deliveries(where=DeliveryFilter(states=FAILED), before=page.next_key, limit=3)
            seen += page.rows

        assert {each.id for each in seen} == set(made)
        assert len(seen) == 14
        assert [each.page_key for each in seen] == sorted((each.page_key for each in seen), reverse=True)


@pytest.mark.usefixtures("local_webhooks")
class TestAttempts:
    def test_by_what_they_are(self, workspace: TenantRef) -> None:
        endpoint_id = make_endpoint(workspace)
        fine, failed, asked = (make_deliveries(workspace, endpoint_id, "resolved", 1) for _ in range(3))
        make_attempts(workspace, fine)
        make_attempts(workspace, failed, status=503, error="server_error", body=b"out of order")
        make_attempts(workspace, asked, trigger="manual")

        assert {each.delivery_id for each in attempts(workspace)} == {*fine, *failed, *asked}
        assert [each.delivery_id for each in attempts(workspace, status=503)] == failed
        assert [each.delivery_id for each in attempts(workspace, error_class="server_error")] == failed
        assert [each.delivery_id for each in attempts(workspace, trigger="manual")] == asked
        assert [each.delivery_id for each in attempts(workspace, delivery_id=fine[0])] == fine
        assert len(attempts(workspace, endpoint_id=endpoint_id)) == 3
        assert attempts(workspace, until=now() - timedelta(days=1)) == []
        with tenant_work(workspace):
            assert len(get_delivery_detail(delivery_id=failed[0]).attempts) == 1

    def test_by_what_was_said(self, workspace: TenantRef) -> None:
        endpoint_id = make_endpoint(workspace)
        [one] = make_deliveries(workspace, endpoint_id, "exhausted", 1)
        [other] = make_deliveries(workspace, endpoint_id, "exhausted", 1)
        make_attempts(workspace, [one], status=503, error="server_error", body=b"\xff out of 100% order")
        make_attempts(workspace, [other], headers='{"x-tenant": "acme_1"}')

        assert [each.delivery_id for each in attempts(workspace, text="of 100% order")] == [one]
        assert [each.delivery_id for each in attempts(workspace, text="SERVER_error")] == [one]
        assert [each.delivery_id for each in attempts(workspace, text="acme_1")] == [other]
        assert len(attempts(workspace, text="nginx")) == 2
        assert attempts(workspace, text="acmeX1") == attempts(workspace, text="a\x00") == []

    def test_a_page_with_a_text_looks_at_so_many_and_says_that_there_are_more(
        self, workspace: TenantRef, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(searching, "SCAN", 4)
        made = make_deliveries(workspace, make_endpoint(workspace), "resolved", 9)
        make_attempts(workspace, made[1:])
        make_attempts(workspace, made[:1], body=b"the needle")
        where, pages, key = AttemptFilter(text="needle"), 0, None
        rows: list[AttemptRecord] = []
        with tenant_work(workspace):
            while pages == 0 or key is not None:
                page = search_attempts(where=where, before=key)
                rows, key, pages = [*rows, *page.rows], page.next_key, pages + 1

        assert ([each.delivery_id for each in rows], pages) == ([made[0]], 3)

    def test_pages_are_in_order_and_complete(self, workspace: TenantRef) -> None:
        make_attempts(workspace, make_deliveries(workspace, make_endpoint(workspace), "resolved", 5))
        with tenant_work(workspace):
            first = search_attempts(limit=3)
            rest = search_attempts(limit=3, before=first.next_key)

        assert (len(first.rows), len(rest.rows), rest.next_key) == (3, 2, None)
        keys = [(each.recorded_at, each.id) for each in (*first.rows, *rest.rows)]
        assert keys == sorted(keys, reverse=True)


# -- How they are answered ---------------------------------------------------------------------------------------------


MANY = """
INSERT INTO webhooks_delivery (id, recorded_at, event_id, event_recorded_at, event_type, leaf_index, leaf_hash,
    endpoint_id, intent_id, state, is_awaited, attempts, failures, first_due_at, resolved_at, trigger, purpose,
    last_status, last_error, last_error_class, replay_id)
SELECT gen_random_uuid(), %(first)s + n * interval '1 second', gen_random_uuid(), %(first)s + n * interval '1 second',
       CASE WHEN n %% 500 = 0 THEN 'hold.placed' ELSE 'account.created' END, n, '\\x00',
       (%(endpoints)s::uuid[])[1 + n %% 5], 'pay_' || lpad(n::text, 6, '0'), s.state, true, 1, 0,
       %(first)s, CASE WHEN s.state = 'resolved' THEN %(first)s END, 'auto', 'event',
       CASE s.state WHEN 'resolved' THEN 204 ELSE 503 END, CASE s.state WHEN 'resolved' THEN '' ELSE 'refused' END,
       CASE s.state WHEN 'resolved' THEN '' WHEN 'retained' THEN 'gone' ELSE 'server_error' END,
       CASE WHEN n %% 700 = 0 THEN %(replay)s::uuid END
FROM generate_series(1, 50000) AS n
CROSS JOIN LATERAL (SELECT CASE WHEN n %% 100 = 0 THEN 'exhausted' WHEN n %% 333 = 0 THEN 'retained'
                                ELSE 'resolved' END AS state) s
"""
MANY_ATTEMPTS = """
INSERT INTO webhooks_attempt (id, recorded_at, delivery_id, endpoint_id, number, trigger, started_at, duration_ms, url,
    request_headers, response_status, response_headers, response_body, is_truncated, error_class, error_detail,
    is_signature_verified, is_superseded, replay_id, remote_address)
SELECT gen_random_uuid(), d.recorded_at + interval '1 second', d.id, d.endpoint_id, 1,
       CASE WHEN d.replay_id IS NULL THEN 'auto' ELSE 'replay' END, d.recorded_at, 87,
       'http://127.0.0.1:9/hook', '{}', d.last_status, '[]', '', false, nullif(d.last_error_class, ''), '', true, false,
       d.replay_id, ''
FROM webhooks_delivery d
"""


class Many:
    """A workspace with 50,000 deliveries and as many attempts."""

    def __init__(self, ws: TenantRef) -> None:
        self.ws = ws
        self.endpoints = [make_endpoint(ws, str(number)) for number in range(5)]
        self.replay_id = ids.new_id("rpl")
        self.first = now() - timedelta(hours=20)
        with tenant_work(ws), connection.cursor() as cursor:
            keys = [ids.to_uuid(each, prefix="whe") for each in self.endpoints]
            replay = ids.to_uuid(self.replay_id, prefix="rpl")
            cursor.execute(MANY, {"first": self.first, "endpoints": keys, "replay": replay})
            cursor.execute(MANY_ATTEMPTS)
        with schema.connect_as_owner() as owner:
            for table in ("webhooks_delivery", "webhooks_attempt", "webhooks_endpoint"):
                owner.execute(f'ANALYZE "{ws.schema}".{table}')
            owner.commit()


@pytest.fixture(scope="module")
def many(django_db_blocker: Any, migrated: str) -> Iterator[Many]:
    from django.test import override_settings

    with django_db_blocker.unblock(), override_settings(ZENTRA_ALLOW_LOCAL_WEBHOOKS=True):
        ws = create(slug=f"t-{secrets.token_hex(5)}", mode="sandbox", ledger_currency="USD")
        yield Many(ws)
        drop(ws)


@pytest.fixture
def plans(monkeypatch: pytest.MonkeyPatch, database: None) -> list[str]:
    """The plan of each statement that reads deliveries or attempts, as it was really run."""
    explained: list[str] = []
    run = CursorWrapper.execute

    def execute(cursor: CursorWrapper, statement: Any, params: Any = None) -> Any:
        if statement.lstrip().startswith(("SELECT", "WITH")) and "webhooks_" in statement:
            run(cursor, f"EXPLAIN (ANALYZE, TIMING OFF) {statement}", params)
            explained.append("\n".join(row[0] for row in cursor.fetchall()))
        return run(cursor, statement, params)

    monkeypatch.setattr(CursorWrapper, "execute", execute)
    return explained


def assert_answered_from_an_index(plans: list[str]) -> None:
    """No table of deliveries or attempts was read from end to end, months that hold nothing left aside."""
    assert plans
    for plan in plans:
        read = [line for line in plan.splitlines() if "Seq Scan on webhooks_" in line and "cost=0.00..0.00" not in line]
        assert not [line for line in read if "delivery" in line or "attempt" in line], plan
        assert "Index" in plan, plan


@pytest.mark.parametrize(
    "where",
    [
        DeliveryFilter(),
        DeliveryFilter(states=("exhausted",)),
        DeliveryFilter(states=("resolved",)),
        DeliveryFilter(states=FAILED),
        DeliveryFilter(event_type="hold.placed"),
        DeliveryFilter(intent_id="pay_000042"),
        DeliveryFilter(text="pay_0000"),
        DeliveryFilter(text="dlv_01k"),
        DeliveryFilter(text="dlv_7zz"),
        DeliveryFilter(text="evt_3"),
        DeliveryFilter(status=503),
        DeliveryFilter(error_class="gone"),
        DeliveryFilter(purpose="probe"),
        DeliveryFilter(error_class="no_such"),
    ],
    ids=said,
)
def test_a_page_of_deliveries_is_answered_from_an_index(many: Many, plans: list[str], where: DeliveryFilter) -> None:
    with tenant_work(many.ws):
        page = list_deliveries(where=where)
        if page.next_key is not None:
            list_deliveries(where=where, before=page.next_key)

    assert_answered_from_an_index(plans)


def test_a_page_of_one_endpoint_event_replay_or_time_is_answered_from_an_index(many: Many, plans: list[str]) -> None:
    with tenant_work(many.ws):
        one = list_deliveries(limit=1).rows[0]
        for where in (
            DeliveryFilter(endpoint_id=many.endpoints[0]),
            DeliveryFilter(endpoint_id=many.endpoints[0], states=FAILED),
            DeliveryFilter(endpoint_id=many.endpoints[1], event_type="hold.placed"),
            DeliveryFilter(event_id=one.event_id),
            DeliveryFilter(replay_id=many.replay_id),
            DeliveryFilter(since=many.first, until=many.first + timedelta(minutes=10)),
        ):
            list_deliveries(where=where)
        get_delivery_detail(delivery_id=one.id)

    assert_answered_from_an_index(plans)


@pytest.mark.parametrize(
    "where",
    [
        AttemptFilter(),
        AttemptFilter(error_class="gone"),
        AttemptFilter(status=503),
        AttemptFilter(trigger="replay"),
        AttemptFilter(is_failed=True),
        AttemptFilter(text="nothing says this"),
        AttemptFilter(status=503, text="nothing says this"),
    ],
    ids=said,
)
def test_a_page_of_attempts_is_answered_from_an_index(many: Many, plans: list[str], where: AttemptFilter) -> None:
    with tenant_work(many.ws):
        page = search_attempts(where=where)
        if page.next_key is not None:
            search_attempts(where=where, before=page.next_key)
        search_attempts(where=AttemptFilter(endpoint_id=many.endpoints[0]))
        search_attempts(where=AttemptFilter(replay_id=many.replay_id))

    assert_answered_from_an_index(plans)


def test_a_replay_finds_its_next_slice_and_its_progress_from_an_index(
    many: Many, plans: list[str], local_webhooks: None
) -> None:
    job = start(many.ws, rate=20, states=FAILED, since=many.first + timedelta(hours=1))
    start(many.ws, rate=20, endpoint_id=many.endpoints[0], states=FAILED)
    plans.clear()
    work_off(many.ws, job.id)
    with tenant_work(many.ws):
        get_replay(replay_id=job.id)
        list_replays()
        preview_replay(where=ReplayScope(endpoint_id=many.endpoints[0], states=FAILED), now=now())

    assert_answered_from_an_index([plan for plan in plans if "webhooks_delivery" in plan])
