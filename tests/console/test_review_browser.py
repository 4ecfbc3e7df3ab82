"""The review queue in a real browser: by keyboard, live, with what was typed kept, on a phone, without scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from policy.reviews.operations import claim_review, decline_review, open_case, release_claim
from policy.reviews.queries import find_review
from policy.reviews.types import NewAlert
from tests.console.test_browser import PATIENCE, name, wait_until_live
from tests.console.test_pages import make
from tests.people import join
from zentra.core.clock import now
from zentra.core.tenancy import tenant_work

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from policy.reviews.types import ReviewRecord
    from tests.people import Person
    from zentra.core.tenancy import TenantRef
    from zentra.embedded.served import ServedZentra

pytestmark = pytest.mark.browser


@pytest.fixture
def ann(workspace: TenantRef) -> Person:
    """An operator with an authenticator."""
    return join(workspace, role="operator", name="Ann", totp=True)


@pytest.fixture
def bob(workspace: TenantRef) -> Person:
    """Another one."""
    return join(workspace, role="operator", name="Bob", totp=True)


def enter(page: Page, person: Person) -> None:
    """Sign in with password and code: stepped up."""
    page.goto("/sign-in/")
    page.fill("[name=login]", person.email)
    page.fill("[name=password]", person.password)
    page.keyboard.press("Enter")
    page.wait_for_selector("[name=code]")
    page.fill("[name=code]", person.totp_code())
    page.keyboard.press("Enter")
    page.wait_for_url("**/w/**")


def held(workspace: TenantRef, maker: Person, count: int = 1) -> list[ReviewRecord]:
    names = [name() for _ in range(count)]
    for intent in names:
        make(workspace, maker, intent, amount_minor=4_300_000, currency="USD")
    with tenant_work(workspace):
        found = [find_review(intent_id=intent) for intent in names]
    return [each for each in found if each is not None]


def desk(page: Page, workspace: TenantRef, query: str = "") -> None:
    page.goto(f"/w/{workspace.slug}/reviews/{query}")
    wait_until_live(page)


def state_of(workspace: TenantRef, review: ReviewRecord) -> str:
    with tenant_work(workspace):
        found = find_review(intent_id=review.intent_id)
    assert found is not None
    return found.state


def test_a_case_is_claimed_and_approved_by_keyboard(
    page: Page, workspace: TenantRef, ann: Person, developer: Person
) -> None:
    first, second = held(workspace, developer, 2)
    enter(page, ann)
    desk(page, workspace)
    page.keyboard.press("c")
    page.wait_for_selector(f"#inspector[data-id={first.id}] #case-head:has-text('claimed by you')", timeout=PATIENCE)
    wait_until_live(page)
    page.keyboard.press("a")
    page.wait_for_selector("#act-approve[open]")
    assert page.evaluate("document.activeElement.name") == "reason_code"
    page.keyboard.press("2")
    assert page.evaluate("document.activeElement.name") == "reason"
    page.keyboard.type("known customer, invoice seen")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector(f"text={first.intent_id} is approved", timeout=PATIENCE)
    page.wait_for_selector(f"#inspector[data-id={second.id}]", timeout=PATIENCE)
    assert state_of(workspace, first) == "approved"


def test_rows_are_walked_and_the_case_follows(page: Page, workspace: TenantRef, ann: Person, developer: Person) -> None:
    cases = held(workspace, developer, 3)
    enter(page, ann)
    desk(page, workspace)
    page.keyboard.press("j")
    page.wait_for_selector(f"#inspector[data-id={cases[1].id}]", timeout=PATIENCE)
    page.keyboard.press("k")
    page.wait_for_selector(f"#inspector[data-id={cases[0].id}]", timeout=PATIENCE)
    page.keyboard.press("x")
    assert page.locator(".tick-cell input:checked").count() == 1
    assert "1 chosen" in page.locator("[data-bulk-words]").inner_text()
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "queue-q"
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    page.wait_for_selector("#help[open]")
    page.keyboard.press("Escape")
    page.wait_for_selector("#help:not([open])", state="attached")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/reviews/{cases[0].id}/")


def test_a_case_taken_by_another_is_gone_at_once_and_comes_back_when_free(
    page: Page, workspace: TenantRef, ann: Person, bob: Person, developer: Person
) -> None:
    first, second = held(workspace, developer, 2)
    enter(page, ann)
    desk(page, workspace)
    page.mouse.move(5, 5)
    page.locator(f"#row-{second.id}").wait_for()
    with tenant_work(workspace):
        claim_review(review_id=second.id, actor=bob.actor(), now=now())
    page.locator(f"#row-{second.id}").wait_for(state="detached", timeout=PATIENCE)
    with tenant_work(workspace):
        release_claim(review_id=second.id, actor=bob.actor(), now=now())
    page.locator(f"#row-{second.id}").wait_for(timeout=PATIENCE)
    order = page.eval_on_selector_all("#review-rows > tr", "rows => rows.map((row) => row.dataset.id)")
    assert order == [first.id, second.id]


def test_a_new_case_appears_while_one_looks(page: Page, workspace: TenantRef, ann: Person, developer: Person) -> None:
    enter(page, ann)
    desk(page, workspace)
    page.mouse.move(5, 5)
    [case] = held(workspace, developer)
    row = page.locator(f"#row-{case.id}")
    row.wait_for(timeout=PATIENCE)
    assert "4,300,000" in row.inner_text()
    page.wait_for_selector("[data-queue-count=open]:has-text('1')", timeout=PATIENCE)


def test_what_is_typed_survives_news_of_the_case(
    page: Page, workspace: TenantRef, ann: Person, bob: Person, developer: Person
) -> None:
    [case] = held(workspace, developer)
    enter(page, ann)
    desk(page, workspace)
    page.keyboard.press("d")
    page.wait_for_selector("#act-decline[open]")
    page.keyboard.press("1")
    page.keyboard.type("I was about to decl")
    with tenant_work(workspace):
        decline_review(review_id=case.id, actor=bob.actor(), reason_code="suspected_fraud", note="mine", now=now())
        # The runtime records a decision on an intent; here the case alone tells it.
        from policy.reviews import events, store

        events.record("declined", store.get(case.id), actor=bob.actor(), now=now(), decision_id=case.decision_id,
                      decided_by=bob.id, role="operator", reason_code="suspected_fraud")  # fmt: skip
    page.wait_for_selector("#act-decline .dialog-news:has-text('Bob declined it')", timeout=PATIENCE)
    page.keyboard.type("ine it")
    assert page.input_value("#decline-reason") == "I was about to decline it"
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("#conflict:has-text('Bob declined it')", timeout=PATIENCE)
    assert "I was about to decline it" in page.locator("#typed").inner_text()


def forget_the_code_of_the_sign_in(page: Page) -> None:
    """As if it had been given an hour ago."""
    from django.conf import settings
    from django.contrib.sessions.backends.db import SessionStore

    [key] = [each["value"] for each in page.context.cookies() if each["name"] == settings.SESSION_COOKIE_NAME]
    session = SessionStore(key)
    session["account_authentication_methods"] = [
        {**each, "at": each["at"] - 3600} for each in session["account_authentication_methods"]
    ]
    session.save()


def test_a_wrong_code_keeps_the_dialog_and_all_that_was_typed(
    page: Page, workspace: TenantRef, operator: Person, developer: Person
) -> None:
    from tests.console.test_browser import sign_in

    [case] = held(workspace, developer)
    sign_in(page, operator)
    forget_the_code_of_the_sign_in(page)
    desk(page, workspace)
    page.keyboard.press("a")
    page.keyboard.press("1")
    page.keyboard.type("called them back")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.name") == "step_up_code"
    page.keyboard.type("000000")
    page.keyboard.press("Enter")
    page.wait_for_selector("#act-approve:modal [role=alert]", timeout=PATIENCE)
    assert page.input_value("#approve-reason") == "called them back"
    assert page.is_checked("#act-approve [value=verified_with_customer]")
    assert page.evaluate("document.activeElement.name") == "step_up_code"
    page.keyboard.type(operator.totp_code())
    page.keyboard.press("Enter")
    page.wait_for_selector(f"text={case.intent_id} is approved", timeout=PATIENCE)


def test_a_note_mentions_by_keyboard(
    page: Page, workspace: TenantRef, ann: Person, bob: Person, developer: Person
) -> None:
    held(workspace, developer)
    enter(page, ann)
    desk(page, workspace)
    page.keyboard.press("n")
    assert page.evaluate("document.activeElement.id") == "note-text"
    page.keyboard.type("please look @bo")
    page.wait_for_selector("#mention-list [role=option]:visible")
    page.keyboard.press("Enter")
    assert page.input_value("#note-text") == "please look @bob "
    page.keyboard.press("Control+Enter")
    page.wait_for_selector(".notes mark:has-text('@bob')", timeout=PATIENCE)


def test_it_can_be_decided_on_a_phone(
    browser: Browser, served: ServedZentra, workspace: TenantRef, ann: Person, developer: Person
) -> None:
    [case] = held(workspace, developer)
    phone = browser.new_context(base_url=served.base_url, viewport={"width": 390, "height": 844}, has_touch=True)
    page = phone.new_page()
    enter(page, ann)
    page.goto(f"/w/{workspace.slug}/reviews/")
    page.locator(f"#row-{case.id} a.id").click()
    page.get_by_role("button", name="Decline").click()
    page.get_by_text("Limit stands").click()
    page.fill("#decline-reason", "not ours")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.locator("#act-decline footer button").click()
    page.wait_for_selector(f"text={case.intent_id} is declined", timeout=PATIENCE)
    phone.close()


def test_it_can_be_decided_without_scripts(
    browser: Browser, served: ServedZentra, workspace: TenantRef, ann: Person, developer: Person
) -> None:
    [case] = held(workspace, developer)
    plain = browser.new_context(base_url=served.base_url, java_script_enabled=False)
    page = plain.new_page()
    enter(page, ann)
    page.goto(f"/w/{workspace.slug}/reviews/")
    page.locator(f"#row-{case.id} a.id").click()
    page.locator("#inspector .acts a", has_text="Approve").click()
    page.locator("#act-approve [value=known_pattern]").check()
    page.locator("#approve-reason").fill("by hand")
    page.locator("#act-approve footer button").click()
    assert f"{case.intent_id} is approved" in page.locator("#notices").inner_text()
    plain.close()


def test_hits_are_settled_by_keyboard_and_the_case_resolved(
    page: Page, workspace: TenantRef, served: ServedZentra
) -> None:
    officer = join(workspace, role="compliance", name="Cleo", totp=True)
    with tenant_work(workspace):
        case = open_case(
            kind="alert", subject="watch", queue="compliance",
            alert=NewAlert("aml", "structuring.pattern", "nine just under a limit", 70, "x"),
            maker="svc_policy", now=now(),
        )  # fmt: skip
    enter(page, officer)
    desk(page, workspace)
    page.keyboard.press("r")
    page.keyboard.type("a payroll run")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=is no match", timeout=PATIENCE)
    wait_until_live(page)
    page.keyboard.press("a")
    page.keyboard.press("2")
    page.keyboard.press("3")
    page.keyboard.type("told the branch")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("text=is ended: cleared", timeout=PATIENCE)
    with tenant_work(workspace):
        from policy.reviews.queries import get_review

        assert get_review(review_id=case.id).state == "resolved"


def test_targets_names_and_the_policy_hold(page: Page, workspace: TenantRef, ann: Person, developer: Person) -> None:
    [case] = held(workspace, developer)
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if "Security Policy" in message.text else None)
    enter(page, ann)
    for path in (
        "reviews/",
        f"reviews/{case.id}/",
        f"reviews/{case.id}/?act=approve",
        f"decisions/{case.decision_id}/",
    ):
        page.goto(f"/w/{workspace.slug}/{path}")
        small = page.evaluate(
            """() => [...document.querySelectorAll('button, .btn, summary, .chip, .seg a, input, select, textarea')]
                .filter((node) => node.offsetParent && !['checkbox', 'radio', 'hidden'].includes(node.type))
                .filter((node) => node.getBoundingClientRect().height < 23.5)
                .map((node) => node.outerHTML.slice(0, 120))"""
        )
        assert small == [], path
        nameless = page.evaluate(
            """() => [...document.querySelectorAll('input:not([type=hidden]), select, textarea, button, a[href]')]
                .filter((node) => !(node.labels?.length || node.getAttribute('aria-label') || node.textContent.trim()))
                .map((node) => node.outerHTML.slice(0, 120))"""
        )
        assert nameless == [], path
    assert complaints == []
