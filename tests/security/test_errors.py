"""What fails says a sentence and a request id, and nothing of how we are made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.conf import settings
from django.test import Client

if TYPE_CHECKING:
    from tests.security.conftest import Place

pytestmark = pytest.mark.usefixtures("database")
SECRET = "hunter2-in-a-local-variable"
TELLING = (b"Traceback", b"File &quot;", b'File "', b".py", b"psycopg", b"SELECT ", b"django", b"settings.",
           b"/site-packages/", SECRET.encode())  # fmt: skip


def breaks(*_args: Any, **_words: Any) -> Any:
    password = SECRET
    raise RuntimeError(f"could not do it with {password}")


def test_a_page_that_fails_tells_nothing(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console.shell.list_workspaces_of", breaks)
    answer = place.client().get(place.base)
    assert answer.status_code == 500
    assert [word for word in TELLING if word in answer.content] == []
    assert answer.headers["X-Request-Id"].encode() in answer.content
    assert "no-store" in answer.headers["Cache-Control"]


def test_a_call_that_fails_is_a_problem_and_tells_nothing(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zentra.api.pagination.build_page", breaks)
    client = Client(headers={"Authorization": f"Bearer {place.key}"}, raise_request_exception=False)
    answer = client.get("/v1/accounts")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert [word for word in TELLING if word in answer.content] == []


def test_no_page_of_the_framework_s_own_is_shown(place: Place) -> None:
    assert settings.DEBUG is False
    paths = ("/nowhere/", "/w/", "/admin/", "/static/", "/static/js/", "/v1", "/v1/", "/v1/docs", "/.git/config",
             "/.env", "/__debug__/", "/server-status", "/metrics", "/zentra/settings.py")  # fmt: skip
    odd = (
        Client(headers={"Host": "evil.example"}).get("/"),
        Client().post("/sign-in/", b"\xff", "application/x-www-form-urlencoded"),
        Client().post("/sign-in/", b"\xff", "multipart/form-data; boundary=x"),
        Client().generic("FOO", "/sign-in/"),
        Client().generic("TRACE", "/sign-in/"),
        Client(enforce_csrf_checks=True).post("/sign-in/", {}),
    )
    for answer in (*(Client().get(path) for path in paths), *odd):
        where = answer.request["PATH_INFO"]
        assert answer.status_code in (200, 400, 403, 404, 405), where
        assert answer.status_code >= 400 or where == "/sign-in/", where
        assert [word for word in TELLING if word in answer.content] == [], where


def test_trace_and_unknown_methods_are_refused_everywhere(place: Place) -> None:
    client = Client(headers={"Authorization": f"Bearer {place.key}"})
    inside = place.client()
    for method in ("TRACE", "CONNECT", "FOO", "PROPFIND"):
        assert client.generic(method, "/v1/accounts").status_code == 405
        assert inside.generic(method, place.base).status_code == 405
