"""Browsers of other origins: nobody unless named, and then end users only."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from django.core.exceptions import ImproperlyConfigured, MiddlewareNotUsed
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory, override_settings

from zentra.api.cors import CorsMiddleware
from zentra.settings import parse_origins

OURS, THEIRS = "https://app.example.com", "https://evil.example.com"


def ask(path: str, *, origin: str | None, method: str = "GET", kind: str | None = None, status: int = 200,
        preflight: bool = False) -> HttpResponse:  # fmt: skip
    def view(request: HttpRequest) -> HttpResponse:
        if kind is not None:
            request.caller = SimpleNamespace(kind=kind)  # type: ignore[attr-defined]
        return HttpResponse("{}", status=status)

    headers = {"Origin": origin} if origin else {}
    if preflight:
        headers |= {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    request = RequestFactory().generic(method, path, headers=headers)
    with override_settings(ZENTRA_CORS_ORIGINS=frozenset({OURS})):
        return CorsMiddleware(view)(request)


def test_without_named_origins_there_is_no_such_middleware_and_no_such_header(http: httpx.Client) -> None:
    with override_settings(ZENTRA_CORS_ORIGINS=frozenset()), pytest.raises(MiddlewareNotUsed):
        CorsMiddleware(lambda _request: HttpResponse())
    asked = http.get("/accounts", headers={"Origin": OURS})
    preflight = http.options("/accounts", headers={"Origin": OURS, "Access-Control-Request-Method": "POST"})
    for answer in (asked, preflight):
        assert not [name for name in answer.headers if name.startswith("access-control-")]
    assert preflight.status_code == 405


def test_a_preflight_of_a_named_origin_is_answered_and_of_another_is_not() -> None:
    named = ask("/v1/runtime/intents", origin=OURS, method="OPTIONS", preflight=True)
    assert named.status_code == 204
    assert named["Access-Control-Allow-Origin"] == OURS
    assert "Authorization" in named["Access-Control-Allow-Headers"]
    assert "POST" in named["Access-Control-Allow-Methods"]
    assert not named.has_header("Access-Control-Allow-Credentials")
    other = ask("/v1/runtime/intents", origin=THEIRS, method="OPTIONS", preflight=True, status=405)
    assert (other.status_code, other.has_header("Access-Control-Allow-Origin")) == (405, False)


@pytest.mark.parametrize(
    ("origin", "kind", "status", "is_shown"),
    [
        (OURS, "end_user", 200, True),
        (OURS, "end_user", 403, True),
        (OURS, None, 401, True),  # of nobody
        (OURS, "key", 200, False),
        (OURS, "client", 200, False),
        (OURS, "key", 403, False),
        (OURS, None, 200, False),
        (THEIRS, "end_user", 200, False),
        ("null", "end_user", 200, False),
        (OURS + ".evil.example", "end_user", 200, False),
        ("http://app.example.com", "end_user", 200, False),
        (OURS.upper(), "end_user", 200, False),
        (None, "end_user", 200, False),
    ],
)
def test_only_an_end_user_s_answer_is_shown_to_a_named_origin(
    origin: str | None, kind: str | None, status: int, is_shown: bool
) -> None:
    answer = ask("/v1/accounts", origin=origin, kind=kind, status=status)
    assert answer.has_header("Access-Control-Allow-Origin") == is_shown
    assert not answer.has_header("Access-Control-Allow-Credentials")
    assert "Origin" in answer["Vary"]


def test_pages_are_never_shown_to_another_origin() -> None:
    for path in ("/w/northwind/", "/v1x", "/sign-in/"):
        answer = ask(path, origin=OURS, kind="end_user")
        assert not answer.has_header("Access-Control-Allow-Origin")


@pytest.mark.parametrize(
    "said",
    [
        "*",
        "app.example.com",
        "https://app.example.com/",
        "https://*.example.com",
        "https://a.example.com/x",
        "https://",
        "null",
        "ftp://x",
    ],
)
def test_what_is_no_exact_origin_ends_the_start(said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZENTRA_CORS_ORIGINS", said)
    with pytest.raises(ImproperlyConfigured):
        parse_origins("ZENTRA_CORS_ORIGINS")


def test_origins_are_read_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZENTRA_CORS_ORIGINS", " https://a.example , http://localhost:3000,")
    wanted: Any = {"https://a.example", "http://localhost:3000"}
    assert parse_origins("ZENTRA_CORS_ORIGINS") == wanted
