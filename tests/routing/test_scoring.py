"""The judgement of rails: pure, explicit, the same for the same facts."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from zentra.routing.scoring import explain, judge, success_bps
from zentra.routing.types import Candidate, FilterReason, RailFacts

NORTH = RailFacts("rail_n", "north", True, False, 1, 20, 100, 100, 200)
SOUTH = RailFacts("rail_s", "south", True, False, 2, 30, 100, 100, 200)


def names(candidates: tuple[Candidate, ...]) -> list[str]:
    return [candidate.rail for candidate in candidates]


def judge_all(*facts: RailFacts) -> tuple[Candidate, ...]:
    return judge(facts=facts, eligible_rails=None, exclude=())


def test_with_all_else_equal_the_preferred_and_cheaper_rail_comes_first() -> None:
    assert names(judge_all(SOUTH, NORTH)) == ["north", "south"]


def test_a_rail_that_fails_loses_to_a_dearer_one() -> None:
    assert names(judge_all(replace(NORTH, answered=70), SOUTH)) == ["south", "north"]


def test_a_slow_rail_loses_to_a_dearer_one() -> None:
    assert names(judge_all(replace(NORTH, p95_ms=1900), SOUTH)) == ["south", "north"]


def test_one_failure_of_a_new_rail_does_not_condemn_it() -> None:
    assert names(judge_all(replace(NORTH, samples=1, answered=0), SOUTH)) == ["north", "south"]


def test_equal_scores_are_ordered_by_preference_then_name() -> None:
    twin = replace(NORTH, rail_id="rail_t", rail="twin")

    candidates = judge_all(twin, NORTH)

    assert names(candidates) == ["north", "twin"]
    assert "equal" in explain(candidates)


def test_each_filter_is_named_and_a_pause_comes_last() -> None:
    facts = [
        replace(NORTH, rail="elsewhere", priority=None, is_enabled=False),
        replace(NORTH, rail="off", is_enabled=False, is_paused=True),
        replace(NORTH, rail="unfit", rail_id="rail_u"),
        replace(NORTH, rail="tried", rail_id="rail_x"),
        replace(NORTH, rail="still", is_paused=True),
        NORTH,
    ]

    candidates = judge(facts=facts, eligible_rails={"rail_n", "tried"}, exclude={"rail_x"})

    assert {c.rail: c.filtered_by for c in candidates} == {
        "north": None,
        "elsewhere": FilterReason.NOT_IN_CORRIDOR,
        "off": FilterReason.DISABLED,
        "unfit": FilterReason.NOT_ELIGIBLE,
        "tried": FilterReason.EXCLUDED,
        "still": FilterReason.PAUSED,
    }
    assert candidates[0].rail == "north"
    assert explain(candidates).startswith("north: the only candidate, score ")
    assert "still paused" in explain(candidates)


def test_the_success_rate_is_an_integer_between_nothing_and_all() -> None:
    assert success_bps(samples=0, answered=0) == 9500
    assert success_bps(samples=1000, answered=1000) == 9990
    assert success_bps(samples=1000, answered=0) == 186


FACTS = st.lists(
    st.builds(
        RailFacts,
        rail_id=st.uuids().map(str),
        rail=st.uuids().map(str),
        is_enabled=st.booleans(),
        is_paused=st.booleans(),
        priority=st.none() | st.integers(1, 9),
        cost_bps=st.none() | st.integers(0, 2000),
        samples=st.integers(0, 1000),
        answered=st.integers(0, 1000),
        p95_ms=st.integers(0, 60_000),
    ),
    max_size=6,
)


@given(facts=FACTS)
def test_the_order_of_the_facts_never_matters_and_scored_rails_come_first(facts: list[RailFacts]) -> None:
    candidates = judge_all(*facts)

    assert candidates == judge_all(*reversed(facts))
    filtered = [candidate.filtered_by is not None for candidate in candidates]
    assert filtered == sorted(filtered)
    assert all((c.score is None) == (c.filtered_by is not None) for c in candidates)
    assert all(Candidate.from_dict(c.as_dict()) == c for c in candidates)
