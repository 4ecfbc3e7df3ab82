"""The exceptions desk in the room: the list and its filters, several at once, and every act on one of them."""

from __future__ import annotations

import io
import re
import zipfile
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from ledger.queries import get_balances
from tests.console.test_accounts_room import form, read
from tests.reconciliation.desks import DeskOfTests, desk_of
from zentra.core.clock import now
from zentra.core.tenancy import TenantRef, tenant_work

if TYPE_CHECKING:
    from tests.people import Person

TODAY = f"{now().date():%Y-%m-%d}"


@pytest.fixture
def desk(workspace: TenantRef) -> DeskOfTests:
    return desk_of(workspace)


def say(person: Person, path: str, **fields: Any) -> str:
    """A form of the desk, and the page that it leads to."""
    return _said(person.sign_in(Client()), person, path, fields)


def say_with_code(person: Person, path: str, **fields: Any) -> str:
    """The same with a fresh second factor."""
    return _said(person.sign_in_with_code(Client()), person, path, fields)


def _said(client: Client, person: Person, path: str, fields: dict[str, Any]) -> str:
    address = f"/w/{person.workspace.slug}/reconciliation/{path}"
    return client.post(address, {**form(), **fields}, follow=True).content.decode()


def page_of(person: Person, exception_id: str) -> str:
    return read(person, f"reconciliation/exceptions/{exception_id}/")


def test_the_list_is_narrowed_by_kind_state_age_owner_and_text(desk: DeskOfTests, auditor: Person) -> None:
    old = desk.exception("entry_only", amount=900, days=12, entry_id=desk.add_entry(900), facts={"reference": "INV9"})
    new = desk.with_line(-500, reference="FEE1")
    text = read(auditor, "reconciliation/exceptions/")
    assert text.index(old.id) < text.index(new.id)  # oldest first
    newest = read(auditor, "reconciliation/exceptions/?order=newest")
    assert newest.index(new.id) < newest.index(old.id)
    assert "By age" in text
    only = read(auditor, "reconciliation/exceptions/?kind=line_only")
    assert (new.id in only, old.id in only) == (True, False)
    aged = read(auditor, "reconciliation/exceptions/?age=8-30")
    assert (new.id in aged, old.id in aged) == (False, True)
    mine = read(desk.first, "reconciliation/exceptions/?owner=me")
    assert "No exception here" in mine
    assert "No exception here" in read(auditor, "reconciliation/exceptions/?state=resolved")
    for odd in ("kind=x", "state=x", "age=x", "after=x~y", "after=2026-13-01~exc_1", "account=x", "owner=x"):
        assert new.id in read(auditor, f"reconciliation/exceptions/?{odd}"), odd
    assert 'name="exception"' not in text  # who may not act has nothing to tick
    assert 'name="exception"' in read(desk.first, "reconciliation/exceptions/")
    assert ">2<" in text.split('data-count="reconciliation"')[1][:40]


def test_the_list_goes_on_where_the_page_ended(desk: DeskOfTests, auditor: Person) -> None:
    for number in range(65):
        desk.exception(amount=100 + number, line_id=desk.add_line(100 + number), days=number % 3)
    text = read(auditor, "reconciliation/exceptions/")
    link = re.search(r'href="([^"]+)" rel="next"', text)
    assert link
    client = auditor.sign_in(Client())
    rest = client.get(link[1].replace("&amp;", "&")).content.decode()
    assert rest.count('<tr data-id="exc_') == 5
    assert text.count('<tr data-id="exc_') == 60


def test_several_are_assigned_and_explained_at_once(desk: DeskOfTests) -> None:
    found = [desk.with_line(-100 - number).id for number in range(3)]
    first = desk.first
    assert "Tick at least one" in say(first, "exceptions/assign/", owner=first.id)
    assert "First is responsible for 3" in say(first, "exceptions/assign/", exception=found, owner=first.id)
    assert found[0] in read(first, "reconciliation/exceptions/?owner=me")
    told = say_with_code(first, "exceptions/explain/", exception=found[:2], reason_code="in_transit")
    assert "2 explained" in told
    assert "no such reason" in say_with_code(first, "exceptions/explain/", exception=found[2:], reason_code="made_up")
    assert "explained" in read(first, "reconciliation/exceptions/?state=resolved")


def test_one_shows_both_sides_the_difference_and_what_it_was_told_from(desk: DeskOfTests, auditor: Person) -> None:
    found = desk.differing(12_450, 12_500)
    text = page_of(auditor, found.id)
    for said in (
        "Amount differs",
        "On the statement",
        "In the ledger",
        "12,450",
        "12,500",
        "−50",
        "50 short",
        "History",
    ):
        assert said in text, said
    assert "act-explain" not in text
    assert "act-explain" in page_of(desk.first, found.id)


def test_it_is_taken_given_noted_and_gets_a_file(desk: DeskOfTests, auditor: Person) -> None:
    found = desk.with_line()
    here = f"exceptions/{found.id}/"
    assert "It is yours" in say(desk.first, f"{here}take/", version=str(found.version))
    stale = say(desk.second, f"{here}take/", version=str(found.version))
    assert "Somebody acted on this exception" in stale
    version = str(desk.get(found).version)
    assert "Second is responsible" in say(desk.first, f"{here}assign/", version=version, owner=desk.second.id)
    assert "Write the note first" in say(desk.first, f"{here}note/", text=" ")
    assert "The note is kept" in say(desk.first, f"{here}note/", text="asked the <b>bank</b>")
    shown = page_of(auditor, found.id)
    assert "asked the &lt;b&gt;bank&lt;/b&gt;" in shown
    file = SimpleUploadedFile("advice.pdf", b"%PDF-1.4 advice", "application/pdf")
    assert "advice.pdf is attached" in say(desk.first, f"{here}file/", file=file)
    assert "Choose a file" in say(desk.first, f"{here}file/")
    link = re.search(r'href="([^"]+/files/[^"]+)"', page_of(auditor, found.id))
    assert link
    sent = auditor.sign_in(Client()).get(link[1])
    assert sent.content == b"%PDF-1.4 advice"
    assert sent.headers["Content-Disposition"].startswith("attachment")
    assert auditor.sign_in(Client()).post(f"/w/{desk.ws.slug}/reconciliation/{here}take/", form()).status_code == 403


def test_it_is_explained_and_opened_again(desk: DeskOfTests) -> None:
    found = desk.with_line()
    here, version = f"exceptions/{found.id}/", str(found.version)
    assert "Please fill in" in say_with_code(desk.first, f"{here}explain/", version=version)
    assert "in words" in say_with_code(desk.first, f"{here}explain/", version=version, reason_code="other")
    assert "It is explained" in say_with_code(
        desk.first, f"{here}explain/", version=version, reason_code="bank_error", reason="x"
    )
    assert "This exception is resolved" in say_with_code(
        desk.first, f"{here}explain/", version=str(desk.get(found).version), reason_code="timing"
    )
    assert "act-reopen" in page_of(desk.first, found.id)
    said = say(desk.first, f"{here}reopen/", version=str(desk.get(found).version), reason="it was not")
    assert "It is open again" in said


def test_an_adjustment_is_posted_by_a_second_person_with_a_code(desk: DeskOfTests, auditor: Person) -> None:
    found = desk.with_line(-500)
    here, version = f"exceptions/{found.id}/", str(found.version)
    shown = page_of(desk.first, found.id)
    assert 'name="account_0" type="text" value="fees"' in shown or 'value="fees"' in shown
    asked = {
        "version": version, "reason_code": "bank_fee", "reason": "monthly charge", "effective_on": TODAY,
        "account_0": "fees", "direction_0": "debit", "amount_0": "500",
        "account_1": "bank", "direction_1": "credit", "amount_1": "500",
    }  # fmt: skip
    assert "is a day" in say(desk.first, f"{here}adjust/", **{**asked, "effective_on": "soon"})
    assert "whole number of minor units" in say(desk.first, f"{here}adjust/", **{**asked, "amount_0": "5.00"})
    assert "cannot be posted like this" in say(desk.first, f"{here}adjust/", **{**asked, "amount_0": "400"})
    assert "waits for a second person" in say(desk.first, f"{here}adjust/", **asked)
    waiting = read(auditor, "reconciliation/adjustments/")
    assert "monthly charge" in waiting
    adjustment = re.search(r'data-id="(adj_\w+)"', waiting)
    assert adjustment
    approve = f"adjustments/{adjustment[1]}/approve/"
    assert "act-approve" not in page_of(desk.first, found.id)
    assert "act-approve" in page_of(desk.second, found.id)
    before = balance(desk, "bank")
    without = desk.second.sign_in(Client()).post(f"/w/{desk.ws.slug}/reconciliation/{approve}", form())
    assert without.status_code in {401, 403}  # the code is asked for
    assert "Another person has to let it through" in say_with_code(desk.first, approve)
    assert balance(desk, "bank") == before
    assert "is posted" in say_with_code(desk.second, approve)
    assert balance(desk, "bank") == before - 500
    assert "posted" in read(auditor, "reconciliation/adjustments/?state=posted")
    again = say_with_code(desk.second, approve)
    assert "It was adjusted" in again


def balance(desk: DeskOfTests, code: str) -> int:
    with tenant_work(desk.ws):
        return get_balances(account=code, currency="USD").posted_minor


def test_a_write_off_is_declined_and_nothing_is_posted(desk: DeskOfTests) -> None:
    found = desk.with_line(-500)
    asked = {"version": str(found.version), "reason_code": "small_difference", "effective_on": TODAY}
    before = balance(desk, "bank")
    assert "waits for a second person" in say(desk.first, f"exceptions/{found.id}/write-off/", **asked)
    adjustment = re.search(r"adjustments/(adj_\w+)/decline/", page_of(desk.second, found.id))
    assert adjustment
    path = f"adjustments/{adjustment[1]}/decline/"
    assert "Please fill in" in say(desk.second, path)
    assert "Nothing is posted" in say(desk.second, path, reason="the bank pays it back")
    assert balance(desk, "bank") == before
    assert desk.get(found).state == "open"


def test_a_dispute_waits_for_the_provider_and_its_answer_is_kept(desk: DeskOfTests) -> None:
    found = desk.with_line(-500)
    here = f"exceptions/{found.id}/"
    due = f"{now().date() + timedelta(days=5):%Y-%m-%d}"
    asked = {"version": str(found.version), "provider": "rail_a", "claim": "BATCH1", "reason_code": "fee_wrong"}
    assert "is a day" in say(desk.first, f"{here}dispute/", **asked)
    assert "waits for the provider" in say(desk.first, f"{here}dispute/", **asked, answer_due_on=due)
    assert "act-answer" in page_of(desk.first, found.id)
    version = str(desk.get(found).version)
    assert "Say how the dispute ended" in say(
        desk.first, f"{here}answer/", version=version, answer="no", outcome="maybe"
    )
    accepted = {"version": version, "answer": "Right, credited tomorrow", "outcome": "accepted"}
    assert "second factor" in say(desk.first, f"{here}answer/", **accepted)  # it resolves the exception
    kept = say_with_code(desk.first, f"{here}answer/", **accepted)
    assert "The answer is kept" in kept
    assert "credited tomorrow" in kept


def sent(answer: Any) -> list[str]:
    """The lines of a file that goes out in pieces."""
    lines: list[str] = b"".join(answer.streaming_content).decode().splitlines()
    return lines


def test_more_than_a_spreadsheet_carries_goes_out_as_csv_only(
    desk: DeskOfTests, auditor: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    for amount in (900, 901):
        desk.exception("entry_only", entry_id=desk.add_entry(amount))
    monkeypatch.setattr("console.views.exception_files.MOST_EXPORTED", 1)
    client = auditor.sign_in(Client())
    base = f"/w/{desk.ws.slug}/reconciliation/exceptions"
    assert len(sent(client.get(f"{base}.csv"))) == 3
    refused = client.get(f"{base}.xlsx")
    assert refused.status_code == 422
    assert "A spreadsheet carries 1 exceptions; take the CSV." in refused.content.decode()


def test_the_list_is_exported_as_it_is_narrowed(desk: DeskOfTests, auditor: Person) -> None:
    found = desk.with_line(-500, reference="=cmd()")
    desk.exception("entry_only", entry_id=desk.add_entry(900))
    client = auditor.sign_in(Client())
    base = f"/w/{desk.ws.slug}/reconciliation/exceptions"
    csv = sent(client.get(f"{base}.csv?kind=line_only"))
    assert len(csv) == 2
    assert csv[1].startswith(f"{found.id},line_only,open")
    sheet = client.get(f"{base}.xlsx").content
    names = zipfile.ZipFile(io.BytesIO(sheet)).namelist()
    assert "xl/worksheets/sheet1.xml" in names


def test_the_story_of_an_intent_that_nobody_knows_is_not_found(desk: DeskOfTests, auditor: Person) -> None:
    client = auditor.sign_in(Client())
    answer = client.get(f"/w/{desk.ws.slug}/reconciliation/intents/intent_nobody/")
    assert answer.status_code == 404
