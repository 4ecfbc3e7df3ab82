"""The exceptions desk: who works on what, what is said, and how it ends without money."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.db import DatabaseError, connection

from tests.people import Person
from zentra.core import clock
from zentra.core.errors import DomainError
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.reconciliation.matching.desk import operations, queries
from zentra.reconciliation.matching.desk.errors import (
    CannotOwnException,
    DeskRoleRefused,
    ExceptionReasonInvalid,
    ExceptionResolved,
    ExceptionWaiting,
    NoOpenDispute,
    NoSuchException,
    NoteFileDamaged,
    NoteFileRefused,
    StaleException,
    TooManyExceptions,
)
from zentra.reconciliation.matching.desk.types import ExceptionFilter, ExceptionRecord

if TYPE_CHECKING:
    from tests.reconciliation.desks import DeskOfTests


@pytest.fixture
def desk(workspace: TenantRef) -> DeskOfTests:
    from tests.reconciliation.desks import desk_of

    return desk_of(workspace)


def explain(desk: DeskOfTests, found: ExceptionRecord, **more: Any) -> ExceptionRecord:
    said: dict[str, Any] = {"reason_code": "timing", "reason": "", "actor": desk.first.actor(), "now": clock.now()}
    return desk.do(operations.explain_exception, exception_id=found.id, **said | more)


def dispute(desk: DeskOfTests, found: ExceptionRecord, **more: Any) -> ExceptionRecord:
    said: dict[str, Any] = {
        "provider": "rail_a", "claim": "rail_a-260401", "reason_code": "not_received", "reason": "",
        "answer_due_on": clock.now().date() + timedelta(days=5), "actor": desk.first.actor(), "now": clock.now(),
    }  # fmt: skip
    return desk.do(operations.dispute_exception, exception_id=found.id, **said | more)


def answer(desk: DeskOfTests, found: ExceptionRecord, outcome: Any, **more: Any) -> ExceptionRecord:
    said: dict[str, Any] = {"answer": "They found it.", "actor": desk.first.actor(), "now": clock.now()}
    return desk.do(operations.answer_dispute, exception_id=found.id, outcome=outcome, **said | more)


# -- The list ----------------------------------------------------------------------------------------------------------


def test_the_list_narrows_by_each_field_and_pages_without_a_gap(desk: DeskOfTests) -> None:
    rail = desk.open_bank(code="rail_receivable", kind="rail")
    old = desk.exception("missing", days=40)
    week = desk.exception("entry_only", days=5, account=rail)
    new = desk.exception("line_only", days=0, due_at=clock.now() - timedelta(hours=1))
    ended = explain(desk, desk.exception("date_differs", days=3))

    assert desk.listed() == [old.id, week.id, new.id]
    assert desk.listed(state="resolved") == [ended.id]
    assert desk.listed(state=None) == [old.id, week.id, ended.id, new.id]
    assert desk.listed(kind="missing") == [old.id]
    assert desk.listed(account_id=rail) == [week.id]
    assert desk.listed(is_overdue=True) == [new.id]
    assert desk.listed(is_overdue=False) == [old.id, week.id]
    assert desk.listed(resolution="explained", state=None) == [ended.id]
    assert desk.listed(currency="EUR") == []
    assert desk.listed(text=old.id) == [old.id]
    assert desk.listed(owner_id="no id at all") == []
    assert {each: desk.listed(bucket=each) for each in ("0-1", "2-7", "8-30", "30+")} == {
        "0-1": [new.id], "2-7": [week.id], "8-30": [], "30+": [old.id],
    }  # fmt: skip
    with tenant_work(desk.ws):
        seen, after = [], None
        while page := queries.list_exceptions(where=ExceptionFilter(), now=clock.now(), after=after, limit=1):
            seen += [row.id for row in page]
            after = queries.key_of(record=page[-1])
        newest = queries.list_exceptions(where=ExceptionFilter(), now=clock.now(), order="newest")
    assert seen == [old.id, week.id, new.id]
    assert [row.id for row in newest] == [new.id, week.id, old.id]


def test_it_is_found_by_the_beginning_of_a_reference(desk: DeskOfTests) -> None:
    found = desk.with_line(reference="INV100%A")
    desk.with_line(reference="INV200")

    assert desk.listed(text="inv100") == [found.id]
    assert desk.listed(text="inv1_0") == []  # what is typed is no pattern


def test_ages_are_counted_by_kind_and_currency_with_their_sums(desk: DeskOfTests) -> None:
    desk.exception("line_only", amount=-500, days=0)
    desk.exception("line_only", amount=700, days=1)
    desk.exception("line_only", amount=10, days=2)
    desk.exception("missing", amount=9, days=31)
    explain(desk, desk.exception("missing", amount=1_000_000))

    counted = desk.do(queries.count_by_kind_and_age, now=clock.now())

    assert [(c.kind, c.bucket, c.currency, c.count, c.amount_minor) for c in counted] == [
        ("line_only", "0-1", "USD", 2, 1_200),
        ("line_only", "2-7", "USD", 1, 10),
        ("missing", "30+", "USD", 1, 9),
    ]


def test_the_desk_in_numbers_knows_whose_eyes_are_missing(desk: DeskOfTests) -> None:
    desk.exception("missing", due_at=clock.now() - timedelta(1))
    mine = desk.exception()
    desk.do(operations.take_exception, exception_id=mine.id, actor=desk.first.actor(), now=clock.now())
    desk.propose(desk.with_line())

    first = desk.do(queries.count_exceptions, now=clock.now(), user_id=desk.first.id)
    second = desk.do(queries.count_exceptions, now=clock.now(), user_id=desk.second.id)

    assert (first.open, first.waiting, first.overdue, first.unowned, first.mine) == (2, 1, 1, 2, 1)
    assert (first.waiting_for_me, second.waiting_for_me, second.mine) == (0, 1, 0)


# -- Whose it is -------------------------------------------------------------------------------------------------------


def test_an_exception_is_taken_given_and_given_up_with_each_step_kept(desk: DeskOfTests) -> None:
    found = desk.exception()

    taken = desk.do(
        operations.take_exception, exception_id=found.id, actor=desk.first.actor(), now=clock.now(), version=1
    )
    given = desk.do(
        operations.assign_exception,
        exception_id=found.id, owner_id=desk.second.id, actor=desk.first.actor(), now=clock.now(), version=2,
    )  # fmt: skip
    freed = desk.do(
        operations.assign_exception, exception_id=found.id, owner_id=None, actor=desk.first.actor(), now=clock.now()
    )

    assert [taken.owner_id, given.owner_id, freed.owner_id] == [desk.first.id, desk.second.id, None]
    assert freed.version == 4
    assert [(s.what, s.before, s.after) for s in desk.case(found).steps] == [
        ("opened", "", "line_only"),
        ("assigned", "", desk.first.id),
        ("assigned", desk.first.id, desk.second.id),
        ("assigned", desk.second.id, ""),
    ]
    assert (desk.first.id, "finance") in desk.do(queries.list_owners)


def test_only_somebody_who_may_match_owns_one(desk: DeskOfTests, support: Person, outsider: Person) -> None:
    found = desk.exception()

    for person in (support.id, outsider.id, "usr_nobody"):
        with pytest.raises(CannotOwnException):
            desk.do(
                operations.assign_exception,
                exception_id=found.id, owner_id=person, actor=desk.first.actor(), now=clock.now(),
            )  # fmt: skip
    assert desk.get(found) == found


ACTS: tuple[Callable[[DeskOfTests, ExceptionRecord, Any], object], ...] = (
    lambda desk, found, actor: desk.do(
        operations.take_exception, exception_id=found.id, actor=actor, now=clock.now(), version=found.version
    ),
    lambda desk, found, actor: explain(desk, found, actor=actor, version=found.version),
    lambda desk, found, actor: dispute(desk, found, actor=actor, version=found.version),
    lambda desk, found, actor: desk.do(
        operations.propose_write_off,
        exception_id=found.id, reason_code="small_difference", reason="", effective_on=clock.now().date(),
        actor=actor, now=clock.now(), version=found.version,
    ),
)  # fmt: skip


@pytest.mark.parametrize("act", ACTS)
def test_no_act_goes_by_an_old_page_or_by_somebody_without_the_permission(
    desk: DeskOfTests, act: Callable[[DeskOfTests, ExceptionRecord, Any], object], auditor: Person, outsider: Person
) -> None:
    from zentra.core.actors import RECONCILIATION, Actor

    found = desk.with_line()
    for actor in (auditor.actor(), outsider.actor(), RECONCILIATION, Actor("key", "key_x", "finance")):
        with pytest.raises(DeskRoleRefused):
            act(desk, found, actor)
    desk.do(operations.take_exception, exception_id=found.id, actor=desk.second.actor(), now=clock.now())
    with pytest.raises(StaleException) as stale:
        act(desk, found, desk.first.actor())

    assert stale.value.extra["version"] == 2
    assert (desk.get(found).state, desk.get(found).version) == ("open", 2)
    assert (desk.case(found).adjustments, desk.case(found).disputes) == ((), ())


def test_several_are_given_at_once_and_those_that_cannot_be_are_named(desk: DeskOfTests) -> None:
    one, two, ended = desk.exception(), desk.exception(), explain(desk, desk.exception())
    gone = "exc_00000000000000000000000000"

    done = desk.do(
        operations.bulk_assign,
        exception_ids=[two.id, one.id, one.id, ended.id, gone], owner_id=desk.second.id, actor=desk.first.actor(),
        now=clock.now(),
    )  # fmt: skip

    assert {each.id for each in done.done} == {one.id, two.id}
    assert dict(done.refused) == {ended.id: "exception_resolved", gone: "exception_not_found"}
    assert set(desk.listed(owner_id=desk.second.id)) == {one.id, two.id}
    with pytest.raises(TooManyExceptions):
        desk.do(
            operations.bulk_assign,
            exception_ids=[f"exc_{n:026}" for n in range(201)], owner_id=None, actor=desk.first.actor(),
            now=clock.now(),
        )  # fmt: skip


# -- What is said ------------------------------------------------------------------------------------------------------


def test_notes_and_files_are_kept_and_never_rewritten(desk: DeskOfTests) -> None:
    found = desk.exception()

    note = desk.do(
        operations.add_note, exception_id=found.id, text=" Asked. ", actor=desk.first.actor(), now=clock.now()
    )
    content = b"%PDF-1.7 proof"
    put: dict[str, Any] = {
        "exception_id": found.id, "name": "../../état.pdf", "content_type": "application/pdf; x=1",
        "content": content, "actor": desk.second.actor(), "now": clock.now(),
    }  # fmt: skip
    file = desk.do(operations.attach_file, **put)
    again = desk.do(operations.attach_file, **put)

    case = desk.case(found)
    assert [(n.text, n.file_name) for n in case.notes] == [("Asked.", ""), ("", "_tat.pdf")]
    assert (again.id, note.made_by["id"]) == (file.id, desk.first.id)
    assert desk.do(queries.read_note_file, exception_id=found.id, note_id=file.id) == (case.notes[1], content)
    with pytest.raises(NoSuchException):
        desk.do(queries.read_note_file, exception_id=found.id, note_id=note.id)
    for statement in (
        "UPDATE recon_exception_note SET text = 'x'", "DELETE FROM recon_exception_note",
        "UPDATE recon_exception_step SET words = 'x'", "DELETE FROM recon_exception",
    ):  # fmt: skip
        with pytest.raises(DatabaseError, match=r"permission denied|is refused"):
            desk.rows(statement)


def test_a_file_that_is_not_what_was_put_is_not_given_out(desk: DeskOfTests) -> None:
    from django.core.files.base import ContentFile
    from django.core.files.storage import default_storage

    found = desk.exception()
    file = desk.do(
        operations.attach_file,
        exception_id=found.id, name="a.txt", content_type="text/plain", content=b"a", actor=desk.first.actor(),
        now=clock.now(),
    )  # fmt: skip
    [(stored,)] = desk.rows("SELECT storage_name FROM recon_exception_note WHERE file_name <> ''")
    default_storage.delete(stored)
    default_storage.save(stored, ContentFile(b"b"))

    with pytest.raises(NoteFileDamaged):
        desk.do(queries.read_note_file, exception_id=found.id, note_id=file.id)


@pytest.mark.parametrize(
    ("content_type", "content"),
    [("application/pdf", b"MZ"), ("text/html", b"<p>"), ("text/plain", b"a\0b"), ("text/plain", b"")],
)
def test_a_file_is_what_it_holds(desk: DeskOfTests, content_type: str, content: bytes) -> None:
    found = desk.exception()

    with pytest.raises(NoteFileRefused):
        desk.do(
            operations.attach_file,
            exception_id=found.id, name="a", content_type=content_type, content=content, actor=desk.first.actor(),
            now=clock.now(),
        )  # fmt: skip
    assert desk.case(found).notes == ()


# -- How it ends without money -----------------------------------------------------------------------------------------


def test_an_explanation_resolves_with_its_reason_and_can_be_taken_back(desk: DeskOfTests) -> None:
    found = desk.exception()

    ended = explain(desk, found, reason_code="immaterial", reason=" Two cents. ", version=1)

    assert (ended.state, ended.resolution, ended.reason_code, ended.reason) == (
        "resolved", "explained", "immaterial", "Two cents.",
    )  # fmt: skip
    assert ended.resolved_by is not None
    assert ended.resolved_by["id"] == desk.first.id
    with pytest.raises(ExceptionResolved):
        explain(desk, found)
    opened = desk.do(
        operations.reopen_exception,
        exception_id=found.id, reason="It is three.", actor=desk.second.actor(), now=clock.now(), version=2,
    )  # fmt: skip
    assert (opened.state, opened.resolution, opened.reason, opened.resolved_at) == ("open", "", "", None)
    assert [step.what for step in desk.case(found).steps] == ["opened", "explained", "reopened"]


def test_what_has_a_new_exception_does_not_open_again(desk: DeskOfTests) -> None:
    found = desk.with_line()
    explain(desk, found)
    desk.exception("amount_differs", line_id=found.line_id)

    with pytest.raises(ExceptionResolved):
        desk.do(
            operations.reopen_exception,
            exception_id=found.id, reason="again", actor=desk.first.actor(), now=clock.now(),
        )  # fmt: skip


@pytest.mark.parametrize(("code", "words"), [("nonsense", "x"), ("bank_fee", "x"), ("other", " "), ("immaterial", "")])
def test_a_reason_is_one_of_the_list_and_has_words_where_the_code_says_nothing(
    desk: DeskOfTests, code: str, words: str
) -> None:
    found = desk.exception()

    with pytest.raises(ExceptionReasonInvalid):
        explain(desk, found, reason_code=code, reason=words)
    assert desk.get(found) == found


def test_several_are_explained_at_once(desk: DeskOfTests) -> None:
    one, waiting = desk.exception(), dispute(desk, desk.exception())

    done = desk.do(
        operations.bulk_explain,
        exception_ids=[one.id, waiting.id], reason_code="in_transit", reason="", actor=desk.first.actor(),
        now=clock.now(),
    )  # fmt: skip

    assert [each.resolution for each in done.done] == ["explained"]
    assert done.refused == ((waiting.id, "exception_waiting"),)


def test_a_dispute_waits_for_the_provider_and_ends_as_they_answer(desk: DeskOfTests) -> None:
    won, lost = desk.exception(amount=900), desk.exception(amount=800)
    for found in (won, lost):
        waiting = dispute(desk, found)
        assert (waiting.state, waiting.waits_for) == ("waiting", "dispute")
        with pytest.raises(ExceptionWaiting):
            explain(desk, found)
        with pytest.raises(ExceptionWaiting):
            dispute(desk, found)

    assert answer(desk, won, "accepted").resolution == "disputed"
    assert answer(desk, lost, "rejected").state == "open"

    [kept] = desk.case(won).disputes
    assert (kept.state, kept.provider, kept.claim, kept.amount_minor) == ("accepted", "rail_a", "rail_a-260401", 900)
    assert desk.case(lost).disputes[0].state == "rejected"
    with pytest.raises(NoOpenDispute):
        answer(desk, lost, "accepted")
    with pytest.raises(DatabaseError, match="answered dispute"):
        desk.rows("UPDATE recon_dispute SET state = 'open', answered_by = NULL, answered_at = NULL")


def test_what_is_recorded_holds_codes_and_numbers_and_no_words(desk: DeskOfTests) -> None:
    found = desk.with_line(-500)
    explain(desk, found, reason_code="other", reason="Mrs Secret said so")

    bodies = [bytes(body) for (body,) in desk.rows("SELECT body FROM evidence_event WHERE type = 'exception.resolved'")]

    assert len(bodies) == 1
    assert found.id.encode() in bodies[0]
    assert b"Secret" not in bodies[0]


def test_a_foreign_or_malformed_id_is_not_found(desk: DeskOfTests, other_workspace: TenantRef) -> None:
    found = desk.exception()

    with pytest.raises(NoSuchException), tenant_work(other_workspace):
        queries.get_exception(exception_id=found.id, now=clock.now())
    for bad in ("", "exc_", "acct_00000000000000000000000000", "exc_" + "9" * 26, "'; --"):
        with pytest.raises(DomainError):
            desk.do(queries.get_exception, exception_id=bad, now=clock.now())


def test_two_who_act_at_once_do_not_both_win(desk: DeskOfTests) -> None:
    from concurrent.futures import ThreadPoolExecutor

    found = desk.exception()

    def act(person: Person) -> str:
        try:
            explain(desk, found, actor=person.actor(), version=1)
        except DomainError as refusal:
            return refusal.code
        else:
            return "done"
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        ends = sorted(pool.map(act, [desk.first, desk.second]))

    assert ends == ["done", "exception_resolved"]
    assert len([s for s in desk.case(found).steps if s.what == "explained"]) == 1
