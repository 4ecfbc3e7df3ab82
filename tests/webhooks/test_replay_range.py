"""Everything that failed since …: preview, start, progress at a rate, cancel; exact, and safe against itself."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest
from django.db import DatabaseError, IntegrityError, connection

from tests.evidence.conforming import assert_conforming
from tests.webhooks.replaying import (
    make_deliveries,
    make_endpoint,
    open_refs,
    race,
    read,
    start,
    work_off,
    work_off_all,
)
from tests.webhooks.work import SUPPORT, deliveries, event_rows, run_due
from webhooks.operations import cancel_replay, disable_endpoint, start_replay
from webhooks.outbound.directory import EndpointNotFound
from webhooks.outbound.replays import working
from webhooks.outbound.replays.jobs import (
    MAX_RUNNING,
    NothingToReplay,
    ReplayEnded,
    ReplayEndpointDisabled,
    TooManyReplays,
)
from webhooks.outbound.replays.queries import InvalidReplayRate, ReplayNotFound
from webhooks.outbound.replays.requesting import ReplayReasonRequired
from webhooks.outbound.replays.scope import InvalidReplayScope
from webhooks.queries import FAILED, ReplayRecord, ReplayScope, get_replay, list_replays, preview_replay
from zentra.core import clock
from zentra.core.clock import now
from zentra.core.idempotency.operations import IdempotencyKeyReused
from zentra.core.tenancy import TenantRef, tenant_work

pytestmark = pytest.mark.usefixtures("local_webhooks")


@pytest.fixture
def endpoint_id(workspace: TenantRef) -> str:
    return make_endpoint(workspace)


def disable(ws: TenantRef, endpoint_id: str) -> None:
    with tenant_work(ws):
        disable_endpoint(endpoint_id=endpoint_id, actor=SUPPORT, reason="maintenance", now=now())


def cancel(ws: TenantRef, replay_id: str, *, reason: str = "the wrong range") -> ReplayRecord:
    with tenant_work(ws):
        return cancel_replay(replay_id=replay_id, actor=SUPPORT, reason=reason, now=now())


# -- Preview -----------------------------------------------------------------------------------------------------------


def test_a_preview_counts_exactly_and_sends_nothing(workspace: TenantRef, endpoint_id: str) -> None:
    other = make_endpoint(workspace, "other")
    make_deliveries(workspace, endpoint_id, "exhausted", 41)
    make_deliveries(workspace, endpoint_id, "resolved", 7)
    make_deliveries(workspace, other, "exhausted", 3)
    make_deliveries(workspace, other, "retained", 2, purpose="test")
    make_deliveries(workspace, endpoint_id, "retrying", 5, due_in=-1)  # due, so on their way already
    disable(workspace, other)

    with tenant_work(workspace):
        preview = preview_replay(where=ReplayScope(states=FAILED), rate_per_second=20, now=now())

    assert (preview.matched, preview.skipped_disabled, preview.in_flight, preview.requestable) == (49, 3, 5, 41)
    assert preview.by_endpoint == {endpoint_id: 46, other: 3}
    assert preview.by_state == {"exhausted": 44, "retrying": 5}
    assert preview.seconds_at_rate == 3
    assert preview.oldest_at is not None
    assert preview.newest_at is not None
    assert preview.newest_at - preview.oldest_at < timedelta(minutes=1)
    assert open_refs(workspace, "webhooks.replay") == []
    assert event_rows(workspace, "webhook.replay_started") == []


def test_a_range_is_bounded_by_time_type_state_endpoint_and_event(workspace: TenantRef, endpoint_id: str) -> None:
    begin = now() - timedelta(hours=1)
    make_deliveries(workspace, endpoint_id, "exhausted", 10, first=begin)
    make_deliveries(workspace, endpoint_id, "retained", 4, first=begin, event_type="account.closed")
    event_id = deliveries(workspace, states=("retained",))[0].event_id

    def matched(**scope: object) -> int:
        with tenant_work(workspace):
            return preview_replay(where=ReplayScope(**scope), now=now()).matched  # type: ignore[arg-type]

    assert matched(since=begin) == 14
    assert matched(since=begin + timedelta(seconds=3), until=begin + timedelta(seconds=5)) == 4
    assert matched(states=("retained",)) == 4
    assert matched(event_type="account.created") == 10
    assert matched(event_id=event_id) == 1
    assert matched(endpoint_id=endpoint_id, states=("exhausted",), since=begin + timedelta(seconds=10)) == 1


@pytest.mark.parametrize(
    ("scope", "refusal"),
    [
        (ReplayScope(), InvalidReplayScope),
        (ReplayScope(until=clock.now()), InvalidReplayScope),
        (ReplayScope(states=()), InvalidReplayScope),
        (ReplayScope(states=("lost",)), InvalidReplayScope),  # type: ignore[arg-type]
        (ReplayScope(since=clock.now(), until=clock.now() - timedelta(days=1)), InvalidReplayScope),
        (ReplayScope(endpoint_id="whe_00000000000000000000000000"), EndpointNotFound),
        (ReplayScope(states=("exhausted",)), NothingToReplay),
    ],
)
def test_a_range_that_nobody_can_mean_is_refused_and_nothing_is_started(
    workspace: TenantRef, scope: ReplayScope, refusal: type[Exception]
) -> None:
    with tenant_work(workspace), pytest.raises(refusal):
        start_replay(where=scope, actor=SUPPORT, reason="all of it", now=now())

    assert open_refs(workspace, "webhooks.replay") == []
    assert event_rows(workspace, "webhook.replay_started") == []


def test_reason_and_rate_are_needed(workspace: TenantRef, endpoint_id: str) -> None:
    make_deliveries(workspace, endpoint_id, "exhausted", 1)
    with pytest.raises(ReplayReasonRequired):
        start(workspace, reason=" \n", endpoint_id=endpoint_id)
    for rate in (0, -1, 501):
        with pytest.raises(InvalidReplayRate):
            start(workspace, rate=rate, endpoint_id=endpoint_id)

    with tenant_work(workspace):
        assert list_replays().rows == ()


# -- Working it off ----------------------------------------------------------------------------------------------------


def test_everything_that_failed_is_requested_once_marked_and_told(workspace: TenantRef, endpoint_id: str) -> None:
    failed = make_deliveries(workspace, endpoint_id, "exhausted", 5) + make_deliveries(
        workspace, endpoint_id, "retained", 2, attempts=0
    )
    make_deliveries(workspace, endpoint_id, "resolved", 3)
    job = start(workspace, endpoint_id=endpoint_id, states=FAILED)

    done = work_off_all(workspace, job.id)

    assert (done.state, done.matched, done.requested, done.skipped, done.percent) == ("done", 7, 7, 0, 100.0)
    assert (done.waiting, done.resolved, done.failed, done.taken_over) == (7, 0, 0, 0)
    asked = deliveries(workspace, replay_id=job.id)
    assert {each.id for each in asked} == set(failed)
    assert {(each.state, each.attempts) for each in asked} == {("retrying", 1), ("queued", 0)}
    assert sorted(ref for ref, _ in open_refs(workspace)) == sorted(failed)
    told = event_rows(workspace, "webhook.replayed")
    assert {each["data"]["delivery_id"] for each in told} == set(failed)
    assert {(each["actor"]["id"], each["data"]["reason"], each["data"]["replay_id"]) for each in told} == {
        (SUPPORT.id, "the consumer is back", job.id)
    }
    [started] = event_rows(workspace, "webhook.replay_started")
    [ended] = event_rows(workspace, "webhook.replay_ended")
    assert (started["actor"]["id"], started["data"]["matched"]) == (SUPPORT.id, 7)
    assert (ended["data"]["state"], ended["data"]["requested"], ended["data"]["skipped"]) == ("done", 7, 0)
    assert_conforming(workspace)


def test_the_queue_works_it_off_by_itself(workspace: TenantRef, endpoint_id: str) -> None:
    make_deliveries(workspace, endpoint_id, "exhausted", 3)
    job = start(workspace, endpoint_id=endpoint_id)

    run_due(kinds=("webhooks.replay",))

    assert read(workspace, job.id).state == "done"
    assert open_refs(workspace, "webhooks.replay") == []


def test_it_goes_oldest_first_and_not_faster_than_its_rate(workspace: TenantRef, endpoint_id: str) -> None:
    expected = make_deliveries(workspace, endpoint_id, "exhausted", 25)
    begin = now()
    with clock.frozen(begin):
        job = start(workspace, rate=10, endpoint_id=endpoint_id)
        again_at = work_off(workspace, job.id)
        assert work_off(workspace, job.id) == again_at  # too early: nothing is requested
        first = read(workspace, job.id)

    assert again_at == begin + timedelta(seconds=1)
    assert (first.requested, first.percent, first.seconds_left) == (10, 40.0, 2)
    assert {each.id for each in deliveries(workspace, replay_id=job.id)} == set(expected[:10])
    with clock.frozen(begin + timedelta(seconds=600)):  # a worker that was away makes up for one second, not for all
        assert work_off(workspace, job.id) == begin + timedelta(seconds=600)
        again_at = work_off(workspace, job.id)
        assert read(workspace, job.id).requested == 25
    assert again_at is None


def test_what_cannot_be_sent_is_skipped_and_counted(
    workspace: TenantRef, endpoint_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(working, "SCAN", 4)
    disabled = make_endpoint(workspace, "disabled")
    make_deliveries(workspace, disabled, "exhausted", 9)
    sent = make_deliveries(workspace, endpoint_id, "exhausted", 6, first=now() - timedelta(hours=1))
    busy = make_deliveries(workspace, endpoint_id, "retrying", 2, first=now() - timedelta(minutes=30), due_in=-1)
    disable(workspace, disabled)
    with tenant_work(workspace), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE webhooks_delivery SET claimed_until = now() + interval '1 minute' WHERE state = 'retrying'"
        )
    job = start(workspace, states=FAILED)

    done = work_off_all(workspace, job.id)

    assert (done.matched, done.requested, done.skipped) == (17, 6, 11)
    assert (done.skipped_disabled, done.skipped_in_flight) == (9, 2)
    assert {each.id for each in deliveries(workspace, replay_id=job.id)} == set(sent)
    assert {each.id for each in deliveries(workspace, states=("retrying",))} == {*sent, *busy}


def test_a_delivery_that_waits_is_brought_forward_and_has_no_second_item(
    workspace: TenantRef, endpoint_id: str
) -> None:
    [delivery_id] = make_deliveries(workspace, endpoint_id, "retrying", 1)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO public.work_item (id, workspace_id, kind, ref, due_at, priority, attempts, last_error, lane)"
            " VALUES (gen_random_uuid(), %s, 'webhooks.deliver', %s, now() + interval '1 hour', 5, 1, '', %s)",
            [workspace.id, f"{endpoint_id}/{delivery_id}", endpoint_id],
        )
    job = start(workspace, endpoint_id=endpoint_id)
    work_off_all(workspace, job.id)

    [(ref, due_at)] = open_refs(workspace)

    assert ref == delivery_id
    assert due_at <= now()


def test_what_arrived_meanwhile_is_not_sent_again(workspace: TenantRef, endpoint_id: str) -> None:
    make_deliveries(workspace, endpoint_id, "exhausted", 5)
    job = start(workspace, endpoint_id=endpoint_id, states=FAILED)
    with tenant_work(workspace), connection.cursor() as cursor:
        cursor.execute("UPDATE webhooks_delivery SET state = 'resolved', resolved_at = now() WHERE leaf_index <= 2")

    done = work_off_all(workspace, job.id)

    assert (done.state, done.matched, done.requested, done.skipped, done.percent) == ("done", 5, 3, 0, 100.0)


def test_deliveries_made_after_the_start_are_not_chased(workspace: TenantRef, endpoint_id: str) -> None:
    make_deliveries(workspace, endpoint_id, "exhausted", 2)
    job = start(workspace, endpoint_id=endpoint_id)
    make_deliveries(workspace, endpoint_id, "exhausted", 2, first=now())

    assert work_off_all(workspace, job.id).requested == 2


# -- Against itself and others -----------------------------------------------------------------------------------------


def test_two_workers_on_one_job_request_nothing_twice(workspace: TenantRef, endpoint_id: str) -> None:
    make_deliveries(workspace, endpoint_id, "exhausted", 60)
    job = start(workspace, rate=20, endpoint_id=endpoint_id)
    for turn in range(4):
        at = now() + timedelta(minutes=turn)
        race(*[partial(work_off, workspace, job.id, at=at)] * 3)

    done = read(workspace, job.id)

    assert (done.state, done.requested) == ("done", 60)
    refs = [ref for ref, _ in open_refs(workspace)]
    assert len(refs) == len(set(refs)) == 60
    assert len(event_rows(workspace, "webhook.replayed")) == 60


def test_a_worker_that_dies_in_a_slice_leaves_none_of_it(workspace: TenantRef, endpoint_id: str) -> None:
    make_deliveries(workspace, endpoint_id, "exhausted", 30)
    job = start(workspace, rate=10, endpoint_id=endpoint_id)

    def die_before_the_commit() -> None:
        with tenant_work(workspace):
            working.work_off_replay(replay_id=job.id, now=now())
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        die_before_the_commit()

    assert (read(workspace, job.id).requested, open_refs(workspace)) == (0, [])
    assert event_rows(workspace, "webhook.replayed") == []
    assert work_off_all(workspace, job.id).requested == 30
    assert len({ref for ref, _ in open_refs(workspace)}) == 30


def test_two_replays_of_overlapping_ranges_send_each_delivery_once(workspace: TenantRef, endpoint_id: str) -> None:
    make_deliveries(workspace, endpoint_id, "exhausted", 40)
    first = start(workspace, endpoint_id=endpoint_id)
    second = start(workspace, states=("exhausted", "retrying"))

    results = race(lambda: work_off_all(workspace, first.id), lambda: work_off_all(workspace, second.id))

    assert [type(each) for each in results] == [ReplayRecord, ReplayRecord]
    jobs = [read(workspace, first.id), read(workspace, second.id)]
    assert sum(job.requested for job in jobs) == 40
    assert all(job.state == "done" and job.taken_over == 0 for job in jobs)
    assert len(event_rows(workspace, "webhook.replayed")) == 40
    refs = [ref for ref, _ in open_refs(workspace)]
    assert len(refs) == len(set(refs)) == 40


def test_a_disable_against_a_replay_leaves_nothing_half_way(workspace: TenantRef, endpoint_id: str) -> None:
    make_deliveries(workspace, endpoint_id, "exhausted", 200)
    job = start(workspace, rate=50, endpoint_id=endpoint_id)

    results = race(lambda: work_off_all(workspace, job.id), lambda: disable(workspace, endpoint_id))

    assert not [each for each in results if isinstance(each, Exception)]
    done = read(workspace, job.id)
    assert done.requested + done.skipped_disabled == 200
    states = [each.state for each in deliveries(workspace, endpoint_id=endpoint_id)]
    assert not {"retrying", "queued"} & set(states)
    retained = done.requested
    with tenant_work(workspace), connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM webhooks_delivery WHERE state = 'retained' AND next_attempt_at IS NULL")
        assert cursor.fetchone() == (retained,)
    assert (done.failed, done.waiting) == (retained, 0)


def test_a_cancel_against_a_slice_counts_every_delivery_once(workspace: TenantRef, endpoint_id: str) -> None:
    make_deliveries(workspace, endpoint_id, "exhausted", 50)
    job = start(workspace, rate=20, endpoint_id=endpoint_id)

    race(lambda: work_off(workspace, job.id), lambda: cancel(workspace, job.id))

    canceled = read(workspace, job.id)
    assert canceled.state == "canceled"
    assert canceled.requested + canceled.not_requested == 50
    assert canceled.requested in {0, 20}
    assert len(open_refs(workspace)) == canceled.requested == len(event_rows(workspace, "webhook.replayed"))


# -- Cancel ------------------------------------------------------------------------------------------------------------


def test_a_cancel_stops_what_was_not_requested_and_says_how_much(workspace: TenantRef, endpoint_id: str) -> None:
    make_deliveries(workspace, endpoint_id, "exhausted", 25)
    job = start(workspace, rate=10, endpoint_id=endpoint_id)
    work_off(workspace, job.id)

    canceled = cancel(workspace, job.id)

    assert (canceled.state, canceled.requested, canceled.not_requested) == ("canceled", 10, 15)
    assert canceled.canceled_by == SUPPORT.as_dict()
    assert (canceled.cancel_reason, canceled.waiting, canceled.percent) == ("the wrong range", 10, 40.0)
    with clock.frozen(now() + timedelta(seconds=5)):
        assert work_off(workspace, job.id) is None
    assert read(workspace, job.id).requested == 10
    [ended] = event_rows(workspace, "webhook.replay_ended")
    assert ended["actor"]["id"] == SUPPORT.id
    assert ended["data"] == {
        "replay_id": job.id,
        "state": "canceled",
        "matched": 25,
        "requested": 10,
        "skipped": 0,
        "not_requested": 15,
        "reason": "the wrong range",
    }
    assert_conforming(workspace)


def test_a_cancel_is_refused_without_reason_twice_and_for_what_is_not_there(
    workspace: TenantRef, other_workspace: TenantRef, endpoint_id: str
) -> None:
    make_deliveries(workspace, endpoint_id, "exhausted", 2)
    job = start(workspace, endpoint_id=endpoint_id)
    with pytest.raises(ReplayReasonRequired):
        cancel(workspace, job.id, reason="")
    with pytest.raises(ReplayNotFound):
        cancel(other_workspace, job.id)
    assert read(workspace, job.id).state == "running"

    cancel(workspace, job.id)
    with pytest.raises(ReplayEnded):
        cancel(workspace, job.id)
    assert len(event_rows(workspace, "webhook.replay_ended")) == 1


# -- Starting ----------------------------------------------------------------------------------------------------------


def test_the_same_key_is_the_same_job(workspace: TenantRef, endpoint_id: str) -> None:
    make_deliveries(workspace, endpoint_id, "exhausted", 2)

    def begin(reason: str = "again") -> ReplayRecord:
        with tenant_work(workspace):
            return start_replay(
                where=ReplayScope(endpoint_id=endpoint_id),
                actor=SUPPORT,
                reason=reason,
                now=now(),
                idempotency_key="replay-1",
            )

    started = race(begin, begin, begin)

    assert len({each.id for each in started if isinstance(each, ReplayRecord)}) == 1
    assert all(isinstance(each, ReplayRecord) for each in started)
    with pytest.raises(IdempotencyKeyReused):
        begin("another reason")
    assert len(event_rows(workspace, "webhook.replay_started")) == 1
    assert len(open_refs(workspace, "webhooks.replay")) == 1


def test_a_workspace_runs_a_few_at_once_and_refuses_the_next(workspace: TenantRef, endpoint_id: str) -> None:
    make_deliveries(workspace, endpoint_id, "exhausted", 2)

    results = race(*[lambda: start(workspace, endpoint_id=endpoint_id)] * (MAX_RUNNING + 2))

    assert sum(isinstance(each, ReplayRecord) for each in results) == MAX_RUNNING
    assert sum(isinstance(each, TooManyReplays) for each in results) == 2
    with tenant_work(workspace):
        running = list_replays(states=("running",)).rows
    assert len(running) == MAX_RUNNING
    cancel(workspace, running[0].id)
    start(workspace, endpoint_id=endpoint_id)


def test_a_range_of_a_disabled_endpoint_is_refused(workspace: TenantRef, endpoint_id: str) -> None:
    make_deliveries(workspace, endpoint_id, "exhausted", 2)
    disable(workspace, endpoint_id)

    with pytest.raises(ReplayEndpointDisabled):
        start(workspace, endpoint_id=endpoint_id)


def test_replays_are_listed_newest_first_page_by_page(workspace: TenantRef, endpoint_id: str) -> None:
    make_deliveries(workspace, endpoint_id, "exhausted", 1)
    started = [start(workspace, endpoint_id=endpoint_id).id for _ in range(3)]
    with tenant_work(workspace):
        page = list_replays(limit=2)
        rest = list_replays(limit=2, before=page.next_key)
        assert [each.id for each in (*page.rows, *rest.rows)] == started[::-1]
        assert rest.next_key is None
        assert list_replays(states=("done",)).rows == ()
        assert len(list_replays(endpoint_id=endpoint_id).rows) == 3
        assert page.rows[0].scope.endpoint_id == endpoint_id


def test_another_workspace_sees_no_replay(workspace: TenantRef, other_workspace: TenantRef, endpoint_id: str) -> None:
    make_deliveries(workspace, endpoint_id, "exhausted", 1)
    job = start(workspace, endpoint_id=endpoint_id)

    with tenant_work(other_workspace):
        assert list_replays().rows == ()
        with pytest.raises(ReplayNotFound):
            get_replay(replay_id=job.id)
    with pytest.raises(ReplayNotFound):
        work_off(other_workspace, job.id)


@pytest.mark.parametrize(
    ("statement", "refusal"),
    [
        ("UPDATE webhooks_replay SET state = 'lost'", IntegrityError),
        ("UPDATE webhooks_replay SET rate_per_second = 501", IntegrityError),
        ("UPDATE webhooks_replay SET state = 'done'", IntegrityError),
        ("DELETE FROM webhooks_replay", DatabaseError),
    ],
)
def test_the_database_refuses_what_must_not_be(
    workspace: TenantRef, endpoint_id: str, statement: str, refusal: type[Exception]
) -> None:
    make_deliveries(workspace, endpoint_id, "exhausted", 1)
    start(workspace, endpoint_id=endpoint_id)

    with pytest.raises(refusal), tenant_work(workspace), connection.cursor() as cursor:
        cursor.execute(statement)
