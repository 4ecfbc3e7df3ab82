"""The rooms of the ledger in a real browser: freezing, releasing, reversing, and explaining a balance in two clicks."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from ledger.errors import AccountFrozen
from ledger.operations import place_hold
from ledger.queries import get_balances, list_postings
from ledger.types import PostingFilters
from tests.console.test_accounts_room import opened, paid_in
from tests.console.test_browser import PATIENCE, name, sign_in
from tests.console.test_pages import make
from zentra.core.actors import LEDGER
from zentra.core.clock import now
from zentra.core.tenancy import tenant_work

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from tests.people import Person
    from zentra.core.tenancy import TenantRef
    from zentra.embedded.served import ServedZentra

pytestmark = pytest.mark.browser


def available(workspace: TenantRef, code: str = "ada") -> int:
    with tenant_work(workspace):
        return get_balances(account=code, currency="USD").available_minor


def test_a_frozen_account_refuses_a_posting_and_says_what_to_do(
    page: Page, workspace: TenantRef, finance: Person
) -> None:
    account = opened(workspace, "ada")
    paid_in(workspace, "ada", 50_000)
    sign_in(page, finance)
    page.goto(f"/w/{workspace.slug}/accounts/{account.id}/")
    page.keyboard.press("f")
    page.keyboard.type("disputed invoices")
    page.get_by_role("button", name="Freeze the account").click()
    page.wait_for_selector("text=ada is frozen", timeout=PATIENCE)
    with pytest.raises(AccountFrozen):
        paid_in(workspace, "ada", 1)
    page.goto(f"/w/{workspace.slug}/ledger/post/")
    for place, (code, debit, credit) in enumerate((("bank", "10", ""), ("ada", "", "10"))):
        page.locator("[name=account]").nth(place).fill(code)
        page.locator("[name=debit]").nth(place).fill(debit)
        page.locator("[name=credit]").nth(place).fill(credit)
    page.get_by_role("button", name="Preview").click()
    page.wait_for_selector("text=The account is frozen", timeout=PATIENCE)
    assert page.locator("[name=account]").nth(1).input_value() == "ada"
    assert available(workspace) == 50_000


def test_a_hold_is_released_by_keyboard(page: Page, workspace: TenantRef, operator: Person) -> None:
    opened(workspace, "ada")
    paid_in(workspace, "ada", 50_000)
    with tenant_work(workspace):
        place_hold(
            account="ada", amount_minor=12_000, reference="booking-1", source="authorization", actor=LEDGER, now=now(),
            expires_at=now() + timedelta(days=1), correlation_id="test",
        )  # fmt: skip
    sign_in(page, operator)
    page.goto(f"/w/{workspace.slug}/holds/")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url("**/holds/hold_*/")
    page.keyboard.press("r")
    page.fill("#rel-reason", "order canceled")
    page.get_by_role("button", name="Release it").click()
    page.wait_for_selector("text=are released", timeout=PATIENCE)
    assert available(workspace) == 50_000


def test_a_reversal_is_previewed_and_then_written(page: Page, workspace: TenantRef, finance: Person) -> None:
    opened(workspace, "ada")
    posting = paid_in(workspace, "ada", 50_000)
    sign_in(page, finance)
    page.goto(f"/w/{workspace.slug}/ledger/postings/{posting}/")
    page.keyboard.press("r")
    page.fill("#rev-amount", "20000")
    page.fill("#rev-reason", "a part of it")
    page.get_by_role("button", name="Preview").click()
    page.wait_for_selector("text=What would follow", timeout=PATIENCE)
    assert "30,000" in page.locator("#preview").inner_text()
    assert available(workspace) == 50_000
    page.get_by_role("button", name="Reverse now").click()
    page.wait_for_selector("text=are reversed by", timeout=PATIENCE)
    assert available(workspace) == 30_000


def test_a_balance_is_explained_in_two_clicks(
    page: Page, workspace: TenantRef, auditor: Person, developer: Person
) -> None:
    """PRODUCT section 4, case 6: entry ids, minor units, source event, accounts, actor, policy and time, one trail."""
    intent = name()
    make(workspace, developer, intent)
    with tenant_work(workspace):
        (reserve,) = list_postings(limit=1, filters=PostingFilters(intent_id=intent, purpose="reserve"))
    sign_in(page, auditor)
    page.goto(f"/w/{workspace.slug}/accounts/reserved_balance/")
    # There is no rail here, so the reserve may have been released meanwhile: two entries explain the same balance.
    page.locator(f"#entries a[href*={reserve.posted.posting_id}]").click()  # one
    page.wait_for_url(f"**/ledger/postings/{reserve.posted.posting_id}/")
    told = page.locator("main").inner_text()
    for said in ("125,000", "svc_ledger", "dec_", intent, reserve.posted.entry_hash, "customer_balance"):
        assert said in told, said
    for entry in reserve.posted.entries:
        assert page.locator(f"[title={entry.id}]").count() == 1
    page.get_by_role("link", name="ingress.accepted").click()  # two
    page.wait_for_url("**/events/evt_*/")
    assert intent in page.locator("main").inner_text()


def test_the_drift_tile_leads_to_the_accounts_behind_it(page: Page, workspace: TenantRef, auditor: Person) -> None:
    sign_in(page, auditor)
    page.locator("#kpi-drift summary").click()
    page.locator("#kpi-drift a").click()
    page.wait_for_url("**/ledger/health/")
    page.get_by_role("link", name="USD", exact=True).click()
    page.wait_for_selector("text=Chart of accounts")
    page.get_by_role("link", name="customer_balance").click()
    page.wait_for_selector("#entries")


def test_a_statement_is_downloaded(page: Page, workspace: TenantRef, auditor: Person) -> None:
    account = opened(workspace, "ada")
    paid_in(workspace, "ada", 50_000)
    sign_in(page, auditor)
    page.goto(f"/w/{workspace.slug}/accounts/{account.id}/")
    page.keyboard.press("s")
    page.wait_for_url("**/statement/**")
    with page.expect_download() as document:
        page.get_by_role("link", name="PDF").click()
    assert document.value.path().read_bytes().startswith(b"%PDF")
    with page.expect_download() as sheet:
        page.get_by_role("link", name="CSV").click()
    assert "closing" in sheet.value.path().read_text()


def test_the_rooms_of_the_ledger_work_without_scripts(
    browser: Browser, served: ServedZentra, workspace: TenantRef, finance: Person
) -> None:
    account = opened(workspace, "ada")
    paid_in(workspace, "ada", 50_000)
    plain = browser.new_context(base_url=served.base_url, java_script_enabled=False)
    page = plain.new_page()
    sign_in(page, finance)
    page.goto(f"/w/{workspace.slug}/accounts/?q=ada")
    page.locator(f"#{account.id} a.id").click()
    page.locator("summary", has_text="Freeze").click()
    page.fill("#freeze-reason", "look into it")
    page.get_by_role("button", name="Freeze the account").click()
    assert "ada is frozen" in page.locator("#notices").inner_text()
    plain.close()


def test_targets_are_large_enough_nothing_overflows_and_the_policy_holds(
    page: Page, workspace: TenantRef, finance: Person
) -> None:
    account = opened(workspace, "ada", customer="customer_ada")
    posting = paid_in(workspace, "ada", 50_000)
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if "Security Policy" in message.text else None)
    sign_in(page, finance)
    for path in (
        "accounts/", "accounts/?view=tree", f"accounts/{account.id}/", f"accounts/{account.id}/statement/",
        "accounts/open/", "accounts/chart/", "ledger/", f"ledger/postings/{posting}/", "ledger/post/", "holds/",
        "holds/?tab=reserved", "ledger/trial-balance/", "ledger/health/", "ledger/imports/", "ledger/exports/",
    ):  # fmt: skip
        page.goto(f"/w/{workspace.slug}/{path}")
        small = page.evaluate(
            """() => [...document.querySelectorAll('button, .btn, summary, .nav a, .chip, .seg a, input, select')]
                .filter((node) => node.offsetParent && node.type !== 'checkbox' && node.type !== 'hidden')
                .filter((node) => node.getBoundingClientRect().height < 23.5)
                .map((node) => node.outerHTML.slice(0, 120))"""
        )
        assert small == [], path
        unnamed = page.evaluate(
            """() => [...document.querySelectorAll('main input:not([type=hidden]), main select, main textarea')]
                .filter((node) => !node.labels?.length && !node.getAttribute('aria-label'))
                .map((node) => node.outerHTML.slice(0, 120))"""
        )
        assert unnamed == [], path
        page.set_viewport_size({"width": 390, "height": 844})
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path
        page.set_viewport_size({"width": 1280, "height": 800})
    assert complaints == []
