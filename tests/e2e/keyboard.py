"""A person at the review queue who has only a keyboard."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from tests.people import Person

PATIENCE: Final = 60_000
_READY: Final = "() => document.readyState === 'complete' && Boolean(window.zentra)"
NOTHING: Final = "Nothing waits for you"


@dataclass(frozen=True)
class Keyboard:
    """One browser of one person. Nothing here uses the mouse; the address bar is a keyboard's too."""

    page: Page
    person: Person
    room: str

    @classmethod
    def of(cls, browser: Browser, base_url: str, person: Person) -> Keyboard:
        """Sign in with password and one-time code, and go to the queue."""
        context = browser.new_context(base_url=base_url, viewport={"width": 1600, "height": 1000})
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.goto("/sign-in/")
        page.focus("[name=login]")
        page.keyboard.type(person.email)
        page.keyboard.press("Tab")
        page.keyboard.type(person.password)
        page.keyboard.press("Enter")
        page.wait_for_selector("[name=code]")
        page.focus("[name=code]")
        page.keyboard.type(person.totp_code())
        with page.expect_navigation(url="**/w/**"):
            page.keyboard.press("Enter")
        here = cls(page, person, f"/w/{person.workspace.slug}/reviews/")
        here.go()
        return here

    def go(self, query: str = "") -> None:
        """The queue, under these filters."""
        self.page.goto(self.room + query)
        self.page.wait_for_function(_READY)

    def key(self, *keys: str) -> None:
        """Press keys that stay on the page."""
        for each in keys:
            self.page.keyboard.press(each)

    def type(self, text: str) -> None:
        """Type into whatever has the focus."""
        self.page.keyboard.type(text)

    def send(self, key: str) -> str:
        """Press the key that sends a form, and read what the next page says."""
        with self.page.expect_navigation():
            self.page.keyboard.press(key)
        self.page.wait_for_function(_READY)
        return self.page.locator("#notices").inner_text()

    @property
    def subject(self) -> str:
        """What the case beside the queue is about; empty without one."""
        heading = self.page.locator("#inspector h2 a")
        return heading.inner_text() if heading.count() else ""

    def claim_next(self) -> str:
        """C: the subject of the case that is theirs now; empty when nothing waits."""
        return "" if NOTHING in self.send("c") else self.subject

    def decide(self, key: str, choice: str, reason: str) -> str:
        """A or D: a reason code by its digit, the words, and Ctrl+Enter; with a code where one is asked for."""
        self.key(key)
        self.page.wait_for_selector("dialog.act-dialog:modal")
        self.key(choice)
        self.type(reason)
        if self.page.locator("dialog:modal [name=step_up_code]").count():
            self.key("Tab")
            self.type(self.person.totp_code())
        return self.send("Control+Enter")

    def write(self, key: str, reason: str, *, choice: str = "") -> str:
        """E, S or H: a dialog with a choice, if it has one, and words."""
        self.key(key)
        self.page.wait_for_selector("dialog.act-dialog:modal")
        if choice:
            self.key(choice)
        self.type(reason)
        return self.send("Control+Enter")

    def hand_over(self, name: str, note: str) -> str:
        """H: a colleague by the first letters of the name, and why."""
        self.key("h")
        self.page.wait_for_selector("dialog.act-dialog:modal")
        self.type(name)
        self.key("Tab")
        self.type(note)
        return self.send("Control+Enter")

    def note(self, text: str) -> str:
        """N: a note about the case."""
        self.key("n")
        self.type(text)
        return self.send("Control+Enter")

    def settle(self, note: str, *, is_match: bool) -> str:
        """R: what a hit turned out to be."""
        self.key("r")
        self.type(note)
        self.key("Tab", *(["Tab"] if is_match else []))
        return self.send("Enter")
