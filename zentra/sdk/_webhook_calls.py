"""The calls about webhooks and alarms as values. The sync and async clients share them."""

import uuid
from collections.abc import Mapping
from typing import Any, Literal, TypeVar

from zentra.sdk._calls import Call, build_get, build_list, build_post, path_of
from zentra.sdk._records import Event, Page, Record
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

Body = Mapping[str, Any]
R = TypeVar("R", bound=Record)

ENDPOINTS = "/webhook-endpoints"
DELIVERIES = "/webhook-deliveries"
REPLAYS = "/webhook-replays"


def create_endpoint(body: Body) -> Call[Endpoint]:
    """``POST /webhook-endpoints``."""
    return build_post(ENDPOINTS, body, Endpoint)


def get_endpoint(endpoint_id: str) -> Call[Endpoint]:
    """``GET /webhook-endpoints/{endpoint_id}``."""
    return build_get(path_of(ENDPOINTS, endpoint_id), Endpoint)


def list_endpoints(**params: object) -> Call[Page[Endpoint]]:
    """``GET /webhook-endpoints``."""
    return build_list(ENDPOINTS, Endpoint, params)


def change_endpoint(endpoint_id: str, body: Body) -> Call[Endpoint]:
    """``PATCH /webhook-endpoints/{endpoint_id}``."""
    return build_post(path_of(ENDPOINTS, endpoint_id), body, Endpoint, method="PATCH")


def remove_endpoint(endpoint_id: str, reason: str | None) -> Call[Endpoint]:
    """``DELETE /webhook-endpoints/{endpoint_id}``."""
    return _build_delete(path_of(ENDPOINTS, endpoint_id), Endpoint, {} if reason is None else {"reason": reason})


def change_state(endpoint_id: str, word: Literal["enable", "disable"], body: Body) -> Call[Endpoint]:
    """``POST /webhook-endpoints/{endpoint_id}/enable`` or ``disable``."""
    return build_post(f"{path_of(ENDPOINTS, endpoint_id)}/{word}", body, Endpoint)


def send_test(endpoint_id: str) -> Call[Record]:
    """``POST /webhook-endpoints/{endpoint_id}/test``."""
    return build_post(f"{path_of(ENDPOINTS, endpoint_id)}/test", {}, Record)


def list_secrets(endpoint_id: str) -> Call[Page[EndpointSecret]]:
    """``GET /webhook-endpoints/{endpoint_id}/secrets``."""
    return build_list(f"{path_of(ENDPOINTS, endpoint_id)}/secrets", EndpointSecret, {})


def rotate_secret(endpoint_id: str, body: Body) -> Call[RotatedSecret]:
    """``POST /webhook-endpoints/{endpoint_id}/secrets/rotate``."""
    return build_post(f"{path_of(ENDPOINTS, endpoint_id)}/secrets/rotate", body, RotatedSecret)


def expire_secret(endpoint_id: str, secret_id: str) -> Call[EndpointSecret]:
    """``POST /webhook-endpoints/{endpoint_id}/secrets/{secret_id}/expire``."""
    secrets = f"{path_of(ENDPOINTS, endpoint_id)}/secrets"
    return build_post(f"{path_of(secrets, secret_id)}/expire", {}, EndpointSecret)


def list_headers(endpoint_id: str) -> Call[Page[EndpointHeader]]:
    """``GET /webhook-endpoints/{endpoint_id}/headers``."""
    return build_list(f"{path_of(ENDPOINTS, endpoint_id)}/headers", EndpointHeader, {})


def set_header(endpoint_id: str, name: str, body: Body) -> Call[EndpointHeader]:
    """``PUT /webhook-endpoints/{endpoint_id}/headers/{name}``."""
    headers = f"{path_of(ENDPOINTS, endpoint_id)}/headers"
    return build_post(path_of(headers, name), body, EndpointHeader, method="PUT")


def remove_header(endpoint_id: str, name: str) -> Call[EndpointHeader]:
    """``DELETE /webhook-endpoints/{endpoint_id}/headers/{name}``."""
    headers = f"{path_of(ENDPOINTS, endpoint_id)}/headers"
    return _build_delete(path_of(headers, name), EndpointHeader, {})


def get_health(endpoint_id: str, **params: object) -> Call[EndpointHealth]:
    """``GET /webhook-endpoints/{endpoint_id}/health``."""
    return build_get(f"{path_of(ENDPOINTS, endpoint_id)}/health", EndpointHealth, params)


def list_deliveries(**params: object) -> Call[Page[Delivery]]:
    """``GET /webhook-deliveries``."""
    return build_list(DELIVERIES, Delivery, params)


def get_delivery(delivery_id: str) -> Call[DeliveryDetail]:
    """``GET /webhook-deliveries/{delivery_id}``."""
    return build_get(path_of(DELIVERIES, delivery_id), DeliveryDetail)


def replay_delivery(delivery_id: str, body: Body) -> Call[Delivery]:
    """``POST /webhook-deliveries/{delivery_id}/replay``."""
    return build_post(f"{path_of(DELIVERIES, delivery_id)}/replay", body, Delivery)


def list_attempts(**params: object) -> Call[Page[Attempt]]:
    """``GET /webhook-attempts``."""
    return build_list("/webhook-attempts", Attempt, params)


def preview_replay(body: Body) -> Call[ReplayPreview]:
    """``POST /webhook-replays/preview``."""
    return build_post(f"{REPLAYS}/preview", body, ReplayPreview)


def create_replay(body: Body) -> Call[Replay]:
    """``POST /webhook-replays``."""
    return build_post(REPLAYS, body, Replay)


def get_replay(replay_id: str) -> Call[Replay]:
    """``GET /webhook-replays/{replay_id}``."""
    return build_get(path_of(REPLAYS, replay_id), Replay)


def list_replays(**params: object) -> Call[Page[Replay]]:
    """``GET /webhook-replays``."""
    return build_list(REPLAYS, Replay, params)


def cancel_replay(replay_id: str, body: Body) -> Call[Replay]:
    """``POST /webhook-replays/{replay_id}/cancel``."""
    return build_post(f"{path_of(REPLAYS, replay_id)}/cancel", body, Replay)


def list_events(**params: object) -> Call[Page[Event]]:
    """``GET /events``."""
    return build_list("/events", Event, params)


def get_event(event_id: str) -> Call[EventDetail]:
    """``GET /events/{event_id}``."""
    return build_get(path_of("/events", event_id), EventDetail)


def list_reach(event_id: str) -> Call[Page[EventReach]]:
    """``GET /events/{event_id}/deliveries``."""
    return build_list(f"{path_of('/events', event_id)}/deliveries", EventReach, {})


def send_event(event_id: str, body: Body) -> Call[Delivery]:
    """``POST /events/{event_id}/deliveries``."""
    return build_post(f"{path_of('/events', event_id)}/deliveries", body, Delivery)


def list_event_types() -> Call[Page[EventType]]:
    """``GET /event-types``."""
    return build_list("/event-types", EventType, {})


def get_event_type(name: str) -> Call[EventType]:
    """``GET /event-types/{name}``."""
    return build_get(path_of("/event-types", name), EventType)


def list_alarms(**params: object) -> Call[Page[Alarm]]:
    """``GET /alarms``."""
    return build_list("/alarms", Alarm, params)


def get_alarm(alarm_id: str) -> Call[Alarm]:
    """``GET /alarms/{alarm_id}``."""
    return build_get(path_of("/alarms", alarm_id), Alarm)


def acknowledge_alarm(alarm_id: str, body: Body) -> Call[Alarm]:
    """``POST /alarms/{alarm_id}/acknowledge``."""
    return build_post(f"{path_of('/alarms', alarm_id)}/acknowledge", body, Alarm)


def _build_delete(path: str, record: type[R], params: Mapping[str, str]) -> Call[R]:
    """A removal: no body, and a key of its own, once for all retries."""
    return Call(
        "DELETE",
        path,
        lambda answer: record(answer.json(), answer.info),
        params=params,
        headers={"Idempotency-Key": str(uuid.uuid4())},
    )
