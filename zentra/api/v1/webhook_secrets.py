"""``/webhook-endpoints/{id}/secrets`` and ``/headers``: what signs deliveries, and what the caller adds to them."""

from datetime import datetime, timedelta
from typing import Any, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Router

from webhooks.operations import expire_secret, remove_header, rotate_secret, set_header
from webhooks.queries import get_endpoint, list_headers, list_secrets
from webhooks.types import HeaderRecord
from zentra.api.doors import answer_json, answer_once, caller_of, door
from zentra.api.fields import SECONDS_OF_A_DAY, Body, EmptyBody, IdempotencyKey, Maybe, Overlap, OwnSecret
from zentra.api.problems import RouteNotFound
from zentra.api.v1.endpoint_answers import (
    HeaderAnswer,
    HeaderPage,
    RotatedSecretAnswer,
    SecretAnswer,
    SecretPage,
    show_header,
    show_rotation,
    show_secret,
)
from zentra.api.v1.webhook_endpoints import HeaderValue
from zentra.core.tenancy import tenant_work
from zentra.tenants.permissions import Permission

router = Router(tags=["Webhooks"])


class RotateSecretBody(Body):
    """A new signing key: ``hmac`` for ``v1``, ``ed25519`` for ``v1a`` signatures; a day of overlap if none is said."""

    kind: Maybe[Literal["hmac", "ed25519"]] = None
    overlap_seconds: Maybe[Overlap] = None
    secret: Maybe[OwnSecret] = None
    idempotency_key: Maybe[IdempotencyKey] = None


class SetHeaderBody(Body):
    """The value of a header. A sensitive one is kept encrypted and never told again."""

    value: HeaderValue
    is_sensitive: Maybe[bool] = None
    idempotency_key: Maybe[IdempotencyKey] = None


@door(
    router, "GET", "/webhook-endpoints/{endpoint_id}/secrets", permission=Permission.WEBHOOKS_READ, response=SecretPage
)
def list_all(request: HttpRequest, endpoint_id: str) -> HttpResponse:
    """The signing keys of an endpoint, without the keys themselves."""
    with tenant_work(caller_of(request).tenant):
        found = list_secrets(endpoint_id=endpoint_id)
    return answer_json({"data": [show_secret(each) for each in found], "next_cursor": None, "has_more": False})


@door(
    router,
    "POST",
    "/webhook-endpoints/{endpoint_id}/secrets/rotate",
    permission=Permission.WEBHOOKS_MANAGE,
    response={201: RotatedSecretAnswer},
)
def rotate(request: HttpRequest, endpoint_id: str, body: RotateSecretBody) -> HttpResponse:
    """Sign with a new key from now on, and with the old ones too until the overlap ends. Answered this once."""
    actor = caller_of(request).actor
    seconds = SECONDS_OF_A_DAY if body.overlap_seconds is None else body.overlap_seconds

    def effect(now: datetime) -> dict[str, Any]:
        rotated = rotate_secret(
            endpoint_id=endpoint_id,
            overlap=timedelta(seconds=seconds),
            kind=body.kind or "hmac",
            secret=body.secret,
            actor=actor,
            now=now,
        )
        return show_rotation(rotated)

    return answer_once(
        request, operation="webhook_secrets.rotate", body=body, effect=effect, status=201, is_secret=True
    )


@door(
    router,
    "POST",
    "/webhook-endpoints/{endpoint_id}/secrets/{secret_id}/expire",
    permission=Permission.WEBHOOKS_MANAGE,
    response={200: SecretAnswer},
)
def expire(request: HttpRequest, endpoint_id: str, secret_id: str, body: EmptyBody) -> HttpResponse:
    """End an old key's overlap now. The newest key of its kind stays: rotate it instead."""
    actor = caller_of(request).actor
    return answer_once(
        request,
        operation="webhook_secrets.expire",
        body=body,
        effect=lambda now: show_secret(
            expire_secret(endpoint_id=endpoint_id, secret_id=secret_id, actor=actor, now=now)
        ),
    )


@door(
    router, "GET", "/webhook-endpoints/{endpoint_id}/headers", permission=Permission.WEBHOOKS_READ, response=HeaderPage
)
def headers(request: HttpRequest, endpoint_id: str) -> HttpResponse:
    """The headers that go with each delivery; values of sensitive ones are null."""
    with tenant_work(caller_of(request).tenant):
        found = list_headers(endpoint_id=endpoint_id)
    return answer_json({"data": [show_header(each) for each in found], "next_cursor": None, "has_more": False})


@door(
    router,
    "PUT",
    "/webhook-endpoints/{endpoint_id}/headers/{name}",
    permission=Permission.WEBHOOKS_MANAGE,
    response={200: HeaderAnswer},
)
def put_header(request: HttpRequest, endpoint_id: str, name: str, body: SetHeaderBody) -> HttpResponse:
    """Send a header with each delivery from now on, in place of what it said before."""
    actor = caller_of(request).actor

    def effect(now: datetime) -> dict[str, Any]:
        found = set_header(
            endpoint_id=endpoint_id,
            name=name,
            value=body.value,
            is_sensitive=body.is_sensitive or False,
            actor=actor,
            now=now,
        )
        return show_header(_named(found, name))

    # The words hold what may be a secret.
    return answer_once(request, operation="webhook_headers.set", body=body, effect=effect, is_secret=True)


@door(
    router,
    "DELETE",
    "/webhook-endpoints/{endpoint_id}/headers/{name}",
    permission=Permission.WEBHOOKS_MANAGE,
    response=HeaderAnswer,
)
def delete_header(request: HttpRequest, endpoint_id: str, name: str) -> HttpResponse:
    """Send a header no longer."""
    actor = caller_of(request).actor

    def effect(now: datetime) -> dict[str, Any]:
        before = _named(list_headers(endpoint_id=get_endpoint(endpoint_id=endpoint_id).id), name)
        remove_header(endpoint_id=endpoint_id, name=name, actor=actor, now=now)
        return show_header(before)

    return answer_once(request, operation="webhook_headers.remove", body={}, effect=effect)


def _named(headers: list[HeaderRecord], name: str) -> HeaderRecord:
    for header in headers:
        if header.name == name.lower():
            return header
    raise RouteNotFound(f"The endpoint has no header {name[:80]}.")
