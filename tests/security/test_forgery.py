"""Requests that another site makes a browser send: every form refuses them, and the API does not know cookies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.conf import settings
from django.test import Client

from tests.api.ledger_of_writes import Writes
from tests.security.addresses import operations, pages

if TYPE_CHECKING:
    from tests.security.conftest import Place

pytestmark = pytest.mark.usefixtures("database")
ELSEWHERE = ("https://evil.example", "null", "http://testserver.evil.example", "https://testserver:8443")


def test_every_form_refuses_without_its_token_and_nothing_happens(place: Place) -> None:
    writes, client = Writes(place.workspace), place.client(csrf=True)
    for address in pages(place.workspace.slug):
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            answer = client.generic(method, address.path, b"a=b", "application/x-www-form-urlencoded")
            assert answer.status_code == 403, (method, address.path, answer.status_code)
    assert writes.new_rows() == {}
    assert writes.new_events() == []


def test_a_right_token_from_elsewhere_is_refused_too(place: Place) -> None:
    client = place.client(csrf=True)
    client.get(place.base)
    token = client.cookies[settings.CSRF_COOKIE_NAME].value
    said = {"csrfmiddlewaretoken": token, "idempotency_key": "k1"}
    for origin in ELSEWHERE:
        answer = client.post(f"{place.base}reviews/claim-next/", said, headers={"Origin": origin})
        assert answer.status_code == 403, origin
    # The same from here is let through; so it is the origin that was refused.
    assert client.post(f"{place.base}reviews/claim-next/", said).status_code != 403


def test_a_token_of_somebody_else_or_in_the_address_is_none(place: Place) -> None:
    other = Client()
    other.get("/sign-in/")
    theirs = other.cookies[settings.CSRF_COOKIE_NAME].value
    client = place.client(csrf=True)
    client.get(place.base)
    mine = client.cookies[settings.CSRF_COOKIE_NAME].value
    path = f"{place.base}reviews/claim-next/"
    assert client.post(path, {"csrfmiddlewaretoken": theirs}).status_code == 403
    assert client.post(f"{path}?csrfmiddlewaretoken={mine}").status_code == 403
    assert client.post(path, {"csrfmiddlewaretoken": ""}).status_code == 403


def test_signing_in_takes_a_token_too(place: Place) -> None:
    said = {"login": place.admin.email, "password": place.admin.password}
    assert Client(enforce_csrf_checks=True).post("/sign-in/", said).status_code == 403


def test_the_api_never_takes_a_cookie_for_a_key(place: Place) -> None:
    client = place.client()
    public = 0
    for method, path in operations():
        answer = client.generic(method, path, b"{}", "application/json")
        if answer.status_code == 401:
            assert answer.json()["code"] == "credential_missing", path
        else:
            public += 1
            assert answer.status_code in {200, 400, 401, 404, 413, 415, 422}, (method, path, answer.status_code)
    # The contract, the catalogue of events, webhook keys, callbacks, tokens: each proves itself otherwise or is public.
    assert public <= 12


def test_nothing_is_changed_by_asking(place: Place) -> None:
    writes, client = Writes(place.workspace), place.client()
    for address in pages(place.workspace.slug):
        if address.name != "account_logout":
            client.get(address.path)
            client.head(address.path)
    assert writes.new_rows() == {}
    assert set(writes.new_types()) <= {"access.denied"}
