"""The Reconciliation room: accounts, a file's way in, statements, rules and runs, and matching by hand."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from ledger.operations import post_entries, sequence_entries
from ledger.types import Line
from tests.console.test_accounts_room import form, opened, read
from tests.people import join
from zentra.core import ids
from zentra.core.actors import LEDGER, RECONCILIATION
from zentra.core.clock import now
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.reconciliation.matching.operations import run_matching
from zentra.reconciliation.matching.queries import get_match, list_matches, list_runs
from zentra.reconciliation.matching.queries.bench import list_open_entries, list_open_lines
from zentra.reconciliation.statements.queries import (
    get_reconciled_account,
    list_imports,
    list_reconciled_accounts,
    list_statements,
)
from zentra.reconciliation.statements.tasks import advance_import

if TYPE_CHECKING:
    from tests.people import Person

TODAY = now().date()
YESTERDAY = TODAY - timedelta(days=1)
CSV = (
    "Booking date;Amount;Reference;Text\n"
    f"{YESTERDAY:%d.%m.%Y};125,00;INV-1;Ada pays\n"
    f"{YESTERDAY:%d.%m.%Y};-3,50;FEE-1;Charge\n"
    f"{TODAY:%d.%m.%Y};80,00;INV-2;Bob pays\n"
)


def paid(workspace: TenantRef, amount_minor: int, reference: str) -> None:
    """Money that the ledger says came to the bank."""
    with tenant_work(workspace):
        post_entries(
            lines=[Line("bank", "debit", amount_minor), Line("ada", "credit", amount_minor)],
            currency="USD",
            posting_id=ids.new_id("posting"),
            purpose="manual",
            actor=LEDGER,
            correlation_id="test",
            recorded_at=now(),
            external_reference=reference,
        )


def upload(text: str = CSV, name: str = "november.csv") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, text.encode(), "text/csv")


def field(html: str, name: str) -> str:
    """The value of a hidden field."""
    found = re.search(rf'name="{name}" value="([^"]*)"', html)
    assert found, name
    return found[1]


def post(person: Person, path: str, **fields: Any) -> Any:
    """A form of the room, followed to the page that it leads to."""
    return _post(person.sign_in(Client()), person, path, fields)


def post_with_code(person: Person, path: str, **fields: Any) -> Any:
    """The same with a fresh second factor."""
    return _post(person.sign_in_with_code(Client()), person, path, fields)


def _post(client: Client, person: Person, path: str, fields: dict[str, Any]) -> Any:
    address = f"/w/{person.workspace.slug}/reconciliation/{path}"
    return client.post(address, {**form(), **fields}, follow=True)


@pytest.fixture
def bank(workspace: TenantRef, finance: Person) -> str:
    """The bank account, opened in the room."""
    opened(workspace, "ada")
    answer = post(
        finance,
        "open/",
        ledger_account="bank",
        kind="bank",
        name="First Bank",
        external_id="DE02 1203 0000 0000 2020 51",
        calendar="weekdays",
        settle_days="1",
    )
    assert "is reconciled from now on" in answer.content.decode()
    with tenant_work(workspace):
        return list_reconciled_accounts()[0].id


@pytest.fixture
def month(workspace: TenantRef, finance: Person, bank: str) -> str:
    """Three lines imported through the wizard, two of them paid in the ledger; the statement's id."""
    paid(workspace, 12_500, "INV-1")
    paid(workspace, 8_100, "INV-2")
    looked = post(finance, f"accounts/{bank}/mapping/", file=upload(), do="look")
    told = looked.content.decode()
    kept = {name: field(told, name) for name in ("sample", "file_name")}
    chosen = dict(re.findall(r'<select class="input" id="m-([\w]+)"[^>]*>.*?<option value="([^"]*)" selected>', told))
    done = post(
        finance,
        f"accounts/{bank}/mapping/",
        mapped="yes",
        whole="yes",
        has_header="yes",
        skip_rows="0",
        do="import",
        **kept,
        **chosen,
    )
    assert "is imported" in done.content.decode()
    with tenant_work(workspace):
        record = list_imports(limit=1)[0]
    advance_import(ws=workspace, import_id=record.id)
    with tenant_work(workspace):
        sequence_entries(now=now())
        run_matching(account_id=bank, is_dry_run=False, actor=RECONCILIATION, now=now())
        return list_statements(account_id=bank)[0].id


def test_an_empty_room_says_what_to_do_and_only_finance_may(
    workspace: TenantRef, finance: Person, auditor: Person
) -> None:
    assert "No account is reconciled yet" in read(auditor, "reconciliation/")
    assert 'href="/w/' in read(finance, "reconciliation/")
    assert "Open an account" in read(finance, "reconciliation/")
    assert "Open an account" not in read(auditor, "reconciliation/")
    client = auditor.sign_in(Client())
    assert client.get(f"/w/{workspace.slug}/reconciliation/open/").status_code == 403
    for path in ("imports/", "matches/", "runs/", "expected/", "exceptions/", "adjustments/"):
        assert client.get(f"/w/{workspace.slug}/reconciliation/{path}").status_code == 200, path


def test_an_account_is_opened_changed_and_refused_twice(workspace: TenantRef, finance: Person, bank: str) -> None:
    text = read(finance, "reconciliation/")
    assert "First Bank" in text
    assert "••2051" in text
    twice = post(
        finance,
        "open/",
        ledger_account="bank",
        kind="bank",
        name="Again",
        external_id="X",
        calendar="weekdays",
        settle_days="1",
    )
    assert twice.status_code == 409
    assert "reconciled already" in twice.content.decode()
    assert 'value="Again"' in twice.content.decode()  # what was typed is still there
    wrong = post(
        finance,
        "open/",
        ledger_account="fees",
        kind="bank",
        name="F",
        external_id="Y",
        calendar="weekdays",
        settle_days="soon",
    )
    assert "business days" in wrong.content.decode()
    changed = post(
        finance,
        f"accounts/{bank}/change/",
        version="1",
        name="Second Bank",
        external_id="DE03",
        calendar="ECB",
        settle_days="2",
    )
    assert "Second Bank is saved" in changed.content.decode()
    stale = post(
        finance,
        f"accounts/{bank}/change/",
        version="1",
        name="Third",
        external_id="DE03",
        calendar="ECB",
        settle_days="2",
    )
    assert "changed meanwhile" in stale.content.decode()
    with tenant_work(workspace):
        record = get_reconciled_account(account_id=bank)
    assert (record.name, record.calendar, record.settle_days) == ("Second Bank", "ECB", 2)
    assert "Please fill in" in post_with_code(finance, f"accounts/{bank}/close/", version="2").content.decode()
    assert (
        "is closed" in post_with_code(finance, f"accounts/{bank}/close/", version="2", reason="moved").content.decode()
    )


def test_the_wizard_guesses_shows_the_cell_that_is_wrong_and_keeps_what_reads(
    workspace: TenantRef, finance: Person, bank: str
) -> None:
    told = post(finance, f"accounts/{bank}/mapping/", file=upload(), do="look").content.decode()
    assert "As it is read" in told
    assert "12,500" in told
    assert "−350" in told
    kept = {name: field(told, name) for name in ("sample", "file_name")}
    asked = {"mapped": "yes", "whole": "yes", "has_header": "yes", "skip_rows": "0", **kept}
    wrong = post(
        finance,
        f"accounts/{bank}/mapping/",
        **asked,
        do="save",
        delimiter=";",
        encoding="utf-8",
        decimal_mark=",",
        thousands_mark="none",
        date_form="YYYY-MM-DD",
        column_booked_on="Booking date",
        column_amount="Amount",
    )
    assert wrong.status_code == 422
    assert "cannot be read like this" in wrong.content.decode()
    missing = post(
        finance,
        f"accounts/{bank}/mapping/",
        **asked,
        do="look",
        delimiter=";",
        encoding="utf-8",
        decimal_mark=",",
        thousands_mark="none",
        date_form="DD.MM.YYYY",
        column_amount="Amount",
    )
    assert "booking day" in missing.content.decode()
    saved = post(
        finance,
        f"accounts/{bank}/mapping/",
        **asked,
        do="save",
        delimiter=";",
        encoding="utf-8",
        decimal_mark=",",
        thousands_mark="none",
        date_form="DD.MM.YYYY",
        column_booked_on="Booking date",
        column_amount="Amount",
        column_reference="Reference",
        column_description="Text",
    )
    assert "are read like this from now on" in saved.content.decode()
    with tenant_work(workspace):
        mapping = get_reconciled_account(account_id=bank).mapping
    assert mapping is not None
    assert mapping["date_form"] == "DD.MM.YYYY"


def test_a_csv_without_a_mapping_goes_through_the_wizard_and_a_wrong_file_is_refused(
    workspace: TenantRef, finance: Person, bank: str
) -> None:
    asked = {"format": "csv", "account": bank}
    assert "How its CSV files are read" in post(finance, "imports/start/", file=upload(), **asked).content.decode()
    assert "choose its account" in post(finance, "imports/start/", file=upload(), format="csv").content.decode()
    assert "Choose the file" in post(finance, "imports/start/", **asked).content.decode()
    empty = post(finance, "imports/start/", file=upload(""), format="camt053", account=bank)
    assert "no statement in the file" in empty.content.decode()
    bad = post(finance, "imports/start/", file=upload("<nonsense", "a.xml"), format="camt053", account=bank)
    assert "is taken in" in bad.content.decode()
    with tenant_work(workspace):
        record = list_imports(limit=1)[0]
    advance_import(ws=workspace, import_id=record.id)
    text = read(finance, f"reconciliation/imports/{record.id}/")
    assert "failed" in text
    with tenant_work(workspace):
        assert list_statements(account_id=bank) == []


def test_a_dry_run_tries_everything_and_writes_nothing_and_a_repeated_form_is_one_import(
    workspace: TenantRef, finance: Person, bank: str, month: str
) -> None:
    again = CSV.replace("INV-2", "INV-3").replace("november", "december")
    client, asked = finance.sign_in(Client()), {**form(), "format": "csv", "account": bank, "do": "dry"}
    address = f"/w/{workspace.slug}/reconciliation/imports/start/"
    first = client.post(address, {**asked, "file": upload(again)})
    second = client.post(address, {**asked, "file": upload(again)})
    assert first.headers["Location"] == second.headers["Location"]
    import_id = first.headers["Location"].rstrip("/").rsplit("/", 1)[1]
    advance_import(ws=workspace, import_id=import_id)
    text = read(finance, f"reconciliation/imports/{import_id}/")
    assert "tried" in text
    assert "would be written" in text
    with tenant_work(workspace):
        assert len(list_statements(account_id=bank)) == 1
    known = post(finance, "imports/start/", file=upload(), format="csv", account=bank)
    assert "imported already" in known.content.decode()
    done = post(finance, f"imports/{import_id}/cancel/")
    assert "The import is finished" in done.content.decode()


def test_a_statement_shows_its_lines_and_which_are_matched(
    workspace: TenantRef, auditor: Person, bank: str, month: str
) -> None:
    text = read(auditor, f"reconciliation/statements/{month}/")
    for said in ("INV1", "INV2", "FEE1", "12,500", "matched", "open"):
        assert said in text, said
    assert "INV2" not in read(auditor, f"reconciliation/statements/{month}/?only=matched")
    assert "INV1" not in read(auditor, f"reconciliation/statements/{month}/?only=open")
    client = auditor.sign_in(Client())
    csv = client.get(f"/w/{workspace.slug}/reconciliation/statements/{month}/lines.csv")
    sent = b"".join(csv.streaming_content).decode()  # type: ignore[attr-defined]  # a streaming answer
    assert sent.splitlines()[1].startswith("1,")
    assert len(sent.splitlines()) == 4
    line = re.search(r"/lines/(lin_\w+)/", text)
    assert line
    assert "Ada pays" in read(auditor, f"reconciliation/lines/{line[1]}/")
    account = read(auditor, f"reconciliation/accounts/{bank}/")
    assert "33.33 %" in account
    assert "Matched, of the lines booked each day" in account


def test_what_differs_is_matched_by_hand_only_with_a_reason_and_a_code(
    workspace: TenantRef, finance: Person, bank: str, month: str
) -> None:
    with tenant_work(workspace):
        lines = {each.reference: each.id for each in list_open_lines(account_id=bank, limit=9)}
        entries = {each.reference: each.id for each in list_open_entries(account_id=bank, limit=9)}
    chosen = {"line": lines["INV2"], "entry": entries["INV2"]}
    path = f"accounts/{bank}/workbench/"
    text = read(finance, f"reconciliation/{path}?line={lines['INV2']}&entry={entries['INV2']}&for={lines['INV2']}")
    assert 'id="difference">−100<' in text
    assert "Could be the other side" in text
    assert "Choose both" in text
    assert "do not agree" in post(finance, f"{path}match/", **chosen).content.decode()
    asked = post(finance, f"{path}match/", **chosen, reason="rounded by Bob")
    assert "Confirm it is you" in asked.content.decode() or "code" in asked.content.decode()
    with tenant_work(workspace):
        assert [each.how for each in list_matches(limit=9)] == ["rule"]
    forced = post_with_code(finance, f"{path}match/", **chosen, reason="rounded by Bob")
    told = forced.content.decode()
    assert "100 apart" in told
    with tenant_work(workspace):
        made = list_matches(limit=1)[0]
    assert (made.how, made.reason) == ("forced", "rounded by Bob")
    assert "Choose lines and entries" in post(finance, f"{path}match/").content.decode()
    if made.state == "proposed":
        second = join(workspace, role="finance", name="Second")
        mine = post_with_code(finance, f"matches/{made.id}/approve/")
        assert "second person decides" in mine.content.decode()
        assert "The match stands" in post_with_code(second, f"matches/{made.id}/approve/").content.decode()
    assert "rounded by Bob" in read(finance, f"reconciliation/matches/{made.id}/")


def test_a_match_is_undone_with_a_reason_and_stays_as_history(
    workspace: TenantRef, finance: Person, auditor: Person, bank: str, month: str
) -> None:
    with tenant_work(workspace):
        made = list_matches(limit=1)[0]
    page = read(auditor, f"reconciliation/matches/{made.id}/")
    assert "What agreed" in page
    assert "exact reference + amount" in page
    assert "Undo the match" not in page
    assert "Undo the match" in read(finance, f"reconciliation/matches/{made.id}/")
    assert "Please fill in" in post_with_code(finance, f"matches/{made.id}/undo/").content.decode()
    assert "is undone" in post_with_code(finance, f"matches/{made.id}/undo/", reason="wrong invoice").content.decode()
    with tenant_work(workspace):
        assert get_match(match_id=made.id).state == "undone"
        assert len(list_open_lines(account_id=bank, limit=9)) == 3
    again = post_with_code(finance, f"matches/{made.id}/undo/", reason="again")
    assert "changed in the meantime" in again.content.decode()
    assert "wrong invoice" in read(auditor, f"reconciliation/matches/{made.id}/")


def test_rules_are_saved_as_versions_and_tried_on_history(
    workspace: TenantRef, finance: Person, auditor: Person, bank: str, month: str
) -> None:
    text = read(finance, f"reconciliation/accounts/{bank}/rules/")
    names = (
        "place",
        "on",
        "key",
        "kind",
        "within_days",
        "tolerance_minor",
        "tolerance_bp",
        "fee_percent_bp",
        "fee_fixed_minor",
        "source",
    )
    typed = {
        f"{name}_{at}": value
        for name in names
        for at, value in re.findall(rf'name="{name}_(\d+)"(?: value="([^"]*)")?', text)
        if name not in {"on", "kind"}
    }
    ons = re.findall(r'name="(on_\d+)" value="yes" checked', text)
    kinds = re.findall(r'<select class="input" name="(kind_\d+)".*?<option value="(\w+)" selected', text)
    shown = {**typed, **dict.fromkeys(ons, "yes"), **dict(kinds), "version": field(text, "version")}
    tried = post(finance, f"accounts/{bank}/rules/save/", **shown, do="dry")  # nothing is saved: no code is asked for
    assert "Nothing is saved" in tried.content.decode()
    assert "rules that are not saved" in tried.content.decode()
    saved = post_with_code(finance, f"accounts/{bank}/rules/save/", **shown, note="nothing new")
    assert "of the rules is saved" in saved.content.decode()
    stale = post_with_code(finance, f"accounts/{bank}/rules/save/", **shown, note="late")
    assert stale.status_code == 409
    assert "changed in the meantime" in stale.content.decode()
    wrong = post_with_code(finance, f"accounts/{bank}/rules/save/", **{**shown, "within_days_0": "many"}, note="x")
    assert "is a whole number" in wrong.content.decode()
    newest = field(read(finance, f"reconciliation/accounts/{bank}/rules/"), "version")
    off = {name: value for name, value in shown.items() if not name.startswith("on_")}
    post_with_code(finance, f"accounts/{bank}/rules/save/", **{**off, "version": newest}, note="all off")
    older = read(auditor, f"reconciliation/accounts/{bank}/rules/?version={newest}")
    assert f"superseded by {int(newest) + 1}" in older
    assert 'name="key_0"' not in older
    with tenant_work(workspace):
        runs = list_runs(limit=9)
    assert [each.is_dry_run for each in runs] == [True, False]
    assert "Dry run" in read(auditor, f"reconciliation/runs/{runs[0].id}/")
    assert "exact reference" in read(auditor, f"reconciliation/runs/{runs[1].id}/")


def test_a_run_is_asked_for_once_a_form(workspace: TenantRef, finance: Person, auditor: Person, bank: str) -> None:
    client, said = finance.sign_in(Client()), form()
    address = f"/w/{workspace.slug}/reconciliation/accounts/{bank}/run/"
    assert client.post(address, said).headers["Location"] == client.post(address, said).headers["Location"]
    assert auditor.sign_in(Client()).post(address, form()).status_code == 403
    with tenant_work(workspace):
        assert len(list_runs(limit=9)) == 1


def test_what_is_of_nobody_is_not_found(workspace: TenantRef, finance: Person) -> None:
    client = finance.sign_in(Client())
    kinds = {
        "accounts": "rca",
        "imports": "sti",
        "statements": "stm",
        "lines": "lin",
        "entries": "entry",
        "matches": "mat",
        "runs": "mrn",
        "exceptions": "exc",
    }
    for room, prefix in kinds.items():
        for key in (ids.new_id(prefix), "nobody-s", ids.new_id("acct")):
            answer = client.get(f"/w/{workspace.slug}/reconciliation/{room}/{key}/")
            assert answer.status_code in {400, 404}, (room, key, answer.status_code)


def test_another_workspace_sees_nothing(workspace: TenantRef, outsider: Person, bank: str, month: str) -> None:
    client = outsider.sign_in(Client())
    for slug in (workspace.slug, outsider.workspace.slug):
        for path in (f"accounts/{bank}/", f"statements/{month}/"):
            assert client.get(f"/w/{slug}/reconciliation/{path}").status_code == 404
