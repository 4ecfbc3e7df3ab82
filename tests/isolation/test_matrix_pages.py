"""Every page, form and download × every role × own and foreign workspace: in or out exactly as the table says.

What is behind an open door is not run, its own tests do that: a marker stands for being let in. What is compared is
every row of both workspaces and of ``public``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.urls import resolve

import console.doors
from evidence.queries import list_events
from tests.isolation.doors import PLATFORM_PAGES, SIGNED_IN_PAGES, TENANT_PAGES, Page
from tests.isolation.rows import changed, fingerprints
from tests.isolation.visitors import Visitor
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.tenants.permissions import PLATFORM_PERMISSIONS

Grounds = tuple[TenantRef, TenantRef]
LET_IN = 299


@pytest.fixture
def doors(monkeypatch: pytest.MonkeyPatch, unbounded: None, database: None) -> None:
    """What is behind a door is a marker, and a refusal is a status without its page."""
    monkeypatch.setattr(console.doors, "_visit", lambda *_args, **_kwargs: HttpResponse(status=LET_IN))
    monkeypatch.setattr(console.doors, "refused_page", lambda *_args, status: HttpResponse(status=status))


@pytest.fixture(scope="module")
def asked(grounds: Grounds) -> list[tuple[Page, str]]:
    """Each address with each method that it takes; nobody who is not signed in gets further than the sign-in page."""
    found: list[tuple[Page, str]] = []
    client, wrong = Client(), []
    for page in (*TENANT_PAGES, *PLATFORM_PAGES):
        for method in page.methods:
            answer = client.generic(method, page.url(grounds[0].slug))
            found.append((page, method))
            if answer.status_code != 302 or not answer.headers["Location"].startswith("/sign-in/?next="):
                wrong.append((method, page.route, answer.status_code))
    assert wrong == []
    assert {method for _, method in found} == {"GET", "POST"}
    assert {page for page, _ in found} == {*TENANT_PAGES, *PLATFORM_PAGES}
    return found


def denials(ws: TenantRef, actor: str) -> list[dict[str, Any]]:
    """What was recorded of somebody, oldest first."""
    with tenant_work(ws):
        found, _ = list_events(types=["access.denied"], text=actor, limit=5000)
    return [json.loads(event.body)["data"] for event in reversed(found)]


def walk(client: Client, asked: list[tuple[Page, str]], slug: str) -> Iterator[tuple[Page, str, int]]:
    """Ask every door, and how each answered."""
    for page, method in asked:
        yield page, method, client.generic(method, page.url(slug)).status_code


def go(visitor: Visitor, asked: list[tuple[Page, str]], slug: str) -> Iterator[tuple[Page, str, int]]:
    """The same at the doors themselves, for whoever the session would say."""
    make = RequestFactory()
    for page, method in asked:
        request = make.generic(method, page.url(slug))
        request.user = visitor.user
        view, args, kwargs = resolve(request.path)
        yield page, method, view(request, *args, **kwargs).status_code


def test_each_role_gets_in_where_the_table_says_and_is_refused_and_recorded_elsewhere(
    doors: None, grounds: Grounds, visitors: list[Visitor], asked: list[tuple[Page, str]]
) -> None:
    ours, wrong = grounds[0], list[tuple[object, ...]]()
    tenant_s = [each for each in asked if each[0].is_tenant_s]
    before = fingerprints(grounds)
    for visitor in visitors:
        expected: list[tuple[str, str]] = []
        # One of them comes over HTTP with a session; for the others the door itself is asked, since a session says no
        # more than who somebody is.
        comes = walk(visitor.client, tenant_s, ours.slug) if visitor.name == "custom" else None
        for page, method, status in comes or go(visitor, tenant_s, ours.slug):
            is_let_in = visitor.is_inside and page.mark in visitor.may
            due = LET_IN if is_let_in else 403 if visitor.is_inside else 404
            if status != due:
                wrong.append((visitor.name, method, page.route, status, due))
            if not is_let_in:
                expected.append((str(page.mark), "role" if visitor.is_inside else "no membership"))
        recorded = [(each["action"], each["reason"]) for each in denials(ours, str(visitor.user.pk))]
        if recorded != expected:
            wrong.append((visitor.name, "recorded", len(recorded), len(expected), ""))
    assert wrong == []
    assert changed(before, fingerprints(grounds)) == []


def test_nobody_of_ours_gets_in_anywhere_in_another_workspace(
    doors: None, grounds: Grounds, visitors: list[Visitor], asked: list[tuple[Page, str]]
) -> None:
    (ours, theirs), wrong = grounds, []
    tenant_s = [each for each in asked if each[0].is_tenant_s]
    before = fingerprints(grounds)
    for visitor in visitors:
        if not visitor.is_inside or visitor.name.startswith("staff"):
            continue
        there = [(page.route, method, status) for page, method, status in go(visitor, tenant_s, theirs.slug)]
        wrong += [(visitor.name, *each) for each in there if each[2] != 404]
        expected = [(str(page.mark), "no membership") for page, _ in tenant_s]
        for ws, side in ((theirs, "target"), (ours, "actor")):
            recorded = [each for each in denials(ws, str(visitor.user.pk)) if each["side"] == side]
            recorded = [each for each in recorded if each["reason"] == "no membership"]
            if [(each["action"], each["reason"]) for each in recorded] != expected:
                wrong.append((visitor.name, side, "recorded", len(recorded)))
    assert wrong == []
    assert changed(before, fingerprints(grounds)) == []


def test_the_platform_s_rooms_are_for_its_staff_alone(
    doors: None, grounds: Grounds, visitors: list[Visitor], asked: list[tuple[Page, str]]
) -> None:
    wrong = []
    platform_s = [each for each in asked if not each[0].is_tenant_s]
    before = fingerprints(grounds)
    for visitor in visitors:
        role = "platform_support" if visitor.name.startswith("staff") else visitor.name
        may = PLATFORM_PERMISSIONS.get(role)
        for page, method, status in go(visitor, platform_s, ""):
            due = 404 if may is None else LET_IN if page.mark in may else 403
            if status != due:
                wrong.append((visitor.name, method, page.route, status, due))
    assert wrong == []
    assert changed(before, fingerprints(grounds)) == []


def test_pages_of_one_s_own_ask_for_a_session() -> None:
    client = Client()
    assert [page.route for page in SIGNED_IN_PAGES if client.get("/" + page.route).status_code not in (302, 405)] == []
