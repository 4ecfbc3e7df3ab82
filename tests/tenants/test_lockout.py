"""Guessing a password is hopeless, and locks out nobody but who guesses."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest
import redis
from django.conf import settings
from django.core.cache import cache
from django.test import Client

from evidence.queries import latest_events
from tests.people import PASSWORD
from zentra.core import clock, ids
from zentra.core.rates import Limiter
from zentra.core.tenancy import tenant_work
from zentra.tenants.lockout import operations
from zentra.tenants.lockout.devices import account_mark, cookie_name
from zentra.tenants.lockout.operations import ACCOUNT, DEVICE, PAIR, SignInLimited, begin_try, forget_tries, give_back
from zentra.tenants.queries import platform_ref

if TYPE_CHECKING:
    from tests.people import Person


@pytest.fixture(autouse=True)
def patient(database: None, monkeypatch: pytest.MonkeyPatch) -> Limiter:
    """A limiter that waits for a Redis that is slow on a busy machine; tries of other tests do not count."""
    cache.clear()
    made = Limiter(redis.Redis.from_url(settings.ZENTRA_REDIS_URL, socket_timeout=20))
    monkeypatch.setattr(operations, "limiter", lambda: made)
    return made


def fails(email: str, times: int, *, address: str = "198.51.100.9", device: str = "") -> int:
    """How many of so many tries were looked at."""
    looked = 0
    for _ in range(times):
        try:
            begin_try(email=email, address=address, device=device, now=clock.now())
            looked += 1
        except SignInLimited as refusal:
            assert 0 < (refusal.retry_after or 0) <= 60  # noqa: PT017  # what it carries, besides being raised
    return looked


def test_one_address_tries_one_account_a_few_times_and_never_spends_the_account_s_own() -> None:
    assert fails("ann@example.test", 50) == PAIR.burst
    assert fails("ann@example.test", 1, address="198.51.100.10") == 1


def test_many_addresses_together_spend_the_account_and_not_the_owner_s_browser() -> None:
    looked = sum(fails("ann@example.test", 5, address=f"198.51.100.{number}") for number in range(40))
    assert looked == ACCOUNT.burst
    assert fails("ann@example.test", 1, address="203.0.113.5") == 0
    assert fails("ann@example.test", 1, address="203.0.113.5", device="known") == 1


def test_others_behind_the_same_address_are_not_locked_out() -> None:
    fails("ann@example.test", 50)
    assert fails("ben@example.test", 1) == 1


def test_a_known_browser_has_a_limit_of_its_own() -> None:
    assert fails("ann@example.test", 50, device="stolen") == DEVICE.burst
    assert fails("ann@example.test", 1, device="another") == 1
    assert fails("ann@example.test", 1) == 1


def test_letters_and_spaces_make_no_other_account() -> None:
    assert fails(" Ann@Example.test ", 20) == PAIR.burst
    assert fails("ann@example.test", 1) == 0


def test_ipv6_counts_by_the_network_that_one_is_given() -> None:
    looked = [fails("ann@example.test", 1, address=f"2001:db8::{number:x}") for number in range(20)]
    assert sum(looked) == PAIR.burst
    assert fails("ann@example.test", 1, address="2001:db8:0:1::1") == 1


def test_a_right_password_does_not_count_and_forgives_nothing() -> None:
    assert fails("ann@example.test", PAIR.burst - 1) == PAIR.burst - 1
    for _ in range(5):
        give_back(attempt=begin_try(email="ann@example.test", address="198.51.100.9", device="", now=clock.now()))
    assert fails("ann@example.test", 5) == 1


def test_proving_oneself_by_mail_unlocks() -> None:
    fails("ann@example.test", 50)
    fails("ann@example.test", 50, device="mine")
    forget_tries(email="ann@example.test", devices=("mine",))
    assert fails("ann@example.test", 1) == 1
    assert fails("ann@example.test", 1, device="mine") == 1


def test_without_redis_it_is_counted_in_this_process(patient: Limiter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patient, "_alone_until", float("inf"))
    assert 0 < fails("alone@example.test", 50) <= PAIR.burst
    forget_tries(email="alone@example.test")
    assert fails("alone@example.test", 1) == 1


# -- The page ----------------------------------------------------------------------------------------------------------


def attempt(client: Client, email: str, password: str) -> str:
    answer = client.post("/sign-in/", {"login": email, "password": password})
    return "in" if answer.status_code == 302 else answer.content.decode()


def test_an_unknown_account_is_answered_the_same(auditor: Person) -> None:
    def told(email: str, number: int) -> list[str]:
        client = Client(REMOTE_ADDR=f"203.0.113.{number}")
        pages = [attempt(client, email, "wrong password here") for _ in range(PAIR.burst + 1)]
        return [
            page.replace(email, "X").partition("<form")[2].partition("csrfmiddleware")[0] + _errors(page)
            for page in pages
        ]

    known, unknown = told(auditor.email, 1), told(f"{ids.new_id('usr')}@example.test", 2)
    assert known == unknown
    assert "Too many tries" in known[-1]
    assert "Too many tries" not in known[0]


def _errors(page: str) -> str:
    return "".join(part.partition("</p>")[0] for part in page.split('class="error"')[1:])


def test_it_takes_as_long_for_an_unknown_account_and_for_one_without_a_password(auditor: Person) -> None:
    from zentra.tenants.models import User

    invited = User.objects.create_user(email=f"{ids.new_id('usr')}@example.test")

    def seconds(email: str, number: int) -> float:
        client, spent = Client(REMOTE_ADDR=f"203.0.113.{number}"), []
        for _ in range(4):
            started = time.process_time()
            attempt(client, email, "wrong password here")
            spent.append(time.process_time() - started)
        return min(spent)

    known = seconds(auditor.email, 3)
    for other in (seconds(f"{ids.new_id('usr')}@example.test", 4), seconds(invited.email, 5)):
        assert 0.5 < other / known < 2


def test_the_owner_s_browser_gets_in_while_the_account_is_under_attack(support: Person) -> None:
    browser = Client(REMOTE_ADDR="192.0.2.1")
    assert attempt(browser, support.email, PASSWORD) == "in"
    browser.post("/sign-out/")
    for number in range(10):
        fails(support.email, 5, address=f"198.51.100.{number}")
    stranger = Client(REMOTE_ADDR="192.0.2.2")
    assert "Too many tries" in attempt(stranger, support.email, PASSWORD)
    assert attempt(browser, support.email, PASSWORD) == "in"


def test_a_device_cookie_is_signed_and_of_one_account(auditor: Person, developer: Person) -> None:
    browser = auditor.sign_in_with_code(Client())
    cookie = browser.cookies[cookie_name()]
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")
    assert auditor.email not in cookie.value
    browser.post("/sign-out/")
    for number in range(10):
        fails(developer.email, 5, address=f"198.51.100.{number}")
    assert "Too many tries" in attempt(browser, developer.email, PASSWORD)
    forger = Client()
    forger.cookies[cookie_name()] = cookie.value[:-3] + "abc"
    for number in range(10):
        fails(auditor.email, 5, address=f"198.51.100.{number}")
    assert "Too many tries" in attempt(forger, auditor.email, PASSWORD)


def test_a_flood_is_not_written_down_line_by_line(monkeypatch: pytest.MonkeyPatch) -> None:
    from console.views.doorway import record_failure
    from zentra.core.rates import Rate

    monkeypatch.setattr(operations, "RECORDED", Rate(per_second=0.001, burst=7))
    before = count("sign_in.failed")
    for _ in range(30):
        record_failure("password")
    fails("ann@example.test", 50)
    assert count("sign_in.failed") - before == 7
    assert count("sign_in.limited", account_mark("ann@example.test")) == 1


def count(kind: str, never: str = "") -> int:
    with tenant_work(platform_ref()):
        found = [each for each in latest_events(limit=100_000) if each.type == kind]
    if never:
        recent = found[:1]
        assert json.loads(recent[0].body)["data"] == {"scope": "address and account"}
        assert never.encode() not in recent[0].body
        return len(recent)
    return len(found)
