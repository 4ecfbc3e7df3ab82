"""Finance closes a month: tied out, signed by two, locked, opened again, and nothing slips."""

from __future__ import annotations

import json
from datetime import timedelta
from functools import partial

import pytest
from django.db import DatabaseError, connection

from evidence.models import Event
from ledger.errors import ClosedPeriod, PeriodSoftClosed
from tests.ledger.book import at_once
from tests.reconciliation.closing import LAST, Closing, person
from zentra.core import clock, ids
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.reconciliation.closeout import errors, operations, queries


@pytest.fixture
def closing(workspace: TenantRef) -> Closing:
    return Closing(workspace)


def events(closing: Closing, kind: str) -> list[dict[str, object]]:
    with tenant_work(closing.ws):
        rows = Event.objects.filter(type=kind).order_by("recorded_at", "id")
        return [json.loads(bytes(row.body))["data"] for row in rows]


def parts(closing: Closing) -> dict[str, int]:
    return {part.kind: part.amount_minor for part in closing.tie_out().figures.parts}


# -- Tie-outs ----------------------------------------------------------------------------------------------------------


def test_an_account_whose_every_line_is_matched_is_tied_out(closing: Closing) -> None:
    closing.money(1_000, "R1")
    closing.money(2_500, "R2")
    closing.state((1_000, "R1"), (2_500, "R2"))
    closing.run()

    figures = closing.tie_out().figures
    assert (figures.ledger_minor, figures.statement_minor, figures.parts) == (3_500, 3_500, ())
    assert figures.is_tied


def test_what_is_on_its_way_is_no_break(closing: Closing) -> None:
    """The money of the last day is at the bank one business day later."""
    closing.money(1_000, "R1")
    closing.money(300, "R2", before_the_end=0)
    closing.state((1_000, "R1"))
    closing.run()

    figures = closing.tie_out().figures
    assert (figures.difference_minor, figures.in_transit_minor, figures.unexplained_minor) == (-300, -300, 0)
    assert parts(closing) == {"entry_in_transit": -300}
    assert figures.is_tied


def test_what_arrived_after_the_end_is_on_its_way_at_the_end(closing: Closing) -> None:
    closing.money(1_000, "R1", before_the_end=3)
    closing.state(closing=0)
    closing.bank.state({"amount": 1_000, "reference": "R1", "on": LAST + timedelta(days=1)},
                       ends_on=LAST + timedelta(days=1))  # fmt: skip
    closing.run()

    assert parts(closing) == {"match_over_the_end": -1_000}
    assert closing.tie_out().figures.is_tied


def test_lines_and_entries_without_the_other_are_unexplained_part_by_part(closing: Closing) -> None:
    closing.money(1_000, "R1")
    closing.money(700, "R2", before_the_end=20)
    closing.state((1_000, "R1"), (12_500, "ACME"))
    closing.run()

    figures = closing.tie_out().figures
    assert parts(closing) == {"entry_open": -700, "line_open": 12_500}
    assert (figures.difference_minor, figures.unexplained_minor) == (11_800, 11_800)


def test_what_no_line_and_no_entry_accounts_for_is_told_too(closing: Closing) -> None:
    closing.money(1_000, "R1")
    closing.state((1_000, "R1"), closing=1_040)
    closing.run()

    assert parts(closing) == {"rest": 40}


def test_an_explained_exception_explains_its_part(closing: Closing) -> None:
    closing.state((12_500, "ACME"))
    closing.run()
    assert parts(closing) == {"line_open": 12_500}
    with tenant_work(closing.ws), connection.cursor() as cursor:
        cursor.execute("UPDATE recon_exception SET state = 'resolved', resolution = 'explained', reason = 'timing',"
                       " resolved_at = now(), resolved_by = '{}'")  # fmt: skip

    assert parts(closing) == {"explained": 12_500}
    assert closing.tie_out().figures.is_tied


def test_without_a_statement_nothing_is_tied_out(closing: Closing) -> None:
    closing.money(1_000, "R1")
    closing.run()

    with pytest.raises(errors.NotTied):
        closing.prepare()


def test_a_rail_s_account_compares_gross(workspace: TenantRef) -> None:
    closing = Closing(workspace)
    from tests.reconciliation.matchbook import MatchBook

    rail = MatchBook(workspace, kind="rail", code="rail_receivable")
    closing.book.move("rail_receivable", "suspense", 1_000, effective_at=closing.noon(), external_reference="P1")
    closing.book.move("rail_receivable", "suspense", 600, effective_at=closing.noon(), external_reference="P2")
    rail.state({"amount": 980, "gross": 1_000, "reference": "P1", "on": closing.day(9), "kind": "payment"},
               {"amount": 590, "gross": 600, "reference": "P2", "on": closing.day(9), "kind": "payment"},
               ends_on=LAST)  # fmt: skip
    closing.book.sequence()
    rail.run()
    found = closing.do(operations.refresh_tie_outs, period_id=closing.period.id, now=clock.now())

    figures = next(each.figures for each in found if each.account_kind == "rail")
    assert (figures.ledger_minor, figures.statement_minor, figures.unexplained_minor) == (1_600, 1_600, 0)


# -- Signatures --------------------------------------------------------------------------------------------------------


@pytest.fixture
def tied(closing: Closing) -> Closing:
    closing.money(1_000, "R1")
    closing.state((1_000, "R1"))
    closing.run()
    return closing


def test_two_people_sign_one_after_the_other(tied: Closing) -> None:
    assert tied.prepare().state == "prepared"
    with pytest.raises(errors.SameHand):
        tied.approve(tied.preparer)
    found = tied.approve()

    assert found.state == "approved"
    assert [each.step for each in found.sign_offs] == ["prepared", "approved"]
    prepared, approved = events(tied, "tie_out.signed")
    assert prepared["prepared_by"] is None
    assert approved["prepared_by"] == tied.preparer.id
    assert approved["figures_hash"] == found.figures_hash


def test_a_key_of_the_preparer_is_the_preparer(tied: Closing) -> None:
    from zentra.core.actors import Actor

    tied.prepare()
    with pytest.raises(errors.SameHand):
        tied.approve(Actor("key", ids.new_id("key"), "finance", responsible=tied.preparer.id))


def test_other_figures_than_those_that_were_shown_are_not_signed(tied: Closing) -> None:
    tied.soft_close()
    seen = tied.tie_out()
    tied.money(5, "LATE", purpose="adjustment.late")

    tied.tie_out()
    with pytest.raises(errors.StaleTieOut):
        tied.do(operations.prepare_tie_out, tie_out_id=seen.id, figures_hash=seen.figures_hash,
                actor=tied.preparer, now=clock.now())  # fmt: skip


def test_a_later_change_suspends_the_signatures_visibly_and_asks_again(tied: Closing) -> None:
    tied.prepare()
    signed = tied.approve()
    tied.money(5, "LATE", before_the_end=20, purpose="adjustment.late")

    found = tied.tie_out()
    assert found.state == "suspended"
    assert all(each.suspended_at is not None for each in found.sign_offs)
    (event,) = events(tied, "tie_out.suspended")
    assert (event["signed_hash"], event["signatures"]) == (signed.figures_hash, 2)
    assert tied.tie_out().version == found.version, "the same figures change nothing"
    with pytest.raises(errors.NotTied):
        tied.prepare()


def test_what_is_left_is_signed_only_when_somebody_says_why_and_for_these_figures_only(tied: Closing) -> None:
    tied.money(5, "LATE", before_the_end=20)
    found = tied.tie_out()
    tied.do(operations.explain_tie_out, tie_out_id=found.id, explanation="booked by mistake, put right in May",
            version=found.version, actor=tied.preparer, now=clock.now())  # fmt: skip
    assert tied.prepare().state == "prepared"

    tied.money(6, "LATER", before_the_end=20, purpose="adjustment.late")
    assert tied.tie_out().explanation == ""
    with pytest.raises(errors.NotTied):
        tied.prepare()


def refused(closing: Closing, statement: str, *values: str) -> str:
    with pytest.raises(DatabaseError) as caught, tenant_work(closing.ws), connection.cursor() as cursor:
        cursor.execute(statement, values)
    return str(caught.value)


def test_the_database_refuses_what_goes_round_the_signatures(tied: Closing) -> None:
    prepared = tied.prepare()
    insert = (
        "INSERT INTO recon_sign_off (id, tie_out_id, step, figures, figures_hash, explanation, signed_by, maker,"
        " signed_at, suspended_hash) SELECT gen_random_uuid(), id, 'approved', figures, %s, '', '{}', %s, now(), ''"
        " FROM recon_tie_out"
    )

    assert "another person" in refused(tied, insert, prepared.figures_hash, tied.preparer.id)
    assert "figures that stand" in refused(tied, insert, "0" * 64, "usr_other")
    assert "permission denied" in refused(tied, "UPDATE recon_sign_off SET maker = 'x'")
    assert "permission denied" in refused(tied, "DELETE FROM recon_sign_off")
    assert "permission denied" in refused(tied, "UPDATE recon_period_act SET reason = ''")
    tied.money(1, "LATE", before_the_end=20, purpose="adjustment.late")
    tied.tie_out()
    assert "suspended once" in refused(tied, "UPDATE recon_sign_off SET suspended_at = now()")


def test_signing_races_and_one_signature_of_each_step_stands(tied: Closing) -> None:
    tied.soft_close()
    done = at_once([partial(tied.prepare, person()) for _ in range(6)], threads=6)

    assert sum(not isinstance(each, Exception) for each in done) == 1
    assert len(tied.tie_out().sign_offs) == 1


# -- Soft close, lock, re-open -----------------------------------------------------------------------------------------


def test_a_month_is_closed_by_two_people_and_takes_nothing_any_more(closing: Closing) -> None:
    period = closing.close()

    assert period.locked_by is not None
    assert (period.state, period.locked_by["id"]) == ("closed", closing.approver.id)
    for purpose in ("manual", "adjustment.fee"):
        with pytest.raises(ClosedPeriod):
            closing.money(5, "LATE", purpose=purpose)
    (event,) = events(closing, "period.locked")
    assert (event["period_id"], event["locked_again"], event["postings"]) == (period.id, False, 1)
    assert closing.overview().step == 6
    acts = closing.do(queries.period_history, period_id=period.id)
    assert [each.act for each in acts if each.act != "task_done"] == ["made", "soft_closed", "locked"]


def test_a_softly_closed_month_takes_adjustments_only_and_opens_again(tied: Closing) -> None:
    period = tied.soft_close()
    with pytest.raises(PeriodSoftClosed):
        tied.money(5, "LATE")
    tied.money(5, "FEE", purpose="adjustment.fee")

    opened = tied.do(operations.soft_open_period, period_id=period.id, reason="too early", version=period.version,
                     actor=tied.preparer, now=clock.now())  # fmt: skip
    assert opened.state == "open"
    tied.money(5, "LATE")


def test_a_month_that_is_not_over_is_not_closed(closing: Closing) -> None:
    closing.do(operations.ensure_periods, now=clock.now())
    (newest, *_) = closing.do(queries.list_periods)

    with pytest.raises(errors.NotReady):
        closing.do(operations.soft_close_period, period_id=newest.id, version=newest.version, actor=closing.preparer,
                   now=clock.now())  # fmt: skip


def test_a_lock_says_what_is_left_to_do_and_changes_nothing(tied: Closing) -> None:
    tied.soft_close()
    with pytest.raises(errors.NotReady) as caught:
        tied.lock()

    assert caught.value.extra["missing"] == [
        "The tie-out of bank is not computed.",
        "Look through the intents in flight at cut-off is not ticked off.",
        "Look through what came late for the period is not ticked off.",
        "Clear suspense and aged items, or say why they stay is not ticked off.",
        "Check the customer-money proof of every currency is not ticked off.",
        "Explain what moved otherwise than last month is not ticked off.",
        "Tie out every account: nothing is unexplained.",
    ]
    assert tied.period.state == "soft"
    tied.money(5, "FEE", purpose="adjustment.fee")


def test_who_closed_softly_does_not_lock(tied: Closing) -> None:
    tied.soft_close()
    with pytest.raises(errors.SameHand):
        tied.lock(tied.preparer)
    assert "two_hands" in refused(
        tied, "UPDATE recon_period SET state = 'closed', locked_maker = soft_closed_maker WHERE state = 'soft'"
    )


def test_a_posting_between_the_signature_and_the_lock_is_found(tied: Closing) -> None:
    tied.soft_close()
    tied.prepare()
    tied.approve()
    tied.tick_off()
    tied.money(5, "FEE", purpose="adjustment.fee")  # and nobody has computed the tie-out since

    with pytest.raises(errors.NotReady, match="left to do") as caught:
        tied.lock()
    assert caught.value.extra["missing"] == ["The figures of bank have changed since they were computed."]


def test_a_locked_month_opens_again_by_two_people_and_locks_by_itself(closing: Closing) -> None:
    closing.close()
    with pytest.raises(errors.WrongState):
        closing.let_reopen()
    closing.ask_reopen()
    with pytest.raises(errors.SameHand):
        closing.let_reopen(closing.preparer)
    period = closing.let_reopen()

    assert period.state == "soft"
    closing.money(5, "FEE", purpose="adjustment.fee")
    with pytest.raises(PeriodSoftClosed):
        closing.money(5, "LATE")
    assert closing.tie_out().state == "suspended"

    assert closing.lock_expired(clock.now()) is None
    locked = closing.lock_expired(clock.now() + timedelta(minutes=61))
    assert locked is not None
    assert locked.state == "closed"
    with pytest.raises(ClosedPeriod):
        closing.money(5, "FEE", purpose="adjustment.fee")
    assert [each["locked_again"] for each in events(closing, "period.locked")] == [False, True]
    assert events(closing, "period.locked")[1]["requested_by"] == closing.preparer.id


def test_a_re_opened_month_is_corrected_signed_again_and_closed_again(closing: Closing) -> None:
    closing.close()
    closing.ask_reopen()
    closing.let_reopen()
    closing.money(5, "FEE", purpose="adjustment.fee")
    closing.bank.state({"amount": 5, "reference": "FEE", "on": closing.day(9)}, ends_on=LAST, closing_minor=1_005)
    closing.run()
    assert closing.tie_out().state == "suspended"
    closing.prepare()
    closing.approve()
    third = person()

    assert closing.lock(third).state == "closed"


def test_a_request_can_be_declined(closing: Closing) -> None:
    closing.close()
    period = closing.ask_reopen()
    assert period.request is not None
    declined = closing.do(operations.decline_reopen, period_id=period.id, reason="no need", version=period.version,
                          actor=closing.approver, now=clock.now())  # fmt: skip
    assert declined.request is None


def test_what_two_do_at_once_is_done_once(tied: Closing) -> None:
    assert tied.period.state == "open"
    done = at_once([tied.soft_close for _ in range(6)], threads=6)

    assert sum(not isinstance(each, Exception) for each in done) == 1
    assert {type(each) for each in done if isinstance(each, Exception)} <= {errors.StalePeriod, errors.WrongState}


# -- Checklist ---------------------------------------------------------------------------------------------------------


def test_the_checklist_follows_the_facts(tied: Closing) -> None:
    period = tied.period

    def states() -> dict[str, str]:
        tasks = tied.do(queries.list_tasks, period_id=period.id, now=clock.now())
        return {each.key: each.state for each in tasks}

    tied.tie_out()
    before = states()
    assert (before["statements"], before["match"], before["exceptions"]) == ("done", "done", "done")
    assert (before["soft_close"], before["sign"], before["lock"]) == ("todo", "todo", "blocked")
    tied.soft_close()
    tied.prepare()
    tied.approve()
    after = states()
    assert (after["match"], after["soft_close"], after["sign"], after["lock"]) == ("done", "done", "done", "blocked")
    tied.tick_off()
    assert states()["lock"] == "todo"


def test_a_task_has_an_owner_a_note_and_links_and_is_changed_by_one_at_a_time(tied: Closing) -> None:
    from zentra.reconciliation.closeout.types import Link

    tasks = tied.do(queries.list_tasks, period_id=tied.period.id, now=clock.now())
    task = next(each for each in tasks if each.key == "in_flight")
    who = person()
    given = tied.do(operations.assign_task, task_id=task.id, owner_id=who.id, due_on=LAST, version=task.version,
                    actor=tied.preparer, now=clock.now())  # fmt: skip
    assert (given.owner_id, given.is_overdue) == (who.id, True)
    with pytest.raises(errors.StaleTask):
        tied.do(operations.undo_task, task_id=task.id, version=task.version, actor=who, now=clock.now())
    done = tied.do(operations.finish_task, task_id=task.id, note="none", links=[Link("the list", "intent", "i_1")],
                   version=given.version, actor=who, now=clock.now())  # fmt: skip
    assert (done.state, done.links[0].ref) == ("done", "i_1")
    computed = next(each for each in tasks if each.is_computed)
    with pytest.raises(errors.TaskIsComputed):
        tied.do(operations.finish_task, task_id=computed.id, note="", links=[], version=computed.version, actor=who,
                now=clock.now())  # fmt: skip
