"""What a browser itself objects to: no page asks for anything that its own policy forbids, hostile texts or not.

Every page that the walk of links finds is opened in a Chromium that reports each violation; nothing that somebody wrote
is run; after signing out nothing of a person is left in the browser.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.conf import settings
from django.test import Client

from tests.people import join
from tests.security.conftest import Place
from tests.security.hostile import ATTACK, Reader, Walk, fill
from tests.workspaces import issue_token

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Dialog, Page

    from zentra.core.tenancy import TenantRef
    from zentra.embedded.served import ServedZentra

pytestmark = pytest.mark.browser
WATCH = """
  window.said = [];
  window.ran = (what) => window.said.push("ran " + what);
  document.addEventListener("securitypolicyviolation", (event) =>
    window.said.push(`${event.violatedDirective} ${event.blockedURI} ${event.sourceFile || ""}`));
"""
PUT_IN = """(text) => new Promise((done) => {
  document.addEventListener("securitypolicyviolation", (event) => done(event.effectiveDirective));
  setTimeout(() => done("nothing was stopped"), 5000);
  document.querySelector("main").insertAdjacentHTML("beforeend", text);
})"""


def enter(browser: Browser, base: str, client: Client) -> tuple[BrowserContext, Page, list[str]]:
    """A page of somebody who is signed in, and what its console objects to."""
    context = browser.new_context(base_url=base)
    context.add_init_script(WATCH)
    cookie = client.cookies[settings.SESSION_COOKIE_NAME]
    context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": base, "httpOnly": True, "sameSite": "Lax"}])
    opened = context.new_page()
    objections: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type == "error" and "status of 4" not in message.text:
            objections.append(f"{opened.url}: {message.text[:300]}")

    def refuse(dialog: Dialog) -> None:
        objections.append(f"{opened.url}: a dialog")
        dialog.dismiss()

    opened.on("console", note)
    opened.on("pageerror", lambda error: objections.append(f"{opened.url}: {error}"))
    opened.on("dialog", refuse)
    return context, opened, objections


def test_no_page_violates_its_own_policy_and_no_text_is_run(
    browser: Browser, served: ServedZentra, workspace: TenantRef
) -> None:
    place = Place(workspace, join(workspace, role="admin"), join(workspace, role="operator"), issue_token(workspace))
    fill(place)
    client = place.client()
    rooms = Reader()
    rooms.feed(client.get(place.base).content.decode())
    starts = [link for link in rooms.links if link.startswith(place.base)]
    walk = Walk(client, place.base, per_route=1).go((place.base, *starts))
    shown = [path for path, answer in walk.pages.items() if answer.headers["Content-Type"].startswith("text/html")
             and "Content-Disposition" not in answer.headers and answer.status_code == 200]  # fmt: skip
    context, page, objections = enter(browser, served.base_url, client)
    said = {}
    for path in [*shown, "/nowhere/", f"{place.base}accounts/nothing/", "/second-factor/"]:
        page.goto(path, wait_until="load")
        if words := page.evaluate("window.said"):
            said[path] = words
    context.close()
    assert len(shown) > 50
    assert said == {}
    assert objections == []


def test_a_page_with_a_policy_refuses_what_is_put_into_it(
    browser: Browser, served: ServedZentra, workspace: TenantRef
) -> None:
    """That the watch above would have seen something: the same attack, put in by hand, is stopped and reported."""
    place = Place(workspace, join(workspace, role="admin"), join(workspace, role="operator"), "")
    context, page, _ = enter(browser, served.base_url, place.client())
    page.goto(place.base)
    stopped = page.evaluate(PUT_IN, ATTACK)
    assert stopped.startswith("script-src")
    assert [each for each in page.evaluate("window.said") if each.startswith("ran")] == []
    context.close()


def test_after_signing_out_nothing_of_a_person_is_left(
    browser: Browser, served: ServedZentra, workspace: TenantRef
) -> None:
    place = Place(workspace, join(workspace, role="admin"), join(workspace, role="operator"), "")
    context, page, _ = enter(browser, served.base_url, place.client())
    page.goto("/second-factor/")  # one's own page: its way out races no live feed that ends with the session
    page.evaluate("sessionStorage.setItem('draft.note', 'what I typed'); localStorage.setItem('zentra.theme', 'dark')")
    page.locator("form[action='/sign-out/'] button").first.evaluate("button => button.click()")
    page.wait_for_url("**/sign-in/**")
    assert page.evaluate("sessionStorage.length") == 0
    assert page.evaluate("Object.keys(localStorage)") == ["zentra.theme"]
    page.go_back(wait_until="commit")
    page.wait_for_load_state("load")
    assert "/sign-in/" in page.url
    assert place.admin.email not in page.content()
    context.close()
