"""Every answer carries what keeps a browser from being used against us: pages, errors, redirects, files, the API."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any

import pytest
from django.conf import settings
from django.http import HttpResponse
from django.test import Client, RequestFactory, override_settings

from tests.security.addresses import operations, pages
from zentra.asgi import http
from zentra.hardening import ALWAYS, BARE_POLICY, HardeningMiddleware

if TYPE_CHECKING:
    from pytest_django.plugin import DjangoDbBlocker

    from tests.security.conftest import Place

pytestmark = pytest.mark.usefixtures("database")
POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "font-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}


def directives(policy: str) -> dict[str, str]:
    """A policy as a table."""
    return {name: rest for name, _, rest in (part.strip().partition(" ") for part in policy.split(";")) if name}


def lacking(answer: Any) -> set[str]:
    """Which of the headers that every answer has are not there as they should be."""
    wrong = {name for name, value in ALWAYS.items() if answer.headers.get(name) != value}
    if "Content-Security-Policy" not in answer.headers:
        wrong.add("Content-Security-Policy")
    if "no-store" not in answer.headers.get("Cache-Control", ""):
        wrong.add("Cache-Control")
    return wrong


@pytest.fixture(scope="module")
def answers(place: Place, django_db_blocker: DjangoDbBlocker) -> dict[str, Any]:
    """What each address of the console answers to somebody who is in, and to nobody."""
    found: dict[str, Any] = {}
    with django_db_blocker.unblock():
        inside, outside = place.client(), Client(raise_request_exception=False)
        for address in pages(place.workspace.slug):
            found[f"in {address.path}"] = inside.get(address.path)
            found[f"out {address.path}"] = outside.get(address.path)
    return found


def test_every_page_and_each_of_its_refusals_has_the_headers_and_is_kept_in_no_cache(
    answers: dict[str, Any],
) -> None:
    assert {where: missing for where, answer in answers.items() if (missing := lacking(answer))} == {}
    assert {200, 302, 404, 405} <= {answer.status_code for answer in answers.values()}


def test_every_page_has_the_one_policy_with_nothing_inline_and_nothing_from_elsewhere(
    answers: dict[str, Any],
) -> None:
    for where, answer in answers.items():
        if not answer.headers.get("Content-Type", "").startswith("text/html"):
            continue
        assert directives(answer.headers["Content-Security-Policy"]) == POLICY, where
        text = answer.content.decode()
        assert re.search(r"<script(?![^>]*\bsrc=)[^>]*>", text) is None, where
        assert re.search(r"\s(?:on\w+|style)\s*=\s*[\"']|<style|javascript:", text) is None, where
        assert re.search(r"(?:src|href|action)=[\"']?(?:https?:)?//", text) is None, where


def test_no_address_fails_whatever_id_stands_in_it(answers: dict[str, Any]) -> None:
    assert {where: answer.status_code for where, answer in answers.items() if answer.status_code == 500} == {}


def test_every_operation_of_the_api_has_the_headers_and_may_show_nothing(place: Place) -> None:
    client = Client(headers={"Authorization": f"Bearer {place.key}"})
    found: dict[str, set[str]] = {}
    for method, path in operations():
        answer = client.generic(method, path, b"{}", "application/json")
        missing = lacking(answer) - {"Cache-Control"}
        if answer.headers.get("Content-Security-Policy") != BARE_POLICY:
            missing.add("policy")
        if path != "/v1/openapi.json" and "Cache-Control" not in answer.headers:
            missing.add("Cache-Control")
        if missing:
            found[f"{method} {path}"] = missing
    assert found == {}


@pytest.mark.parametrize(
    "path",
    [
        "/healthz",
        "/readyz",
        "/.well-known/nothing",
        "/nowhere",
        "/v1/nowhere",
        "/static/nowhere.js",
        "/w/../..",
        "/%2e%2e/",
    ],
)
def test_what_is_no_page_has_them_too(path: str) -> None:
    answer = Client().get(path)
    assert {name for name in ALWAYS if name not in answer.headers} == set()
    assert "Content-Security-Policy" in answer.headers


def test_static_files_may_be_cached_and_are_as_hard() -> None:
    answer = Client().get("/static/js/theme.js")
    assert answer.status_code == 200
    assert {name for name in ALWAYS if name not in answer.headers} == set()
    assert "no-store" not in answer.headers.get("Cache-Control", "")


def test_an_answer_that_comes_before_django_has_them_too() -> None:
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    async def receive() -> dict[str, Any]:
        return {"type": "http.request"}

    scope = {"type": "http", "path": "/v1/accounts", "headers": [(b"content-length", b"99999999999")]}
    asyncio.run(http(scope, receive, send))

    headers = dict(sent[0]["headers"])
    assert sent[0]["status"] == 413
    assert {name for name in ALWAYS if headers.get(name.lower().encode()) != ALWAYS[name].encode()} == set()
    assert headers[b"content-security-policy"] == BARE_POLICY.encode()


def test_a_view_s_own_header_stays() -> None:
    own = HttpResponse(headers={"Cache-Control": "private, max-age=5", "Content-Security-Policy": "sandbox"})
    answer = HardeningMiddleware(lambda request: own)(RequestFactory().get("/"))
    assert answer.headers["Cache-Control"] == "private, max-age=5"
    assert answer.headers["Content-Security-Policy"] == "sandbox"


@override_settings(SECURE_HSTS_SECONDS=31_536_000, SECURE_HSTS_INCLUDE_SUBDOMAINS=True)
def test_over_tls_every_answer_asks_for_tls_for_a_year_and_below_it_too(place: Place) -> None:
    for path in ("/sign-in/", "/nowhere", "/v1/accounts", "/healthz", place.base):
        said = Client().get(path, secure=True).headers["Strict-Transport-Security"]
        assert said == "max-age=31536000; includeSubDomains", path
    assert "Strict-Transport-Security" not in Client().get("/sign-in/").headers


def test_nobody_elsewhere_may_read_an_answer(place: Place) -> None:
    elsewhere = {"Origin": "https://evil.example", "Authorization": f"Bearer {place.key}"}
    for answer in (
        Client(headers=elsewhere).get("/v1/accounts"),
        Client(headers=elsewhere).options("/v1/accounts", headers={"Access-Control-Request-Method": "POST"}),
        place.client().get(place.base, headers={"Origin": "https://evil.example"}),
    ):
        assert [name for name in answer.headers if name.lower().startswith("access-control-")] == []


def test_no_page_can_be_framed(place: Place) -> None:
    for path in ("/sign-in/", place.base, f"{place.base}people/", "/nowhere"):
        answer = place.client().get(path)
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert directives(answer.headers["Content-Security-Policy"])["frame-ancestors"] == "'none'"


def test_what_servers_are_made_of_is_not_said(place: Place) -> None:
    for path in ("/sign-in/", "/v1/accounts", "/healthz"):
        answer = Client().get(path)
        assert {"Server", "X-Powered-By", "Via"} & set(answer.headers) == set()
    assert settings.DEBUG is False
