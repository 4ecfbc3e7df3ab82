"""A real intent up to *routed*, over a rail that only ever says "accepted": what happened, it tells by callback."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from ledger.queries import entries_of_intent
from tests.webhooks.servers import Answer, Endpoint, scripted_endpoint
from webhooks import signing
from webhooks.operations import receive_callback
from webhooks.types import CallbackReceipt
from zentra.core import clock
from zentra.core.actors import Actor
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.routing.operations import connect_sandbox_rails
from zentra.routing.queries import callback_secrets, find_open_attempt
from zentra.runtime.operations import create_intent, route_intent
from zentra.runtime.queries import get_intent
from zentra.runtime.types import CreateIntent, IntentRecord

API_KEY = Actor(kind="key", id="key_test", role="developer")


@dataclass(frozen=True)
class RoutedIntent:
    """An intent whose outcome the rail has yet to tell."""

    ws: TenantRef
    intent_id: str
    rail_id: str
    key: str
    amount_minor: int
    currency: str
    secret: str

    def event(self, outcome: str, **changes: Any) -> tuple[str, bytes]:
        """(event id, body) of what the rail says."""
        body = {
            "id": f"pev_{self.intent_id}_{outcome}",
            "type": f"payment.{outcome}",
            "reference": self.key,
            "provider_reference": f"ref-{self.intent_id}",
            "amount_minor": self.amount_minor,
            "currency": self.currency,
        } | changes
        return str(body["id"]), json.dumps(body).encode()

    def headers(
        self, event_id: str, body: bytes, *, at: datetime | None = None, secret: str | None = None
    ) -> dict[str, str]:
        return signing.sign(
            message_id=event_id, signed_at=at or clock.now(), body=body, secrets=[secret or self.secret]
        )

    def tell(self, outcome: str, **changes: Any) -> CallbackReceipt:
        """Send a good callback."""
        event_id, body = self.event(outcome, **changes)
        return self.receive(self.headers(event_id, body), body)

    def receive(self, headers: dict[str, str], body: bytes) -> CallbackReceipt:
        """What the API's door does."""
        with tenant_work(self.ws):
            return receive_callback(connection_id=self.rail_id, headers=headers, body=body, now=clock.now())

    def now(self) -> IntentRecord:
        with tenant_work(self.ws):
            return get_intent(intent_id=self.intent_id)

    def purposes(self) -> list[str]:
        """The purpose of each posting made for the intent, in order."""
        with tenant_work(self.ws):
            return list(dict.fromkeys(entry.purpose for entry in entries_of_intent(intent_id=self.intent_id)))

    def entry_count(self) -> int:
        with tenant_work(self.ws):
            return len(entries_of_intent(intent_id=self.intent_id))


@contextmanager
def accepting_rail(ws: TenantRef) -> Iterator[None]:
    """Both sandbox rails connected to a server that accepts every payment and says no more."""
    served: list[Endpoint] = []

    def accept(_: int) -> Answer:
        request = json.loads(served[0].requests[-1][1])
        said = {"key": request["reference"], "state": "accepted", "provider_reference": "ref-1", "executed": True}
        said |= {name: request[name] for name in ("amount_minor", "currency")}
        return Answer(202, {"Content-Type": "application/json"}, json.dumps(said).encode())

    with scripted_endpoint(accept) as endpoint:
        served.append(endpoint)
        with tenant_work(ws):
            connect_sandbox_rails(ws=ws, sandbox_url=endpoint.url.removesuffix("/hook"), now=clock.now())
        yield


def routed_intent(ws: TenantRef, intent_id: str = "intent_042") -> RoutedIntent:
    """An intent that was created, posted and sent to the rail; needs ``accepting_rail``."""
    command = CreateIntent(intent_id=intent_id, amount_minor=125_000, currency="USD", idempotency_key=intent_id)
    with tenant_work(ws):
        create_intent(command=command, actor=API_KEY, ws=ws, now=clock.now())
    route_intent(intent_id=intent_id, ws=ws)
    with tenant_work(ws):
        attempt = find_open_attempt(intent_id=intent_id)
        assert attempt is not None
        [secret] = callback_secrets(rail_id=attempt.rail_id)
    return RoutedIntent(ws, intent_id, attempt.rail_id, attempt.key, 125_000, "USD", secret)


def with_key(intent: RoutedIntent, key: str) -> RoutedIntent:
    """The same, under another reference."""
    return replace(intent, key=key)
