"""A key is rotated in the browser while a service calls with it all the time: not one call fails."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.people import join
from zentra.core import clock
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.tenants.models import ApiCredential
from zentra.tenants.services.operations.keys import issue_key

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from zentra.embedded.served import ServedZentra

pytestmark = pytest.mark.browser
TOKEN = re.compile(r"zk_test_[0-9a-z]{26}_[A-Za-z0-9_-]{43}")


class Service:
    """Something that posts all the time with the token that it holds now, as a deployed service does."""

    def __init__(self, api_url: str, token: str) -> None:
        self.token = token
        self.statuses: dict[str, list[int]] = {}
        self._url = f"{api_url}/ledger-entries"
        self._calls = 0
        self._stop = threading.Event()

    @contextmanager
    def running(self) -> Iterator[None]:
        """Two threads of calls, until the block ends."""
        threads = [threading.Thread(target=self._call_forever, args=(n,)) for n in range(2)]
        for thread in threads:
            thread.start()
        yield
        self._stop.set()
        for thread in threads:
            thread.join(timeout=60)

    def made(self, token: str) -> int:
        """How many calls there were with this token."""
        return len(self.statuses.get(token, []))

    def _call_forever(self, number: int) -> None:
        with httpx.Client(timeout=30) as http:
            while not self._stop.wait(0.05):
                token, self._calls = self.token, self._calls + 1
                entry = {"debit": "customer_balance", "credit": "reserved_balance", "amount_minor": 1}
                entry["idempotency_key"] = f"{number}-{self._calls}-{token[-6:]}"
                answer = http.post(self._url, json=entry, headers={"Authorization": f"Bearer {token}"})
                self.statuses.setdefault(token, []).append(answer.status_code)


def sign_in(page: Page, workspace: TenantRef) -> None:
    person = join(workspace, role="developer", name="Dana", totp=True)
    page.goto("/sign-in/")
    page.fill("[name=login]", person.email)
    page.fill("[name=password]", person.password)
    page.click("button.pri")
    page.fill("[name=code]", person.totp_code())
    page.click("button.pri")
    page.wait_for_url(f"**/w/{workspace.slug}/**")


def test_a_key_is_rotated_under_traffic_without_one_failed_call(
    page: Page, served: ServedZentra, workspace: TenantRef
) -> None:
    issuer = join(workspace, role="developer").member
    with tenant_work(workspace):
        old = issue_key(workspace=workspace, name="orders", scopes={"ledger.post"}, issuer=issuer, now=clock.now())
    service = Service(served.api_url, old.token)
    sign_in(page, workspace)

    with service.running():
        page.goto(f"/w/{workspace.slug}/keys/{old.id}/")
        page.click("text=Rotate the key")
        page.wait_for_selector("#shown")
        found = TOKEN.fullmatch(page.inner_text("#shown").strip())
        assert found is not None
        new = found[0]
        _wait(page, service, old.token, service.made(old.token) + 5)
        # Both are shown, the old one with its end; then the service is deployed with the new one.
        page.click("text=I have it")
        page.goto(f"/w/{workspace.slug}/keys/")
        rows = page.inner_text("table.keys-table")
        assert "ending" in rows
        assert "in 23 h" in rows
        service.token = new
        _wait(page, service, new, 10)

    assert {status for statuses in service.statuses.values() for status in statuses} == {201}
    assert set(service.statuses) == {old.token, new}
    # The overlap ends: the old one is over, and the new one goes on.
    ApiCredential.objects.filter(id=old.id).update(expires_at=clock.now())
    ended = httpx.get(f"{served.api_url}/accounts", headers={"Authorization": f"Bearer {old.token}"})
    assert ended.json()["code"] == "credential_expired"
    used = httpx.get(f"{served.api_url}/accounts", headers={"Authorization": f"Bearer {new}"})
    assert used.json()["code"] == "permission_denied"
    page.reload()
    assert "ending" not in page.inner_text("table.keys-table")


def _wait(page: Page, service: Service, token: str, calls: int) -> None:
    for _ in range(300):
        if service.made(token) >= calls:
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"only {service.made(token)} of {calls} calls were made")
