"""A rule is built, tested on a past intent and published in a real browser: by two people and without JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from policy.rulesets.queries import list_drafts, live_rule_set, live_version
from tests.console.test_browser import PATIENCE, name
from tests.console.test_pages import make
from tests.people import join
from zentra.core.tenancy import tenant_work

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

    from tests.people import Person
    from zentra.core.tenancy import TenantRef
    from zentra.embedded.served import ServedZentra

pytestmark = pytest.mark.browser


def enter(context: BrowserContext, person: Person) -> Page:
    """Sign this person in, with the second factor that they have."""
    page = context.new_page()
    page.set_default_timeout(4 * PATIENCE)
    page.goto("/sign-in/")
    page.fill("[name=login]", person.email)
    page.fill("[name=password]", person.password)
    page.keyboard.press("Enter")
    page.wait_for_url("**/second-step/")
    page.fill("[name=code]", person.totp_code())
    page.keyboard.press("Enter")
    page.wait_for_url("**/w/**")
    return page


def press(page: Page, label: str) -> None:
    """Walk to a button by keyboard alone and press it."""
    page.get_by_role("button", name=label).first.focus()
    page.keyboard.press("Enter")


def test_a_rule_is_built_tested_and_published_by_two_people(
    browser: Browser, served: ServedZentra, workspace: TenantRef, developer: Person
) -> None:
    writer = join(workspace, role="compliance", name="Wanda Writer", totp=True)
    reader = join(workspace, role="admin", name="Rita Reader", totp=True)
    intent = name()
    make(workspace, developer, intent, amount_minor=125_000, currency="USD")
    with tenant_work(workspace):
        before = live_version()

    context = browser.new_context(base_url=served.base_url, viewport={"width": 1600, "height": 1000})
    page = enter(context, writer)
    write_a_rule(page, workspace)
    mend_what_is_wrong(page)
    try_it_on(page, intent)
    draft = save_and_validate(page, workspace)
    context.close()

    context = browser.new_context(base_url=served.base_url, viewport={"width": 1280, "height": 800})
    page = enter(context, reader)
    page.goto(f"/w/{workspace.slug}/policy/drafts/{draft}/")
    assert "Written by Wanda Writer" in page.locator("main").inner_text()
    page.fill("#p-note", "agreed in the risk meeting")
    press(page, f"Publish as version {before + 1}")
    page.wait_for_selector(f"text=Version {before + 1} is live")
    assert "watch.small_dollars" in page.locator("main").inner_text()
    context.close()

    with tenant_work(workspace):
        version, document, _, by = live_rule_set()
    assert (version, by) == (before + 1, reader.id)
    [rule] = [each for each in document["rules"] if each["name"] == "watch.small_dollars"]
    assert rule["when"] == {
        "op": "all",
        "of": [
            {"op": "gt", "field": "amount_minor", "value": {"by_currency": {"USD": 100_000}, "otherwise": 100_000}},
            {"op": "in", "field": "currency", "values": ["USD", "EUR"]},
        ],
    }


def write_a_rule(page: Page, workspace: TenantRef) -> None:
    """A draft, a condition, and another one beside it."""
    page.goto(f"/w/{workspace.slug}/policy/")
    page.fill("#d-name", "watch small dollars")
    page.keyboard.press("Enter")
    page.wait_for_url("**/drafts/rsd_*/")
    page.keyboard.press("n")
    page.wait_for_url("**/rules/new/")
    page.fill("#r-name", "watch.small_dollars")
    page.fill("#r-reason", "dollars above one thousand")
    page.select_option("#r-action", "review")
    page.fill("#n-0-0-value", "USD")
    page.keyboard.press("Tab")
    page.keyboard.type("1,000.005")
    page.fill("[name='n-0-0.value.otherwise']", "100000")
    press(page, "Add a condition to")
    page.wait_for_selector("#n-0-1")
    page.wait_for_function("() => document.activeElement.id === 'n-0-1'")
    page.select_option("#n-0-1-field", "currency")
    page.wait_for_selector("#n-0-1-op option[value=in_list]", state="attached")
    page.select_option("#n-0-1-op", "in")
    page.wait_for_selector("#n-0-1-values")
    page.fill("#n-0-1-values", "usd\nEUR")


def mend_what_is_wrong(page: Page) -> None:
    """What is wrong is said at its node, and nothing that was typed is lost."""
    press(page, "Add to the draft")
    page.wait_for_selector("#problem")
    assert "USD has 2 decimals" in page.locator("#n-0-0-value-error").inner_text()
    assert page.input_value("#n-0-1-values") == "usd\nEUR"
    page.fill("[name='n-0-0.value.amount'] >> nth=0", "1,000.00")


def try_it_on(page: Page, intent: str) -> None:
    """The outcome, and what each node saw."""
    page.fill("#t-intent", intent)
    press(page, "Test")
    page.wait_for_selector("#tested")
    assert "held for review" in page.locator("#tested").inner_text()
    assert "holds, saw 1,250.00 USD" in page.locator("#n-0-0").inner_text()
    assert "holds, saw USD" in page.locator("#n-0-1").inner_text()


def save_and_validate(page: Page, workspace: TenantRef) -> str:
    """It is saved now, not before; whoever wrote it cannot publish it. The draft's id."""
    with tenant_work(workspace):
        [draft] = list_drafts(state="open")
    assert "watch.small_dollars" not in str(draft.document)
    press(page, "Add to the draft")
    page.wait_for_url(f"**/drafts/{draft.id}/")
    assert "watch.small_dollars" in page.locator("#changes").inner_text()
    page.keyboard.press("v")
    page.wait_for_selector("text=You edited this draft; another person has to publish it.")
    page.wait_for_selector("text=Nothing is wrong with it")
    assert page.get_by_role("button", name="Publish as version").count() == 0
    return draft.id


def test_the_builder_works_without_scripts(browser: Browser, served: ServedZentra, workspace: TenantRef) -> None:
    writer = join(workspace, role="compliance", totp=True)
    context = browser.new_context(base_url=served.base_url, java_script_enabled=False)
    page = enter(context, writer)
    page.goto(f"/w/{workspace.slug}/policy/")
    page.fill("#d-name", "plain")
    page.keyboard.press("Enter")
    page.wait_for_url("**/drafts/rsd_*/")
    page.get_by_role("link", name="Add a rule").click()
    page.fill("#r-name", "plain.rule")
    page.fill("#r-reason", "made without scripts")
    page.fill("[name='n-0-0.value.otherwise']", "500")
    page.get_by_role("button", name="Add a condition to").click()
    page.select_option("#n-0-1-field", "hour_utc")
    page.get_by_role("button", name="Refresh").last.click()
    page.select_option("#n-0-1-op", "lt")
    page.fill("#n-0-1-value", "6")
    page.get_by_role("button", name="Add to the draft").click()
    page.wait_for_url("**/drafts/rsd_*/")
    with tenant_work(workspace):
        [draft] = list_drafts(state="open")
    [made] = [each for each in draft.document["rules"] if each["name"] == "plain.rule"]
    assert made["when"]["of"][1] == {"op": "lt", "field": "hour_utc", "value": 6}
    context.close()
