"""What the platform's log says: it is one for all tests, so a test looks for its own among everything."""

import json
from typing import Any

from evidence.queries import latest_events
from zentra.core.tenancy import tenant_work
from zentra.tenants.queries import platform_ref

_EVERYTHING = 100_000


def platform_events(kind: str, **data: object) -> list[dict[str, Any]]:
    """The platform's events of a type whose ``data`` says this, newest first."""
    with tenant_work(platform_ref()):
        bodies = [json.loads(each.body) for each in latest_events(limit=_EVERYTHING) if each.type == kind]
    return [body for body in bodies if data.items() <= body["data"].items()]
