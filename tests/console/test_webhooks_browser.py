"""The Events and Webhooks rooms in a real browser: a test event arrives, a key is shown once, a range is replayed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.console.test_browser import PATIENCE, sign_in
from tests.webhooks.servers import Answer, scripted_endpoint
from tests.webhooks.work import an_event, deliveries, subscribe
from webhooks.queries import list_endpoints
from zentra.core.clock import now
from zentra.core.tenancy import tenant_work

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from tests.people import Person
    from tests.webhooks.servers import Endpoint
    from zentra.core.tenancy import TenantRef
    from zentra.embedded.served import ServedZentra

pytestmark = pytest.mark.browser


class Consumer:
    """An endpoint that answers what it is told to."""

    def __init__(self) -> None:
        self.status = 200
        self.server: Endpoint | None = None

    @property
    def url(self) -> str:
        assert self.server is not None
        return self.server.url


@pytest.fixture
def consumer() -> Iterator[Consumer]:
    made = Consumer()
    with scripted_endpoint(lambda _: Answer(made.status, body=b'{"said":"so"}')) as server:
        made.server = server
        yield made


@pytest.fixture
def local(settings: object) -> None:
    """The test's own process may make endpoints on loopback, as the served one may."""
    settings.ZENTRA_ALLOW_LOCAL_WEBHOOKS = True  # type: ignore[attr-defined]  # pytest-django's settings


def published(workspace: TenantRef, count: int = 1) -> None:
    from evidence.operations import record_events

    with tenant_work(workspace):
        record_events(events=[an_event(number) for number in range(count)], now=now())


def test_an_endpoint_is_added_tried_and_its_secret_seen_once(
    page: Page, workspace: TenantRef, developer: Person, consumer: Consumer
) -> None:
    sign_in(page, developer)
    page.goto(f"/w/{workspace.slug}/webhooks/")
    page.keyboard.press("n")
    page.wait_for_url("**/endpoints/new/")
    page.fill("#e-url", "http://169.254.169.254/latest")
    page.get_by_text("Only these").click()
    page.locator("input[value='account.*']").check()
    page.keyboard.press("Enter")
    page.wait_for_selector("text=Webhooks are not sent to this address", timeout=PATIENCE)
    assert page.locator("input[value='account.*']").is_checked()
    page.fill("#e-url", consumer.url)
    page.get_by_role("button", name="Add endpoint").last.click()
    page.wait_for_selector("text=Shown once", timeout=PATIENCE)
    assert page.locator("#shown").inner_text().startswith("whsec_")
    with tenant_work(workspace):
        [made] = list_endpoints()
    assert made.event_filter == ("account.*",)
    page.get_by_role("link", name="I have it").click()
    page.wait_for_url(f"**/endpoints/{made.id}/")
    assert "whsec_…" in page.locator("#keys").inner_text()
    page.keyboard.press("t")
    page.wait_for_selector("text=It arrived: answered 200", timeout=4 * PATIENCE)
    page.get_by_role("link", name="What was sent and answered").click()
    page.wait_for_url("**/deliveries/dlv_*/")
    told = page.locator("main").inner_text()
    assert "endpoint.test" in told
    assert "webhook-signature" in told


def test_what_failed_is_previewed_and_replayed(
    page: Page, workspace: TenantRef, operator: Person, consumer: Consumer, local: None
) -> None:
    consumer.status = 503
    # Their own schedule must not be faster than this test.
    endpoint = subscribe(workspace, consumer.url, "account.*", schedule=[0, 3600]).endpoint.id
    published(workspace, 3)
    sign_in(page, operator)
    page.goto(f"/w/{workspace.slug}/webhooks/endpoints/{endpoint}/")
    page.wait_for_function("() => fetch(location.href).then((a) => a.text()).then((t) => t.includes('>503<'))")
    consumer.status = 200
    page.reload()
    page.keyboard.press("r")
    page.wait_for_url("**/replays/new/**")
    page.fill("#f-since", "2020-01-01T00:00")
    page.get_by_role("button", name="Preview").click()
    page.wait_for_selector("#preview")
    page.fill("#replay-why", "consumer is back")
    page.get_by_role("button", name="Start the replay").click()
    page.wait_for_url("**/replays/rpl_*/")
    page.wait_for_selector("#replay-progress .st:has-text('done')", timeout=4 * PATIENCE)
    page.goto(f"/w/{workspace.slug}/webhooks/deliveries/?state=resolved&type=account.created")
    for _ in range(60):
        if {each.state for each in deliveries(workspace, event_type="account.created")} == {"resolved"}:
            break
        page.wait_for_timeout(500)
    page.reload()
    assert page.locator("tbody.rows tr[data-id]").count() == 3


def test_the_log_follows_by_itself_and_leads_to_why_nobody_got_it(
    page: Page, workspace: TenantRef, operator: Person
) -> None:
    sign_in(page, operator)
    page.goto(f"/w/{workspace.slug}/events/")
    page.wait_for_selector("#livedot:has-text('live')", timeout=PATIENCE)
    published(workspace)
    row = page.locator("tbody.rows a.id", has_text="account.created")
    row.first.wait_for(timeout=2 * PATIENCE)
    row.first.click()
    page.wait_for_url("**/events/evt_*/")
    assert '"number":0' in page.locator("main").inner_text()


def test_the_rooms_work_without_scripts(
    browser: Browser, served: ServedZentra, workspace: TenantRef, developer: Person
) -> None:
    subscribe(workspace, "https://example.com/hook", "hold.*")
    plain = browser.new_context(base_url=served.base_url, java_script_enabled=False)
    page = plain.new_page()
    sign_in(page, developer)
    page.goto(f"/w/{workspace.slug}/webhooks/")
    page.locator("tbody.rows a.id").click()
    page.locator("summary", has_text="Disable").click()
    page.fill("#disable-reason", "maintenance")
    page.get_by_role("button", name="Disable it").click()
    assert "is disabled" in page.locator("#notices").inner_text()
    page.locator("#keys summary").click()
    page.get_by_role("button", name="Rotate the key").click()
    assert page.locator("#shown").inner_text().startswith("whsec_")
    plain.close()


def test_targets_are_large_enough_nothing_overflows_and_the_policy_holds(
    page: Page, workspace: TenantRef, developer: Person
) -> None:
    endpoint = subscribe(workspace, "https://example.com/a/rather/long/path/of/a/consumer", "account.*").endpoint.id
    published(workspace)
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if "Security Policy" in message.text else None)
    for _ in range(60):
        if found := deliveries(workspace, event_type="account.created"):
            break
        page.wait_for_timeout(500)
    sign_in(page, developer)
    for path in (
        "webhooks/", "webhooks/endpoints/new/", f"webhooks/endpoints/{endpoint}/",
        f"webhooks/endpoints/{endpoint}/settings/", "webhooks/deliveries/", f"webhooks/deliveries/{found[0].id}/",
        "webhooks/attempts/", "webhooks/replays/", "webhooks/replays/new/?since=2020-01-01", "events/",
        f"events/{found[0].event_id}/", "events/catalogue/", "events/catalogue/account.created/",
    ):  # fmt: skip
        page.goto(f"/w/{workspace.slug}/{path}")
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
        page.set_viewport_size({"width": 1280, "height": 800})
    assert complaints == []
