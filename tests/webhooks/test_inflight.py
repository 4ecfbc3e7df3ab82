"""A slow endpoint cannot take every worker of a process."""

from __future__ import annotations

from contextlib import ExitStack

from webhooks.outbound.inflight import InFlight


def test_an_endpoint_gets_no_more_than_its_cap_and_others_are_not_held_up() -> None:
    calls = InFlight(healthy_cap=2)
    with ExitStack() as held:
        assert held.enter_context(calls.slot("slow", wait_seconds=0))
        assert held.enter_context(calls.slot("slow", wait_seconds=0))
        assert not held.enter_context(calls.slot("slow", wait_seconds=0))
        assert held.enter_context(calls.slot("other", wait_seconds=0))
    with calls.slot("slow", wait_seconds=0) as has_room:
        assert has_room


def test_an_endpoint_that_keeps_failing_gets_one_call_at_a_time_until_it_answers() -> None:
    calls = InFlight(healthy_cap=4)
    for _ in range(3):
        calls.count_outcome("whe", succeeded=False)
    assert calls.cap("whe") == 1
    calls.count_outcome("whe", succeeded=True)
    assert calls.cap("whe") == 4


def test_a_slot_is_given_back_when_the_call_raises() -> None:
    calls = InFlight(healthy_cap=1)
    try:
        with calls.slot("whe", wait_seconds=0):
            raise RuntimeError
    except RuntimeError:
        pass
    with calls.slot("whe", wait_seconds=0) as has_room:
        assert has_room
