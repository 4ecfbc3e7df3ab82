"""A session begins new with each sign-in, ends on our side, and is nobody else's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.conf import settings
from django.core.cache import cache
from django.test import Client

if TYPE_CHECKING:
    from tests.security.conftest import Place

pytestmark = pytest.mark.usefixtures("database")
COOKIE = settings.SESSION_COOKIE_NAME


@pytest.fixture(autouse=True)
def _without_earlier_failures(database: None) -> None:
    cache.clear()


def signed_in(place: Place, client: Client) -> Client:
    client.post("/sign-in/", {"login": place.admin.email, "password": place.admin.password})
    return client


def test_a_planted_session_is_not_the_one_that_is_signed_in(place: Place) -> None:
    attacker = Client()
    attacker.get(place.base)  # whatever an anonymous visit may have left
    planted = "0123456789abcdefghijklmnopqrstuv"
    victim = Client()
    victim.cookies[COOKIE] = planted
    signed_in(place, victim)
    victim.post("/sign-in/second-step/", {"code": place.admin.totp_code()})
    mine = victim.cookies[COOKIE].value
    assert mine != planted
    assert victim.get(place.base).status_code == 200
    attacker.cookies[COOKIE] = planted
    assert attacker.get(place.base).status_code == 302


def test_each_step_of_signing_in_has_a_session_of_its_own(place: Place) -> None:
    client = Client()
    signed_in(place, client)
    half = client.cookies[COOKIE].value
    client.post("/sign-in/second-step/", {"code": place.admin.totp_code()})
    whole = client.cookies[COOKIE].value
    assert half != whole
    # What was half of a session is none by now.
    stale = Client()
    stale.cookies[COOKIE] = half
    assert stale.get(place.base).status_code == 302
    assert stale.post("/sign-in/second-step/", {"code": place.admin.totp_code()}).status_code == 302
    assert stale.get(place.base).status_code == 302


def test_the_token_of_forms_changes_with_the_sign_in(place: Place) -> None:
    client = Client()
    client.get("/sign-in/")
    before = client.cookies[settings.CSRF_COOKIE_NAME].value
    signed_in(place, client)
    client.post("/sign-in/second-step/", {"code": place.admin.totp_code()})
    assert client.cookies[settings.CSRF_COOKIE_NAME].value != before


def test_signing_out_ends_the_session_on_our_side(place: Place) -> None:
    client = place.client()
    kept = client.cookies[COOKIE].value
    assert client.get(place.base).status_code == 200
    client.post("/sign-out/")
    thief = Client()
    thief.cookies[COOKIE] = kept
    assert thief.get(place.base).status_code == 302


@pytest.mark.parametrize("value", ["", "x", "a" * 32, "../../etc/passwd", "' OR 1=1 --", "a" * 4000, "é", "%00"])
def test_a_made_up_session_is_nobody(place: Place, value: str) -> None:
    client = Client(raise_request_exception=False)
    client.cookies[COOKIE] = value
    assert client.get(place.base).status_code == 302
    assert client.post("/sign-out/").status_code == 302


def test_the_way_out_is_on_every_page(place: Place) -> None:
    client = place.client()
    for path in (place.base, f"{place.base}intents/", f"{place.base}accounts/nothing/", "/second-factor/"):
        assert 'action="/sign-out/"' in client.get(path).content.decode(), path
