"""The form of an endpoint, new or there already: where, what, how fast, with which headers."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.db import transaction
from django.http import HttpResponse, QueryDict
from django.shortcuts import render

from console.asked import asked
from console.doors import Visit, room
from console.forms import FormIncomplete, act_once
from console.presenters.endpoints import delay_words, schedule_words
from console.presenters.picker import stage_choices
from console.refusals import explain
from console.shell import build_shell
from console.types.endpoints import EndpointForm, HeaderInput, Shown
from console.types.ledger import Field, Option
from console.views.endpoint_acts import show_once
from webhooks.operations import change_endpoint, create_endpoint
from webhooks.queries import API_VERSIONS, allows_local, get_endpoint, list_headers, schedule_of
from webhooks.types import CreatedEndpoint, EndpointRecord, Header
from zentra.core.errors import DomainError
from zentra.tenants.permissions import Permission

EVERYTHING: Final = "*"
BLANK_HEADERS: Final = 2
MAX_HEADERS: Final = 30
_DELAY: Final = re.compile(r"(\d{1,7})\s*(s|m|h|d)?", re.ASCII)
_UNITS: Final = {"": 1, "s": 1, "m": 60, "h": 3_600, "d": 86_400}


@dataclass(frozen=True, slots=True)
class Typed:
    """What a form holds, as it was typed or as it stands."""

    url: str = ""
    description: str = ""
    patterns: tuple[str, ...] = (EVERYTHING,)
    timeout: str = "10"
    rate: str = ""
    in_flight: str = "10"
    schedule: str = ""
    api_version: str = API_VERSIONS[-1]
    headers: tuple[HeaderInput, ...] = ()
    version: str = ""
    verify: bool = False


@room(Permission.WEBHOOKS_MANAGE)
def create(visit: Visit) -> HttpResponse:
    """A new endpoint. Its secret is shown in the answer."""
    if visit.request.method != "POST":
        wanted = asked(visit, "type")
        return _show(visit, Typed(patterns=(wanted,) if wanted else (EVERYTHING,)))
    typed = _typed(visit.request.POST)
    if visit.request.POST.get("do") == "headers":
        return _show(visit, typed)
    made: list[CreatedEndpoint] = []

    def effect() -> str:
        made.append(
            create_endpoint(
                url=typed.url,
                actor=visit.actor(),
                now=visit.now,
                event_filter=typed.patterns,
                description=typed.description,
                timeout_seconds=_number(typed.timeout, "The timeout"),
                rate_per_second=_optional(typed.rate, "The rate"),
                max_in_flight=_number(typed.in_flight, "Attempts at once"),
                schedule=read_schedule(typed.schedule),
                headers=_headers(typed.headers),
                api_version=typed.api_version,
                verify=typed.verify,
            )
        )
        if made[0].endpoint.state == "disabled":
            return f"{made[0].endpoint.url} is added. A test event carries its challenge; the answer enables it."
        return f"{made[0].endpoint.url} receives events from now on."

    try:
        with transaction.atomic():
            answer = act_once(visit, operation="endpoints.create", effect=effect, to=f"{visit.base}webhooks/")
    except DomainError as error:
        return _show(visit, typed, error=error)
    if not made:
        return answer  # sent twice: the secret was shown the first time
    endpoint_url = f"{visit.base}webhooks/endpoints/{made[0].endpoint.id}/"
    note = "It signs what is sent to this endpoint. It is shown this once and kept encrypted; rotate it for a new one."
    return show_once(visit, Shown("The signing secret", made[0].secret, note, endpoint_url))


@room(Permission.WEBHOOKS_MANAGE)
def settings(visit: Visit, endpoint_id: str) -> HttpResponse:
    """Change an endpoint. What waits is sent by the new settings too."""
    endpoint = get_endpoint(endpoint_id=endpoint_id)
    if visit.request.method != "POST":
        return _show(visit, _stored(endpoint), endpoint=endpoint)
    typed = _typed(visit.request.POST)
    if visit.request.POST.get("do") == "headers":
        return _show(visit, typed, endpoint=endpoint)

    def effect() -> str:
        record = change_endpoint(
            endpoint_id=endpoint_id,
            version=_number(typed.version, "The revision"),
            actor=visit.actor(),
            now=visit.now,
            url=typed.url,
            description=typed.description,
            event_filter=typed.patterns,
            timeout_seconds=_number(typed.timeout, "The timeout"),
            rate_per_second=_optional(typed.rate, "The rate"),
            max_in_flight=_number(typed.in_flight, "Attempts at once"),
            schedule=read_schedule(typed.schedule),
            api_version=typed.api_version,
            headers=_headers(typed.headers),
        )
        return f"{record.url} is changed; what waits is sent by the new settings."

    here = f"{visit.base}webhooks/endpoints/{endpoint_id}/"
    try:
        with transaction.atomic():
            return act_once(visit, operation="endpoints.change", effect=effect, to=here)
    except DomainError as error:
        return _show(visit, typed, endpoint=endpoint, error=error)


# --- showing ---------------------------------------------------------------------------------------------------------


def _show(
    visit: Visit, typed: Typed, *, endpoint: EndpointRecord | None = None, error: DomainError | None = None
) -> HttpResponse:
    """The form as it was filled in, with why it was refused."""
    refusal = explain(error, workspace_id=visit.workspace.id) if error else None
    here = f"{visit.base}webhooks/endpoints/"
    own = f"{here}{endpoint.id}/" if endpoint else ""
    delays = schedule_of(visit.workspace.mode)
    page = EndpointForm(
        title="Settings" if endpoint else "Add endpoint",
        words="Changes hold for everything that is sent from now on, what waits included."
        if endpoint
        else "It receives what happens from now on. Its signing secret is shown once, when it is made.",
        action=f"{own}settings/" if own else f"{here}new/",
        back_url=own or f"{visit.base}webhooks/",
        verb="Save" if endpoint else "Add endpoint",
        url=typed.url,
        description=typed.description,
        everything=EVERYTHING in typed.patterns,
        stages=stage_choices(typed.patterns),
        fields=_fields(typed),
        schedule=typed.schedule,
        schedule_hint=f"Delays before each attempt. Empty: the workspace's, {schedule_words(delays)}.",
        versions=tuple(Option(each, each, each == typed.api_version) for each in API_VERSIONS),
        headers=(*typed.headers, *(HeaderInput(len(typed.headers) + 1 + at) for at in range(BLANK_HEADERS))),
        version=typed.version,
        verify=typed.verify,
        endpoint_id=endpoint.id if endpoint else "",
        problem=f"{refusal.title}. {refusal.why}".strip() if refusal else "",
        problem_next=refusal.next if refusal else "",
        local_note="http, loopback and private addresses are allowed on this installation; link-local never."
        if allows_local()
        else "https only. Private, loopback and link-local addresses are refused.",
    )
    context = {"shell": build_shell(visit, room="webhooks"), "page": page}
    return render(visit.request, "console/endpoint_form.html", context, status=error.status if error else 200)


def _fields(typed: Typed) -> tuple[Field, ...]:
    return (
        Field("timeout", "Timeout, seconds", typed.timeout, placeholder="1 to 30"),
        Field("in_flight", "Attempts at once", typed.in_flight, placeholder="1 to 100"),
        Field("rate", "Attempts a second", typed.rate, placeholder="no limit"),
    )


def _stored(endpoint: EndpointRecord) -> Typed:
    headers = list_headers(endpoint_id=endpoint.id)
    return Typed(
        url=endpoint.url,
        description=endpoint.description,
        patterns=endpoint.event_filter,
        timeout=str(endpoint.timeout_seconds),
        rate=str(endpoint.rate_per_second or ""),
        in_flight=str(endpoint.max_in_flight),
        schedule=", ".join(delay_words(delay) for delay in endpoint.schedule or ()),
        api_version=endpoint.api_version,
        headers=tuple(
            HeaderInput(at, each.name, each.value or "", each.is_sensitive) for at, each in enumerate(headers, start=1)
        ),
        version=str(endpoint.version),
    )


# --- what was typed --------------------------------------------------------------------------------------------------


def _typed(form: QueryDict) -> Typed:
    return Typed(
        url=form.get("url", "").strip(),
        description=form.get("description", "").strip(),
        patterns=_patterns(form),
        timeout=form.get("timeout", "").strip(),
        rate=form.get("rate", "").strip(),
        in_flight=form.get("in_flight", "").strip(),
        schedule=form.get("schedule", "").strip(),
        api_version=form.get("api_version", ""),
        headers=_typed_headers(form),
        version=form.get("version", ""),
        verify=form.get("verify") == "yes",
    )


def _patterns(form: QueryDict) -> tuple[str, ...]:
    """Everything, or what was ticked; names that a ticked pattern covers are left out."""
    if form.get("which") == EVERYTHING:
        return (EVERYTHING,)
    ticked = form.getlist("event")
    prefixes = tuple(each[:-1] for each in ticked if each.endswith(".*"))
    return tuple(each for each in ticked if each.endswith(".*") or not each.startswith(prefixes))


def _typed_headers(form: QueryDict) -> tuple[HeaderInput, ...]:
    names, values = form.getlist("header_name")[:MAX_HEADERS], form.getlist("header_value")[:MAX_HEADERS]
    sensitive = set(form.getlist("header_sensitive"))
    typed = [
        (name.strip(), value, str(at) in sensitive)
        for at, (name, value) in enumerate(zip(names, values, strict=False), start=1)
        if name.strip()
    ]
    return tuple(HeaderInput(at, *line) for at, line in enumerate(typed, start=1))


def _headers(typed: Sequence[HeaderInput]) -> list[Header]:
    """The headers to send; one without a value keeps what is stored of it."""
    return [Header(each.name, each.value or None, each.is_sensitive) for each in typed]


def _number(text: str, what: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 6):
        raise FormIncomplete(f"{what} is a whole number, not “{text[:20]}”.")
    return int(text)


def _optional(text: str, what: str) -> int | None:
    return _number(text, what) if text else None


def read_schedule(text: str) -> list[int] | None:
    """Delays such as "0, 5 s, 5 m, 2 h" in seconds; None of nothing. Raises FormIncomplete."""
    if not text:
        return None
    delays = []
    for part in re.split(r"[,;]\s*", text.strip().rstrip(",;")):
        found = _DELAY.fullmatch(part.strip())
        if found is None:
            raise FormIncomplete(f"“{part[:20]}” is no delay: write 5 s, 5 m, 2 h or 1 d, with commas between.")
        delays.append(int(found[1]) * _UNITS[found[2] or ""])
    return delays
