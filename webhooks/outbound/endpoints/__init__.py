"""Endpoints: make and change them, their headers, their keys, their states, and try them out.

Every write locks the endpoint's row first, before any delivery's, and records its event in the same transaction.
"""

from webhooks.outbound.endpoints.headers import InvalidEndpointHeader, list_headers
from webhooks.outbound.endpoints.keys import (
    InvalidEndpointSecret,
    InvalidOverlap,
    SecretInUse,
    SecretNotFound,
    TooManySecrets,
    expire_secret,
    forget_expired_secrets,
    list_secrets,
    public_keys,
    rotate_secret,
)
from webhooks.outbound.endpoints.limits import (
    InvalidEndpointInFlight,
    InvalidEndpointRate,
    InvalidEndpointSchedule,
    InvalidEndpointTimeout,
    InvalidEndpointVersion,
)
from webhooks.outbound.endpoints.rows import EndpointRemoved, StaleEndpoint
from webhooks.outbound.endpoints.states import (
    EndpointUnverified,
    disable_endpoint,
    enable_endpoint,
    remove_endpoint,
)
from webhooks.outbound.endpoints.subscribing import change_endpoint, create_endpoint, remove_header, set_header
from webhooks.outbound.endpoints.trying import send_test_event

__all__ = [
    "EndpointRemoved",
    "EndpointUnverified",
    "InvalidEndpointHeader",
    "InvalidEndpointInFlight",
    "InvalidEndpointRate",
    "InvalidEndpointSchedule",
    "InvalidEndpointSecret",
    "InvalidEndpointTimeout",
    "InvalidEndpointVersion",
    "InvalidOverlap",
    "SecretInUse",
    "SecretNotFound",
    "StaleEndpoint",
    "TooManySecrets",
    "change_endpoint",
    "create_endpoint",
    "disable_endpoint",
    "enable_endpoint",
    "expire_secret",
    "forget_expired_secrets",
    "list_headers",
    "list_secrets",
    "public_keys",
    "remove_endpoint",
    "remove_header",
    "rotate_secret",
    "send_test_event",
    "set_header",
]
