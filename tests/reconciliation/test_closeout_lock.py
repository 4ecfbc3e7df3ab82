"""What a lock waits for, what suspends a signature, and what stays once a month is locked."""

from __future__ import annotations

import json
import threading
from datetime import timedelta

import pytest
from django.db import DatabaseError, connection

from evidence.models import Event
from tests.reconciliation.closing import LAST, Closing, person
from zentra.core import clock
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.reconciliation.closeout import errors, operations, queries, tasks
from zentra.reconciliation.closeout.types import TaskRecord


@pytest.fixture
def tied(workspace: TenantRef) -> Closing:
    closing = Closing(workspace)
    closing.money(1_000, "R1")
    closing.state((1_000, "R1"))
    closing.run()
    return closing


@pytest.fixture
def signed(tied: Closing) -> Closing:
    """Everything is done but the lock."""
    tied.soft_close()
    tied.prepare()
    tied.approve()
    tied.tick_off()
    return tied


def suspensions(closing: Closing) -> list[dict[str, object]]:
    with tenant_work(closing.ws):
        rows = Event.objects.filter(type="tie_out.suspended").order_by("recorded_at", "id")
        return [json.loads(bytes(row.body))["data"] for row in rows]


def states(closing: Closing) -> list[str]:
    """Of the tie-outs, as stored: nothing is computed."""
    period = closing.period
    return [each.state for each in closing.do(queries.list_tie_outs, period_id=period.id)]


def missing(closing: Closing) -> list[str]:
    with pytest.raises(errors.NotReady) as caught:
        closing.lock()
    return list(caught.value.extra["missing"])


def sql(closing: Closing, statement: str, *values: str) -> None:
    with tenant_work(closing.ws), connection.cursor() as cursor:
        cursor.execute(statement, list(values))


def refused(closing: Closing, statement: str, *values: str) -> str:
    with pytest.raises(DatabaseError) as caught:
        sql(closing, statement, *values)
    return str(caught.value)


def task(closing: Closing, key: str) -> TaskRecord:
    found = closing.do(queries.list_tasks, period_id=closing.period.id, now=clock.now())
    return next(each for each in found if each.key == key)


# -- What a lock waits for ---------------------------------------------------------------------------------------------


def test_a_line_that_came_after_the_signatures_holds_the_lock_up_and_suspends_them(signed: Closing) -> None:
    """The ledger's balance is still the signed one; the bank's side is not."""
    signed.bank.state({"amount": 7, "reference": "X", "on": signed.day(9)}, ends_on=LAST, closing_minor=1_007)

    found = missing(signed)
    assert "The figures of bank have changed since they were computed." in found
    assert any(each.startswith("Match every line: ") for each in found)
    assert states(signed) == ["suspended"], "what was found is kept although the lock is refused"
    (event,) = suspensions(signed)
    assert event["signatures"] == 2
    assert signed.period.state == "soft"


def test_an_exception_that_is_open_holds_the_lock_up(signed: Closing) -> None:
    signed.bank.state({"amount": 7, "reference": "X", "on": signed.day(9)}, ends_on=LAST, closing_minor=1_007)
    signed.run()

    found = missing(signed)
    assert "Resolve every exception: 1 left." in found


def test_a_tie_out_that_fell_back_holds_the_lock_up(signed: Closing) -> None:
    signed.money(5, "FEE", purpose="adjustment.fee", before_the_end=20)
    signed.tie_out()

    found = missing(signed)
    assert "bank is not tied out." in found
    assert "Tie out every account: 5 USD unexplained." in found


def test_an_account_that_is_being_matched_holds_the_lock_up(signed: Closing) -> None:
    held, go_on = threading.Event(), threading.Event()

    def match() -> None:
        with tenant_work(signed.ws), connection.cursor() as cursor:
            cursor.execute("SELECT FROM recon_account FOR NO KEY UPDATE")
            held.set()
            go_on.wait(20)
        connection.close()

    runner = threading.Thread(target=match)
    runner.start()
    assert held.wait(10)
    try:
        assert missing(signed) == ["bank is being matched; wait until that is done."]
    finally:
        go_on.set()
        runner.join()
    assert signed.lock().state == "closed"


def test_an_adjustment_between_the_look_and_the_switch_is_found(
    signed: Closing, monkeypatch: pytest.MonkeyPatch
) -> None:
    from zentra.reconciliation.closeout.operations import periods

    def post() -> None:
        signed.money(5, "FEE", purpose="adjustment.fee")
        connection.close()

    turn = periods._switch

    def switch(*args: object) -> None:
        another = threading.Thread(target=post)  # a client of its own, just before the switch
        another.start()
        another.join()
        turn(*args)  # type: ignore[arg-type]  # as it was called

    monkeypatch.setattr(periods, "_switch", switch)
    assert missing(signed) == ["The figures of bank have changed since they were computed."]
    assert signed.period.state == "soft"
    assert states(signed) == ["suspended"]


def test_what_adds_up_to_nothing_by_chance_is_not_tied_out(tied: Closing) -> None:
    came, went = ({"amount": minor, "reference": name, "on": tied.day(9)} for minor, name in ((700, "A"), (-700, "B")))
    tied.bank.state(came, went, ends_on=LAST, closing_minor=1_000)
    tied.run()

    figures = tied.tie_out().figures
    assert (figures.difference_minor, figures.unexplained_minor) == (0, 0)
    assert not figures.is_tied
    with pytest.raises(errors.NotTied):
        tied.prepare()
    assert task(tied, "tie_out").state == "blocked"
    assert "open items" in task(tied, "tie_out").says


# -- Accounts that were closed -----------------------------------------------------------------------------------------


def test_an_account_that_was_closed_stays_in_the_months_in_which_it_was_open(signed: Closing) -> None:
    sql(signed, "UPDATE recon_account SET closed_at = now()")
    found = signed.tie_out()

    assert found.account_name == "bank"
    assert signed.overview().accounts == 1
    assert signed.lock().state == "closed"


def test_closing_an_account_does_not_spare_its_tie_out(tied: Closing) -> None:
    tied.tie_out()
    tied.soft_close()
    tied.tick_off()
    sql(tied, "UPDATE recon_account SET closed_at = now()")

    assert missing(tied) == ["The tie-out of bank is not approved."]


# -- Signatures --------------------------------------------------------------------------------------------------------


def left_over(tied: Closing) -> None:
    tied.soft_close()
    tied.money(5, "LATE", before_the_end=20, purpose="adjustment.late")


def test_who_explained_does_not_approve(tied: Closing) -> None:
    left_over(tied)
    tied.explain(tied.approver)
    found = tied.prepare()
    with pytest.raises(errors.SameHand, match="explained"):
        tied.approve()

    insert = (
        "INSERT INTO recon_sign_off (id, tie_out_id, step, figures, figures_hash, explanation, explanation_version,"
        " signed_by, maker, signed_at, suspended_hash) SELECT gen_random_uuid(), id, 'approved', figures, figures_hash,"
        " explanation, explanation_version, '{}', %s, now(), '' FROM recon_tie_out"
    )
    assert "who explained" in refused(tied, insert, tied.approver.maker)
    assert found.sign_offs[0].explanation_version == 1
    assert tied.approve(person()).state == "approved"


def test_another_explanation_suspends_the_signatures(tied: Closing) -> None:
    left_over(tied)
    tied.explain(words="a fee")
    tied.prepare()
    tied.approve()
    found = tied.explain(words="no fee at all")

    assert (found.state, found.explanation, found.explanation_version) == ("suspended", "no fee at all", 2)
    assert len(suspensions(tied)) == 1
    acts = tied.do(queries.period_history, period_id=tied.period.id)
    assert [each.reason for each in acts if each.act == "tie_out_explained"] == ["a fee", "no fee at all"]
    with pytest.raises(errors.StaleTieOut):
        tied.do(operations.prepare_tie_out, tie_out_id=found.id, figures_hash=found.figures_hash,
                explanation_version=1, actor=tied.preparer, now=clock.now())  # fmt: skip
    tied.prepare()
    assert tied.approve().state == "approved"


def test_the_database_lets_nothing_change_under_a_signature(tied: Closing) -> None:
    left_over(tied)
    tied.explain()
    tied.prepare()

    for change in ("figures_hash = 'x'", "explanation = 'y', explanation_version = explanation_version + 1"):
        assert "suspended" in refused(tied, f"UPDATE recon_tie_out SET {change}")
    assert "number of its own" in refused(tied, "UPDATE recon_tie_out SET explanation = 'y'")


def test_nothing_is_signed_in_an_open_month(tied: Closing) -> None:
    found = tied.tie_out()
    with pytest.raises(errors.WrongState):
        tied.do(operations.prepare_tie_out, tie_out_id=found.id, figures_hash=found.figures_hash, actor=tied.preparer,
                now=clock.now())  # fmt: skip
    insert = (
        "INSERT INTO recon_sign_off (id, tie_out_id, step, figures, figures_hash, explanation, explanation_version,"
        " signed_by, maker, signed_at, suspended_hash) SELECT gen_random_uuid(), id, 'prepared', figures, figures_hash,"
        " '', 0, '{}', 'usr_x', now(), '' FROM recon_tie_out"
    )
    assert "open" in refused(tied, insert)


def test_a_month_that_is_opened_again_keeps_no_signature(signed: Closing) -> None:
    period = signed.period
    signed.do(operations.soft_open_period, period_id=period.id, reason="too early", version=period.version,
              actor=signed.preparer, now=clock.now())  # fmt: skip

    assert states(signed) == ["suspended"]
    assert len(suspensions(signed)) == 1


def test_every_softly_closed_month_is_watched(signed: Closing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zentra.reconciliation.closeout.queries.periods._WATCHED", 0)
    signed.money(5, "FEE", purpose="adjustment.fee")
    tasks.keep_tied(signed.ws)

    assert states(signed) == ["suspended"]


# -- What stays --------------------------------------------------------------------------------------------------------


def test_the_checklist_of_a_locked_month_stays_but_for_its_packet(signed: Closing) -> None:
    before = task(signed, "flux")
    signed.lock()

    with pytest.raises(errors.TaskFrozen):
        signed.do(operations.undo_task, task_id=before.id, version=before.version, actor=signed.preparer,
                  now=clock.now())  # fmt: skip
    with pytest.raises(errors.TaskFrozen):
        signed.do(operations.assign_task, task_id=before.id, owner_id=None, due_on=LAST, version=before.version,
                  actor=signed.preparer, now=clock.now())  # fmt: skip
    assert "stays" in refused(signed, "UPDATE recon_closeout_task SET done_at = NULL WHERE key = 'flux'")
    packet = task(signed, "packet")
    done = signed.do(operations.finish_task, task_id=packet.id, note="sealed", links=[], version=packet.version,
                     actor=signed.preparer, now=clock.now())  # fmt: skip
    assert done.state == "done"


def test_each_act_on_a_task_enters_the_history(signed: Closing) -> None:
    found = task(signed, "flux")
    signed.do(operations.undo_task, task_id=found.id, version=found.version, actor=signed.approver, now=clock.now())
    acts = signed.do(queries.period_history, period_id=signed.period.id)

    told = [(each.act, each.by["id"]) for each in acts if each.facts.get("key") == "flux"]
    assert told == [("task_done", signed.preparer.id), ("task_undone", signed.approver.id)]


def test_when_the_time_is_up_the_worker_locks_and_what_changed_suspends_its_signatures(signed: Closing) -> None:
    signed.lock()
    signed.ask_reopen(minutes=5)
    period = signed.let_reopen()
    signed.money(5, "FEE", purpose="adjustment.fee")
    assert period.until is not None
    sql(signed, "UPDATE recon_period SET until = now() - interval '1 second' WHERE until IS NOT NULL")
    tasks.lock_again(signed.ws)

    assert signed.period.state == "closed"
    assert states(signed) == ["suspended"]
    assert signed.period.locked_at > period.until - timedelta(minutes=6)  # type: ignore[operator]  # it is locked
