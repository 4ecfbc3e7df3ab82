"""The Inbound room in a real browser: a poisoned callback is found by keyboard, corrected, refused, corrected again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.console.test_browser import PATIENCE, sign_in
from webhooks import signing
from webhooks.operations import receive_callback
from webhooks.queries import get_quarantined
from zentra.core.clock import now
from zentra.core.tenancy import tenant_work
from zentra.routing.operations import connect_sandbox_rails
from zentra.routing.queries import callback_secrets

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from tests.people import Person
    from zentra.core.tenancy import TenantRef
    from zentra.embedded.served import ServedZentra

pytestmark = pytest.mark.browser
POISON = b'{"id": "pev_poison", "type": "payment.succeeded", "amount_minor": "1250.00"}'
FIXED = json.dumps(
    {
        "id": "pev_poison",
        "type": "payment.succeeded",
        "reference": "a payment that is yet to come",
        "provider_reference": "ref-1",
        "amount_minor": 125_000,
        "currency": "USD",
    },
    indent=2,
)


@pytest.fixture
def held(workspace: TenantRef) -> str:
    """A signed callback that cannot be read, in quarantine; its id."""
    with tenant_work(workspace):
        rail = connect_sandbox_rails(ws=workspace, sandbox_url="http://127.0.0.1:9", now=now())[0]
        [secret] = callback_secrets(rail_id=rail.id)
        headers = signing.sign(message_id="pev_poison", signed_at=now(), body=POISON, secrets=[secret])
        receipt = receive_callback(connection_id=rail.id, headers=headers, body=POISON, now=now())
    return str(receipt.callback_id)


def test_a_poisoned_callback_is_corrected_by_keyboard(
    page: Page, workspace: TenantRef, operator: Person, held: str
) -> None:
    sign_in(page, operator)
    assert page.locator("[data-count=inbound]").inner_text() == "1"
    page.get_by_role("link", name="Inbound").click()
    page.wait_for_url("**/inbound/")
    page.get_by_role("link", name="Quarantine 1").click()
    page.wait_for_url("**/inbound/quarantine/")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/quarantine/{held}/")
    field = page.locator("#q-body")
    assert field.input_value() == POISON.decode()
    field.fill(FIXED.replace("125000", '"1250.00"'))
    page.locator("#q-body").blur()
    page.keyboard.press("a")  # without a note the key leads to the note first
    assert page.evaluate("document.activeElement.id") == "q-note"
    page.keyboard.type("The amount was a text.")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=The callback cannot be read", timeout=PATIENCE)
    assert '"1250.00"' in page.locator("#q-body").input_value()
    assert page.locator("#q-note").input_value() == "The amount was a text."
    page.locator("#q-body").fill(FIXED)
    page.get_by_role("button", name="Apply this body").click()
    page.wait_for_selector("#result", timeout=PATIENCE)
    assert "names no payment of ours yet" in page.locator("#result").inner_text()
    assert page.locator("#body").inner_text() == POISON.decode()
    assert page.locator("#fixed").inner_text() == FIXED
    assert page.locator("[data-count=inbound]").is_hidden()
    with tenant_work(workspace):
        record = get_quarantined(callback_id=held)
    assert (record.state, record.fixed_body, record.note) == ("applied", FIXED.encode(), "The amount was a text.")
    page.get_by_role("link", name="Its arrivals, side by side").click()
    page.wait_for_url(f"**/inbound/{held}/")
    assert page.locator("table.attempts thead th").count() == 2


def test_the_repair_works_without_scripts(
    browser: Browser, served: ServedZentra, workspace: TenantRef, operator: Person, held: str
) -> None:
    plain = browser.new_context(base_url=served.base_url, java_script_enabled=False)
    page = plain.new_page()
    sign_in(page, operator)
    page.goto(f"/w/{workspace.slug}/inbound/quarantine/")
    page.locator("tbody.rows a.id").click()
    page.locator("summary", has_text="Dismiss").click()
    page.fill("#dismiss-reason", "a test of theirs")
    page.get_by_role("button", name="Dismiss it").click()
    assert "Dismissed: nothing came of it" in page.locator("#result").inner_text()
    plain.close()


def test_targets_are_large_enough_nothing_overflows_and_the_policy_holds(
    page: Page, workspace: TenantRef, admin: Person, held: str
) -> None:
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if "Security Policy" in message.text else None)
    sign_in(page, admin)
    for path in ("", f"{held}/", "quarantine/", f"quarantine/{held}/", "refused/", "rails/"):
        page.set_viewport_size({"width": 1280, "height": 800})
        page.goto(f"/w/{workspace.slug}/inbound/{path}")
        small = page.evaluate(
            """() => [...document.querySelectorAll('button, .btn, summary, .nav a, .chip, .seg a, input, select')]
                .filter((node) => node.offsetParent && !['checkbox', 'radio', 'hidden'].includes(node.type))
                .filter((node) => !node.classList.contains('sr') && node.getBoundingClientRect().height < 23.5)
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
    assert complaints == []
