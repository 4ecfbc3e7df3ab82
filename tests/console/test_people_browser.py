"""The People room in a real browser: a role given and taken away, and what becomes of pages that are open."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.people import TOTP_SECRET, Person, code_now, join
from zentra.tenants.members.queries import find_member_record, list_members

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from zentra.core.tenancy import TenantRef
    from zentra.embedded.served import ServedZentra

pytestmark = pytest.mark.browser
AT_ONCE = 1.5  # seconds, with the page's own reload


@pytest.fixture
def boss(workspace: TenantRef) -> Person:
    """An admin with an authenticator."""
    return join(workspace, role="admin", name="Boss", totp=True)


def sign_in(page: Page, person: Person) -> None:
    page.goto("/sign-in/")
    page.fill("[name=login]", person.email)
    page.fill("[name=password]", person.password)
    page.keyboard.press("Enter")
    if person.member.has_second_factor:
        page.fill("[name=code]", person.totp_code())
        page.keyboard.press("Enter")
    page.wait_for_url("**/w/**")


def watch(browser: Browser, served: ServedZentra, workspace: TenantRef, person: Person) -> Page:
    """Another person's browser, with the room open and its feed running."""
    page = browser.new_context(base_url=served.base_url, viewport={"width": 1280, "height": 800}).new_page()
    sign_in(page, person)
    page.goto(f"/w/{workspace.slug}/")
    expect(page.locator("#livedot [data-live-word]")).to_have_text("live", timeout=10_000)
    return page


def test_a_role_is_taken_away_with_a_code_and_the_open_page_ends_within_a_second(
    browser: Browser, page: Page, served: ServedZentra, workspace: TenantRef, boss: Person, operator: Person
) -> None:
    theirs = watch(browser, served, workspace, operator)
    sign_in(page, boss)
    page.goto(f"/w/{workspace.slug}/people/{operator.id}/")

    page.click("text=Take every role away >> nth=-1")
    began = time.monotonic()

    expect(theirs.locator("h1")).to_have_text("Nothing is here", timeout=5_000)
    assert time.monotonic() - began < AT_ONCE + 1  # the form's own way included
    expect(page.locator("#notices")).to_contain_text("is no member here any more")
    assert find_member_record(workspace_id=workspace.id, user_id=operator.id) is None
    theirs.context.close()


def test_another_role_is_on_the_open_page_within_a_second(
    browser: Browser, page: Page, served: ServedZentra, workspace: TenantRef, boss: Person, finance: Person
) -> None:
    theirs = watch(browser, served, workspace, finance)
    expect(theirs.locator("summary .label")).to_have_text("finance")
    sign_in(page, boss)
    page.goto(f"/w/{workspace.slug}/people/{finance.id}/")

    page.check("input[name=role][value=auditor]")
    page.click("button:has-text('Change the roles')")

    expect(theirs.locator("summary .label")).to_have_text("auditor", timeout=3_000)
    theirs.context.close()


def test_the_form_goes_on_with_all_that_was_typed_once_the_code_is_given(
    page: Page, workspace: TenantRef, boss: Person
) -> None:
    sign_in(page, boss)
    page.goto(f"/w/{workspace.slug}/people/")
    forget_freshness(boss)
    page.fill("#p-email", "maria@browser.example.test")
    page.fill("#p-name", "Maria")
    page.check("input[name=role][value=compliance]")
    page.click("text=Give the role")

    expect(page.locator("h1")).to_have_text("Confirm it with your second factor")
    page.fill("#step-up-code", "wrong")
    page.keyboard.press("Enter")
    expect(page.locator("#step-up-error")).to_contain_text("not valid")
    page.fill("#step-up-code", boss.totp_code())
    page.keyboard.press("Enter")

    expect(page.locator("h1")).to_have_text("A link for Maria")
    found = {each.email: each.role for each in list_members(workspace_id=workspace.id)}
    assert found["maria@browser.example.test"] == "compliance"
    page.goto(str(page.locator("#shown").text_content()))
    page.fill("[name=password]", "four unrelated blue horses")
    page.fill("[name=again]", "four unrelated blue horses")
    page.click("button.pri")
    page.wait_for_url("**/sign-in/")


def test_who_has_no_second_factor_sets_one_up_on_the_way_in(page: Page, workspace: TenantRef) -> None:
    admin = join(workspace, role="admin", totp=False)
    page.goto(f"/w/{workspace.slug}/outgoing/")
    page.fill("[name=login]", admin.email)
    page.fill("[name=password]", admin.password)
    page.keyboard.press("Enter")

    expect(page.locator("h1")).to_have_text("Set up an authenticator")
    expect(page.locator("main")).to_contain_text("your role needs a second factor")
    secret = str(page.locator(".secret code").text_content()).replace(" ", "")
    page.fill("[name=code]", code_now(secret))
    page.keyboard.press("Enter")
    expect(page.locator(".codes li")).to_have_count(10)
    page.click("text=I have them")

    page.wait_for_url(f"**/w/{workspace.slug}/outgoing/")
    assert secret != TOTP_SECRET


def forget_freshness(person: Person) -> None:
    """As if the code had been given long ago, in every session of this person."""
    from django.contrib.sessions.backends.db import SessionStore
    from django.contrib.sessions.models import Session

    for session in Session.objects.all():
        store = SessionStore(session.session_key)
        if store.get("_auth_user_id") == person.id:
            for record in store.get("account_authentication_methods", []):
                record["at"] -= 3600
            store.modified = True
            store.save()
