"""Lines of work: exact room over all processes, rates, pauses, and turns for everybody."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from django.db import connection, transaction
from hypothesis import given
from hypothesis import strategies as st

from tests.ledger.book import at_once
from zentra.core import ids
from zentra.core.queue import WorkItem, lanes, operations
from zentra.core.queue.lanes import Place, share_out
from zentra.core.tenancy import TenantRef

LONG_AGO = datetime.fromisoformat("2001-01-01T00:00:00Z")
"""Due before everything else in this database, so that a claim at this moment finds items of the test alone."""
KIND = "test.lane"


def a_lane(ws: TenantRef, *, at_once: int = 10, rate: int | None = None) -> str:
    name = ids.new_id("whe")
    with transaction.atomic():
        lanes.set_lane(lane=name, workspace_id=ws.id, max_in_flight=at_once, rate_per_second=rate)
    return name


def put(ws: TenantRef, lane: str, count: int, *, due_at: datetime = LONG_AGO) -> None:
    with transaction.atomic():
        lanes.enqueue_in_lanes([(ws.id, KIND, f"{lane}/{n}", due_at, lane) for n in range(count)])


def claim(*, limit: int = 100, at: datetime = LONG_AGO) -> list[WorkItem]:
    return lanes.claim(limit=limit, now=at).items


def lane_of(item: WorkItem) -> str:
    return item.ref.partition("/")[0]


def test_an_item_in_a_lane_is_no_work_for_threads(workspace: TenantRef) -> None:
    put(workspace, a_lane(workspace), 3)

    assert operations.claim(limit=10, now=LONG_AGO) == []
    assert len(claim()) == 3


def test_a_lane_has_no_more_in_flight_than_its_room(workspace: TenantRef) -> None:
    lane = a_lane(workspace, at_once=4)
    put(workspace, lane, 10)

    first = claim()
    assert len(first) == 4
    assert claim() == []

    operations.finish_many(items=first[:3], now=LONG_AGO)
    assert len(claim()) == 3


def test_the_room_holds_over_many_claimers_at_once(workspace: TenantRef) -> None:
    lane = a_lane(workspace, at_once=5)
    put(workspace, lane, 100)

    results = at_once([claim] * 24, threads=8)

    taken = [item.id for each in results if isinstance(each, list) for item in each]
    assert len(taken) == len(set(taken)) == 5


def test_a_full_lane_does_not_hold_up_the_others(workspace: TenantRef) -> None:
    full, free = a_lane(workspace, at_once=1), a_lane(workspace)
    put(workspace, full, 1000, due_at=LONG_AGO - timedelta(days=1))
    put(workspace, free, 3)

    assert Counter(map(lane_of, claim())) == {full: 1, free: 3}


def test_a_lost_worker_gives_its_room_back_when_its_lease_ends(workspace: TenantRef) -> None:
    lane = a_lane(workspace, at_once=2)
    put(workspace, lane, 2)
    lost = claim()

    again = claim(at=LONG_AGO + operations.LEASE + timedelta(seconds=1))

    assert {item.id for item in again} == {item.id for item in lost}
    assert operations.finish_many(items=lost, now=LONG_AGO) == 0  # the lost worker comes back too late


def test_a_rate_is_kept_whatever_is_waiting(workspace: TenantRef) -> None:
    lane = a_lane(workspace, at_once=100, rate=20)
    put(workspace, lane, 500)

    started = 0
    for step in range(101):  # ten seconds in steps of 100 ms
        items = claim(at=LONG_AGO + timedelta(milliseconds=100 * step))
        operations.finish_many(items=items, now=LONG_AGO)
        started += len(items)

    assert 200 <= started <= 204


def test_a_clock_that_goes_back_does_not_stop_a_limited_lane(workspace: TenantRef) -> None:
    lane = a_lane(workspace, at_once=100, rate=10)
    put(workspace, lane, 50, due_at=LONG_AGO - timedelta(days=2))
    assert claim(at=LONG_AGO)

    earlier = LONG_AGO - timedelta(days=1)
    started = sum(len(claim(at=earlier + timedelta(milliseconds=100 * step))) for step in range(21))

    assert started >= 9


def test_a_paused_lane_is_left_alone_and_then_tried_one_at_a_time(workspace: TenantRef) -> None:
    lane = a_lane(workspace)
    put(workspace, lane, 5)
    until = LONG_AGO + timedelta(seconds=30)
    with transaction.atomic():
        lanes.pause_lane(lane=lane, workspace_id=workspace.id, until=until)

    assert claim() == []
    assert [item.attempts for item in claim(at=until)] == [1]
    assert claim(at=until) == []

    with transaction.atomic():
        lanes.resume_lane(lane=lane)
    assert len(claim(at=until)) == 4


def test_a_lane_without_a_row_has_the_default_room(workspace: TenantRef) -> None:
    put(workspace, ids.new_id("whe"), 30)

    assert len(claim()) == lanes.DEFAULT_IN_FLIGHT


def test_claims_go_round_over_more_lanes_than_one_looks_at(
    workspace: TenantRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lanes, "VISITS", 3)
    names = [a_lane(workspace) for _ in range(8)]
    for name in names:
        put(workspace, name, 1)

    seen: list[str] = []
    place = lanes.START
    for _ in range(6):
        claimed = lanes.claim(limit=100, now=LONG_AGO, place=place)
        seen += map(lane_of, claimed.items)
        place = claimed.place

    assert sorted(seen) == sorted(names)


def test_work_that_waits_is_hastened_and_work_without_an_item_gets_one(workspace: TenantRef) -> None:
    lane = a_lane(workspace)
    later = LONG_AGO + timedelta(days=300)
    put(workspace, lane, 1, due_at=later)

    with transaction.atomic():
        lanes.hasten(
            workspace_id=workspace.id, kind=KIND, items=[(f"{lane}/0", lane), (f"{lane}/new", lane)], due_at=LONG_AGO
        )

    assert sorted(item.ref for item in claim()) == [f"{lane}/0", f"{lane}/new"]
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM work_item WHERE lane = %s", [lane])
        assert cursor.fetchone() == (2,)


rooms = st.dictionaries(
    st.tuples(st.integers(0, 4).map(lambda n: UUID(int=n)), st.sampled_from("abcdef")), st.integers(0, 20), max_size=12
)


@given(st.integers(0, 120), rooms)
def test_places_are_given_out_in_turns_and_none_is_wasted(limit: int, given_rooms: dict[Place, int]) -> None:
    shares = share_out(limit, given_rooms)

    assert all(0 < count <= given_rooms[place] for place, count in shares.items())
    assert sum(shares.values()) == min(limit, sum(given_rooms.values()))
    for workspace_id in {place[0] for place in given_rooms}:
        mine = [shares.get(place, 0) for place, room in given_rooms.items() if place[0] == workspace_id and room > 0]
        held = [shares.get(p, 0) < given_rooms[p] for p in given_rooms if p[0] == workspace_id and given_rooms[p] > 0]
        # A lane that could have had more is at most one place behind any other of its workspace.
        short = [count for count, is_held in zip(mine, held, strict=True) if is_held]
        assert not short or max(mine) - min(short) <= 1


def test_a_workspace_with_many_lanes_leaves_half_to_one_with_few() -> None:
    big, small = UUID(int=1), UUID(int=2)
    wanted: dict[Place, int] = {(big, f"lane-{n:03}"): 10 for n in range(50)} | {(small, "lane"): 100}

    shares = share_out(40, wanted)

    assert shares[small, "lane"] == 20
