"""The reads of this app: the door that others use."""

from webhooks.inbound.queries import (
    CallbackNotFound,
    callbacks_by_outcome,
    callbacks_of_intent,
    callbacks_of_intents,
    count_callbacks,
    count_quarantined,
    get_callback,
    get_quarantined,
    list_callbacks,
    list_quarantine,
    list_refusals,
    poll_states,
    repeats_of,
)
from webhooks.inbound.types import (
    CallbackDetail,
    CallbackFilter,
    OutcomePoint,
    PollResult,
    PollState,
    QuarantineRecord,
    RefusalRecord,
)
from webhooks.outbound.addresses import allows_local, check_url
from webhooks.outbound.awaited import AwaitedDelivery, awaited_of
from webhooks.outbound.directory import get_endpoint, list_endpoints, signing_keys
from webhooks.outbound.endpoints import list_headers, list_secrets, public_keys
from webhooks.outbound.endpoints.limits import API_VERSIONS
from webhooks.outbound.explaining import EventReach, explain_event
from webhooks.outbound.failing import DISABLE_AFTER
from webhooks.outbound.fan_out import next_leaf_index
from webhooks.outbound.filters import AttemptFilter, DeliveryFilter
from webhooks.outbound.health import endpoint_health, endpoint_health_of, health_24h, health_points, health_sparks
from webhooks.outbound.queries import (
    Undelivered,
    count_by_state,
    count_retrying,
    deliveries_of_event,
    deliveries_of_intent,
    get_delivery,
    get_delivery_detail,
    list_attempts,
    list_deliveries,
    retrying_intents,
    undelivered_of,
)
from webhooks.outbound.replays.queries import get_replay, list_replays, preview_replay
from webhooks.outbound.replays.scope import FAILED, ReplayScope
from webhooks.outbound.replays.types import ReplayPreview, ReplayRecord
from webhooks.outbound.schedule import schedule_of
from webhooks.outbound.searching import search_attempts
from webhooks.outbound.subscription import wants
from webhooks.types import WebhookHealth

__all__ = [
    "API_VERSIONS",
    "DISABLE_AFTER",
    "FAILED",
    "AttemptFilter",
    "AwaitedDelivery",
    "CallbackDetail",
    "CallbackFilter",
    "CallbackNotFound",
    "DeliveryFilter",
    "EventReach",
    "OutcomePoint",
    "PollResult",
    "PollState",
    "QuarantineRecord",
    "RefusalRecord",
    "ReplayPreview",
    "ReplayRecord",
    "ReplayScope",
    "Undelivered",
    "WebhookHealth",
    "allows_local",
    "awaited_of",
    "callbacks_by_outcome",
    "callbacks_of_intent",
    "callbacks_of_intents",
    "check_url",
    "count_by_state",
    "count_callbacks",
    "count_quarantined",
    "count_retrying",
    "deliveries_of_event",
    "deliveries_of_intent",
    "endpoint_health",
    "endpoint_health_of",
    "explain_event",
    "get_callback",
    "get_delivery",
    "get_delivery_detail",
    "get_endpoint",
    "get_quarantined",
    "get_replay",
    "health_24h",
    "health_points",
    "health_sparks",
    "list_attempts",
    "list_callbacks",
    "list_deliveries",
    "list_endpoints",
    "list_headers",
    "list_quarantine",
    "list_refusals",
    "list_replays",
    "list_secrets",
    "next_leaf_index",
    "poll_states",
    "preview_replay",
    "public_keys",
    "repeats_of",
    "retrying_intents",
    "schedule_of",
    "search_attempts",
    "signing_keys",
    "undelivered_of",
    "wants",
]
