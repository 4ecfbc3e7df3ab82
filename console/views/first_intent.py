"""The documents' first call, sent from the room through the real API; everything that follows on one page."""

import json
import re
import time
from datetime import timedelta
from typing import Any, Final

import httpx
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render

from console import paging
from console.doors import Visit, room
from console.presenters import story
from console.presenters.entries import entry_row
from console.presenters.webhooks import pretty
from console.readings.intents import read_story
from console.shell import build_shell
from console.types.intents import FirstIntent
from console.views.intents import read_deliveries, read_packet_view
from zentra.core.errors import DomainError
from zentra.core.ids import new_uuid
from zentra.core.tenancy import tenant_work
from zentra.runtime.queries import find_intent, get_history
from zentra.tenants.operations import issue_key, revoke_key
from zentra.tenants.permissions import Permission

PATH: Final = "/v1/runtime/intents"
TIMEOUT_SECONDS: Final = 10.0
# The key of one call: long enough for the call, worthless a minute later.
KEY_LIFE: Final = timedelta(seconds=60)
_INTENT_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_SESSION: Final = "first_intent"


class SandboxOnly(DomainError):
    """A rehearsal is sent in a sandbox; a live workspace moves real money."""

    code = "sandbox_only"
    status = 404
    title = "Rehearsals are sent in a sandbox"


class ApiNotReached(DomainError):
    """Our own API did not answer the call."""

    code = "api_not_reached"
    status = 503
    title = "The API did not answer"
    retryable = True


def request_body(intent_id: str) -> dict[str, object]:
    """The first call, word for word (PRODUCT section 2)."""
    return {
        "intent_id": intent_id,
        "scope": "workspace_scope",
        "money_model": "minor_units + ledger_currency",
        "primitives": ["policy", "ledger", "events"],
    }


@room(Permission.SANDBOX_SEND)
def show(visit: Visit) -> HttpResponse:
    """The call, and once it was sent, what it did, until its packet is sealed."""
    _sandbox_only(visit)
    intent_id = _own_words(visit.request.GET.get("intent", ""))
    first = _sent(visit, intent_id) if intent_id else _unsent(visit)
    if visit.is_partial:
        return render(visit.request, "console/parts/first_progress.html", {"first": first})
    return render(
        visit.request, "console/first_intent.html", {"shell": build_shell(visit, room="first"), "first": first}
    )


def _own_words(text: str) -> str:
    """An intent id, or nothing: the page shows it inside a shell command that people copy."""
    return text if _INTENT_ID.fullmatch(text) else ""


def _sandbox_only(visit: Visit) -> None:
    if visit.workspace.mode != "sandbox":
        raise SandboxOnly("This workspace is live.")


def _fresh_id() -> str:
    return f"intent_{new_uuid().hex[-8:]}"


def _unsent(visit: Visit) -> FirstIntent:
    intent_id = _fresh_id() if find_intent(intent_id="intent_042") else "intent_042"
    return FirstIntent(
        intent_id=intent_id,
        request=json.dumps(request_body(intent_id), indent=2),
        curl=_curl(visit.request, intent_id),
        send_url=f"{visit.base}first-intent/send/",
    )


def _curl(request: HttpRequest, intent_id: str) -> str:
    body = json.dumps(request_body(intent_id))
    return (
        f"curl -sS {request.scheme}://{request.get_host()}{PATH} \\\n  -H 'Authorization: Bearer YOUR_API_KEY' \\\n"
        f"  -H 'Content-Type: application/json' -H 'Prefer: wait=10' \\\n  -d '{body}'"
    )


def _sent(visit: Visit, intent_id: str) -> FirstIntent:
    kept = visit.request.session.get(_SESSION, {})
    answer: dict[str, Any] = kept if kept.get("intent_id") == intent_id else {}
    here = paging.link(f"{visit.base}first-intent/", intent=intent_id)
    fresh = _fresh_id()
    first = {
        "request": json.dumps(request_body(intent_id), indent=2),
        "curl": _curl(visit.request, intent_id),
        "sent": True,
        "answer": answer.get("body", ""),
        "answer_status": answer.get("status", "sent earlier"),
        "intent_id": fresh,
        "send_url": f"{visit.base}first-intent/send/",
        "intent_url": f"{visit.base}intents/{intent_id}/",
        "poll_url": here,
    }
    intent = find_intent(intent_id=intent_id)
    if intent is None:
        return FirstIntent(**first, done=True)
    found = read_story(intent)
    return FirstIntent(
        **first,
        done=intent.packet_revision > 0 or intent.status == "review",
        stages=story.lens(intent, history=get_history(intent_id=intent_id), events=found.events, names=found.names),
        deliveries=read_deliveries(visit, found),
        entries=tuple(entry_row(entry, base=visit.base) for entry in found.entries),
        packet=read_packet_view(visit, found),
    )


@room(Permission.SANDBOX_SEND, in_transaction=False)
def send(visit: Visit) -> HttpResponse:
    """Send the call over HTTP, as any integrator would. The intent id makes a double submit one intent."""
    _sandbox_only(visit)
    intent_id = _own_words(visit.request.POST.get("intent_id", "")) or _fresh_id()
    with tenant_work(visit.workspace):
        key = issue_key(
            workspace=visit.workspace,
            name="first intent",
            now=visit.now,
            scopes=frozenset({Permission.INTENTS_CREATE, Permission.INTENTS_READ}),
            expires_at=visit.now + KEY_LIFE,
            on_behalf_of=visit.member.user_id,
        )
    started = time.monotonic()
    try:
        answer = httpx.post(
            f"http://127.0.0.1:{visit.request.get_port()}{PATH}",
            json=request_body(intent_id),
            timeout=TIMEOUT_SECONDS,
            headers={"Authorization": f"Bearer {key.token}", "Host": visit.request.get_host()},
        )
    except httpx.HTTPError as error:
        raise ApiNotReached(f"{type(error).__name__}: try again in a moment.") from error
    finally:
        with tenant_work(visit.workspace):
            revoke_key(key_id=key.id, now=visit.now)
    took = round((time.monotonic() - started) * 1000)
    visit.request.session[_SESSION] = {
        "intent_id": intent_id,
        "status": f"{answer.status_code} {answer.reason_phrase} · {took} ms",
        "body": pretty(answer.content)[:8000],
    }
    return HttpResponseRedirect(paging.link(f"{visit.base}first-intent/", intent=intent_id))
