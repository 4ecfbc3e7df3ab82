"""The Ledger room: postings found and explained, undone and corrected; the books as a whole; files in and out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from psycopg import sql

from evidence.operations import record_events
from evidence.queries import latest_events
from ledger.files.tasks import advance_import, continue_export
from ledger.operations import apply_chart, create_chart, post_entries, posting_event, run_check
from ledger.queries import finding, get_balances, get_posting, list_exports, list_imports, list_postings, reversals_of
from ledger.types import Fx, Line
from tests.console.test_accounts_room import form, opened, paid_in, read
from tests.console.test_pages import make
from tests.people import join
from zentra.core import ids, schema
from zentra.core.actors import LEDGER
from zentra.core.clock import now
from zentra.core.tenancy import TenantRef, tenant_work

if TYPE_CHECKING:
    from tests.people import Person


@pytest.fixture
def posting(workspace: TenantRef) -> str:
    """A deposit of 50,000 to ada, told to the event log."""
    opened(workspace, "ada")
    with tenant_work(workspace):
        posted = post_entries(
            lines=[Line("bank", "debit", 50_000), Line("ada", "credit", 50_000)],
            currency="USD",
            posting_id=ids.new_id("posting"),
            purpose="manual",
            actor=LEDGER,
            correlation_id="corr-7",
            recorded_at=now(),
            description="deposit",
            external_reference="wire-118",
        )
        record_events(events=[posting_event(posted, actor=LEDGER, intent_id=None, trace_id=None)], now=now())
    return posted.posting_id


def available(workspace: TenantRef, code: str) -> int:
    with tenant_work(workspace):
        return get_balances(account=code, currency="USD").available_minor


@pytest.mark.parametrize(
    ("narrowed", "found"),
    [
        ("account=ada", True),
        ("account=merchant_balance", False),
        ("purpose=manual&reference=wire-118", True),
        ("purpose=reserve", False),
        ("state=posted&currency=USD", True),
        ("state=pending", False),
        ("min=50000&max=50,000", True),
        ("min=50001", False),
        ("basis=effective&from=2020-01-01", True),
        ("to=2020-01-01", False),
        ("intent=intent_none", False),
    ],
)
def test_filters_live_in_the_address(
    workspace: TenantRef, auditor: Person, posting: str, narrowed: str, found: bool
) -> None:
    assert (f'id="{posting}"' in read(auditor, f"ledger/?{narrowed}")) is found


@pytest.mark.parametrize("narrowed", ["min=1.5", "from=yesterday", "account=no_such"])
def test_a_filter_that_makes_no_sense_is_said_so(
    workspace: TenantRef, auditor: Person, posting: str, narrowed: str
) -> None:
    text = read(auditor, f"ledger/?{narrowed}")
    assert f'id="{posting}"' not in text
    assert "is no " in text or "There is no account" in text


def test_pages_go_on_where_the_last_one_ended_and_cost_the_same(workspace: TenantRef, auditor: Person) -> None:
    opened(workspace, "ada")
    paid_in(workspace, "ada", 1, times=5)
    client, address = auditor.sign_in(Client()), f"/w/{workspace.slug}/ledger/"
    client.get(address)
    with CaptureQueriesContext(connection) as few:
        client.get(address)
    paid_in(workspace, "ada", 1, times=100)
    with CaptureQueriesContext(connection) as many:
        text = client.get(address).content.decode()
    assert len(many) == len(few) <= 30
    link = text.split('rel="next"')[0].rsplit('href="', 1)[1].split('"')[0].replace("&amp;", "&")
    with tenant_work(workspace):
        ordered = [stored.posted.posting_id for stored in list_postings(limit=60)]
    second = client.get(link).content.decode()
    assert f'id="{ordered[49]}"' in text
    assert f'id="{ordered[50]}"' in second
    assert f'id="{ordered[49]}"' not in second


def test_a_posting_page_tells_everything_that_explains_it(workspace: TenantRef, auditor: Person, posting: str) -> None:
    text = read(auditor, f"ledger/postings/{posting}/")
    with tenant_work(workspace):
        stored = get_posting(posting_id=posting)
    for said in ("deposit", "wire-118", "corr-7", "500.00", "svc_ledger", "verified now", stored.posted.entry_hash,
                 "ledger.entry.posted", "waits for its place", "audit_ready when sealed"):  # fmt: skip
        assert said in text, said
    assert " style=" not in text


def test_a_posting_of_an_intent_leads_to_its_source_decision_and_actor(
    workspace: TenantRef, auditor: Person, developer: Person
) -> None:
    make(workspace, developer, "intent_told")
    with tenant_work(workspace):
        posting_id = next(p.posted.posting_id for p in list_postings(limit=5) if p.posted.intent_id == "intent_told")
    text = read(auditor, f"ledger/postings/{posting_id}/")
    assert "ingress.accepted" in text
    assert f"/w/{workspace.slug}/intents/intent_told/" in text
    decision = re.search(r'<a[^>]*href="/w/[^/]+/(events/[^"]+)"[^>]*>dec_', text)
    assert decision, "the policy decision leads to the event that told of it"
    assert "policy.accepted" in read(auditor, decision[1])


def test_the_price_of_a_posting_page_does_not_grow(workspace: TenantRef, auditor: Person, posting: str) -> None:
    client, address = auditor.sign_in(Client()), f"/w/{workspace.slug}/ledger/postings/{posting}/"
    client.get(address)
    with CaptureQueriesContext(connection) as few:
        client.get(address)
    paid_in(workspace, "ada", 1, times=40)
    with CaptureQueriesContext(connection) as many:
        client.get(address)
    assert len(many) == len(few) <= 35


# --- undoing and posting ---------------------------------------------------------------------------------------------


def test_a_reversal_is_seen_before_it_is_written(workspace: TenantRef, finance: Person, posting: str) -> None:
    client, address = finance.sign_in_with_code(Client()), f"/w/{workspace.slug}/ledger/postings/{posting}/reverse/"
    seen = client.post(address, form(do="preview", amount_minor="20000", reason="a part")).content.decode()
    assert "30,000" in seen
    assert "−20,000" in seen
    assert available(workspace, "ada") == 50_000
    said = form(do="post", amount_minor="20000", reason="a part")
    for _ in range(2):
        assert "are reversed by" in client.post(address, said, follow=True).content.decode()
    assert available(workspace, "ada") == 30_000
    with tenant_work(workspace):
        assert len(reversals_of(posting_id=posting)) == 1
        assert "ledger.reversed" in latest_events(limit=1)[0].names
    over = client.post(address, form(do="post", amount_minor="40000", reason="too much"), follow=True)
    assert "More would be reversed than was posted" in over.content.decode()
    assert available(workspace, "ada") == 30_000


def lines_form(do: str, *lines: tuple[str, str, str], **fields: str) -> dict[str, object]:
    accounts, debits, credits_ = zip(*lines, strict=True)
    return {**form(do=do, currency="USD", **fields), "account": list(accounts), "debit": list(debits),
            "credit": list(credits_), "line_currency": [""] * len(lines)}  # fmt: skip


def printed(text: str) -> str:
    return text.split('name="previewed" value="')[1].split('"', maxsplit=1)[0]


def test_entries_are_posted_by_hand_after_a_look_at_what_follows(
    workspace: TenantRef, finance: Person, posting: str
) -> None:
    client, address = finance.sign_in_with_code(Client()), f"/w/{workspace.slug}/ledger/post/"
    lines = (("bank", "1,500", ""), ("ada", "", "1000"), ("merchant_balance", "", "500"))
    seen = client.post(address, lines_form("preview", *lines, description="split")).content.decode()
    assert "51,000" in seen
    assert available(workspace, "ada") == 50_000
    said = lines_form("post", *lines, description="split", previewed=printed(seen))
    answer = client.post(address, said)
    assert answer.status_code == 302
    assert available(workspace, "ada") == 51_000
    text = client.get(answer.headers["Location"]).content.decode()
    assert "split" in text
    assert "Finance" in text


def test_what_was_not_previewed_is_not_posted(workspace: TenantRef, finance: Person, posting: str) -> None:
    client, address = finance.sign_in(Client()), f"/w/{workspace.slug}/ledger/post/"
    seen = client.post(address, lines_form("preview", ("bank", "5", ""), ("ada", "", "5"))).content.decode()
    changed = lines_form("post", ("bank", "500", ""), ("ada", "", "500"), previewed=printed(seen))
    answer = client.post(address, changed)
    assert "look at what follows first" in answer.content.decode()
    assert available(workspace, "ada") == 50_000


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ((("bank", "5", ""), ("ada", "", "6")), "Debits and credits differ"),
        ((("bank", "5", ""), ("nobody", "", "5")), "The account does not exist"),
        ((("bank", "5.5", ""), ("ada", "", "5")), "no whole number of minor units"),
        ((("bank", "5", "5"), ("ada", "", "5")), "one of the two"),
        ((("bank", "5", ""),), "two lines or more"),
        ((("ada", "90000", ""), ("bank", "", "90000")), "There is not enough available"),
    ],
)
def test_a_refusal_keeps_what_was_typed(
    workspace: TenantRef, finance: Person, posting: str, lines: tuple[tuple[str, str, str], ...], said: str
) -> None:
    answer = finance.sign_in(Client()).post(f"/w/{workspace.slug}/ledger/post/", lines_form("preview", *lines))
    text = answer.content.decode()
    assert answer.status_code in {409, 422}
    assert said in text
    assert f'value="{lines[0][0]}"' in text
    assert available(workspace, "ada") == 50_000


def test_two_currencies_are_posted_with_their_rate(workspace: TenantRef, finance: Person, posting: str) -> None:
    with tenant_work(workspace):
        create_chart(currency="EUR", now=now())
        for currency in ("USD", "EUR"):
            apply_chart(template="treasury", currency=currency, actor=LEDGER, now=now())
        posted = post_entries(
            lines=[Line("ada", "debit", 1084), Line("treasury.position", "credit", 1084),
                   Line("treasury.position", "debit", 1000, currency="EUR"),
                   Line("merchant_balance", "credit", 1000, currency="EUR")],
            currency="USD", posting_id=ids.new_id("posting"), purpose="manual", actor=LEDGER, correlation_id="fx",
            recorded_at=now(), fx=Fx("EUR", "USD", "1.0840", "desk"),
        )  # fmt: skip
    text = read(finance, f"ledger/postings/{posted.posting_id}/")
    assert "1 EUR = 1.0840 USD" in text
    assert "desk" in text


def test_a_correction_takes_the_place_of_what_was_wrong(workspace: TenantRef, finance: Person, posting: str) -> None:
    client, address = finance.sign_in_with_code(Client()), f"/w/{workspace.slug}/ledger/postings/{posting}/correct/"
    assert 'value="50000"' in client.get(address).content.decode()
    lines = (("bank", "45000", ""), ("ada", "", "45000"))
    seen = client.post(address, lines_form("preview", *lines, reason="typo")).content.decode()
    assert available(workspace, "ada") == 50_000
    client.post(address, lines_form("post", *lines, reason="typo", previewed=printed(seen)))
    assert available(workspace, "ada") == 45_000
    text = read(finance, f"ledger/postings/{posting}/")
    assert "Reversals and corrections" in text
    assert "All of it is reversed" in text


# --- the books -------------------------------------------------------------------------------------------------------


def test_the_trial_balance_ties_out_now_and_then(workspace: TenantRef, auditor: Person, posting: str) -> None:
    for path in ("", "?at=2020-01-01T00:00", "?basis=recorded&at=2020-01-01T00:00"):
        assert "both columns are equal" in read(auditor, f"ledger/trial-balance/{path}")
    sheet = auditor.sign_in(Client()).get(f"/w/{workspace.slug}/ledger/trial-balance.csv").content.decode()
    last = sheet.strip().splitlines()[-1].split(",")
    assert last[0] == "total"
    assert last[6] == last[7]


def test_health_says_never_run_until_a_check_did(workspace: TenantRef, auditor: Person, posting: str) -> None:
    assert "Never run" in read(auditor, "ledger/health/")
    run_check(workspace=workspace, started_by="schedule", now=now())
    assert "sound" in read(auditor, "ledger/health/")
    client = auditor.sign_in(Client())
    asked = client.post(f"/w/{workspace.slug}/ledger/health/check/", form(), follow=True)
    assert "The check is asked for" in asked.content.decode()
    assert "integrity check: sound" in read(auditor, "")


def test_a_planted_corruption_is_shown_with_its_first_row(workspace: TenantRef, auditor: Person, posting: str) -> None:
    with schema.connect_as_owner() as owner:
        owner.execute(sql.SQL("SET search_path = {}").format(sql.Identifier(workspace.schema)))
        owner.execute("UPDATE ledger_balance SET posted_credits = posted_credits + 7 WHERE version > 0")
    run_check(workspace=workspace, started_by="schedule", now=now())
    text = read(auditor, "ledger/health/")
    assert "divergent" in text
    assert "expected" in text


# --- files -----------------------------------------------------------------------------------------------------------


def test_an_import_is_tried_first_and_says_what_it_refuses(workspace: TenantRef, finance: Person) -> None:
    rows = "code,currency,account_type\nnew_one,USD,customer\nnew_two,USD,no_such_type\n"
    client, address = finance.sign_in(Client()), f"/w/{workspace.slug}/ledger/imports/"
    file = SimpleUploadedFile("accounts.csv", rows.encode(), content_type="text/csv")
    answer = client.post(f"{address}start/", {**form(do="dry", kind="accounts"), "file": file})
    assert answer.status_code == 302, answer.content
    with tenant_work(workspace):
        (record,) = list_imports(limit=5)
    assert record.is_dry_run
    page = client.get(answer.headers["Location"], headers={"HX-Request": "true"}).content.decode()
    assert 'hx-trigger="every 2s"' in page
    advance_import(ws=workspace, import_id=record.id)
    text = client.get(answer.headers["Location"]).content.decode()
    assert "unknown_account_type" in text
    assert 'hx-trigger="every 2s"' not in text
    assert "would be written" in text


def test_a_form_that_is_sent_again_with_another_file_is_no_repeat(workspace: TenantRef, finance: Person) -> None:
    client, address = finance.sign_in_with_code(Client()), f"/w/{workspace.slug}/ledger/imports/"
    said = form(do="import", kind="accounts")

    def send(code: str) -> str:
        rows = f"code,currency,account_type\n{code},USD,customer\n".encode()
        file = SimpleUploadedFile("a.csv", rows, content_type="text/csv")
        return client.post(f"{address}start/", {**said, "file": file}, follow=True).content.decode()

    assert "is taken in" in send("x")
    assert "is taken in" in send("x")
    assert "Open the page again and repeat it there" in send("y")
    with tenant_work(workspace):
        assert len(list_imports(limit=5)) == 1


def test_an_import_that_waits_can_be_canceled(workspace: TenantRef, finance: Person) -> None:
    client, address = finance.sign_in_with_code(Client()), f"/w/{workspace.slug}/ledger/imports/"
    file = SimpleUploadedFile("a.csv", b"code,currency,account_type\nx,USD,customer\n", content_type="text/csv")
    answer = client.post(f"{address}start/", {**form(do="import", kind="accounts"), "file": file})
    gone = client.post(f"{answer.headers['Location']}cancel/", form(), follow=True).content.decode()
    assert "is canceled" in gone
    again = client.post(f"{answer.headers['Location']}cancel/", form(), follow=True).content.decode()
    assert "is canceled. What was written" not in again


def test_an_export_is_asked_for_and_taken_away(workspace: TenantRef, auditor: Person, posting: str) -> None:
    client, address = auditor.sign_in(Client()), f"/w/{workspace.slug}/ledger/exports/"
    client.post(f"{address}start/", form(kind="postings", format="jsonl", account="ada"))
    with tenant_work(workspace):
        (record,) = list_exports(limit=5)
    assert client.get(f"{address}{record.id}/file/").status_code in {404, 409}
    continue_export(ws=workspace, export_id=record.id)
    assert "Download" in client.get(address).content.decode()
    content = b"".join(client.get(f"{address}{record.id}/file/").streaming_content)  # type: ignore[attr-defined]
    assert content.count(b"\n") == 1
    assert posting in content.decode()


# --- who may ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["auditor", "operator"])
def test_who_may_not_post_is_refused_and_recorded(workspace: TenantRef, posting: str, role: str) -> None:
    person = join(workspace, role=role)
    client, base = person.sign_in(Client()), f"/w/{workspace.slug}/ledger/"
    page = read(person, f"ledger/postings/{posting}/")
    assert "Reverse" not in page
    for path in (f"postings/{posting}/reverse/", f"postings/{posting}/correct/", "post/", "imports/start/"):
        assert client.post(base + path, form(do="post", reason="mine")).status_code == 403
        with tenant_work(workspace):
            assert latest_events(limit=1)[0].type == "access.denied"
    imports = client.get(f"{base}imports/")
    assert imports.status_code == 200  # what was imported is there to read
    assert b'type="file"' not in imports.content
    assert available(workspace, "ada") == 50_000


def test_an_outsider_is_told_nothing_of_the_ledger(workspace: TenantRef, outsider: Person, posting: str) -> None:
    client = outsider.sign_in(Client())
    for path in ("", f"postings/{posting}/", "post/", "trial-balance/", "trial-balance.csv", "health/", "imports/",
                 "exports/"):  # fmt: skip
        answer = client.get(f"/w/{workspace.slug}/ledger/{path}")
        assert answer.status_code == 404, path
        assert "wire-118" not in answer.content.decode()
        with tenant_work(workspace):
            assert latest_events(limit=1)[0].type == "access.denied"


def test_a_rare_filter_is_looked_for_a_window_at_a_time(
    workspace: TenantRef, auditor: Person, posting: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a page costs does not grow with the history: it looks at so many postings, and then asks to go on."""
    monkeypatch.setattr(finding, "SCAN", 10)
    paid_in(workspace, "ada", 1, times=25)
    path, pages = "ledger/?min=50000&max=50000", 0
    while True:
        text = read(auditor, path)
        if f'id="{posting}"' in text:
            break
        assert "Older ones may: go on" in text
        link = text.split('rel="next"')[0].rsplit('href="', 1)[1].split('"')[0].replace("&amp;", "&")
        path, pages = link.split(f"/w/{workspace.slug}/")[1], pages + 1
    assert pages == 2


def test_an_id_never_stands_for_the_account_of_the_same_code_in_another_currency(
    workspace: TenantRef, finance: Person
) -> None:
    with tenant_work(workspace):
        create_chart(currency="EUR", now=now())
        euro = finding.search_accounts(limit=5, text="merchant_balance", currency="EUR")[0][0].id
    before = available(workspace, "merchant_balance")
    client, address = finance.sign_in(Client()), f"/w/{workspace.slug}/ledger/post/"
    text = client.post(address, lines_form("preview", ("bank", "500", ""), (euro, "", "500"))).content.decode()
    assert f"There is no account {euro} in USD" in text
    assert 'name="previewed" value="' not in text or not printed(text)
    assert available(workspace, "merchant_balance") == before
