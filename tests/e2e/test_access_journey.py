"""A person's access from the invitation to its end: mail, password, two factors, a role of two admins, and out again.

Three browsers in front of a real installation of its own, with a mail server: Ada, who set it up, Grace, the second
admin, and Fay of finance. Nothing here looks into the processes; what they wrote down is read at the end.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final, cast

import pytest
from playwright.sync_api import expect

from tests.alarms.desk import Post, post_office
from tests.e2e.books import Books
from tests.e2e.test_first_run import make_the_first_workspace, set_up
from tests.e2e.test_passkeys import DEVICE
from tests.e2e.waiting import wait_until
from zentra.core.ids import to_public
from zentra.embedded.programs import Ports
from zentra.embedded.served import ServedZentra

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from zentra.embedded.testing import ThrowAwayGround

pytestmark = pytest.mark.browser

DATABASE: Final = "zentra_access_journey"
REDIS: Final = 13  # a database of Redis that no worker of the tests has
PATIENCE: Final = 60_000
AT_ONCE: Final = 10.0  # seconds, on a machine that has much else to do
PASSWORD: Final = "seven lanterns over the harbour"
WELCOME: Final = re.compile(r"http\S+(/welcome/\S+/)")
HERE: Final = "/w/harbour/"


@dataclass(frozen=True)
class Installation:
    """All of Zentra's processes over a database in which nobody is, and the mail server that they send to."""

    served: ServedZentra
    environment: dict[str, str]
    post: Post

    @property
    def books(self) -> Books:
        """What the workspace wrote down."""
        return Books(self.environment["ZENTRA_OWNER_DATABASE_URL"], "ws_harbour")

    def link_for(self, email: str, *, number: int) -> str:
        """The path of the so many-th link that was mailed to an address."""

        def found() -> str:
            mails = [each for each in self.post.mails if email in str(each["to"])]
            links = [link for each in mails if (link := WELCOME.search(each.get_content()))]
            return links[number - 1][1] if len(links) >= number else ""

        return wait_until(found, why=f"link {number} is mailed to {email}", seconds=PATIENCE / 1000)


@dataclass
class Someone:
    """A person: a browser of their own, an address, and an authenticator once they have set one up."""

    name: str
    email: str
    page: Page
    secret: str = ""
    used: list[int] = field(default_factory=list)

    def code(self) -> str:
        """A code that was not used yet: of this half minute, or of the next one, as a clock that is ahead shows it."""
        from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value

        def free() -> int:
            step = int(time.time()) // 30
            wanted = max(step, *(each + 1 for each in self.used), 0)
            return wanted if wanted <= step + 1 else 0

        step = wait_until(free, why="a code that was not used yet is good", seconds=PATIENCE / 1000)
        self.used.append(step)
        return str(format_hotp_value(hotp_value(self.secret, step)))

    def act(self, click: Callable[[], None], says: str) -> None:
        """Send a form, with a code if it is asked for, and read what the next page says."""
        with self.page.expect_navigation():
            click()
        if self.page.locator("#step-up-code").count():
            self.page.fill("#step-up-code", self.code())
            with self.page.expect_navigation():
                self.page.keyboard.press("Enter")
        expect(self.page.locator("#notices")).to_contain_text(says)

    def asks(self, path: str) -> tuple[int, str]:
        """A page in a tab beside the one that is open: how it answers, and what it says."""
        tab = self.page.context.new_page()
        answer = tab.goto(HERE + path)
        assert answer is not None
        said = tab.inner_text("body")
        tab.close()
        return answer.status, said

    def sees_the_room_live(self) -> None:
        """The operations room is open, with its feed running."""
        expect(self.page).to_have_url(re.compile(f"{HERE}$"))
        expect(self.page.locator("#livedot [data-live-word]")).to_have_text("live")


@pytest.fixture(scope="module", autouse=True)
def _patience() -> Iterator[None]:
    """Every wait of this module is a long one: it ends as soon as there is what it waits for."""
    expect.set_options(timeout=PATIENCE)
    yield
    expect.set_options(timeout=5_000)


@pytest.fixture(scope="module")
def installed(ground: ThrowAwayGround) -> Iterator[Installation]:
    """The installation; `make up` is not part of it."""
    ground.start()
    ground.create_database(DATABASE)
    ports, settings = Ports.any_free(), cast("Any", SimpleNamespace())
    with post_office(settings) as post:
        environment = dict(os.environ) | ground.environment(database=DATABASE, redis_database=REDIS, ports=ports)
        environment["ZENTRA_EMAIL_URL"] = settings.ZENTRA_EMAIL_URL
        served = ServedZentra(state=ground.path / f"state-{DATABASE}", ports=ports, environment=environment)
        try:
            served.start_all(ready_seconds=180)
            yield Installation(served, environment, post)
        finally:
            served.stop_all()


@pytest.fixture
def people(browser: Browser, installed: Installation) -> Iterator[dict[str, Someone]]:
    """Ada, Grace and Fay, each in front of a browser of their own."""
    contexts, problems, found = [], list[str](), dict[str, Someone]()
    for name, email in (("ada", "ada@first-run.example"), ("grace", "grace@harbour.example"),
                        ("fay", "fay@harbour.example")):  # fmt: skip
        context = browser.new_context(base_url=installed.served.base_url, viewport={"width": 1600, "height": 1000})
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: problems.append(str(error)))
        found[name] = Someone(name.title(), email, page)
    yield found
    for context in contexts:
        context.close()
    assert problems == []


def test_from_the_invitation_to_the_last_page(installed: Installation, people: dict[str, Someone]) -> None:
    ada, grace, fay = people["ada"], people["grace"], people["fay"]
    sets_the_installation_up(ada, installed)

    # 1. Two admins, and somebody of finance whom one invites and the other agrees to.
    invites(ada, grace, "admin", says="You did it alone")
    accepts(grace, installed.link_for(grace.email, number=1))
    enters_for_the_first_time(grace)
    invites(ada, fay, "finance", says="when a second admin agrees")
    first = installed.link_for(fay.email, number=1)
    agrees(grace, "finance")
    # Whoever had the first link could now do more than it was made for: it ends, and another one is mailed.
    accepts(fay, installed.link_for(fay.email, number=2), older=first)
    enters_for_the_first_time(fay)
    adds_a_passkey_and_signs_in_with_it_alone(fay)

    # 2. A page refuses, a role of the workspace's own is made and given by two, and the page is there.
    fay.sees_the_room_live()
    status, said = fay.asks("access/")
    assert (status, "Your role may not do that" in said) == (403, True)
    proposes_a_role(ada)
    agrees(grace, "access_checker")
    gives_it(ada, fay)
    assert fay.asks("access/")[0] == 403  # one admin is not enough
    agrees(grace, "access_checker")
    status, said = fay.asks("access/")
    assert (status, "Access log" in said) == (200, True)
    assert said.count("access.read") >= 2  # her own two attempts are on it

    # 3. It is taken away again, then everything; the room that is open all the while learns of it by itself.
    takes_it(ada, fay)
    assert fay.asks("access/")[0] == 403
    fay.sees_the_room_live()
    began = takes_everything(ada, fay)
    expect(fay.page.locator("h1")).to_have_text("Nothing is here")
    assert time.monotonic() - began < AT_ONCE
    assert (fay.asks("")[0], fay.asks("access/")[0]) == (404, 404)

    says_all_of_it(installed, people)


# --- what people do --------------------------------------------------------------------------------------------------


def sets_the_installation_up(ada: Someone, installed: Installation) -> None:
    ada.page.goto(set_up(installed.environment))
    types_a_password(ada)
    sets_up_an_authenticator(ada)
    make_the_first_workspace(ada.page)


def types_a_password(person: Someone) -> None:
    person.page.fill("#id_password", PASSWORD)
    person.page.fill("#id_again", PASSWORD)
    with person.page.expect_navigation():
        person.page.click("button.pri")


def sets_up_an_authenticator(person: Someone) -> None:
    page = person.page
    expect(page.locator("h1")).to_have_text("Set up an authenticator")
    person.secret = str(page.locator(".secret code").text_content()).replace(" ", "")
    page.fill("[name=code]", person.code())
    page.keyboard.press("Enter")
    expect(page.locator(".codes li")).to_have_count(10)
    page.click("a.pri")


def invites(admin: Someone, whom: Someone, role: str, *, says: str) -> None:
    page = admin.page
    page.goto(f"{HERE}people/")
    page.fill("#p-email", whom.email)
    page.fill("#p-name", whom.name)
    page.check(f"input[name=role][value={role}]")
    admin.act(lambda: page.click("text=Give the role"), says)
    expect(page.locator("#notices")).to_contain_text("was mailed to them")
    expect(page.locator("body")).not_to_contain_text("/welcome/")


def accepts(person: Someone, link: str, *, older: str = "") -> None:
    if older:
        person.page.goto(older)
        expect(person.page.locator("h1")).to_have_text("This link does not work any more")
    person.page.goto(link)
    expect(person.page.locator("main, body").first).to_contain_text(person.email)
    types_a_password(person)
    person.page.wait_for_url("**/sign-in/")


def enters_for_the_first_time(person: Someone) -> None:
    page = person.page
    page.fill("[name=login]", person.email)
    page.fill("[name=password]", PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator("body")).to_contain_text("your role needs a second factor")
    sets_up_an_authenticator(person)
    page.wait_for_url(f"**{HERE}")


def adds_a_passkey_and_signs_in_with_it_alone(person: Someone) -> None:
    page = person.page
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    session.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})
    page.goto("/second-factor/")
    page.click("text=Add a passkey")
    page.fill("[name=name]", "Test laptop")
    page.click("button:has-text('Add it')")
    expect(page.locator(".things").first).to_contain_text("Test laptop")
    page.click("text=Sign out")
    page.wait_for_url("**/sign-in/**")
    page.click("text=Sign in with a passkey")
    page.wait_for_url(f"**{HERE}")


def agrees(admin: Someone, about: str) -> None:
    page = admin.page
    page.goto(f"{HERE}roles/")
    row = page.locator("#waiting li", has_text=about)
    expect(row).to_have_count(1)
    admin.act(lambda: row.get_by_role("button", name="Agree").click(), "You agreed")


def proposes_a_role(admin: Someone) -> None:
    page = admin.page
    page.goto(f"{HERE}roles/new/")
    page.fill("#r-name", "Access checker")
    page.fill("#r-key", "access_checker")
    page.check("input[name=permissions][value='access.review']")
    expect(page.locator("#check")).to_contain_text("Grace has to agree")
    page.fill("#r-reason", "the quarter's review")
    admin.act(lambda: page.click("button:has-text('Make the role')"), "It waits for a second admin")


def gives_it(admin: Someone, whom: Someone) -> None:
    page = opens_the_page_of(admin, whom)
    page.click("summary:has-text('Further roles')")
    page.check("input[name=also][value=access_checker]")
    page.fill("#p-reason", "she signs it")
    admin.act(lambda: page.click("button:has-text('Change the roles')"), "when a second admin agrees")


def takes_it(admin: Someone, whom: Someone) -> None:
    page = opens_the_page_of(admin, whom)
    page.uncheck("input[name=also][value=access_checker]")
    admin.act(lambda: page.click("button:has-text('Change the roles')"), f"{whom.name} is finance here now")


def takes_everything(admin: Someone, whom: Someone) -> float:
    """When it was done, by the clock that tells how long something takes."""
    page = opens_the_page_of(admin, whom)
    admin.act(lambda: page.locator("button:has-text('Take every role away')").click(), "is no member here any more")
    return time.monotonic()


def opens_the_page_of(admin: Someone, whom: Someone) -> Page:
    admin.page.goto(f"{HERE}people/")
    admin.page.click(f"tr:has-text('{whom.email}') a.id")
    expect(admin.page.locator("h1")).to_have_text(whom.name)
    return admin.page


# --- what was written down -------------------------------------------------------------------------------------------


def says_all_of_it(installed: Installation, people: dict[str, Someone]) -> None:
    books = installed.books
    rows = books.rows("SELECT email, id FROM public.tenants_user")
    ids = {str(row["email"]).partition("@")[0]: to_public("usr", row["id"]) for row in rows}
    ada, grace, fay = ids["ada"], ids["grace"], ids["fay"]
    told = [each for each in books.events() if each["type"].startswith(("member.", "role.", "role_change."))]
    told.sort(key=lambda each: (each["occurred_at"], each["type"]))  # what one act writes has one time

    def said(each: dict[str, Any]) -> tuple[object, ...]:
        data = each["data"]
        given = (data.get("role"), *data.get("also", ())) if "also" in data else tuple(data.get("roles", ()))
        return each["type"], each["actor"]["id"], data.get("user_id") or data.get("role"), given

    role = "access_checker"
    assert [said(each) for each in told if each["data"].get("user_id") != ada] == [
        ("member.added", ada, grace, ("admin",)),
        ("role_change.applied", ada, grace, ("admin",)),
        ("member.added", ada, fay, ("viewer",)),
        ("role_change.proposed", ada, fay, ("finance",)),
        ("member.role_changed", grace, fay, ("finance",)),
        ("role_change.applied", grace, fay, ("finance",)),
        ("role_change.proposed", ada, role, ()),
        ("role.created", grace, role, ()),
        ("role_change.applied", grace, role, ()),
        ("role_change.proposed", ada, fay, ("finance", role)),
        ("member.role_changed", grace, fay, ("finance", role)),
        ("role_change.applied", grace, fay, ("finance", role)),
        ("member.role_changed", ada, fay, ("finance",)),
        ("member.removed", ada, fay, ("finance",)),
    ]
    alone = [each["data"]["sole_admin"] for each in told if each["type"] == "role_change.applied"]
    assert alone == [True, False, False, False]
    denied = [each for each in books.events("access.denied") if each["actor"]["id"] == fay]
    reasons = [each["data"]["reason"] for each in denied]
    # Twice before she had the role, once after it; then whatever she asks, her open page too, is nobody's.
    assert reasons[:3] == ["role"] * 3
    assert {each["data"]["action"] for each in denied[:3]} == {"access.read"}
    assert set(reasons[3:]) == {"no membership"}
    assert len(reasons) >= 5
    everything = json.dumps(books.events())
    assert [each.email for each in people.values() if each.email in everything] == []
