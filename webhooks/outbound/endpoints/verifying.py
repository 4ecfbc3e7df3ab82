"""Proof, before anything is sent, that whoever runs a URL wants what we send: they answer a challenge.

The challenge goes with each test event of an endpoint that is not verified yet, as the header ``zentra-challenge``. The
answer is 2xx with the same header, or with a JSON body ``{"challenge": …}``: a server that merely echoes what it gets
proves nothing. Until then events are retained. Off unless asked for (``verify_webhook_endpoints`` of the workspace).
"""

import hmac
import json
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from webhooks.models import Endpoint
from webhooks.outbound.endpoints import rows, states
from zentra.core import crypto
from zentra.core.actors import EVENTS
from zentra.core.queue import lanes
from zentra.core.tenancy import current_tenant
from zentra.tenants.configuration.queries import read_settings

HEADER: Final = "zentra-challenge"
REASON: Final = "it has not answered its challenge yet"
_CHARACTERS: Final = 43


def is_required() -> bool:
    """Whether this workspace sends to verified endpoints only."""
    return read_settings(workspace_id=current_tenant().id).verify_webhook_endpoints


def challenge(*, endpoint_id: str, event_id: str) -> str:
    """What one test event asks of one endpoint; nobody can compute it without our keys, so nothing is stored."""
    return crypto.keyed_digest(f"challenge.{endpoint_id}.{event_id}".encode()).hex()[:_CHARACTERS]


def is_answered(expected: str, *, headers: Iterable[tuple[str, str]], body: bytes) -> bool:
    """Whether an answer says the challenge, in a header or in JSON."""
    said = [value for name, value in headers if name.lower() == HEADER]
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        parsed = None
    if isinstance(parsed, dict) and isinstance(parsed.get("challenge"), str):
        said.append(parsed["challenge"])
    # JSON can name half of a surrogate pair, which is no text.
    return any(hmac.compare_digest(each.strip().encode(errors="replace"), expected.encode()) for each in said)


def enable_verified(*, endpoint_id: str, now: datetime) -> bool:
    """It answered: deliver from now on. What was retained stays so; returns whether it had waited for this."""
    waiting = Endpoint.objects.filter(id=endpoint_id, disabled_by="unverified", removed_at=None)
    if waiting.update(**states.ENABLED) != 1:
        return False
    lanes.resume_lane(lane=endpoint_id)
    data = {"reason": "it answered its challenge"}
    rows.record("endpoint.enabled", endpoint_id, actor=EVENTS, data=data, now=now)
    return True
