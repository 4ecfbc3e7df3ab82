"""What the hostile cases share: a stranger at the door of a workspace that holds something, and what was recorded."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from django.test import Client

from evidence.queries import list_events
from ledger.operations import start_export
from ledger.queries import find_account
from policy.reviews.operations.views import save_view
from tests.isolation.credentials import key
from tests.people import Person, join
from zentra.core import actors, clock
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.runtime.operations import create_intent
from zentra.runtime.types import CreateIntent
from zentra.tenants.permissions import API_SCOPES

INTENT = "intent_of_theirs_7741"


@dataclass(frozen=True)
class Denied:
    """A recorded denial, as far as these cases look at it."""

    actor: str
    action: str
    reason: str
    side: str
    surface: str
    data: dict[str, Any] = field(compare=False)


def denied(ws: TenantRef, *, actor: str = "", reason: str = "") -> list[Denied]:
    """What was recorded in a workspace, oldest first."""
    with tenant_work(ws):
        found, _ = list_events(types=["access.denied"], limit=2000)
    said = [json.loads(event.body) for event in reversed(found)]
    every = [
        Denied(
            each["actor"]["id"], each["data"]["action"], each["data"].get("reason", ""), each["data"].get("side", ""),
            each["data"].get("surface", ""), each["data"],
        )
        for each in said
    ]  # fmt: skip
    return [each for each in every if actor in ("", each.actor) and reason in ("", each.reason)]


def recorded_in(ws: TenantRef, type_: str, text: str = "") -> list[dict[str, Any]]:
    """Events of another type, oldest first."""
    with tenant_work(ws):
        found, _ = list_events(types=[type_], text=text, limit=2000)
    return [json.loads(event.body) for event in reversed(found)]


@dataclass
class Scene:
    """Our workspace with a person and a key that are hostile; theirs, with something worth taking."""

    ours: TenantRef
    theirs: TenantRef
    person: Person
    key_id: str
    token: str
    victim: Person
    their_key_id: str
    their_token: str
    account: str
    export: str
    view: str

    @property
    def browser(self) -> Client:
        """Our person, signed in."""
        return self.person.sign_in(Client())

    def api(self, method: str, path: str, *, token: str = "", body: Any = None, **headers: str) -> Any:
        """A request with our key, or another token."""
        headers["Authorization"] = f"Bearer {token or self.token}"
        content = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        return Client().generic(method, f"/v1{path}", content, content_type="application/json", headers=headers)


def make_scene(ours: TenantRef, theirs: TenantRef) -> Scene:
    person, victim = join(ours, role="auditor", name="Mallory"), join(theirs, role="auditor", name="Victoria")
    now = clock.now()
    with tenant_work(theirs):
        create_intent(command=CreateIntent(intent_id=INTENT), actor=actors.EDGE, ws=theirs, now=now)
        account = find_account(ref="customer_balance", currency="USD")
        export = start_export(kind="postings", format="csv", filters=_everything(), actor=victim.actor(), now=now)
        view = save_view(user_id=victim.id, room="reviews", name="mine", query="mine=1", now=now)
    (key_id, token), (their_id, their_token) = key(ours, API_SCOPES), key(theirs, API_SCOPES)
    assert account is not None
    return Scene(
        ours, theirs, person, key_id, token, victim, their_id, their_token, account.id, export.id, str(view.id)
    )  # fmt: skip


def _everything() -> Any:
    from ledger.files.types import ExportFilters

    return ExportFilters()
