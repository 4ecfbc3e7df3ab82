"""Cookies: two, of this host alone, read by no script, and over TLS by nothing else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from django.conf import settings
from django.test import Client, override_settings

from tests.security.addresses import pages
from zentra.embedded.layout import CLONE

if TYPE_CHECKING:
    from tests.security.conftest import Place

pytestmark = pytest.mark.usefixtures("database")
NAMES = ("SESSION_COOKIE_NAME", "CSRF_COOKIE_NAME", "SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE",
         "SESSION_COOKIE_HTTPONLY", "CSRF_COOKIE_HTTPONLY", "SESSION_COOKIE_SAMESITE", "CSRF_COOKIE_SAMESITE",
         "SESSION_COOKIE_DOMAIN", "SESSION_COOKIE_PATH", "CSRF_COOKIE_DOMAIN", "CSRF_COOKIE_PATH",
         "SECURE_HSTS_SECONDS", "SECURE_HSTS_INCLUDE_SUBDOMAINS", "SECURE_SSL_REDIRECT", "DEBUG",
         "SESSION_ENGINE", "MESSAGE_STORAGE")  # fmt: skip
OVER_TLS = {
    "SESSION_COOKIE_NAME": "__Host-sessionid",
    "CSRF_COOKIE_NAME": "__Host-csrftoken",
    "SESSION_COOKIE_SECURE": True,
    "CSRF_COOKIE_SECURE": True,
    "SECURE_HSTS_SECONDS": 31_536_000,
    "SECURE_HSTS_INCLUDE_SUBDOMAINS": True,
    "SECURE_SSL_REDIRECT": True,
}


def test_an_address_with_https_turns_on_what_tls_allows() -> None:
    asked = (
        f"import json; from django.conf import settings as s; print(json.dumps({{n: getattr(s, n) for n in {NAMES}}}))"
    )
    environment = os.environ | {
        "ZENTRA_BASE_URL": "https://zentra.example",
        "DJANGO_SETTINGS_MODULE": "zentra.settings",
    }
    told = subprocess.run(
        [sys.executable, "-c", asked], cwd=CLONE, env=environment, capture_output=True, text=True, check=True
    )
    found = json.loads(told.stdout)
    assert OVER_TLS.items() <= found.items()
    for kind in ("SESSION", "CSRF"):
        assert found[f"{kind}_COOKIE_HTTPONLY"] is True
        assert found[f"{kind}_COOKIE_SAMESITE"] == "Lax"
        # What a __Host- cookie must be, or browsers throw it away.
        assert (found[f"{kind}_COOKIE_DOMAIN"], found[f"{kind}_COOKIE_PATH"]) == (None, "/")
    assert found["DEBUG"] is False


def test_a_session_cookie_over_tls_is_of_this_host_and_of_no_script(place: Place) -> None:
    with override_settings(**OVER_TLS):
        client = Client()
        client.get("/sign-in/", secure=True)
        client.post("/sign-in/", {"login": place.admin.email, "password": place.admin.password}, secure=True)
        jar = dict(client.cookies)
    assert set(jar) == {"__Host-sessionid", "__Host-csrftoken"}
    for name, cookie in jar.items():
        assert (cookie["secure"], cookie["httponly"]) == (True, True), name
        assert (cookie["samesite"], cookie["path"], cookie["domain"]) == ("Lax", "/", ""), name
        assert len(name) + len(cookie.value) < 4096


def test_no_page_sets_any_other_cookie_and_the_api_sets_none(place: Place) -> None:
    client = place.client()
    for address in pages(place.workspace.slug):
        if address.name != "account_logout":
            client.get(address.path)
    # A form's answer speaks through a message; it is kept in the session.
    client.post(f"{place.base}reviews/claim-next/", {"idempotency_key": "k"})
    assert set(client.cookies) <= {settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME}
    called = Client(headers={"Authorization": f"Bearer {place.key}"})
    called.get("/v1/accounts")
    called.get("/healthz")
    assert called.cookies == {}


@override_settings(**OVER_TLS)
def test_in_clear_pages_lead_to_tls_and_the_api_refuses(place: Place) -> None:
    page = Client().get("/sign-in/?next=/x")
    assert (page.status_code, page.headers["Location"]) == (301, "https://testserver/sign-in/?next=/x")
    called = Client(headers={"Authorization": f"Bearer {place.key}"})
    refused = called.get("/v1/accounts")
    assert (refused.status_code, refused.json()["code"]) == (403, "tls_required")
    assert "Location" not in refused.headers
    assert called.get("/healthz").status_code == 200
    assert called.get("/v1/accounts", secure=True).status_code == 200


def test_a_made_up_proxy_header_makes_nothing_secure(place: Place) -> None:
    with override_settings(**OVER_TLS):
        answer = Client(headers={"X-Forwarded-Proto": "https", "Authorization": f"Bearer {place.key}"}).get(
            "/v1/accounts"
        )
    assert answer.json()["code"] == "tls_required"


def test_a_session_id_is_long_random_and_kept_on_our_side(place: Place) -> None:
    ids = {place.client().cookies[settings.SESSION_COOKIE_NAME].value for _ in range(3)}
    assert len(ids) == 3
    assert all(len(each) >= 32 for each in ids)  # 32 of 36 characters: 165 bits, by `secrets`
    assert settings.SESSION_ENGINE.endswith(("sessions.backends.db", "tenants.sessions.store"))
