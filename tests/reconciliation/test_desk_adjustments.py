"""Adjustments and write-offs: proposed by one person, let through by another, posted once, and held by the database."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, Literal

import pytest
from django.db import DatabaseError, connection
from psycopg.errors import CheckViolation

from ledger.errors import UnknownAccount
from ledger.queries import get_balances
from tests.people import Person, join
from zentra.core import clock
from zentra.core.errors import DomainError
from zentra.core.money import InvalidAmount
from zentra.core.tenancy import TenantRef
from zentra.reconciliation.matching.desk import operations, queries
from zentra.reconciliation.matching.desk.errors import (
    AdjustmentDecided,
    DeskRoleRefused,
    ExceptionReasonInvalid,
    ExceptionResolved,
    ExceptionWaiting,
    InvalidAdjustment,
    NoSuchAdjustment,
    ProposerCannotApprove,
    WriteOffAboveLimit,
)
from zentra.reconciliation.matching.desk.types import AdjustmentLine, AdjustmentRecord

if TYPE_CHECKING:
    from tests.reconciliation.desks import DeskOfTests

OWN_FEES = (AdjustmentLine("fees", "debit", 500), AdjustmentLine("bank", "credit", 500))


@pytest.fixture
def desk(workspace: TenantRef) -> DeskOfTests:
    from tests.reconciliation.desks import desk_of

    return desk_of(workspace)


def held(desk: DeskOfTests, code: str) -> int:
    return desk.do(get_balances, account=code, currency="USD").posted_minor


def decline(desk: DeskOfTests, adjustment: AdjustmentRecord, by: Person, reason: str = "No.") -> AdjustmentRecord:
    return desk.do(
        operations.decline_adjustment,
        adjustment_id=adjustment.id, reason=reason, actor=by.actor(), now=clock.now(),
    )  # fmt: skip


def events(desk: DeskOfTests) -> list[str]:
    return [
        kind
        for (kind,) in desk.rows(
            "SELECT type FROM evidence_event WHERE type LIKE 'adjustment.%%' OR type = 'exception.resolved' ORDER BY id"
        )
    ]


def test_a_charge_of_the_bank_is_posted_by_two_people_and_resolves_its_exception(desk: DeskOfTests) -> None:
    found = desk.with_line(-500)
    bank, fees = held(desk, "bank"), held(desk, "fees")

    proposed = desk.propose(found, version=1)

    assert (proposed.lines, proposed.amount_minor, proposed.state) == (OWN_FEES, 500, "proposed")
    assert (held(desk, "bank"), held(desk, "fees")) == (bank, fees)  # nothing is posted yet
    assert (desk.get(found).state, desk.get(found).waits_for) == ("waiting", "adjustment")

    posted = desk.approve(proposed)

    assert posted.state == "posted"
    assert (posted.decided_by or {})["id"] == desk.second.id
    assert (held(desk, "bank"), held(desk, "fees")) == (bank - 500, fees + 500)
    ended = desk.get(found)
    assert (ended.state, ended.resolution, ended.reason_code) == ("resolved", "adjusted", "bank_fee")
    assert events(desk) == ["adjustment.proposed", "adjustment.posted", "exception.resolved"]
    assert desk.rows("SELECT purpose, external_reference FROM ledger_posting WHERE correlation_id = %s", posted.id) == [
        ("adjustment.adjustment", posted.id)
    ]
    assert [step.what for step in desk.case(found).steps] == ["opened", "proposed", "posted"]


def test_the_suggested_lines_bring_each_kind_to_zero(desk: DeskOfTests) -> None:
    def lines(found: Any, kind: Any = "adjustment", code: str = "bank_fee") -> list[tuple[str, str, int]]:
        suggested = desk.do(
            queries.suggest_adjustment, exception_id=found.id, kind=kind, reason_code=code, now=clock.now()
        )
        return [(line.account, line.direction, line.amount_minor) for line in suggested]

    assert lines(desk.with_line(300), code="unidentified") == [("bank", "debit", 300), ("suspense", "credit", 300)]
    assert lines(desk.with_entry(700)) == [("fees", "debit", 700), ("bank", "credit", 700)]
    assert lines(desk.differing(950, 1_000)) == [("fees", "debit", 50), ("bank", "credit", 50)]
    assert lines(desk.differing(1_000, 950)) == [("bank", "debit", 50), ("fees", "credit", 50)]
    missing = desk.exception("missing", amount=900, expected_id=desk.expected(900, due_on=clock.now().date()))
    assert lines(missing, "write_off", "uncollectable") == [
        ("fees", "debit", 1_000),
        ("rail_receivable", "credit", 1_000),
    ]
    booked = desk.exception(
        "missing", amount=900, expected_id=desk.expected(900, due_on=clock.now().date()), entry_id=desk.add_entry(900)
    )
    assert lines(booked, "write_off", "uncollectable") == [("fees", "debit", 900), ("bank", "credit", 900)]
    assert lines(desk.differing(5, 5)) == []
    assert lines(desk.exception("date_differs", line_id=desk.add_line(5))) == []
    assert lines(desk.with_line(1), code="nonsense") == []


def test_whoever_proposed_cannot_let_it_through_whichever_way_they_come(desk: DeskOfTests) -> None:
    found = desk.with_line(-500)
    proposed = desk.propose(found)
    before = held(desk, "bank")

    with pytest.raises(ProposerCannotApprove):
        desk.approve(proposed, by=desk.first)
    said = '{"kind": "user", "id": "' + desk.first.id + '", "role": "finance", "credential": null}'
    decided = "UPDATE recon_adjustment SET state = 'posted', decided_at = now(), decision = '', posting_id = id"
    for by in (said, said.replace('"finance"', '"admin"'), '{"id": "svc_reconciliation"}', "{}"):
        with pytest.raises(DatabaseError, match=r"who proposed it|a person lets|four_eyes"):
            desk.rows(f"{decided}, decided_by = %s::jsonb", by)

    assert desk.get(found).state == "waiting"
    assert held(desk, "bank") == before


def test_the_check_alone_refuses_the_proposer_too(desk: DeskOfTests) -> None:
    """The owner of the table can take the trigger away; the CHECK stands behind it."""
    from zentra.core import schema

    decided = "state = 'posted', decided_at = now(), posting_id = id, decided_by = proposed_by"
    desk.propose(desk.with_line(-500))
    with schema.connect_as_owner() as owner:
        owner.execute(f'SET search_path = "{desk.ws.schema}"')
        owner.execute("ALTER TABLE recon_adjustment DISABLE TRIGGER recon_adjustment_checked")
        with pytest.raises(CheckViolation, match="recon_adjustment_four_eyes"):
            owner.execute(f"UPDATE recon_adjustment SET {decided}")
        owner.rollback()


def test_the_database_keeps_a_proposal_as_it_was_made(desk: DeskOfTests) -> None:
    proposed = desk.propose(desk.with_line(-500))
    for statement in (
        "UPDATE recon_adjustment SET amount_minor = 5000",
        "UPDATE recon_adjustment SET lines = '[]'",
        'UPDATE recon_adjustment SET proposed_by = \'{"id": "usr_x"}\'',
        "DELETE FROM recon_adjustment",
    ):
        with pytest.raises(DatabaseError, match=r"never changes|permission denied|is refused"):
            desk.rows(statement)
    desk.approve(proposed)

    with pytest.raises(DatabaseError, match="decided adjustment"):
        desk.rows("UPDATE recon_adjustment SET state = 'declined', posting_id = NULL")


def test_only_finance_and_admins_let_it_through(desk: DeskOfTests, operator: Person, outsider: Person) -> None:
    from zentra.core.actors import RECONCILIATION, Actor

    proposed = desk.propose(desk.with_line(-500))
    for actor in (operator.actor(), outsider.actor(), RECONCILIATION, Actor("key", "key_x", "finance")):
        with pytest.raises(DeskRoleRefused):
            desk.do(operations.approve_adjustment, adjustment_id=proposed.id, actor=actor, now=clock.now())

    assert desk.approve(proposed, by=join(desk.ws, role="admin")).state == "posted"


@pytest.mark.parametrize(
    "lines",
    [
        (AdjustmentLine("fees", "debit", 500),),
        (AdjustmentLine("fees", "debit", 500), AdjustmentLine("bank", "credit", 400)),
        (AdjustmentLine("bank", "debit", 500), AdjustmentLine("bank", "credit", 500)),
        (AdjustmentLine("fees", "debit", 500), AdjustmentLine("suspense", "credit", 500)),
        (AdjustmentLine("fees", "sideways", 500), AdjustmentLine("bank", "credit", 500)),  # type: ignore[arg-type]
        tuple(AdjustmentLine("fees" if n % 2 else "bank", "debit" if n % 2 else "credit", 5) for n in range(22)),
    ],
)
def test_lines_are_a_balanced_posting_of_the_account_it_is_about(
    desk: DeskOfTests, lines: tuple[AdjustmentLine, ...]
) -> None:
    found = desk.with_line(-500)

    with pytest.raises(InvalidAdjustment):
        desk.propose(found, *lines)
    assert desk.get(found) == found


def test_lines_are_of_accounts_that_exist_and_amounts_that_are_money(desk: DeskOfTests) -> None:
    found = desk.with_line(-500)

    with pytest.raises(UnknownAccount):
        desk.propose(found, AdjustmentLine("nowhere", "debit", 5), AdjustmentLine("bank", "credit", 5))
    for amount in (0, -5, 2**53, True, 5.0):
        with pytest.raises(InvalidAmount):
            desk.propose(
                found,
                AdjustmentLine("fees", "debit", amount),  # type: ignore[arg-type]  # what must be refused
                AdjustmentLine("bank", "credit", amount),  # type: ignore[arg-type]
            )
    with pytest.raises(InvalidAdjustment):
        desk.propose(found, effective_on=clock.now().date() + timedelta(days=1))
    with pytest.raises(ExceptionReasonInvalid):
        desk.propose(found, *OWN_FEES, reason_code="uncollectable")


def test_a_write_off_keeps_within_the_limit_of_the_workspace_also_when_it_changes_meanwhile(desk: DeskOfTests) -> None:
    from zentra.tenants.models import Workspace

    small, large = desk.with_entry(100_000), desk.with_entry(100_001)

    with pytest.raises(WriteOffAboveLimit) as refused:
        desk.write_off(large)
    assert refused.value.extra == {"amount_minor": 100_001, "most_minor": 100_000}
    proposed = desk.write_off(small)
    assert [(line.account, line.direction) for line in proposed.lines] == [("fees", "debit"), ("bank", "credit")]
    Workspace.objects.filter(id=desk.ws.id).update(settings={"write_off_limit_minor": 99_999})
    with pytest.raises(WriteOffAboveLimit):
        desk.approve(proposed)
    Workspace.objects.filter(id=desk.ws.id).update(settings={})

    desk.approve(proposed)

    assert desk.get(small).resolution == "written_off"
    assert desk.get(large).state == "open"


def test_nothing_is_written_off_where_nothing_differs(desk: DeskOfTests) -> None:
    with pytest.raises(InvalidAdjustment):
        desk.write_off(desk.differing(5, 5))


def test_what_is_written_off_is_no_longer_expected(desk: DeskOfTests) -> None:
    due = desk.expected(900, due_on=clock.now().date() - timedelta(days=9))
    found = desk.exception("missing", amount=900, expected_id=due, entry_id=desk.add_entry(900))

    desk.approve(desk.write_off(found))

    assert desk.rows("SELECT state FROM recon_expected") == [("written_off",)]
    assert desk.get(found).resolution == "written_off"


def test_one_proposal_at_a_time_and_a_declined_one_makes_room(desk: DeskOfTests) -> None:
    found = desk.with_line(-500)
    first = desk.propose(found)
    with pytest.raises(ExceptionWaiting):
        desk.propose(found)
    with pytest.raises(ExceptionReasonInvalid):
        decline(desk, first, desk.second, " ")

    assert decline(desk, first, desk.second).state == "declined"
    assert desk.get(found).state == "open"
    second = desk.propose(found)
    assert decline(desk, second, desk.first, "A typing error.").decision == "A typing error."  # one's own, taken back
    with pytest.raises(AdjustmentDecided):
        desk.approve(second)
    with pytest.raises(AdjustmentDecided):
        decline(desk, second, desk.second)
    assert [step.what for step in desk.case(found).steps] == ["opened", "proposed", "declined", "proposed", "withdrawn"]
    assert events(desk).count("adjustment.declined") == 2


def test_what_ended_otherwise_is_not_posted_any_more(desk: DeskOfTests) -> None:
    found = desk.with_line(-500)
    proposed = desk.propose(found)
    desk.rows("UPDATE recon_exception SET state = 'resolved', resolution = 'matched', version = version + 1")
    before = held(desk, "bank")

    with pytest.raises(ExceptionResolved):
        desk.approve(proposed)
    decline(desk, proposed, desk.second)

    assert desk.get(found).resolution == "matched"
    assert held(desk, "bank") == before


def test_two_second_people_at_once_post_once(desk: DeskOfTests) -> None:
    from concurrent.futures import ThreadPoolExecutor

    third = join(desk.ws, role="finance")
    proposed = desk.propose(desk.with_line(-500))
    before = held(desk, "bank")

    def act(person: Person) -> str:
        try:
            return desk.approve(proposed, by=person).state
        except DomainError as refusal:
            return refusal.code
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        ends = sorted(pool.map(act, [desk.second, third]))

    assert ends == ["exception_resolved", "posted"]
    assert held(desk, "bank") == before - 500


def test_a_posting_into_a_closed_period_is_refused_and_nothing_has_happened(desk: DeskOfTests) -> None:
    from ledger.errors import ClosedPeriod

    last_month = (clock.now().date().replace(day=1) - timedelta(days=1)).replace(day=10)
    found = desk.with_line(-500)
    proposed = desk.propose(found, effective_on=last_month)
    before = held(desk, "bank")
    lock_month(desk, last_month, "closed")

    with pytest.raises(ClosedPeriod):
        desk.approve(proposed)

    assert held(desk, "bank") == before
    assert (desk.get(found).state, desk.case(found).adjustments[0].state) == ("waiting", "proposed")
    assert events(desk) == ["adjustment.proposed"]


def test_a_softly_closed_period_still_takes_an_adjustment(desk: DeskOfTests) -> None:
    last_month = (clock.now().date().replace(day=1) - timedelta(days=1)).replace(day=10)
    proposed = desk.propose(desk.with_line(-500), effective_on=last_month)
    lock_month(desk, last_month, "soft")

    posted = desk.approve(proposed)

    [(effective_at,)] = desk.rows("SELECT effective_at FROM ledger_posting WHERE correlation_id = %s", posted.id)
    assert effective_at.date() == last_month


def lock_month(desk: DeskOfTests, day: date, state: Literal["soft", "closed"]) -> None:
    """Close the month of a day, softly or for good."""
    from ledger.operations import set_period_state
    from zentra.core import actors, ids

    start = datetime.combine(day.replace(day=1), time(), tzinfo=UTC)
    end = (start + timedelta(days=32)).replace(day=1)
    desk.do(
        set_period_state,
        period_id=ids.new_id("prd"), starts_at=start, ends_at=end, before="open", state=state,
        actor=actors.RECONCILIATION, now=clock.now(),
    )  # fmt: skip


def test_a_foreign_or_malformed_adjustment_is_not_found(desk: DeskOfTests, other_workspace: TenantRef) -> None:
    from zentra.core.tenancy import tenant_work

    proposed = desk.propose(desk.with_line(-500))

    with pytest.raises(NoSuchAdjustment), tenant_work(other_workspace):
        queries.get_adjustment(adjustment_id=proposed.id)
    for bad in ("", "adj_", proposed.exception_id):
        with pytest.raises(NoSuchAdjustment):
            desk.do(queries.get_adjustment, adjustment_id=bad)
    listed = desk.do(queries.list_adjustments, state="proposed")
    assert [each.id for each in listed] == [proposed.id]
    after = (listed[0].proposed_at, listed[0].id)
    assert desk.do(queries.list_adjustments, after=after) == []
