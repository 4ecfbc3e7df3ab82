"""A real installation from nothing: `manage.py setup`, a link, a password, an authenticator, the first workspace."""

from __future__ import annotations

import os
import re
import subprocess
from typing import TYPE_CHECKING, Final

import pytest
from playwright.sync_api import expect

from tests.people import code_now
from zentra.embedded.layout import CLONE
from zentra.embedded.programs import Ports, manage
from zentra.embedded.served import ServedZentra

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

    from zentra.embedded.testing import ThrowAwayGround

pytestmark = pytest.mark.browser

DATABASE: Final = "zentra_first_run"
REDIS: Final = 14  # a database of Redis that no worker of the tests has
EMAIL: Final = "ada@first-run.example"
GOOD: Final = "seven lanterns over the harbour"


@pytest.fixture(scope="module")
def installed(ground: ThrowAwayGround) -> Iterator[tuple[ServedZentra, dict[str, str]]]:
    """All of Zentra's processes over a database in which nobody is and nothing was made."""
    ground.start()
    ground.create_database(DATABASE)
    ports = Ports.any_free()
    environment = dict(os.environ) | ground.environment(database=DATABASE, redis_database=REDIS, ports=ports)
    served = ServedZentra(state=ground.path / f"state-{DATABASE}", ports=ports, environment=environment)
    try:
        served.start_all(ready_seconds=90)
        yield served, environment
    finally:
        served.stop_all()


@pytest.fixture
def page(browser: Browser, installed: tuple[ServedZentra, dict[str, str]]) -> Iterator[Page]:
    """A fresh browser in front of it."""
    context = browser.new_context(base_url=installed[0].base_url, viewport={"width": 1600, "height": 1000})
    opened = context.new_page()
    problems: list[str] = []
    opened.on("pageerror", lambda error: problems.append(str(error)))
    yield opened
    context.close()
    assert problems == []


def set_up(environment: dict[str, str]) -> str:
    """What whoever installs it types; the path of the link that it prints."""
    command = [*manage(CLONE, "setup", "--email", EMAIL, "--name", "Ada First", "--skip-checks")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    found = re.search(r"/setup/[\w-]+/", done.stdout)
    assert found is not None, done.stdout
    return found[0]


def test_from_nothing_to_a_room_in_one_go(page: Page, installed: tuple[ServedZentra, dict[str, str]]) -> None:
    link = set_up(installed[1])
    recovery_code = choose_a_password_and_set_up_an_authenticator(page, link)
    make_the_first_workspace(page)
    the_empty_room_says_what_comes_next(page)
    page.goto(link)
    expect(page.locator("h1")).to_have_text("This link does not work any more")
    sign_in_again(page, recovery_code)


def choose_a_password_and_set_up_an_authenticator(page: Page, link: str) -> str:
    page.goto("/")
    expect(page).to_have_url(re.compile("/sign-in/"))
    page.goto(link)
    expect(page.locator("h1")).to_have_text("Welcome, Ada First")
    page.locator("#id_password").press_sequentially("password1")
    expect(page.locator("#strength")).to_contain_text("12 characters")
    page.fill("#id_password", "")
    page.locator("#id_password").press_sequentially(GOOD)
    expect(page.locator("#strength")).to_contain_text("Good:")
    page.fill("#id_again", GOOD)
    page.keyboard.press("Enter")

    expect(page.locator("h1")).to_have_text("Set up an authenticator")
    secret = str(page.locator(".secret code").text_content()).replace(" ", "")
    page.fill("[name=code]", code_now(secret))
    page.keyboard.press("Enter")
    expect(page.locator(".codes li")).to_have_count(10)
    kept = str(page.locator(".codes li code").first.text_content())
    page.click("a.pri")
    return kept


def make_the_first_workspace(page: Page) -> None:
    expect(page.locator("h1")).to_have_text("New workspace")
    expect(page.locator("#n-admin")).to_have_value(EMAIL)  # whoever makes the very first one is its admin
    page.fill("#n-name", "Harbour Payments")
    page.fill("#n-slug", "Harbour Payments")
    page.click("text=Make it")
    expect(page.locator("#e-slug")).to_contain_text("lower-case")
    expect(page.locator("#n-name")).to_have_value("Harbour Payments")
    page.fill("#n-slug", "harbour")
    page.select_option("#n-currency", "EUR")
    page.click("text=Make it")
    expect(page.locator("h1")).to_have_text("Making Harbour Payments")
    expect(page.locator(".steps-of li")).to_have_count(4)
    page.click("text=Enter its room", timeout=30_000)


def the_empty_room_says_what_comes_next(page: Page) -> None:
    expect(page).to_have_url(re.compile("/w/harbour/$"))
    expect(page.locator("h1")).to_have_text("Operations room")
    expect(page.locator("#livedot [data-live-word]")).to_have_text("live", timeout=10_000)
    for step in ("Invite people", "Make a key", "Connect a rail", "Send the first intent"):
        expect(page.locator(".first-run a", has_text=step)).to_be_visible()
    expect(page.locator(".first-run .done")).to_have_count(0)
    for room in (
        "people/",
        "keys/",
        "inbound/rails/",
        "webhooks/",
        "settings/",
        "ledger/",
        "reviews/",
        "staff-access/",
    ):
        answer = page.goto(f"/w/harbour/{room}")
        assert answer is not None
        assert answer.status == 200, room
    page.goto("/platform/workspaces/")
    expect(page.locator("tr#harbour")).to_contain_text("at head")


def sign_in_again(page: Page, recovery_code: str) -> None:
    page.goto("/w/harbour/")
    page.click("summary[aria-label^=Account]")
    page.click("text=Sign out")
    page.fill("[name=login]", EMAIL)
    page.fill("[name=password]", GOOD)
    page.click("button.pri")
    expect(page.locator("[name=code]")).to_be_visible()
    page.fill("[name=code]", recovery_code)  # a code of the authenticator may have been used this half minute
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/w/harbour/$"))
