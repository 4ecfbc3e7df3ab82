"""A passkey in a real browser, from its set-up to its end. The authenticator is a virtual one of Chromium."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.people import Person, join
from zentra.tenants.members.queries import find_member_record
from zentra.tenants.passkeys.queries import list_passkeys

if TYPE_CHECKING:
    from playwright.sync_api import CDPSession, Page

    from zentra.core.tenancy import TenantRef

pytestmark = pytest.mark.browser
DEVICE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.fixture
def device(page: Page) -> tuple[CDPSession, str]:
    """The page's session with the browser, and an authenticator that answers by itself."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    found = session.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})
    return session, str(found["authenticatorId"])


def verified(device: tuple[CDPSession, str], *, yes: bool) -> None:
    """Whether the device knows the finger that touches it from now on."""
    session, authenticator = device
    session.send("WebAuthn.setUserVerified", {"authenticatorId": authenticator, "isUserVerified": yes})


def sign_out(page: Page) -> None:
    page.locator("summary[aria-label^=Account]").click()
    page.click("text=Sign out")
    page.wait_for_url("**/sign-in/**")


def forget_freshness(person: Person) -> None:
    from tests.console.test_people_browser import forget_freshness as forget

    forget(person)


def test_a_passkey_from_its_set_up_to_its_end(page: Page, device: tuple[CDPSession, str], workspace: TenantRef) -> None:
    boss, other = join(workspace, role="admin", name="Boss", totp=False), join(workspace, role="auditor")
    room = f"/w/{workspace.slug}/people/{other.id}/"

    # 1. The room asks for a second factor; a passkey is one, and comes with recovery codes.
    page.goto(room)
    page.fill("[name=login]", boss.email)
    page.fill("[name=password]", boss.password)
    page.keyboard.press("Enter")
    page.click("text=Add a passkey instead")
    page.fill("[name=name]", "Test laptop")
    page.click("button:has-text('Add it')")
    expect(page.locator(".codes li")).to_have_count(10)
    page.click("text=I have them")
    page.wait_for_url(f"**{room}")
    assert [each.name for each in list_passkeys(user_id=boss.id)] == ["Test laptop"]

    # 2. By itself it signs in; a finger that the device does not know does not.
    sign_out(page)
    page.goto(f"/sign-in/?next={room}")
    verified(device, yes=False)
    page.click("text=Sign in with a passkey")
    expect(page.locator("[data-passkey-said]")).to_be_visible(timeout=10_000)
    verified(device, yes=True)
    page.click("text=Sign in with a passkey")
    page.wait_for_url(f"**{room}")

    # 3. It is the second step after a password.
    sign_out(page)
    page.fill("[name=login]", boss.email)
    page.fill("[name=password]", boss.password)
    page.keyboard.press("Enter")
    page.click("button:has-text('Use a passkey')")
    page.wait_for_url("**/w/**")

    # 4. It confirms a form, with all that was typed.
    page.goto(room)
    forget_freshness(boss)
    page.click("text=Take every role away >> nth=-1")
    expect(page.locator("h1")).to_have_text("Confirm it with your second factor")
    page.click("button:has-text('Use a passkey')")
    expect(page.locator("#notices")).to_contain_text("is no member here any more")
    assert find_member_record(workspace_id=workspace.id, user_id=other.id) is None

    # 5. Its page lists it, and ends it; then the rooms ask for a factor again.
    page.goto("/second-factor/")
    expect(page.locator(".things").first).to_contain_text("Test laptop")
    page.click("[aria-label='Remove the passkey Test laptop']")
    expect(page.locator("main")).to_contain_text("not set up")
    assert list_passkeys(user_id=boss.id) == []
    page.goto(room)
    page.wait_for_url("**/second-factor/confirm/?next=*set-up*")


def test_a_session_that_is_ended_takes_its_open_page_with_it(page: Page, workspace: TenantRef) -> None:
    from tests.console.test_people_browser import sign_in

    person = join(workspace, role="finance")
    sign_in(page, person)
    page.goto(f"/w/{workspace.slug}/")
    expect(page.locator("#livedot [data-live-word]")).to_have_text("live", timeout=10_000)
    browser = page.context.browser
    assert browser is not None
    other = browser.new_context(base_url=page.url.partition("/w/")[0]).new_page()
    sign_in(other, person)
    other.goto("/second-factor/")
    expect(other.locator(".things >> nth=-1 >> li")).to_have_count(2)
    other.click("text=End all others")
    expect(other.locator("main")).to_contain_text("1 other session has ended")

    page.wait_for_url("**/sign-in/**", timeout=5_000)
    other.context.close()
