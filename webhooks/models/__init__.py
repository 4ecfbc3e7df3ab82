"""The tables of events out and callbacks in. Private to this app: others use ``operations`` and ``queries``."""

from webhooks.models.inbound import Callback, CallbackKey, Poll, Quarantined
from webhooks.models.outbound import (
    Attempt,
    Cursor,
    Delivery,
    Endpoint,
    EndpointHeader,
    EndpointSecret,
    HealthMinute,
    Replay,
    Stream,
)

__all__ = [
    "Attempt",
    "Callback",
    "CallbackKey",
    "Cursor",
    "Delivery",
    "Endpoint",
    "EndpointHeader",
    "EndpointSecret",
    "HealthMinute",
    "Poll",
    "Quarantined",
    "Replay",
    "Stream",
]
