"""The Accounts room: finding an account, what its page says, and what each role may do to it."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from evidence.queries import latest_events
from ledger.errors import AccountFrozen
from ledger.operations import open_account, place_hold, post_entries
from ledger.queries import find_account, get_balances, list_monitors
from ledger.types import AccountRecord, Line
from tests.people import join
from zentra.core import ids
from zentra.core.actors import LEDGER
from zentra.core.clock import now
from zentra.core.tenancy import TenantRef, tenant_work

if TYPE_CHECKING:
    from tests.people import Person


def form(**fields: str) -> dict[str, str]:
    return {"idempotency_key": str(ids.new_uuid()), **fields}


def opened(workspace: TenantRef, code: str, **words: object) -> AccountRecord:
    with tenant_work(workspace):
        return open_account(
            account_type="customer",
            currency="USD",
            code=code,
            actor=LEDGER,
            now=now(),
            **words,  # type: ignore[arg-type]  # the caller's words
        )


def paid_in(workspace: TenantRef, code: str, amount_minor: int, times: int = 1) -> str:
    """Deposits from the bank; the last posting's id."""
    with tenant_work(workspace):
        for _ in range(times):
            posted = post_entries(
                lines=[Line("bank", "debit", amount_minor), Line(code, "credit", amount_minor)],
                currency="USD",
                posting_id=ids.new_id("posting"),
                purpose="manual",
                actor=LEDGER,
                correlation_id="test",
                recorded_at=now(),
                description="deposit",
            )
    return posted.posting_id


@pytest.fixture
def account(workspace: TenantRef) -> AccountRecord:
    """A customer's account with 50,000 on it and 12,000 of them held."""
    made = opened(workspace, "ada", customer="customer_ada", external_id="crm-77")
    paid_in(workspace, "ada", 50_000)
    with tenant_work(workspace):
        place_hold(
            account="ada",
            amount_minor=12_000,
            reference="booking-1",
            source="authorization",
            expires_at=now() + timedelta(days=2),
            actor=LEDGER,
            now=now(),
            correlation_id="test",
        )
    return made


def read(person: Person, path: str) -> str:
    answer = person.sign_in(Client()).get(f"/w/{person.workspace.slug}/{path}")
    assert answer.status_code == 200, answer
    return answer.content.decode()


@pytest.mark.parametrize("words", ["ada", "AD", "customer_ada", "crm-77", "<id>"])
def test_an_account_is_found_by_whatever_one_remembers(
    workspace: TenantRef, auditor: Person, account: AccountRecord, words: str
) -> None:
    text = read(auditor, f"accounts/?q={words.replace('<id>', account.id)}")
    assert account.id in text
    assert "merchant_balance" not in text


def test_filters_narrow_the_list_and_live_in_the_address(
    workspace: TenantRef, auditor: Person, account: AccountRecord
) -> None:
    assert account.id in read(auditor, "accounts/?currency=USD&type=customer&state=active")
    nothing = read(auditor, "accounts/?currency=USD&type=merchant&q=ada")
    assert f'id="{account.id}"' not in nothing
    assert "No account here" in nothing
    assert "Clear the filters" in nothing


def test_signs_of_a_pattern_are_letters_in_a_search(workspace: TenantRef, auditor: Person) -> None:
    assert "No account here" in read(auditor, "accounts/?q=%25")


def test_the_list_goes_on_where_the_page_ended(workspace: TenantRef, auditor: Person) -> None:
    for number in range(55):
        opened(workspace, f"many_{number:02d}")
    first = read(auditor, "accounts/?q=many_")
    assert "many_54" in first
    assert "many_03" not in first
    link = first.split('rel="next"')[0].rsplit('href="', 1)[1].split('"')[0].replace("&amp;", "&")
    second = read(auditor, link.split(f"/w/{workspace.slug}/")[1])
    assert "many_03" in second
    assert "many_54" not in second


def test_the_tree_rolls_up_and_adds_up_to_zero(workspace: TenantRef, finance: Person, account: AccountRecord) -> None:
    client = finance.sign_in(Client())
    client.post(f"/w/{workspace.slug}/accounts/chart/", form(template="wallet", currency="USD"))
    text = read(finance, "accounts/?view=tree")
    assert 'add up to <b class="num">0</b>' in text
    assert "Liabilities" in text
    assert "customer_balance" in text


def test_an_account_page_tells_balances_entries_and_holds(
    workspace: TenantRef, auditor: Person, account: AccountRecord
) -> None:
    text = read(auditor, f"accounts/{account.id}/")
    for said in ("50,000", "−12,000", "38,000", "500.00 USD", "booking-1", "deposit", account.id, "immediate", "<svg"):
        assert said in text, said
    assert text == text.replace(" style=", "")


def test_a_balance_is_told_as_of_any_moment(workspace: TenantRef, auditor: Person, account: AccountRecord) -> None:
    before = f"{now() - timedelta(days=1):%Y-%m-%dT%H:%M:%S}"
    text = read(auditor, f"accounts/{account.id}/?at={before}&by=recorded")
    assert "0 entries that were written up to" in text
    assert "That is no moment" in read(auditor, f"accounts/{account.id}/?at=yesterday")


def test_the_plot_has_a_table_and_every_range(workspace: TenantRef, auditor: Person, account: AccountRecord) -> None:
    for chosen in ("24h", "7d", "30d", "90d", "1y", "nonsense"):
        for basis in ("effective", "recorded"):
            text = read(auditor, f"accounts/{account.id}/?range={chosen}&basis={basis}")
            assert "The same as a table" in text


def test_the_pages_of_an_account_cost_the_same_however_long_its_history(
    workspace: TenantRef, auditor: Person, account: AccountRecord
) -> None:
    client = auditor.sign_in(Client())
    for path in (f"accounts/{account.id}/", "accounts/", "accounts/?view=tree", f"accounts/{account.id}/statement/"):
        address = f"/w/{workspace.slug}/{path}"
        client.get(address)  # the workspace is remembered
        with CaptureQueriesContext(connection) as few:
            client.get(address)
        paid_in(workspace, "ada", 10, times=60)
        with CaptureQueriesContext(connection) as many:
            client.get(address)
        assert len(many) == len(few), path
        assert len(many) <= 45, path


def test_a_frozen_account_says_who_and_why_and_takes_no_posting(
    workspace: TenantRef, finance: Person, auditor: Person, account: AccountRecord
) -> None:
    client = finance.sign_in_with_code(Client())
    said = form(reason="disputed invoices")
    for _ in range(2):  # a double submit is one freeze
        answer = client.post(f"/w/{workspace.slug}/accounts/{account.id}/freeze/", said, follow=True)
        assert "ada is frozen" in answer.content.decode()
    text = read(auditor, f"accounts/{account.id}/")
    assert "disputed invoices" in text
    assert "Finance" in text
    with pytest.raises(AccountFrozen):
        paid_in(workspace, "ada", 1)
    client.post(f"/w/{workspace.slug}/accounts/{account.id}/unfreeze/", form(reason="settled"))
    paid_in(workspace, "ada", 1)


def test_a_refusal_is_one_sentence_and_changes_nothing(
    workspace: TenantRef, finance: Person, account: AccountRecord
) -> None:
    answer = finance.sign_in_with_code(Client()).post(
        f"/w/{workspace.slug}/accounts/{account.id}/close/", form(reason="left"), follow=True
    )
    text = answer.content.decode()
    assert "The account is not empty" in text
    with tenant_work(workspace):
        assert find_account(ref="ada").state == "active"


def test_limits_are_changed_with_a_reason_and_shown_with_the_room_left(
    workspace: TenantRef, finance: Person, account: AccountRecord
) -> None:
    client, address = finance.sign_in_with_code(Client()), f"/w/{workspace.slug}/accounts/{account.id}/limits/"
    assert "Something is missing" in client.post(address, form(floor_minor="0"), follow=True).content.decode()
    assert "minor units" in client.post(address, form(floor_minor="1.5", reason="x"), follow=True).content.decode()
    client.post(address, form(floor_minor="-5,000", ceiling_minor="80000", reason="agreed overdraft"))
    text = read(finance, f"accounts/{account.id}/")
    for said in ("−5,000", "43,000", "30,000"):
        assert said in text, said


def test_a_threshold_is_watched_and_let_go(workspace: TenantRef, finance: Person, account: AccountRecord) -> None:
    client, here = finance.sign_in(Client()), f"/w/{workspace.slug}/accounts/{account.id}/monitors/"
    client.post(here, form(name="low", metric="available", comparison="below", threshold_minor="1000"))
    with tenant_work(workspace):
        (monitor,) = list_monitors(account_id=account.id)
    assert "available below 1,000 USD" in read(finance, f"accounts/{account.id}/")
    client.post(f"{here}remove/", form(monitor=monitor.id))
    with tenant_work(workspace):
        assert list_monitors(account_id=account.id) == []


def test_an_account_is_opened_once_per_form(workspace: TenantRef, finance: Person) -> None:
    client, said = finance.sign_in(Client()), form(account_type="customer", currency="EUR", code="bea")
    answers = [client.post(f"/w/{workspace.slug}/accounts/open/", said) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [302, 302]
    with tenant_work(workspace):
        account = find_account(ref="bea", currency="EUR")
        assert account.floor_minor == 0
        assert get_balances(account=account).posted_minor == 0
    assert answers[0].headers["Location"].endswith(f"/accounts/{account.id}/")
    text = client.post(
        f"/w/{workspace.slug}/accounts/open/", form(account_type="customer", currency="EUR", code="bea"), follow=True
    ).content.decode()
    assert "An account with this code exists" in text


def test_a_statement_is_read_and_taken_away(workspace: TenantRef, auditor: Person, account: AccountRecord) -> None:
    text = read(auditor, f"accounts/{account.id}/statement/")
    assert "ties out" in text
    assert "Opening balance" in text
    client = auditor.sign_in(Client())
    sheet = client.get(f"/w/{workspace.slug}/accounts/{account.id}/statement.csv")
    assert b"".join(sheet.streaming_content).count(b"\r\n") == 4  # type: ignore[attr-defined]  # head, opening, entry, closing
    assert "attachment" in sheet.headers["Content-Disposition"]
    document = client.get(f"/w/{workspace.slug}/accounts/{account.id}/statement.pdf")
    assert document.content.startswith(b"%PDF")
    empty = read(auditor, f"accounts/{account.id}/statement/?start=2020-01-01&end=2020-01-31")
    assert "Nothing was posted in this period" in empty
    backwards = client.get(f"/w/{workspace.slug}/accounts/{account.id}/statement/?start=2026-02-01&end=2026-01-01")
    assert backwards.status_code == 422
    assert "The period ends before it starts" in backwards.content.decode()


@pytest.mark.parametrize("role", ["auditor", "support", "operator"])
def test_who_may_only_read_is_refused_and_the_attempt_is_recorded(
    workspace: TenantRef, account: AccountRecord, role: str
) -> None:
    person = join(workspace, role=role)
    client, page = person.sign_in(Client()), read(person, f"accounts/{account.id}/")
    for act in ("freeze", "unfreeze", "close", "limits", "monitors", "monitors/remove"):
        answer = client.post(f"/w/{workspace.slug}/accounts/{account.id}/{act}/", form(reason="mine"))
        assert answer.status_code == 403
        assert f"/{act}/" not in page
        with tenant_work(workspace):
            assert latest_events(limit=1)[0].type == "access.denied"
    with tenant_work(workspace):
        assert find_account(ref="ada").state == "active"


def test_an_outsider_is_told_nothing_of_accounts(
    workspace: TenantRef, outsider: Person, account: AccountRecord
) -> None:
    client = outsider.sign_in(Client())
    for path in ("", "open/", "chart/", "<id>/", "<id>/statement/", "<id>/statement.csv", "<id>/statement.pdf"):
        answer = client.get(f"/w/{workspace.slug}/accounts/{path.replace('<id>', account.id)}")
        assert answer.status_code == 404
        assert "customer_ada" not in answer.content.decode()
        with tenant_work(workspace):
            denied = latest_events(limit=1)[0]
        assert (denied.type, json.loads(denied.body)["actor"]["id"]) == ("access.denied", outsider.id)


def test_an_account_that_is_not_there_is_said_so(workspace: TenantRef, auditor: Person) -> None:
    answer = auditor.sign_in(Client()).get(f"/w/{workspace.slug}/accounts/no_such_account/")
    assert answer.status_code == 404
    assert "There is no such account" in answer.content.decode()
