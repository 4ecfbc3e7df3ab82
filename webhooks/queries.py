"""The reads of this app: the door that others use."""

from webhooks.inbound.queries import callbacks_of_intent, count_callbacks, list_callbacks
from webhooks.outbound.directory import get_endpoint, list_endpoints, signing_keys
from webhooks.outbound.fan_out import next_leaf_index
from webhooks.outbound.queries import (
    DeliveryFilter,
    WebhookHealth,
    deliveries_of_intent,
    endpoint_health,
    get_delivery,
    get_delivery_detail,
    health_24h,
    list_attempts,
    list_deliveries,
)

__all__ = [
    "DeliveryFilter",
    "WebhookHealth",
    "callbacks_of_intent",
    "count_callbacks",
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
    "signing_keys",
]
