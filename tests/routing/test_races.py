"""Every operation races itself: many threads, one winner, and the losers are told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection

from tests.routing.conftest import NOW
from zentra.core.actors import Actor
from zentra.core.errors import DomainError
from zentra.core.ids import new_id
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.routing import queries
from zentra.routing.operations import begin_attempt, pause_outgoing, record_answer, resume_outgoing
from zentra.routing.providers.types import ProviderAnswer
from zentra.routing.types import AnswerKind, AttemptState, RailRecord, RouteDecisionRecord

Choose = Callable[..., RouteDecisionRecord]
RACERS = 8


def person() -> Actor:
    return Actor(kind="user", id=new_id("usr"), role="operator")


@pytest.fixture
def race(workspace: TenantRef) -> Callable[[Callable[[int], object]], Counter[str]]:
    """`race(act)`: every racer acts at once in a transaction of its own; how often each thing came of it."""
    barrier = Barrier(RACERS)

    def run(act: Callable[[int], object], n: int) -> str:
        try:
            barrier.wait(timeout=10)
            with tenant_work(workspace):
                return str(act(n))
        except DomainError as error:
            return error.code
        finally:
            connection.close()

    def race(act: Callable[[int], object]) -> Counter[str]:
        with ThreadPoolExecutor(RACERS) as pool:
            return Counter(pool.map(lambda n: run(act, n), range(RACERS)))

    return race


Race = Callable[[Callable[[int], object]], Counter[str]]


def test_of_many_workers_one_routes_an_intent(
    workspace: TenantRef, rails: dict[str, RailRecord], choose: Choose, race: Race
) -> None:
    outcomes = race(lambda _: begin_attempt(decision=choose("intent_1"), now=NOW).is_new)

    assert outcomes["True"] == 1
    assert set(outcomes) <= {"True", "stale_route", "attempt_open"}
    with tenant_work(workspace):
        assert len(queries.list_decisions(intent_id="intent_1")) == 1
        assert len(queries.list_attempts(intent_id="intent_1")) == 1


def test_of_many_that_begin_one_decision_one_may_send(
    workspace: TenantRef, rails: dict[str, RailRecord], choose: Choose, race: Race
) -> None:
    with tenant_work(workspace):
        decision = choose("intent_1")

    assert race(lambda _: begin_attempt(decision=decision, now=NOW).is_new) == {"True": 1, "False": RACERS - 1}


def test_the_same_outcome_from_many_sides_is_applied_once(
    workspace: TenantRef, rails: dict[str, RailRecord], choose: Choose, race: Race
) -> None:
    with tenant_work(workspace):
        attempt = begin_attempt(decision=choose("intent_1"), now=NOW)
    answer = ProviderAnswer(AnswerKind.SUCCEEDED, "ref", 40, "")

    outcomes = race(lambda _: record_answer(attempt_id=attempt.id, answer=answer, now=NOW).effect)

    assert outcomes == {"applied": 1, "repeated": RACERS - 1}


def test_success_and_decline_at_once_leave_one_and_keep_the_contradiction(
    workspace: TenantRef, rails: dict[str, RailRecord], choose: Choose, race: Race
) -> None:
    with tenant_work(workspace):
        attempt = begin_attempt(decision=choose("intent_1"), now=NOW)
    answers = [ProviderAnswer(kind, "ref", 40, "") for kind in (AnswerKind.SUCCEEDED, AnswerKind.DECLINED)]

    outcomes = race(lambda n: record_answer(attempt_id=attempt.id, answer=answers[n % 2], now=NOW).effect)

    with tenant_work(workspace):
        [last] = queries.list_attempts(intent_id="intent_1")
    assert outcomes == {"applied": 1, "repeated": RACERS // 2 - 1, "contradiction": RACERS // 2}
    assert {last.state.value, last.contradicted_by} == {AttemptState.SUCCEEDED.value, AttemptState.DECLINED.value}


def test_of_many_that_pause_one_does_and_of_many_that_resume_one_does(
    workspace: TenantRef, rails: dict[str, RailRecord], race: Race
) -> None:
    paused = race(lambda _: pause_outgoing(rail=None, reason="incident", actor=person(), now=NOW).scope)
    resumed = race(lambda _: resume_outgoing(rail=None, actor=person(), now=NOW).scope)

    assert paused == {"workspace": 1, "already_paused": RACERS - 1}
    assert resumed == {"workspace": 1, "not_paused": RACERS - 1}
