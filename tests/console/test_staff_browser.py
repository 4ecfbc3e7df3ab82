"""Staff in a real browser: in with a code and a reason, seen by the admin, out within a second."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.people import Person, join
from zentra.tenants.models import Workspace
from zentra.tenants.queries import platform_ref

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from zentra.core.tenancy import TenantRef
    from zentra.embedded.served import ServedZentra

pytestmark = pytest.mark.browser
AT_ONCE = 2.5  # seconds, with the form's own way and the page's reload


def sign_in(page: Page, person: Person) -> None:
    page.goto("/sign-in/")
    page.fill("[name=login]", person.email)
    page.fill("[name=password]", person.password)
    page.click("button.pri")
    page.fill("[name=code]", person.totp_code())
    page.click("button.pri")
    page.wait_for_url(lambda address: "/sign-in/" not in address)


def another(browser: Browser, served: ServedZentra) -> Page:
    return browser.new_context(base_url=served.base_url, viewport={"width": 1280, "height": 800}).new_page()


def test_staff_come_in_by_a_grant_and_leave_when_an_admin_says_so(
    browser: Browser, page: Page, served: ServedZentra, workspace: TenantRef
) -> None:
    sam = join(platform_ref(), role="platform_support", name="Sam of the platform")
    boss = join(workspace, role="admin", name="Boss")
    theirs = another(browser, served)
    sign_in(theirs, sam)
    expect(theirs.locator("h1")).to_have_text("Workspaces")  # with no workspace of their own
    theirs.fill("#w-q", workspace.slug)
    theirs.keyboard.press("Enter")
    theirs.click(f"tr#{workspace.slug} a.id")
    theirs.click("text=Enter as staff…")
    theirs.select_option("#s-role", "support")
    theirs.fill("#s-reason", "Case 1042: a packet does not open")
    theirs.click("button:has-text('Enter')")
    expect(theirs.locator("#notices")).to_contain_text("You are inside")
    expect(theirs.locator("#livedot [data-live-word]")).to_have_text("live", timeout=10_000)

    sign_in(page, boss)
    page.goto(f"/w/{workspace.slug}/")
    expect(page.locator("#notices")).to_contain_text("The platform's staff is inside")
    page.click("text=See why, or end it")
    expect(page.locator("tbody")).to_contain_text("Case 1042")
    began = time.monotonic()
    page.click("text=End now")
    expect(theirs.locator("h1")).to_have_text("Nothing is here", timeout=5_000)
    assert time.monotonic() - began < AT_ONCE
    expect(page.locator("tbody")).to_contain_text("by Boss")
    theirs.context.close()


def test_a_suspended_workspace_closes_its_open_rooms_and_says_why(
    browser: Browser, page: Page, served: ServedZentra, workspace: TenantRef
) -> None:
    chief = join(platform_ref(), role="platform_admin", name="Chief")
    boss = join(workspace, role="admin", name="Boss")
    theirs = another(browser, served)
    sign_in(theirs, boss)
    theirs.goto(f"/w/{workspace.slug}/")
    expect(theirs.locator("#livedot [data-live-word]")).to_have_text("live", timeout=10_000)

    sign_in(page, chief)
    page.goto(f"/platform/workspaces/{workspace.slug}/")
    page.select_option("#t-reason", "security")
    page.click("button:has-text('Suspend')")
    expect(page.locator("#notices")).to_contain_text("is suspended")
    expect(theirs.locator("h1")).to_contain_text("is suspended", timeout=5_000)
    expect(theirs.locator("main")).to_contain_text("something has to be made safe first")
    expect(theirs.locator("nav")).to_have_count(0)

    page.click("button:has-text('Resume')")
    expect(page.locator("#notices")).to_contain_text("is open again")
    theirs.click("text=Look again")
    expect(theirs.locator("h1")).to_have_text("Operations room")
    theirs.context.close()
    assert Workspace.objects.get(id=workspace.id).state == "active"
