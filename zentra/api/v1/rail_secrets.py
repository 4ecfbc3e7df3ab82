"""``/rails/{rail}/callback-secrets`` and ``/callback-scheme``: what proves that a rail sent us something."""

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Router
from pydantic import StringConstraints

from zentra.api.doors import answer_json, answer_once, caller_of, door
from zentra.api.fields import SECONDS_OF_A_DAY, Body, EmptyBody, IdempotencyKey, Maybe, Overlap
from zentra.api.v1.callback_answers import (
    ChangedSchemeAnswer,
    RailSecretAnswer,
    RailSecretPage,
    RotatedRailSecretAnswer,
    show_changed_scheme,
    show_rail_rotation,
    show_rail_secret,
    show_rail_secrets,
)
from zentra.core import clock
from zentra.core.tenancy import tenant_work
from zentra.routing.operations import expire_rail_secret, rotate_rail_secret, set_callback_scheme
from zentra.routing.queries import get_callback_scheme, list_rail_secrets
from zentra.tenants.permissions import Permission

router = Router(tags=["Callbacks"])

HeaderText = Annotated[str, StringConstraints(max_length=64)]
RailSecretText = Annotated[str, StringConstraints(min_length=1, max_length=256)]


class RotateRailSecretBody(Body):
    """A day of overlap if none is said; ``secret`` where the provider made it."""

    overlap_seconds: Maybe[Overlap] = None
    secret: Maybe[RailSecretText] = None
    idempotency_key: Maybe[IdempotencyKey] = None


class SetSchemeBody(Body):
    """How a rail signs: the scheme, where it says so (names of headers), and the provider's secret where it has one."""

    scheme: Literal["standard_webhooks", "stripe", "hmac_hex", "ed25519"]
    settings: Maybe[dict[str, HeaderText]] = None
    secret: Maybe[RailSecretText] = None
    idempotency_key: Maybe[IdempotencyKey] = None


@door(router, "GET", "/rails/{rail_id}/callback-secrets", permission=Permission.RAILS_MANAGE, response=RailSecretPage)
def list_all(request: HttpRequest, rail_id: str) -> HttpResponse:
    """How a rail's callbacks are signed, and its valid secrets without their text."""
    with tenant_work(caller_of(request).tenant):
        scheme = get_callback_scheme(rail_id=rail_id)
        found = list_rail_secrets(rail_id=rail_id, now=clock.now())
    return answer_json(show_rail_secrets(scheme, found))


@door(
    router,
    "POST",
    "/rails/{rail_id}/callback-secrets/rotate",
    permission=Permission.RAILS_MANAGE,
    response={201: RotatedRailSecretAnswer},
)
def rotate(request: HttpRequest, rail_id: str, body: RotateRailSecretBody) -> HttpResponse:
    """Let a rail sign with a new secret; the one before it is valid until the overlap ends. Answered this once."""
    actor = caller_of(request).actor
    seconds = SECONDS_OF_A_DAY if body.overlap_seconds is None else body.overlap_seconds

    def effect(now: datetime) -> dict[str, Any]:
        rotated = rotate_rail_secret(
            rail_id=rail_id, overlap=timedelta(seconds=seconds), secret=body.secret, actor=actor, now=now
        )
        return show_rail_rotation(rotated)

    return answer_once(request, operation="rail_secrets.rotate", body=body, effect=effect, status=201, is_secret=True)


@door(
    router,
    "POST",
    "/rails/{rail_id}/callback-secrets/{secret_id}/expire",
    permission=Permission.RAILS_MANAGE,
    response={200: RailSecretAnswer},
)
def expire(request: HttpRequest, rail_id: str, secret_id: str, body: EmptyBody) -> HttpResponse:
    """End an old callback secret's overlap now."""
    actor = caller_of(request).actor
    return answer_once(
        request,
        operation="rail_secrets.expire",
        body=body,
        effect=lambda now: show_rail_secret(
            expire_rail_secret(rail_id=rail_id, secret_id=secret_id, actor=actor, now=now)
        ),
    )


@door(
    router,
    "PUT",
    "/rails/{rail_id}/callback-scheme",
    permission=Permission.RAILS_MANAGE,
    response={200: ChangedSchemeAnswer},
)
def put_scheme(request: HttpRequest, rail_id: str, body: SetSchemeBody) -> HttpResponse:
    """Say how a rail's callbacks are signed. Where its secret does not fit, a new one is made, answered this once."""
    actor = caller_of(request).actor

    def effect(now: datetime) -> dict[str, Any]:
        changed = set_callback_scheme(
            rail_id=rail_id, scheme=body.scheme, settings=body.settings or {}, secret=body.secret, actor=actor, now=now
        )
        return show_changed_scheme(rail_id, changed)

    return answer_once(request, operation="rail_schemes.set", body=body, effect=effect, is_secret=True)
