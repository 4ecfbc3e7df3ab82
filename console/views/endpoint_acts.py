"""What people do with an endpoint: try it, stop it, start it, remove it, and change its keys."""

from collections.abc import Callable
from datetime import timedelta
from typing import Final, cast

from django.http import HttpResponse
from django.shortcuts import render

from console import paging
from console.doors import Visit, room
from console.forms import FormIncomplete, act_once, words
from console.shell import build_shell
from console.types.endpoints import Shown
from console.views.endpoint import KINDS, OVERLAPS
from webhooks.operations import (
    disable_endpoint,
    enable_endpoint,
    expire_secret,
    remove_endpoint,
    rotate_secret,
    send_test_event,
)
from webhooks.types import RotatedSecret, SecretKind
from zentra.tenants.permissions import Permission

_HEADINGS: Final = {
    "hmac": ("The new signing secret", "Give it to whoever verifies. It is shown this once and kept encrypted."),
    "ed25519": ("The new public key", "It verifies v1a signatures. Nobody needs to keep it secret."),
}


def _here(visit: Visit, endpoint_id: str) -> str:
    return f"{visit.base}webhooks/endpoints/{endpoint_id}/"


def _once(visit: Visit, endpoint_id: str, operation: str, effect: Callable[[], str], to: str = "") -> HttpResponse:
    return act_once(visit, operation=f"endpoints.{operation}", effect=effect, to=to or _here(visit, endpoint_id))


@room(Permission.WEBHOOKS_MANAGE)
def test(visit: Visit, endpoint_id: str) -> HttpResponse:
    """Send a test event, and show it arriving."""
    sent: list[str] = []

    def effect() -> str:
        sent.append(send_test_event(endpoint_id=endpoint_id, actor=visit.actor(), now=visit.now))
        return "A test event is recorded; here it is on its way."

    answer = _once(visit, endpoint_id, "test", effect)
    if sent:
        answer.headers["Location"] = paging.link(_here(visit, endpoint_id), test=sent[0])
    return answer


@room(Permission.WEBHOOKS_MANAGE)
def disable(visit: Visit, endpoint_id: str) -> HttpResponse:
    """Send nothing more there. What waits is kept."""
    reason = words(visit, "reason")

    def effect() -> str:
        record = disable_endpoint(endpoint_id=endpoint_id, reason=reason, actor=visit.actor(), now=visit.now)
        return f"{record.url} is disabled. What it misses is kept, ready to replay."

    return _once(visit, endpoint_id, "disable", effect)


@room(Permission.WEBHOOKS_MANAGE)
def enable(visit: Visit, endpoint_id: str) -> HttpResponse:
    """Send there again from now on."""
    reason = words(visit, "reason")

    def effect() -> str:
        record = enable_endpoint(endpoint_id=endpoint_id, reason=reason, actor=visit.actor(), now=visit.now)
        return f"{record.url} is enabled. What it missed meanwhile waits for a replay."

    return _once(visit, endpoint_id, "enable", effect)


@room(Permission.WEBHOOKS_MANAGE)
def remove(visit: Visit, endpoint_id: str) -> HttpResponse:
    """Take it off the list for good; its history stays."""
    reason = words(visit, "reason")

    def effect() -> str:
        record = remove_endpoint(endpoint_id=endpoint_id, reason=reason, actor=visit.actor(), now=visit.now)
        return f"{record.url} is removed. Its deliveries stay where they are."

    return _once(visit, endpoint_id, "remove", effect, to=f"{visit.base}webhooks/")


@room(Permission.WEBHOOKS_MANAGE)
def rotate(visit: Visit, endpoint_id: str) -> HttpResponse:
    """A new key; the old one stays valid for the overlap. A secret is shown in the answer, and never again."""
    kind, overlap = visit.request.POST.get("kind", "hmac"), visit.request.POST.get("overlap", "24")
    if kind not in KINDS or overlap not in OVERLAPS:
        raise FormIncomplete("Choose a kind of key, and how long the old one stays valid.")
    made: list[RotatedSecret] = []

    def effect() -> str:
        made.append(
            rotate_secret(
                endpoint_id=endpoint_id,
                kind=cast("SecretKind", kind),
                overlap=timedelta(hours=int(overlap)),
                actor=visit.actor(),
                now=visit.now,
            )
        )
        return f"The key was rotated; the old one ends {'now' if overlap == '0' else f'in {OVERLAPS[overlap]}'}."

    answer = _once(visit, endpoint_id, "rotate", effect)
    if not made:
        return answer  # sent twice: it was shown the first time
    title, note = _HEADINGS[kind]
    value = made[0].secret if kind == "hmac" else made[0].public_key
    return show_once(visit, Shown(title, value or "", note, _here(visit, endpoint_id)))


def show_once(visit: Visit, shown: Shown) -> HttpResponse:
    """A page that nobody can come back to."""
    answer = render(
        visit.request, "console/shown_once.html", {"shell": build_shell(visit, room="webhooks"), "page": shown}
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer


@room(Permission.WEBHOOKS_MANAGE)
def expire(visit: Visit, endpoint_id: str) -> HttpResponse:
    """End an old key before its overlap does."""
    secret_id = words(visit, "secret")

    def effect() -> str:
        expire_secret(endpoint_id=endpoint_id, secret_id=secret_id, actor=visit.actor(), now=visit.now)
        return "The old key is over: what it signed is accepted no more."

    return _once(visit, endpoint_id, "expire", effect)
