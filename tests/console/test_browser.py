"""The console in a real browser: live, by keyboard, without scripts, on a phone, without a link."""

from __future__ import annotations

import base64
import io
import os
import secrets
import zipfile
from typing import TYPE_CHECKING

import pytest
from django.core.management import call_command

from tests.console.test_pages import make
from zentra.core.clock import now
from zentra.core.ids import new_uuid
from zentra.core.tenancy import tenant_work
from zentra.routing.operations import connect_rail, open_corridor
from zentra.routing.types import CorridorRail

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from tests.people import Person
    from zentra.core.tenancy import TenantRef
    from zentra.embedded.served import ServedZentra

pytestmark = pytest.mark.browser
PATIENCE = 15_000


def name() -> str:
    return f"intent_{new_uuid().hex[-6:]}"


def sign_in(page: Page, person: Person) -> None:
    page.goto("/sign-in/")
    page.fill("[name=login]", person.email)
    page.fill("[name=password]", person.password)
    page.keyboard.press("Enter")
    if person.member.has_second_factor:
        page.wait_for_selector("[name=code]")
        page.fill("[name=code]", person.totp_code())
        page.keyboard.press("Enter")
    page.wait_for_url("**/w/**")


def wait_until_live(page: Page) -> None:
    page.wait_for_selector("#livedot:has-text('live')", timeout=PATIENCE)


def test_an_intent_appears_while_one_looks(page: Page, workspace: TenantRef, operator: Person) -> None:
    sign_in(page, operator)
    wait_until_live(page)
    intent = name()
    make(workspace, operator, intent)
    row = page.locator(f"#row-{intent}")
    row.wait_for(timeout=PATIENCE)
    assert "125,000" in row.inner_text()


def test_rows_are_walked_by_keyboard_and_the_address_follows(
    page: Page, workspace: TenantRef, operator: Person
) -> None:
    names = [name() for _ in range(3)]
    for intent in names:
        make(workspace, operator, intent)
    sign_in(page, operator)
    wait_until_live(page)
    page.keyboard.press("p")
    page.keyboard.press("j")
    page.wait_for_selector(f"#inspector[data-id={names[1]}]", timeout=PATIENCE)
    assert page.url.endswith(f"selected={names[1]}")
    page.keyboard.press("k")
    page.wait_for_selector(f"#inspector[data-id={names[2]}]", timeout=PATIENCE)
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/intents/{names[2]}/")


def test_nothing_moves_while_paused_and_one_key_catches_up(page: Page, workspace: TenantRef, operator: Person) -> None:
    sign_in(page, operator)
    wait_until_live(page)
    page.keyboard.press("p")
    page.wait_for_selector("#livedot:has-text('paused')")
    intent = name()
    make(workspace, operator, intent)
    page.wait_for_selector("#catch-up:not([hidden])", timeout=PATIENCE)
    assert page.locator(f"#row-{intent}").count() == 0
    page.keyboard.press("p")
    page.locator(f"#row-{intent}").wait_for(timeout=PATIENCE)


def test_the_first_intent_is_told_on_one_page_until_its_packet_is_sealed(
    page: Page, workspace: TenantRef, operator: Person
) -> None:
    sign_in(page, operator)
    page.goto(f"/w/{workspace.slug}/first-intent/")
    page.get_by_role("button", name="Send").click()
    page.wait_for_url("**intent=**")
    text = page.locator("main").inner_text()
    assert "201 CREATED" in text.upper()
    assert '"ledger_state": "entry_' in text
    assert "−125,000" in text


def test_rooms_are_readable_without_scripts(
    browser: Browser, served: ServedZentra, workspace: TenantRef, operator: Person
) -> None:
    intent = name()
    make(workspace, operator, intent)
    plain = browser.new_context(base_url=served.base_url, java_script_enabled=False)
    page = plain.new_page()
    sign_in(page, operator)
    assert page.locator(f"#row-{intent}").is_visible()
    page.locator(f"#row-{intent} a.id").click()
    assert "selected=" in page.url
    page.locator("#inspector h2 a").click()
    assert page.url.endswith(f"/intents/{intent}/")
    page.goto(f"/w/{workspace.slug}/?filter=held")
    assert page.locator(f"#row-{intent}").count() == 0
    plain.close()


def test_a_lost_link_is_said_and_the_room_catches_up(page: Page, workspace: TenantRef, operator: Person) -> None:
    sign_in(page, operator)
    wait_until_live(page)
    page.context.set_offline(True)
    page.locator("#offline").wait_for(state="visible", timeout=PATIENCE)
    intent = name()
    make(workspace, operator, intent)
    page.context.set_offline(False)
    page.locator(f"#row-{intent}").wait_for(timeout=30_000)
    page.locator("#offline").wait_for(state="hidden", timeout=PATIENCE)


def test_the_theme_is_remembered(page: Page, workspace: TenantRef, operator: Person) -> None:
    sign_in(page, operator)
    page.locator("summary[aria-label^=Account]").click()
    page.get_by_role("button", name="Light").click()
    page.reload()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(246, 245, 241)"


def test_targets_are_large_enough_and_the_policy_holds(
    page: Page, workspace: TenantRef, operator: Person, developer: Person
) -> None:
    intent = name()
    make(workspace, developer, intent, amount_minor=4_300_000, currency="USD")
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if "Security Policy" in message.text else None)
    sign_in(page, operator)
    for path in ("", f"intents/{intent}/", "reviews/", "events/", "webhooks/", "accounts/", "outgoing/"):
        page.goto(f"/w/{workspace.slug}/{path}")
        small = page.evaluate(
            """() => [...document.querySelectorAll('button, .btn, summary, .nav a, .chip, .seg a, input, select')]
                .filter((node) => node.offsetParent && node.type !== 'checkbox' && node.type !== 'hidden')
                .filter((node) => node.getBoundingClientRect().height < 23.5)
                .map((node) => node.outerHTML.slice(0, 120))"""
        )
        assert small == []
    assert complaints == []


def test_a_sealed_packet_is_exported_from_the_room(
    page: Page, served: ServedZentra, workspace: TenantRef, operator: Person
) -> None:
    connect_simulated_rail(workspace)
    sign_in(page, operator)
    page.goto(f"/w/{workspace.slug}/first-intent/")
    page.get_by_role("button", name="Send").click()
    page.wait_for_selector("a[data-key=e]", timeout=60_000)
    with page.expect_download() as download:
        page.locator("a[data-key=e]").click()
    content = io.BytesIO(download.value.path().read_bytes())
    assert "manifest.json" in zipfile.ZipFile(content).namelist()


def connect_simulated_rail(workspace: TenantRef) -> None:
    """One rail of the running simulator for every corridor, with its callbacks."""
    moment, secret = now(), "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
    with tenant_work(workspace):
        base_url = f"{os.environ['ZENTRA_SANDBOX_URL']}/rail_a"
        rail = connect_rail(ws=workspace, name="rail_a", base_url=base_url, secret=secret, now=moment)
        open_corridor(rails=[CorridorRail(rail.id, 1, 20)], now=moment)
    call_command("connect_sandbox", stdout=io.StringIO())
