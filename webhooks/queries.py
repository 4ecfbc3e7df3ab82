"""The reads of this app: the door that others use."""

from webhooks.inbound.queries import callbacks_of_intent, count_callbacks, list_callbacks
from webhooks.outbound.directory import get_endpoint, list_endpoints, signing_keys
from webhooks.outbound.fan_out import next_leaf_index
from webhooks.outbound.queries import (
    DeliveryFilter,
    Undelivered,
    WebhookHealth,
    count_by_state,
    count_retrying,
    deliveries_of_intent,
    endpoint_health,
    get_delivery,
    get_delivery_detail,
    health_24h,
    list_attempts,
    list_deliveries,
    retrying_intents,
    undelivered_of,
)

__all__ = [
    "DeliveryFilter",
    "Undelivered",
    "WebhookHealth",
    "callbacks_of_intent",
    "count_by_state",
    "count_callbacks",
    "count_retrying",
    "deliveries_of_intent",
    "endpoint_health",
    "get_delivery",
    "get_delivery_detail",
    "get_endpoint",
    "health_24h",
    "list_attempts",
    "list_callbacks",
    "list_deliveries",
    "list_endpoints",
    "next_leaf_index",
    "retrying_intents",
    "signing_keys",
    "undelivered_of",
]
