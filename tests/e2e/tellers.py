"""People of finance in front of browsers of their own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from playwright.sync_api import expect

from tests.e2e.waiting import wait_until
from tests.people import join

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

    from tests.people import Person
    from zentra.core.tenancy import TenantRef
    from zentra.embedded.served import ServedZentra

PATIENCE: Final = 120_000
"""Milliseconds that a page may take on a machine that has much else to do."""


@dataclass
class Teller:
    """A person of finance in front of a browser of their own."""

    person: Person
    page: Page

    def go(self, path: str) -> None:
        """A page of the workspace."""
        self.page.goto(f"/w/{self.person.workspace.slug}/{path}")

    def acts(self, key: str, *, within: Locator | None = None) -> Locator:
        """The forms of an act on the page that is open."""
        return (within or self.page.locator("main")).locator(f"#act-{key}")

    def act(self, key: str, says: str, *, within: Locator | None = None, **fields: str) -> None:
        """An act of the page that is open, with what it asks for."""
        form = self.acts(key, within=within).first
        self.fill(form, **fields)
        self.send(form.locator("button.btn"), says)

    def fill(self, form: Locator, **fields: str) -> None:
        """Open the form, if it is folded, and fill it in."""
        form.wait_for()
        if form.locator("summary").count() and form.get_attribute("open") is None:
            form.locator("summary").click()
        for name, value in fields.items():
            field = form.locator(f"[name={name}]")
            if field.evaluate("each => each.tagName") == "SELECT":
                field.select_option(value)
            elif value == "yes":
                field.check()
            elif field.get_attribute("type") == "file":
                field.set_input_files(value)
            else:
                field.fill(value)

    def send(self, button: Locator, says: str) -> None:
        """Send a form, with a code if one is asked for, and read what the next page says."""
        self.press(button)
        expect(self.page.locator("#notices")).to_contain_text(says)

    def press(self, button: Locator) -> None:
        """Send a form, with a code if one is asked for."""
        with self.page.expect_navigation():
            button.click()
        if self.page.locator("#step-up-code").count():
            self.page.fill("#step-up-code", self.person.totp_code())
            with self.page.expect_navigation():
                self.page.locator("form.people-form button.pri").first.click()

    def open_exception(self, reference: str, kind: str) -> None:
        """Wait until the desk has an exception of this kind that bears this reference, and open it."""
        rows = self.page.locator("#desk tr[data-id]", has_text=reference)

        def there() -> int:
            self.go(f"reconciliation/exceptions/?kind={kind}")
            return rows.count()

        wait_until(there, why=f"{reference} is on the desk as {kind}", seconds=PATIENCE / 1000,
                   told=self.everything_open)  # fmt: skip
        self.go(f"reconciliation/exceptions/{rows.first.get_attribute('data-id')}/")

    def everything_open(self) -> str:
        """What the desk shows, for a failure's message."""
        self.go("reconciliation/exceptions/")
        return self.page.locator("main").inner_text()


@contextmanager
def seated(
    browser: Browser, served: ServedZentra, workspace: TenantRef, names: Sequence[str]
) -> Iterator[list[Teller]]:
    """People of finance of these names, signed in with password and code; no page of theirs may raise an error."""
    contexts, problems, found = [], list[str](), list[Teller]()
    expect.set_options(timeout=PATIENCE)
    try:
        for name in names:
            person = join(workspace, role="finance", name=name, totp=True)
            context = browser.new_context(
                base_url=served.base_url, viewport={"width": 1600, "height": 1000}, accept_downloads=True
            )
            context.set_default_timeout(PATIENCE)
            contexts.append(context)
            page = context.new_page()
            page.on("pageerror", lambda error: problems.append(str(error)))
            _sign_in(page, person)
            found.append(Teller(person, page))
        yield found
    finally:
        expect.set_options(timeout=5_000)
        for context in contexts:
            context.close()
    assert problems == []


def _sign_in(page: Page, person: Person) -> None:
    page.goto("/sign-in/")
    page.fill("[name=login]", person.email)
    page.fill("[name=password]", person.password)
    page.keyboard.press("Enter")
    page.wait_for_selector("[name=code]")
    page.fill("[name=code]", person.totp_code())
    with page.expect_navigation(url="**/w/**"):
        page.keyboard.press("Enter")
