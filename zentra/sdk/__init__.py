"""The Python client of Zentra. It needs httpx and the standard library, and no Django.

::

    from zentra.sdk import Zentra

    zentra = Zentra(api_key="zk_test_…", base_url="http://localhost:8000")
    intent = zentra.runtime.intents.create({"intent_id": "intent_042", "scope": "workspace_scope",
                                            "money_model": "minor_units + ledger_currency",
                                            "primitives": ["policy", "ledger", "events"]}, wait=True)
    print(intent.status, intent["audit_packet"])

``AsyncZentra`` is the same, awaited. Every call that changes something carries an idempotency key (yours, the intent's
id, or one made for the call), and is sent again with that key when the connection was lost and the answer with it.

Errors
------
"""

from zentra.sdk import _errors, webhooks
from zentra.sdk._client import AsyncZentra, Zentra
from zentra.sdk._errors import (
    ApiError,
    AuthenticationError,
    ConfigurationError,
    Conflict,
    ConnectionFailed,
    IdempotencyError,
    IdempotencyInFlight,
    InvalidRequest,
    MalformedDelivery,
    NotFound,
    PacketPending,
    PermissionDenied,
    RateLimited,
    ServerError,
    SignatureMismatch,
    StaleDelivery,
    TimedOut,
    TransportError,
    UnexpectedAnswer,
    WebhookVerificationError,
    ZentraError,
)
from zentra.sdk._mock import MockTransport, SentRequest
from zentra.sdk._records import (
    Account,
    AnswerInfo,
    Balances,
    BatchResult,
    Correction,
    Entry,
    Event,
    Hold,
    Intent,
    Packet,
    Page,
    Posting,
    PostingDetail,
    Preview,
    Record,
    Statement,
    Timeline,
)
from zentra.sdk._webhook_records import (
    Alarm,
    Attempt,
    Delivery,
    DeliveryDetail,
    Endpoint,
    EndpointHeader,
    EndpointHealth,
    EndpointSecret,
    EventDetail,
    EventReach,
    EventType,
    Replay,
    ReplayPreview,
    RotatedSecret,
)
from zentra.sdk.webhooks import WebhookEvent

__doc__ = f"{__doc__}{_errors.__doc__}"

__all__ = [
    "Account",
    "Alarm",
    "AnswerInfo",
    "ApiError",
    "AsyncZentra",
    "Attempt",
    "AuthenticationError",
    "Balances",
    "BatchResult",
    "ConfigurationError",
    "Conflict",
    "ConnectionFailed",
    "Correction",
    "Delivery",
    "DeliveryDetail",
    "Endpoint",
    "EndpointHeader",
    "EndpointHealth",
    "EndpointSecret",
    "Entry",
    "Event",
    "EventDetail",
    "EventReach",
    "EventType",
    "Hold",
    "IdempotencyError",
    "IdempotencyInFlight",
    "Intent",
    "InvalidRequest",
    "MalformedDelivery",
    "MockTransport",
    "NotFound",
    "Packet",
    "PacketPending",
    "Page",
    "PermissionDenied",
    "Posting",
    "PostingDetail",
    "Preview",
    "RateLimited",
    "Record",
    "Replay",
    "ReplayPreview",
    "RotatedSecret",
    "SentRequest",
    "ServerError",
    "SignatureMismatch",
    "StaleDelivery",
    "Statement",
    "TimedOut",
    "Timeline",
    "TransportError",
    "UnexpectedAnswer",
    "WebhookEvent",
    "WebhookVerificationError",
    "Zentra",
    "ZentraError",
    "webhooks",
]
