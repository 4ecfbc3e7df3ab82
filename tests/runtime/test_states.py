"""The state table: what is not in it is refused, by the function and by the row."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.runtime.story import Story
from zentra.core import actors, clock
from zentra.core.tenancy import tenant_work
from zentra.runtime import store
from zentra.runtime.errors import StaleIntent
from zentra.runtime.states import (
    END_STATES,
    MOVING,
    STAGES,
    TRANSITIONS,
    Status,
    TransitionNotAllowed,
    check_transition,
)

S = Status
# Written out here a second time, on purpose: a change of the table is a change of the product.
ALLOWED = {
    (S.ACCEPTED, S.CONTROLLED), (S.ACCEPTED, S.REVIEW), (S.ACCEPTED, S.DECLINED),
    (S.REVIEW, S.CONTROLLED), (S.REVIEW, S.DECLINED), (S.REVIEW, S.EXPIRED), (S.REVIEW, S.CANCELED),
    (S.CONTROLLED, S.LEDGERED),
    (S.LEDGERED, S.ROUTED), (S.LEDGERED, S.FAILED), (S.LEDGERED, S.CANCELED), (S.LEDGERED, S.EXPIRED),
    (S.ROUTED, S.SYNCHRONIZED), (S.ROUTED, S.FAILED), (S.ROUTED, S.EXPIRED),
    (S.SYNCHRONIZED, S.EVIDENCED),
    (S.EVIDENCED, S.REVERSED),
}  # fmt: skip


@pytest.mark.parametrize(("before", "after"), list(product(Status, Status)))
def test_every_pair_is_allowed_or_refused_as_written(before: Status, after: Status) -> None:
    if (before, after) in ALLOWED:
        check_transition(before, after)
        return
    with pytest.raises(TransitionNotAllowed) as refused:
        check_transition(before, after)
    assert refused.value.extra == {"status_now": before, "allowed": sorted(TRANSITIONS[before])}


@given(steps=st.lists(st.sampled_from(list(Status)), max_size=40))
def test_no_walk_returns_and_every_walk_ends(steps: list[Status]) -> None:
    at, been = S.ACCEPTED, [S.ACCEPTED]
    for wanted in steps:
        try:
            check_transition(at, wanted)
        except TransitionNotAllowed:
            continue
        at = wanted
        been.append(at)

    assert len(been) == len(set(been)) <= 7
    assert not TRANSITIONS[at] or at not in END_STATES or at is S.EVIDENCED


def test_every_state_can_be_reached_and_every_walk_has_an_end() -> None:
    reached, edge = {S.ACCEPTED}, {S.ACCEPTED}
    while edge:
        edge = {after for before in edge for after in TRANSITIONS[before]} - reached
        reached |= edge

    assert reached == set(Status)
    assert {s for s in Status if not TRANSITIONS[s]} | {S.EVIDENCED} == END_STATES
    assert set(Status) == END_STATES | MOVING | {S.REVIEW}


def test_the_six_stages_are_those_of_the_product() -> None:
    assert [stage.status for stage in STAGES] == [
        S.ACCEPTED, S.CONTROLLED, S.LEDGERED, S.ROUTED, S.SYNCHRONIZED, S.EVIDENCED,
    ]  # fmt: skip
    assert [stage.number for stage in STAGES] == [1, 2, 3, 4, 5, 6]
    assert [stage.actor for stage in STAGES] == [
        "svc_edge", "svc_policy", "svc_ledger", "svc_routes", "svc_events", "svc_evidence",
    ]  # fmt: skip


def test_a_step_that_the_table_lacks_changes_no_row(story: Story) -> None:
    intent = story.create()

    for wanted in set(Status) - TRANSITIONS[S.LEDGERED]:
        with tenant_work(story.ws), pytest.raises(TransitionNotAllowed):
            store.advance(intent, wanted, actor=actors.RUNTIME, at=clock.now())

    assert story.get() == intent
    assert story.path() == ["accepted", "controlled", "ledgered"]


def test_whoever_read_an_older_version_is_refused(story: Story) -> None:
    intent = story.create()
    with tenant_work(story.ws):
        store.advance(intent, S.ROUTED, actor=actors.RUNTIME, at=clock.now())

    for wanted in (S.ROUTED, S.FAILED):
        with tenant_work(story.ws), pytest.raises(StaleIntent):
            store.advance(intent, wanted, actor=actors.RUNTIME, at=clock.now())

    assert story.path() == ["accepted", "controlled", "ledgered", "routed"]


def test_the_history_says_from_where_to_where_when_and_by_whom(story: Story) -> None:
    story.create()

    steps = story.history()

    assert [(s.before, s.after, s.actor["id"], s.version) for s in steps] == [
        (None, "accepted", "svc_edge", 1),
        ("accepted", "controlled", "svc_policy", 2),
        ("controlled", "ledgered", "svc_ledger", 3),
    ]
    assert [s.at for s in steps] == sorted(s.at for s in steps)
