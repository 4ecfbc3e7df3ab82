"""Outgoing money is stopped by one person and started again by another."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction

from tests.routing.conftest import NOW
from zentra.core.actors import RUNTIME, Actor
from zentra.core.canonical import dumps
from zentra.core.ids import new_id
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.routing import queries
from zentra.routing.errors import OutgoingPaused, RailUnknown
from zentra.routing.events import paused_event, resumed_event
from zentra.routing.operations import (
    AlreadyPaused,
    NotPaused,
    PausedBySamePerson,
    ResumeNeedsPerson,
    pause_outgoing,
    resume_outgoing,
)
from zentra.routing.operations.pauses import ReasonNeeded
from zentra.routing.types import FilterReason, RailRecord, RouteDecisionRecord

Choose = Callable[..., RouteDecisionRecord]
Rails = dict[str, RailRecord]


def person() -> Actor:
    return Actor(kind="user", id=new_id("usr"), role="operator")


FIRST, SECOND = person(), person()
LATER = NOW + timedelta(minutes=5)


def test_a_paused_workspace_sends_nothing_until_another_person_resumes(
    workspace: TenantRef, rails: Rails, choose: Choose
) -> None:
    with tenant_work(workspace):
        pause_outgoing(rail=None, reason="bank reports fraud", actor=FIRST, now=NOW)
        with pytest.raises(OutgoingPaused):
            choose("intent_1")
        assert queries.list_decisions(intent_id="intent_1") == []

        resumed = resume_outgoing(rail=None, actor=SECOND, now=LATER)

        assert choose("intent_1").rail == "north"
    assert (resumed.paused_by, resumed.resumed_by, resumed.resumed_at) == (FIRST.id, SECOND.id, LATER)


def test_a_paused_rail_is_passed_over_and_the_other_is_used(workspace: TenantRef, rails: Rails, choose: Choose) -> None:
    with tenant_work(workspace):
        pause_outgoing(rail="north", reason="rail's incident", actor=FIRST, now=NOW)

        decision = choose("intent_1")

        north = next(c for c in decision.candidates if c.rail == "north")
        assert (decision.rail, north.filtered_by) == ("south", FilterReason.PAUSED)
        assert [h.is_paused for h in queries.list_health() if h.rail in rails] == [True, False]


def test_when_only_paused_rails_are_left_it_waits_and_does_not_fail(
    workspace: TenantRef, rails: Rails, choose: Choose
) -> None:
    with tenant_work(workspace):
        pause_outgoing(rail=rails["north"].id, reason="incident", actor=FIRST, now=NOW)

        with pytest.raises(OutgoingPaused) as refused:
            choose("intent_1", eligible_rails=["north"])

    assert refused.value.retryable


def test_whoever_paused_cannot_resume(workspace: TenantRef, rails: Rails) -> None:
    with tenant_work(workspace):
        pause_outgoing(rail=None, reason="incident", actor=FIRST, now=NOW)

        with pytest.raises(PausedBySamePerson):
            resume_outgoing(rail=None, actor=FIRST, now=LATER)

        assert [p.resumed_at for p in queries.list_pauses()] == [None]


def test_a_service_cannot_be_the_second_person(workspace: TenantRef, rails: Rails) -> None:
    with tenant_work(workspace):
        pause_outgoing(rail=None, reason="incident", actor=FIRST, now=NOW)

        with pytest.raises(ResumeNeedsPerson):
            resume_outgoing(rail=None, actor=RUNTIME, now=LATER)


def test_pausing_twice_says_who_was_first_and_resuming_twice_that_there_is_nothing(
    workspace: TenantRef, rails: Rails
) -> None:
    with tenant_work(workspace):
        pause_outgoing(rail=None, reason="incident", actor=FIRST, now=NOW)
        with pytest.raises(AlreadyPaused) as refused:
            pause_outgoing(rail=None, reason="also me", actor=SECOND, now=LATER)
        resume_outgoing(rail=None, actor=SECOND, now=LATER)
        with pytest.raises(NotPaused):
            resume_outgoing(rail=None, actor=SECOND, now=LATER)

        history = queries.list_pauses(only_open=False)

    assert refused.value.extra["paused_by"] == FIRST.id
    assert [(p.reason, p.resumed_by) for p in history] == [("incident", SECOND.id)]


def test_a_rail_and_the_workspace_are_paused_apart(workspace: TenantRef, rails: Rails) -> None:
    with tenant_work(workspace):
        pause_outgoing(rail=None, reason="everything", actor=FIRST, now=NOW)
        pause_outgoing(rail="south", reason="south too", actor=FIRST, now=LATER)

        assert [(p.scope, p.rail) for p in queries.list_pauses()] == [("rail", "south"), ("workspace", None)]


def test_a_pause_needs_a_reason_and_a_rail_that_exists(workspace: TenantRef, rails: Rails) -> None:
    with tenant_work(workspace):
        for reason in ("", "   ", "x" * 501):
            with pytest.raises(ReasonNeeded):
                pause_outgoing(rail=None, reason=reason, actor=FIRST, now=NOW)
        with pytest.raises(RailUnknown):
            pause_outgoing(rail="west", reason="incident", actor=FIRST, now=NOW)

        assert queries.list_pauses(only_open=False) == []


def test_the_events_name_both_persons_and_are_canonical(workspace: TenantRef, rails: Rails) -> None:
    with tenant_work(workspace):
        paused = paused_event(pause=pause_outgoing(rail="north", reason="incident", actor=FIRST, now=NOW), actor=FIRST)
        resumed = resumed_event(
            pause=resume_outgoing(rail="north", actor=SECOND, now=LATER, reason="all clear"), actor=SECOND
        )

    assert (paused.type, paused.actor, paused.data["rail"]) == ("outgoing.paused", FIRST, "north")
    assert (resumed.type, resumed.actor, resumed.data["paused_by"]) == ("outgoing.resumed", SECOND, FIRST.id)
    assert (resumed.data["paused_because"], resumed.data["reason"]) == ("incident", "all clear")
    assert dumps(paused.data)
    assert dumps(resumed.data)


@pytest.mark.parametrize(
    ("statement", "constraint"),
    [
        (
            "UPDATE routing_outgoing_pause SET resumed_by = paused_by, resumed_at = paused_at",
            "routing_pause_resumed_by_another",
        ),
        ("UPDATE routing_outgoing_pause SET resumed_by = 'usr_other'", "routing_pause_resumed_whole"),
        ("UPDATE routing_outgoing_pause SET reason = ''", "routing_pause_reason_given"),
        (
            (
                "INSERT INTO routing_outgoing_pause (id, reason, paused_by, paused_at, resume_reason)"
                " SELECT gen_random_uuid(), reason, paused_by, paused_at, '' FROM routing_outgoing_pause"
            ),
            "routing_pause_one_open",
        ),
        ("DELETE FROM routing_outgoing_pause", "permission denied"),
    ],
)
def test_the_database_itself_holds_the_rules_of_a_pause(
    workspace: TenantRef, rails: Rails, statement: str, constraint: str
) -> None:
    with tenant_work(workspace):
        pause_outgoing(rail=None, reason="incident", actor=FIRST, now=NOW)

        with (
            pytest.raises(DatabaseError, match=constraint),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)
