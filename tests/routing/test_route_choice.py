"""Choosing a rail: what is kept, who is filtered, and when nobody may be chosen."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.routing.conftest import NOW
from zentra.core.canonical import dumps
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.routing import queries
from zentra.routing.events import routed_event
from zentra.routing.operations import (
    AttemptOpen,
    NoRouteAvailable,
    begin_attempt,
    change_rail,
    choose_route,
    open_corridor,
    record_answer,
    refresh_health,
)
from zentra.routing.packet import RoutingSection
from zentra.routing.providers.types import ProviderAnswer, build_request
from zentra.routing.types import (
    AnswerKind,
    CorridorRail,
    CorridorRef,
    FilterReason,
    RailRecord,
    RailState,
    RouteDecisionRecord,
)

Choose = Callable[..., RouteDecisionRecord]
Rails = dict[str, RailRecord]


def answer(kind: AnswerKind, latency_ms: int = 40) -> ProviderAnswer:
    return ProviderAnswer(kind, None, latency_ms, kind.value)


def filters(decision: RouteDecisionRecord) -> dict[str, FilterReason | None]:
    return {c.rail: c.filtered_by for c in decision.candidates if c.rail in {"north", "south"}}


def test_the_preferred_rail_is_chosen_and_why_is_kept(workspace: TenantRef, rails: Rails, choose: Choose) -> None:
    with tenant_work(workspace):
        decision = choose("intent_1")

        kept = queries.list_decisions(intent_id="intent_1")

    assert decision.rail_id == rails["north"].id
    assert decision.why.startswith("north: score ")
    assert "of south" in decision.why
    assert kept == [decision]


def test_the_same_facts_choose_the_same_rail(workspace: TenantRef, rails: Rails, choose: Choose) -> None:
    with tenant_work(workspace):
        first, second = choose("intent_1"), choose("intent_2")

    assert (first.rail, first.candidates, first.why) == (second.rail, second.candidates, second.why)


def test_failover_excludes_the_rail_that_executed_nothing(workspace: TenantRef, rails: Rails, choose: Choose) -> None:
    with tenant_work(workspace):
        attempt = begin_attempt(decision=choose("intent_1"), now=NOW)
        record_answer(attempt_id=attempt.id, answer=answer(AnswerKind.UNAVAILABLE), now=NOW)

        failover = choose("intent_1", exclude={attempt.rail_id})
        second = begin_attempt(decision=failover, now=NOW)

    assert (failover.rail, failover.number, failover.is_failover) == ("south", 2, True)
    assert filters(failover) == {"south": None, "north": FilterReason.EXCLUDED}
    assert second.key == f"{rails['south'].id}.intent_1.2"


@pytest.mark.parametrize("kind", [None, AnswerKind.UNKNOWN, AnswerKind.ACCEPTED, AnswerKind.SUCCEEDED])
def test_nothing_is_sent_elsewhere_while_the_outcome_is_open(
    workspace: TenantRef, rails: Rails, choose: Choose, kind: AnswerKind | None
) -> None:
    with tenant_work(workspace):
        attempt = begin_attempt(decision=choose("intent_1"), now=NOW)
        if kind is not None:
            record_answer(attempt_id=attempt.id, answer=answer(kind), now=NOW)

        with pytest.raises(AttemptOpen):
            choose("intent_1", exclude={attempt.rail_id})

        assert len(queries.list_decisions(intent_id="intent_1")) == 1


def test_policys_eligible_rails_and_a_disabled_rail_are_filtered(
    workspace: TenantRef, rails: Rails, choose: Choose
) -> None:
    with tenant_work(workspace):
        assert filters(choose("intent_1", eligible_rails=["south"]))["north"] is FilterReason.NOT_ELIGIBLE

        assert filters(choose("intent_2", ineligible_rails=["south"]))["south"] is FilterReason.NOT_ELIGIBLE

        change_rail(rail_id=rails["north"].id, state=RailState.DISABLED)

        assert filters(choose("intent_3"))["north"] is FilterReason.DISABLED


def test_when_everybody_is_filtered_the_refusal_says_by_what(
    workspace: TenantRef, rails: Rails, choose: Choose
) -> None:
    with tenant_work(workspace), pytest.raises(NoRouteAvailable) as refused:
        choose("intent_1", exclude={"north", "south"})

    assert refused.value.extra["candidates"]["north"] == "excluded"


def test_a_currency_that_the_corridor_does_not_take_has_no_route(
    workspace: TenantRef, rails: Rails, choose: Choose
) -> None:
    elsewhere = CorridorRef("T1", "T3", "card")
    with tenant_work(workspace):
        open_corridor(
            source="T1", destination="T3", rails=[CorridorRail(rails["south"].id)], currencies=["JPY"], now=NOW
        )

        assert choose("intent_1", corridor=elsewhere, currency="JPY").rail == "south"
        with pytest.raises(NoRouteAvailable):
            choose("intent_2", corridor=elsewhere, currency="BHD", eligible_rails=["north", "south"])


def test_the_most_specific_corridor_wins(workspace: TenantRef, rails: Rails, choose: Choose) -> None:
    with tenant_work(workspace):
        open_corridor(source="T1", rails=[CorridorRail(rails["south"].id)], now=NOW)

        assert choose("intent_1").rail == "north"
        assert choose("intent_2", corridor=CorridorRef("T1", "T9", "wire")).rail == "south"


def test_opening_a_corridor_again_replaces_its_rails(
    workspace: TenantRef, rails: Rails, choose: Choose, corridor: CorridorRef
) -> None:
    with tenant_work(workspace):
        open_corridor(
            source=corridor.source,
            destination=corridor.destination,
            method=corridor.method,
            rails=[CorridorRail(rails["south"].id)],
            now=NOW,
        )

        assert filters(choose("intent_1")) == {"south": None, "north": FilterReason.NOT_IN_CORRIDOR}


def test_health_is_measured_from_attempts_and_moves_the_choice(
    workspace: TenantRef, rails: Rails, choose: Choose
) -> None:
    with tenant_work(workspace):
        for n in range(10):
            attempt = begin_attempt(decision=choose(f"intent_{n}", eligible_rails=["north"]), now=NOW)
            kind = AnswerKind.UNAVAILABLE if n else AnswerKind.DECLINED
            record_answer(attempt_id=attempt.id, answer=answer(kind, 1000 + n), now=NOW)

        refresh_health(now=NOW + timedelta(minutes=1))
        north = next(h for h in queries.list_health() if h.rail == "north")

        assert (north.samples, north.answered, north.success_bps, north.p95_ms) == (10, 1, 1000, 1009)
        assert choose("intent_after").rail == "south"

        refresh_health(now=NOW + timedelta(hours=1))
        assert choose("intent_later").rail == "north"


def test_the_event_of_a_route_is_canonical_and_whole(workspace: TenantRef, rails: Rails, choose: Choose) -> None:
    with tenant_work(workspace):
        decision = choose("intent_1")
        attempt = begin_attempt(decision=decision, now=NOW)

    event = routed_event(decision=decision, attempt=attempt, trace_id="t")

    assert event.intent_id == "intent_1"
    assert event.data["why"] == decision.why
    assert (event.data["rail"], event.data["attempt"]) == ("north", 1)
    assert dumps(event.data)


def test_the_packet_section_has_decisions_and_attempts(workspace: TenantRef, rails: Rails, choose: Choose) -> None:
    with tenant_work(workspace):
        begin_attempt(decision=choose("intent_1"), now=NOW)

        section = RoutingSection().build(intent_id="intent_1")
        nothing = RoutingSection().build(intent_id="intent_2")

    assert section is not None
    assert dumps(section)
    assert [len(section[name]) for name in ("decisions", "attempts")] == [1, 1]  # type: ignore[arg-type]  # JSON lists
    assert nothing is None


def test_faults_that_execute_nothing_strike_the_first_attempt_only(
    workspace: TenantRef, rails: Rails, choose: Choose, corridor: CorridorRef
) -> None:
    with tenant_work(workspace):
        first = begin_attempt(decision=choose("intent_1"), now=NOW)
        record_answer(attempt_id=first.id, answer=answer(AnswerKind.NOT_FOUND), now=NOW)
        second = begin_attempt(decision=choose("intent_1", exclude={first.rail}), now=NOW)

    scenarios = [
        build_request(
            attempt=attempt,
            rail=rails[attempt.rail],
            kind="payment",
            amount_minor=1,
            currency="USD",
            corridor=corridor,
            scenario="timeout",
        ).scenario
        for attempt in (first, second)
    ]

    assert scenarios == ["timeout", None]


def test_another_workspace_sees_nothing_of_it(
    workspace: TenantRef, other_workspace: TenantRef, rails: Rails, choose: Choose
) -> None:
    with tenant_work(workspace):
        choose("intent_1")

    with tenant_work(other_workspace):
        assert queries.list_decisions(intent_id="intent_1") == []
        with pytest.raises(NoRouteAvailable):
            choose_route(
                intent_id="intent_1",
                kind="payment",
                corridor=CorridorRef("T1", "T2", "card"),
                amount_minor=1,
                currency="USD",
                eligible_rails=["north", "south"],
                exclude=(),
                now=NOW,
            )
