"""Explaining a large exception takes two people, and so does accepting a provider's answer to it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.db import IntegrityError

from zentra.core import clock, ids
from zentra.reconciliation.matching.desk import operations
from zentra.reconciliation.matching.desk.errors import (
    ExceptionWaiting,
    NoExplanationProposed,
    ProposerCannotApprove,
    StaleException,
)

if TYPE_CHECKING:
    from tests.people import Person
    from tests.reconciliation.desks import DeskOfTests
    from zentra.core.tenancy import TenantRef
    from zentra.reconciliation.matching.desk.types import ExceptionRecord


@pytest.fixture
def desk(workspace: TenantRef) -> DeskOfTests:
    from tests.reconciliation.desks import desk_of
    from zentra.tenants.models import Workspace

    Workspace.objects.filter(id=workspace.id).update(settings={"explain_approval_minor": 1_000})
    return desk_of(workspace)


def explain(desk: DeskOfTests, found: ExceptionRecord) -> ExceptionRecord:
    return desk.do(
        operations.explain_exception, exception_id=found.id, reason_code="timing", reason="",
        actor=desk.first.actor(), now=clock.now(),
    )  # fmt: skip


def decide(desk: DeskOfTests, how: str, found: ExceptionRecord, by: Person, **more: Any) -> ExceptionRecord:
    made: ExceptionRecord = desk.do(
        getattr(operations, how), exception_id=found.id, actor=by.actor(), now=clock.now(), **more
    )
    return made


def test_a_small_one_is_explained_by_one_person(desk: DeskOfTests) -> None:
    assert explain(desk, desk.exception(amount=1_000)).resolution == "explained"


def test_a_large_one_waits_for_a_second_person(desk: DeskOfTests) -> None:
    found = explain(desk, desk.exception(amount=1_001))

    assert (found.state, found.waits_for, (found.explained_by or {})["id"]) == ("waiting", "explanation", desk.first.id)
    with pytest.raises(ExceptionWaiting):
        explain(desk, found)
    with pytest.raises(ProposerCannotApprove):
        decide(desk, "approve_explanation", found, desk.first)
    with pytest.raises(StaleException):
        decide(desk, "approve_explanation", found, desk.second, version=found.version - 1)
    ended = decide(desk, "approve_explanation", found, desk.second, version=found.version)
    assert (ended.resolution, ended.reason_code, (ended.resolved_by or {})["id"]) == (
        "explained", "timing", desk.second.id,
    )  # fmt: skip
    steps = [(step.what, step.by["id"]) for step in desk.case(found).steps][1:]
    assert steps == [("explanation_proposed", desk.first.id), ("explained", desk.second.id)]


def test_a_declined_explanation_opens_it_again(desk: DeskOfTests) -> None:
    found = explain(desk, desk.exception(amount=5_000))

    opened = decide(desk, "decline_explanation", found, desk.second, reason="ask the bank first")

    assert (opened.state, opened.reason_code, opened.explained_by) == ("open", "", None)
    with pytest.raises(NoExplanationProposed):
        decide(desk, "approve_explanation", opened, desk.second)


def test_the_database_refuses_one_person_for_both(desk: DeskOfTests) -> None:
    found = explain(desk, desk.exception(amount=5_000))

    with pytest.raises(IntegrityError, match="recon_exception_four_eyes"):
        desk.rows(
            "UPDATE recon_exception SET state = 'resolved', resolution = 'explained', resolved_by = explained_by,"
            " resolved_at = now() WHERE id = %s",
            ids.to_uuid(found.id, prefix="exc"),
        )


def test_who_disputed_a_large_one_does_not_accept_the_answer(desk: DeskOfTests) -> None:
    found = desk.exception(amount=5_000)
    desk.do(
        operations.dispute_exception, exception_id=found.id, provider="Rail A", claim="R-1", reason_code="amount_wrong",
        reason="", answer_due_on=clock.now().date() + timedelta(days=1), actor=desk.first.actor(), now=clock.now(),
    )  # fmt: skip
    said = {"outcome": "accepted", "answer": "they pay it"}

    with pytest.raises(ProposerCannotApprove):
        decide(desk, "answer_dispute", found, desk.first, **said)
    assert decide(desk, "answer_dispute", found, desk.second, **said).resolution == "disputed"


def test_parts_that_do_not_add_up_lack_what_all_of_them_lack(desk: DeskOfTests) -> None:
    from zentra.reconciliation.matching.desk import queries

    found = desk.exception(
        "split_mismatch", amount=15_500, difference=500, line_id=desk.add_line(15_500),
        facts={"lines_minor": 15_500, "entries_minor": 15_000, "reference": "S1"},
    )  # fmt: skip

    lines = desk.do(
        queries.suggest_adjustment, exception_id=found.id, kind="adjustment", reason_code="bank_fee", now=clock.now()
    )

    assert [(each.direction, each.amount_minor) for each in lines] == [("debit", 500), ("credit", 500)]
