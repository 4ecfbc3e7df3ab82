"""Large acts of matching take two people, keys take none of them, and the database holds what Python promises."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from django.db import IntegrityError, connection

from tests.people import Person, join
from zentra.core import actors, clock, ids
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.reconciliation.matching import operations
from zentra.reconciliation.matching.desk.errors import DeskRoleRefused
from zentra.reconciliation.matching.errors import ProposerApproves, StaleMatch

if TYPE_CHECKING:
    from tests.reconciliation.matchbook import MatchBook
    from zentra.reconciliation.matching.types import MatchRecord


@pytest.fixture
def bank(workspace: TenantRef) -> MatchBook:
    from tests.reconciliation.matchbook import MatchBook

    return MatchBook(workspace)


def limit(bank: MatchBook, **settings: int) -> None:
    from zentra.tenants.models import Workspace

    Workspace.objects.filter(id=bank.ws.id).update(settings=settings)


def act(bank: MatchBook, how: str, match_id: str, by: Person, **more: Any) -> MatchRecord:
    more = more or {"reason": "another customer's"}
    made: MatchRecord = bank.do(getattr(operations, how), match_id=match_id, actor=by.actor(), now=clock.now(), **more)
    return made


def matched(bank: MatchBook, amount: int) -> MatchRecord:
    bank.state({"amount": amount, "reference": "A"})
    bank.post({"amount": amount, "reference": "A"})
    bank.run()
    return bank.matches()[0]


def test_undoing_a_large_match_takes_a_second_person(bank: MatchBook, finance: Person, admin: Person) -> None:
    limit(bank, undo_approval_minor=999)
    made = matched(bank, 1_000)

    asked = act(bank, "undo_match", made.id, finance)

    assert (asked.state, (asked.undo_asked_by or {})["id"]) == ("confirmed", finance.id)
    assert len(bank.pairs()) == 1
    limit(bank, undo_approval_minor=5_000)  # what was asked about stays with two people
    with pytest.raises(ProposerApproves):
        act(bank, "undo_match", made.id, finance)
    undone = act(bank, "undo_match", made.id, admin)
    assert (undone.state, (undone.undone_by or {})["id"]) == ("undone", admin.id)
    assert bank.pairs() == set()


def test_a_match_that_somebody_asked_to_undo_is_kept(bank: MatchBook, finance: Person, admin: Person) -> None:
    limit(bank, undo_approval_minor=999)
    made = matched(bank, 1_000)
    act(bank, "undo_match", made.id, finance)

    kept = act(bank, "keep_match", made.id, admin)

    assert (kept.state, kept.undo_asked_by) == ("confirmed", None)
    with pytest.raises(StaleMatch):
        act(bank, "keep_match", made.id, admin)


def test_the_database_refuses_one_person_for_both(bank: MatchBook, finance: Person) -> None:
    limit(bank, undo_approval_minor=999)
    made = matched(bank, 1_000)
    act(bank, "undo_match", made.id, finance)

    with (
        pytest.raises(IntegrityError, match="recon_match_undo_four_eyes"),
        tenant_work(bank.ws),
        connection.cursor() as cursor,
    ):
        cursor.execute(
            "UPDATE recon_match SET state = 'undone', undone_by = undo_asked_by, undone_at = now() WHERE id = %s",
            [ids.to_uuid(made.id, prefix="mat")],
        )


def test_what_cancels_out_on_one_side_waits_above_the_limit(bank: MatchBook, finance: Person, admin: Person) -> None:
    entries = bank.post({"amount": 5_000}, {"amount": -5_000})

    made = bank.do(
        operations.confirm_match, account_id=bank.account, line_ids=[], entry_ids=entries, actor=finance.actor(),
        reason="", now=clock.now(),
    )  # fmt: skip

    assert (made.state, made.how, made.difference_minor) == ("proposed", "manual", 0)
    with pytest.raises(ProposerApproves):
        bank.do(operations.approve_match, match_id=made.id, actor=finance.actor(), now=clock.now())
    approved = bank.do(operations.approve_match, match_id=made.id, actor=admin.actor(), now=clock.now())
    assert approved.state == "confirmed"


def test_only_persons_who_may_do_so_force_undo_and_approve(bank: MatchBook, workspace: TenantRef) -> None:
    made = matched(bank, 10)
    support = join(workspace, role="support", name="No finance")
    lines, entries = bank.state({"amount": 5}), bank.post({"amount": 6})
    both: dict[str, Any] = {"account_id": bank.account, "line_ids": lines, "entry_ids": entries}
    of_it: dict[str, Any] = {"match_id": made.id}
    said: dict[str, Any] = {"reason": "so"}
    for nobody in (support.actor(), actors.RECONCILIATION):
        acts: list[tuple[Callable[..., MatchRecord], dict[str, Any]]] = [
            (operations.force_match, both | said),
            (operations.undo_match, of_it | said),
            (operations.approve_match, of_it),
            (operations.keep_match, of_it | said),
        ]
        for act_of, asked in acts:
            with pytest.raises(DeskRoleRefused):
                bank.do(act_of, actor=nobody, now=clock.now(), **asked)
    assert len(bank.pairs()) == 1


def test_two_sessions_of_plain_sql_cannot_match_a_line_twice(bank: MatchBook) -> None:
    """What stands is unique in the database itself: the second session waits for the first, and is then refused."""
    import threading

    from django.db import connections

    (line,), entries = bank.state({"amount": 7}), bank.post({"amount": 7}, {"amount": 7})
    barrier, results = threading.Barrier(2), []

    def session(entry: str) -> None:
        match = ids.new_uuid()
        try:
            with tenant_work(bank.ws), connection.cursor() as cursor:
                cursor.execute(
                    "INSERT INTO recon_match (id, account_id, state, how, rule, lines, entries, line_minor,"
                    " entry_minor, fee_minor, currency, reason, explanation, made_by, made_at, undone_reason)"
                    " VALUES (%s, %s, 'confirmed', 'rule', 'raw', 1, 1, 7, 7, 0, 'USD', '', '{}', '{}', now(), '')",
                    [match, ids.to_uuid(bank.account, prefix="rca")],
                )
                barrier.wait(10)
                cursor.execute(
                    "INSERT INTO recon_match_item (match_id, place, line_id, entry_id, stands)"
                    " VALUES (%s, 0, %s, %s, true)",
                    [match, ids.to_uuid(line, prefix="lin"), ids.to_uuid(entry, prefix="entry")],
                )
            results.append("stands")
        except IntegrityError as refusal:
            results.append("recon_line_matched_once" if "recon_line_matched_once" in str(refusal) else str(refusal))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=session, args=[entry]) for entry in entries]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(results) == ["recon_line_matched_once", "stands"]
    assert len(bank.pairs()) == 1
