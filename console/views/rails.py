"""Rails as the Inbound room shows them: how they sign, their secrets, and what they were asked for."""

from datetime import timedelta
from typing import Final

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render

from console import paging
from console.doors import Visit, room
from console.forms import FormIncomplete, act_once, words
from console.marks import mark
from console.presenters import rails as present
from console.readings.inbound import inbound_tabs
from console.shell import build_shell
from console.types.inbound import RailSecretShown, RailsPage, RailView
from console.types.ledger import Option
from console.views.endpoint import OVERLAPS
from webhooks.operations import poll_rail
from webhooks.queries import PollState, poll_states
from zentra.core.tenancy import tenant_work
from zentra.routing.operations import expire_rail_secret, rotate_rail_secret
from zentra.routing.queries import SIMULATED, find_rail, list_rail_secrets, list_rails
from zentra.routing.types import RailRecord, RotatedRailSecret
from zentra.tenants.permissions import Permission

USUAL_OVERLAP: Final = "24"


@room(Permission.CALLBACKS_READ)
def show_rails(visit: Visit) -> HttpResponse:
    """Every rail: scheme, secrets by their ends, and how the catch-up goes."""
    states = {each.rail_id: each for each in poll_states()}
    page = RailsPage(
        tabs=inbound_tabs(visit, "rails"),
        rails=tuple(_view(visit, rail, states[rail.id]) for rail in list_rails()),
        overlaps=tuple(Option(key, title, key == USUAL_OVERLAP) for key, title in OVERLAPS.items()),
    )
    return render(visit.request, "console/rails.html", {"shell": build_shell(visit, room="inbound"), "page": page})


def _view(visit: Visit, rail: RailRecord, state: PollState) -> RailView:
    may, here = visit.may(Permission.RAILS_MANAGE), f"{visit.base}inbound/rails/{rail.id}/"
    is_ours = rail.provider == SIMULATED
    needed = rail.scheme.name == "ed25519" and not is_ours
    return RailView(
        rail_id=rail.id,
        name=rail.name,
        provider="simulated" if is_ours else rail.provider,
        state=mark(str(rail.state)),
        callback_url=f"{settings.ZENTRA_BASE_URL}/v1/providers/{rail.id}/callbacks",
        scheme=present.scheme_facts(rail),
        secrets=present.secret_lines(
            list_rail_secrets(rail_id=rail.id, now=visit.now),
            now=visit.now,
            expire_url=f"{here}secrets/expire/" if may else "",
        ),
        poll=present.poll_mark(state),
        polls=present.poll_facts(state, visit.now),
        poll_error=state.last_error if state.failures else "",
        list_url=paging.link(f"{visit.base}inbound/", rail=rail.id),
        poll_url=f"{here}poll/" if may else "",
        rotate_url=f"{here}secrets/rotate/" if may else "",
        secret_label="The rail's public key" if rail.scheme.name == "ed25519" else "A secret of the rail's own",
        secret_hint="The simulated rail learns it from us within half a minute." if is_ours else "",
        secret_needed=needed,
    )


def _rails(visit: Visit) -> str:
    return f"{visit.base}inbound/rails/"


@room(Permission.RAILS_MANAGE, step_up=True)
def rotate(visit: Visit, rail_id: str) -> HttpResponse:
    """A new secret; the old one stays valid for the overlap. One that we made is shown in the answer, never again."""
    overlap, given = visit.request.POST.get("overlap", USUAL_OVERLAP), visit.request.POST.get("secret", "").strip()
    if overlap not in OVERLAPS:
        raise FormIncomplete("Choose how long the old secret stays valid.")
    made: list[RotatedRailSecret] = []

    def effect() -> str:
        made.append(
            rotate_rail_secret(
                rail_id=rail_id,
                overlap=timedelta(hours=int(overlap)),
                secret=given or None,
                actor=visit.actor(),
                now=visit.now,
            )
        )
        ends = "now" if overlap == "0" else f"in {OVERLAPS[overlap]}"
        return f"The secret of {made[0].rail.name} was rotated; the old one ends {ends}."

    answer = act_once(visit, operation="rails.secrets.rotate", effect=effect, to=_rails(visit))
    if not made or given:
        return answer  # sent twice, or not of our making: nobody needs to be shown it
    return _show_once(visit, made[0])


def _show_once(visit: Visit, rotated: RotatedRailSecret) -> HttpResponse:
    """A page that nobody can come back to."""
    simulated = " The simulated rail learns it by itself." if rotated.rail.provider == SIMULATED else ""
    page = RailSecretShown(
        rail=rotated.rail.name,
        value=rotated.secret,
        words=f"Give it to the rail, which signs with it. It is shown this once and kept encrypted.{simulated}",
        rails_url=_rails(visit),
    )
    context = {"shell": build_shell(visit, room="inbound"), "page": page}
    answer = render(visit.request, "console/rail_secret.html", context)
    answer.headers["Cache-Control"] = "no-store"
    return answer


@room(Permission.RAILS_MANAGE, step_up=True)
def expire(visit: Visit, rail_id: str) -> HttpResponse:
    """End an old secret before its overlap does."""
    secret_id = words(visit, "secret")

    def effect() -> str:
        expire_rail_secret(rail_id=rail_id, secret_id=secret_id, actor=visit.actor(), now=visit.now)
        return "The old secret is over: what it signs is refused from now on."

    return act_once(visit, operation="rails.secrets.expire", effect=effect, to=_rails(visit))


@room(Permission.RAILS_MANAGE, in_transaction=False)
def poll(visit: Visit, rail_id: str) -> HttpResponse:
    """Ask the rail now for what we missed. To ask twice is harmless: what came before is passed over."""
    with tenant_work(visit.workspace):
        rail = find_rail(rail=rail_id)  # of this workspace, or there is none
    result = poll_rail(rail_id=rail.id, now=visit.now)
    level = messages.WARNING if result.error else messages.SUCCESS
    messages.add_message(visit.request, level, present.poll_words(rail.name, result))
    return HttpResponseRedirect(_rails(visit))
