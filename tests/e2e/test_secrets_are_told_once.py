"""Secrets through running processes: told once where they are made, and then in no answer, no log and no table."""

from __future__ import annotations

import re
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from tests.api.answered import places_of
from tests.people import TOTP_SECRET, join
from zentra.core import clock
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.routing.operations import connect_rail

if TYPE_CHECKING:
    from zentra.embedded.served import ServedZentra

_TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')


def post_form(http: httpx.Client, path: str, **fields: str) -> httpx.Response:
    """A form as a browser posts it, with the token that its page holds."""
    token = _TOKEN.search(http.get(path).text)
    assert token is not None, path
    return http.post(path, data={"csrfmiddlewaretoken": token[1], **fields}, headers={"Referer": str(http.base_url)})


def sign_in(served: ServedZentra, workspace: TenantRef) -> tuple[httpx.Client, list[str]]:
    """An admin signed in over HTTP, after a wrong password and a wrong code; what was typed."""
    admin = join(workspace, role="admin")
    password = f"a pass phrase {secrets.token_hex(12)}"
    admin.user.set_password(password)
    admin.user.save()
    browser = httpx.Client(base_url=served.base_url, follow_redirects=False, timeout=60)
    wrong = f"a wrong one {secrets.token_hex(12)}"
    post_form(browser, "/sign-in/", login=admin.email, password=wrong)
    assert post_form(browser, "/sign-in/", login=admin.email, password=password).status_code == 302
    code = admin.totp_code()
    assert post_form(browser, "/sign-in/second-step/", code=code).status_code == 302
    return browser, [wrong, password, TOTP_SECRET]


def make_all(served: ServedZentra, workspace: TenantRef, key: str) -> tuple[httpx.Client, list[str]]:
    """One of everything that has a secret, over the API; each secret, which its answer told."""
    with tenant_work(workspace):
        connect_rail(ws=workspace, name="rail_q", base_url="http://127.0.0.1:9", secret="a-long-first-secret-" * 3,
                     now=clock.now())  # fmt: skip
    http = httpx.Client(base_url=served.api_url, headers={"Authorization": f"Bearer {key}"}, timeout=60)
    told: list[str] = []

    def post(path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = http.post(path, json=body)
        assert answer.status_code in {200, 201}, answer.text
        document: dict[str, Any] = answer.json()
        told.extend(re.findall(r"whsec_[A-Za-z0-9+/=_-]{20,}", answer.text))
        return document

    endpoint = post("/webhook-endpoints", {"url": "http://127.0.0.1:9/hook", "idempotency_key": "hook"})
    post(f"/webhook-endpoints/{endpoint['id']}/secrets/rotate", {})
    post("/alarm-channels", {"kind": "webhook", "target": "http://127.0.0.1:9/alarm"})
    value = f"opensesame{secrets.token_hex(16)}"
    http.put(f"/webhook-endpoints/{endpoint['id']}/headers/X-Auth", json={"value": value}).raise_for_status()
    assert len(set(told)) >= 3
    return http, [*told, value]


def test_secrets_are_told_once_and_are_in_no_log_answer_or_table(
    served: ServedZentra, workspace: TenantRef, api_key: str
) -> None:
    browser, typed = sign_in(served, workspace)
    http, made = make_all(served, workspace, api_key)
    wrong = f"zk_test_{'0' * 26}_{secrets.token_urlsafe(32)}"
    for credential in (wrong, "eyJ" + secrets.token_hex(20), "x" * 3000):
        served_answer = httpx.get(f"{served.api_url}/accounts", headers={"Authorization": f"Bearer {credential}"})
        assert served_answer.status_code == 401
        assert credential not in served_answer.text
    # A body that is not valid is not repeated in words or log either.
    bad = f"whsec_{secrets.token_hex(20)}"
    assert http.post("/webhook-endpoints", json={"url": 7, "secret": bad}).status_code == 422
    every = [*typed, *made, wrong, bad, api_key.split("_", 3)[3]]

    later = [http.get(path).text for path in (
        "/webhook-endpoints", "/alarm-channels", "/rails", "/events?limit=100", "/openapi.json",
    )]  # fmt: skip
    later += [browser.get(f"/w/{workspace.slug}/{room}/").text for room in (
        "webhooks", "alarms", "people", "keys", "settings", "access", "routes",
    )]  # fmt: skip
    for secret in every:
        assert not [number for number, text in enumerate(later) if secret in text], secret[:12]
        assert places_of(secret, workspace) == [], secret[:12]
    written = "".join(each.read_text(errors="replace") for each in Path(served._state, "log").glob("*.log"))
    assert len(written) > 100
    assert [secret[:12] for secret in every if secret in written] == []
    browser.close()
    http.close()
