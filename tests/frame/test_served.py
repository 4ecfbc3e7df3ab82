"""All of Zentra's processes, and a browser in front of them."""

from __future__ import annotations

import json
import urllib.request
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.people import Person
    from zentra.embedded.served import ServedZentra

pytestmark = pytest.mark.e2e


def test_every_part_answers(served: ServedZentra) -> None:
    with urllib.request.urlopen(f"{served.base_url}/readyz") as answer:
        body = json.load(answer)

    assert answer.status == 200
    assert {name for name, check in body["checks"].items() if check["ok"]} >= {
        "database", "redis", "worker", "beat", "sealer", "watch",
    }  # fmt: skip


def test_process_can_be_killed_and_started_again(served: ServedZentra) -> None:
    served.kill("worker")
    served.start("worker")

    served.wait_until_ready()


@pytest.mark.browser
def test_person_signs_in_with_a_browser(page: Page, operator: Person) -> None:
    page.goto("/sign-in/")
    page.fill("input[name=login]", operator.email)
    page.fill("input[name=password]", operator.password)
    page.press("input[name=password]", "Enter")
    page.fill("input[name=code]", operator.totp_code())
    page.press("input[name=code]", "Enter")

    page.wait_for_url(f"**/w/{operator.workspace.slug}/**")
