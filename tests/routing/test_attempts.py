"""Attempts: begun once, answered by compare-and-set, in whatever order and however often answers come."""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from tests.routing.conftest import NOW
from zentra.core.ids import new_id, to_uuid
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.routing import queries
from zentra.routing.operations import (
    AttemptOpen,
    AttemptUnknown,
    StaleRoute,
    begin_attempt,
    record_answer,
    record_outcome,
    routes,
)
from zentra.routing.providers.types import ProviderAnswer
from zentra.routing.types import (
    UNEXECUTED_STATES,
    AnswerKind,
    AttemptRecord,
    AttemptState,
    RailRecord,
    RecordedAnswer,
    RouteDecisionRecord,
)

Choose = Callable[..., RouteDecisionRecord]


@pytest.fixture
def begin(workspace: TenantRef, rails: dict[str, RailRecord], choose: Choose) -> Callable[[str], AttemptRecord]:
    def begin(intent_id: str) -> AttemptRecord:
        return begin_attempt(decision=choose(intent_id), now=NOW)

    return begin


Begin = Callable[[str], AttemptRecord]


def tell(attempt: AttemptRecord, kind: AnswerKind) -> RecordedAnswer:
    return record_answer(attempt_id=attempt.id, answer=ProviderAnswer(kind, f"ref-{kind}", 40, kind.value), now=NOW)


def test_a_repeat_of_begin_is_the_same_attempt_and_must_not_be_sent(
    workspace: TenantRef, rails: dict[str, RailRecord], choose: Choose
) -> None:
    with tenant_work(workspace):
        decision = choose("intent_1")

        first, again = begin_attempt(decision=decision, now=NOW), begin_attempt(decision=decision, now=NOW)

    assert (first.is_new, again.is_new) == (True, False)
    assert (first.id, first.key) == (again.id, again.key)
    assert first.key == f"{rails['north'].id}.intent_1.1"


def test_an_attempt_is_found_by_id_by_key_and_as_the_open_one(workspace: TenantRef, begin: Begin) -> None:
    with tenant_work(workspace):
        attempt = begin("intent_1")

        found = queries.find_attempt(attempt_id=attempt.id)

        assert found is not None
        assert found.state is AttemptState.STARTED
        assert queries.find_attempt_by_key(key=attempt.key) == found
        assert queries.find_open_attempt(intent_id="intent_1") == found
        assert queries.list_attempts(intent_id="intent_1") == [found]
        assert queries.find_attempt_by_key(key="nobody's") is None


def test_the_ways_of_an_attempt_that_goes_well(workspace: TenantRef, begin: Begin) -> None:
    with tenant_work(workspace):
        attempt = begin("intent_1")
        effects = [
            tell(attempt, kind).effect for kind in (AnswerKind.ACCEPTED, AnswerKind.SUCCEEDED, AnswerKind.SETTLED)
        ]
        last = queries.find_attempt(attempt_id=attempt.id)

    assert effects == ["applied", "applied", "applied"]
    assert last is not None
    assert (last.state, last.latency_ms, last.answered_at) == (AttemptState.SETTLED, 40, NOW)


@pytest.mark.parametrize("order", list(permutations([AnswerKind.ACCEPTED, AnswerKind.SUCCEEDED, AnswerKind.SETTLED])))
def test_every_order_of_good_answers_ends_settled_and_never_goes_back(
    workspace: TenantRef, begin: Begin, order: tuple[AnswerKind, ...]
) -> None:
    with tenant_work(workspace):
        attempt = begin("intent_1")
        effects = [tell(attempt, kind).effect for kind in (*order, *order)]
        last = queries.find_attempt(attempt_id=attempt.id)

    assert last is not None
    assert (last.state, last.contradicted_by) == (AttemptState.SETTLED, None)
    assert set(effects) <= {"applied", "late", "repeated"}
    assert effects[3:].count("applied") == 0


def test_a_callback_finds_its_attempt_by_key_and_leaves_the_latency_to_the_answer(
    workspace: TenantRef, begin: Begin
) -> None:
    with tenant_work(workspace):
        attempt = begin("intent_1")
        early = record_outcome(key=attempt.key, outcome=AnswerKind.SUCCEEDED, provider_reference="ref", now=NOW)
        late = tell(attempt, AnswerKind.ACCEPTED)

    assert (early.effect, early.attempt.latency_ms) == ("applied", None)
    assert (late.effect, late.attempt.state, late.attempt.latency_ms) == ("late", AttemptState.SUCCEEDED, 40)


def test_a_rail_that_is_down_proves_nothing_about_an_unknown_outcome(workspace: TenantRef, begin: Begin) -> None:
    with tenant_work(workspace):
        attempt = begin("intent_1")
        tell(attempt, AnswerKind.UNKNOWN)

        told = tell(attempt, AnswerKind.UNAVAILABLE)

    assert (told.effect, told.attempt.state) == ("late", AttemptState.UNKNOWN)
    assert told.attempt.is_live


def test_words_that_the_database_cannot_keep_do_not_lose_the_answer(workspace: TenantRef, begin: Begin) -> None:
    with tenant_work(workspace):
        attempt = begin("intent_1")
        answer = ProviderAnswer(AnswerKind.ACCEPTED, "ref\x00", 40, "50\x00 \u2028")

        told = record_answer(attempt_id=attempt.id, answer=answer, now=NOW)

    assert (told.effect, told.attempt.provider_reference, told.attempt.detail) == ("applied", "ref", "50 ")


def test_asking_in_vain_is_counted(workspace: TenantRef, begin: Begin) -> None:
    with tenant_work(workspace):
        attempt = begin("intent_1")
        asks = [tell(attempt, AnswerKind.UNKNOWN).attempt.asks for _ in range(3)]

    assert asks == [0, 1, 2]


@pytest.mark.parametrize(
    ("first", "second", "effect"),
    [
        (AnswerKind.NOT_FOUND, AnswerKind.SUCCEEDED, "contradiction"),
        (AnswerKind.UNAVAILABLE, AnswerKind.SETTLED, "contradiction"),
        (AnswerKind.DECLINED, AnswerKind.SUCCEEDED, "contradiction"),
        (AnswerKind.SUCCEEDED, AnswerKind.FAILED, "contradiction"),
        (AnswerKind.SETTLED, AnswerKind.DECLINED, "contradiction"),
        (AnswerKind.ACCEPTED, AnswerKind.NOT_FOUND, "contradiction"),
        (AnswerKind.DECLINED, AnswerKind.ACCEPTED, "late"),
        (AnswerKind.NOT_FOUND, AnswerKind.UNAVAILABLE, "late"),
        (AnswerKind.DECLINED, AnswerKind.DECLINED, "repeated"),
    ],
)
def test_what_cannot_be_true_together_is_kept_and_moves_nothing(
    workspace: TenantRef, begin: Begin, first: AnswerKind, second: AnswerKind, effect: str
) -> None:
    with tenant_work(workspace):
        attempt = begin("intent_1")
        tell(attempt, first)

        told = tell(attempt, second)

    assert (told.effect, told.attempt.state.value) == (effect, first.value)
    assert told.attempt.contradicted_by == (second.value if effect == "contradiction" else None)


def test_only_an_attempt_that_executed_nothing_lets_another_begin(
    workspace: TenantRef, begin: Begin, choose: Choose
) -> None:
    with tenant_work(workspace):
        for kind in AnswerKind:
            attempt = begin(f"intent_{kind}")
            told = tell(attempt, kind)

            if told.attempt.is_live:
                with pytest.raises(AttemptOpen):
                    choose(f"intent_{kind}")
            elif told.attempt.state in UNEXECUTED_STATES:
                assert choose(f"intent_{kind}").number == 2


def test_an_unknown_attempt_or_key_is_said_so(workspace: TenantRef, rails: dict[str, RailRecord]) -> None:
    answer = ProviderAnswer(AnswerKind.ACCEPTED, None, 1, "")
    with tenant_work(workspace):
        with pytest.raises(AttemptUnknown):
            record_answer(attempt_id=new_id("att"), answer=answer, now=NOW)
        with pytest.raises(AttemptUnknown):
            record_outcome(key="nobody's", outcome=AnswerKind.ACCEPTED, provider_reference=None, now=NOW)


def test_of_two_that_decide_at_once_one_is_told(
    workspace: TenantRef, choose: Choose, rails: dict[str, RailRecord]
) -> None:
    with tenant_work(workspace):
        decision = choose("intent_1")

        with pytest.raises(StaleRoute):
            routes._keep(decision)


# -- Round Python: the database itself refuses -------------------------------------------------------------------------


def refuse(statement: str, *values: Any) -> str:
    """The name or words of the database's refusal of a statement."""
    with pytest.raises(DatabaseError) as refused, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, values)
    return str(refused.value)


def test_the_database_refuses_a_second_live_attempt(
    workspace: TenantRef, begin: Begin, rails: dict[str, RailRecord], choose: Choose
) -> None:
    with tenant_work(workspace):
        first = begin("intent_1")
        tell(first, AnswerKind.NOT_FOUND)
        second = begin_attempt(decision=choose("intent_1"), now=NOW)

        words = refuse(
            "INSERT INTO routing_attempt"
            " (id, decision_id, intent_id, rail_id, number, key, state, detail, asks, started_at)"
            " SELECT gen_random_uuid(), gen_random_uuid(), intent_id, rail_id, 9, 'other', 'started', '', 0, started_at"
            " FROM routing_attempt WHERE id = %s",
            to_uuid(second.id, prefix="att"),
        )

    assert "routing_attempt_one_live" in words


@pytest.mark.parametrize(
    "change", ["state = 'started'", "key = 'other'", "intent_id = 'other'", "rail_id = gen_random_uuid()"]
)
def test_the_database_refuses_to_reopen_or_rename_an_attempt(workspace: TenantRef, begin: Begin, change: str) -> None:
    with tenant_work(workspace):
        attempt = begin("intent_1")
        tell(attempt, AnswerKind.NOT_FOUND)

        words = refuse(f"UPDATE routing_attempt SET {change} WHERE id = %s", to_uuid(attempt.id, prefix="att"))

    assert "keeps its intent" in words or "ended as not_found" in words


@pytest.mark.parametrize("verb", ["UPDATE routing_decision SET why = 'x'", "DELETE FROM routing_decision"])
def test_decisions_are_append_only_for_the_application(
    workspace: TenantRef, choose: Choose, begin: Begin, verb: str
) -> None:
    with tenant_work(workspace):
        choose("intent_1")

        assert "permission denied" in refuse(verb)
