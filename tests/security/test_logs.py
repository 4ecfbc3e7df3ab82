"""What the processes write of what they do: never what proves somebody, and no line that somebody else began."""

from __future__ import annotations

import base64
import json
import logging
from typing import TYPE_CHECKING

import pytest
from django.core.cache import cache
from django.test import Client

from zentra.core import ids

if TYPE_CHECKING:
    from tests.security.conftest import Place

pytestmark = pytest.mark.usefixtures("database")
TYPED = "a-password-that-was-typed-wrong"
BROUGHT = "whsec_" + base64.b64encode(b"brought-along-and-secret-of-it-x").decode()


def everything(capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> str:
    out, err = capfd.readouterr()
    return out + err + caplog.text


def test_no_line_holds_what_proves_somebody(
    place: Place, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    cache.clear()
    caplog.set_level(logging.DEBUG)
    person, code = place.admin, place.admin.totp_code()
    client = Client(raise_request_exception=False)
    client.post("/sign-in/", {"login": person.email, "password": TYPED})
    client.post("/sign-in/", {"login": person.email, "password": person.password})
    client.post("/sign-in/second-step/", {"code": "000000"})
    client.post("/sign-in/second-step/", {"code": code})
    session = client.cookies["sessionid"].value
    client.get(f"{place.base}?token={TYPED}")
    client.post(f"{place.base}people/add/", {"idempotency_key": str(ids.new_uuid()), "step_up_code": code})
    api = Client(headers={"Authorization": f"Bearer {place.key}"}, raise_request_exception=False)
    hook = {"url": "https://example.com/x", "secret": BROUGHT, "headers": [{"name": "Authorization", "value": TYPED}]}
    api.post("/v1/webhook-endpoints", json.dumps(hook), "application/json")
    api.post("/v1/webhook-endpoints", json.dumps({**hook, "url": "http://10.0.0.1/"}), "application/json")
    Client(headers={"Authorization": f"Bearer {place.key[:-3]}xxx"}).get("/v1/accounts")
    Client(headers={"Authorization": f"Basic {TYPED}"}).get("/v1/accounts")
    Client().get(f"/welcome/{person.id}/{TYPED}/")
    Client(headers={"Host": "evil.example"}, raise_request_exception=False).get(f"/?{TYPED}")

    written = everything(capfd, caplog)

    secret = place.key.split("_", 3)[3]
    for told in (TYPED, person.password, secret, place.key[-43:-3], session, BROUGHT[6:], code + "'", person.email):
        assert told not in written, told


def test_nobody_begins_a_line_of_the_log(
    place: Place, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    forged = "x\n2026-01-01 level='info' event='money.moved'"
    api = Client(headers={"Authorization": "Bearer zk_test_x", "traceparent": forged, "X-Request-Id": forged,
                          "User-Agent": forged}, raise_request_exception=False)  # fmt: skip
    api.get("/v1/accounts", {"cursor": forged})
    api.get(f"/w/{forged.replace(' ', '%20')}/")
    place.client().get(f"{place.base}intents/", {"q": forged})
    api.post("/v1/runtime/intents", json.dumps({"intent_id": forged}), "application/json")

    written = everything(capfd, caplog)

    assert not [line for line in written.splitlines() if line.startswith("2026-01-01 level=")]
