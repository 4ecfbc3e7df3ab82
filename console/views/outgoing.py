"""The switch over outgoing money: pause at once with a reason; a second person resumes."""

from dataclasses import dataclass

from django.http import HttpResponse
from django.shortcuts import render

from console.doors import Visit, room
from console.forms import FormIncomplete, act_once, words
from console.marks import mark
from console.presenters.words import stamp
from console.shell import build_shell
from console.types import Mark
from zentra.routing.queries import list_pauses, list_rails
from zentra.routing.types import PauseRecord
from zentra.runtime.operations import pause_outgoing_money, resume_outgoing_money
from zentra.tenants.access import PermissionDenied
from zentra.tenants.permissions import Permission
from zentra.tenants.queries import names_of_users


@dataclass(frozen=True, slots=True)
class Switch:
    """One scope that can be stopped: the workspace, or a rail."""

    title: str
    rail: str
    mark: Mark
    reason: str = ""
    by: str = ""
    since: str = ""
    action: str = ""
    verb: str = ""
    note: str = ""


@room(Permission.ROUTING_READ)
def show_switches(visit: Visit) -> HttpResponse:
    """Every scope with its state, and what this person may do about it."""
    pauses = {pause.rail or "": pause for pause in list_pauses()}
    names = names_of_users(user_ids=[pause.paused_by for pause in pauses.values()])
    scopes = [("", "the whole workspace"), *((rail.name, rail.name) for rail in list_rails())]
    switches = tuple(_switch(visit, rail, title, pauses.get(rail), names) for rail, title in scopes)
    page = {"switches": switches, "post_url": f"{visit.base}outgoing/switch/"}
    return render(visit.request, "console/pause.html", {"shell": build_shell(visit, room="pause"), "page": page})


def _switch(visit: Visit, rail: str, title: str, pause: PauseRecord | None, names: dict[str, str]) -> Switch:
    if pause is None:
        action = "pause" if visit.may(Permission.ROUTING_PAUSE) else ""
        return Switch(title, rail, mark("active", says="moving"), action=action, verb="Pause")
    is_mine = pause.paused_by == visit.member.user_id
    may_resume = visit.may(Permission.ROUTING_RESUME) and not is_mine
    return Switch(
        title,
        rail,
        mark("held", says="paused"),
        pause.reason,
        names.get(pause.paused_by, pause.paused_by),
        stamp(pause.paused_at),
        "resume" if may_resume else "",
        "Resume",
        note="you paused it: a second person resumes" if is_mine else "",
    )


@room(Permission.ROUTING_PAUSE, step_up=True)
def switch(visit: Visit) -> HttpResponse:
    """Pause or resume one scope."""
    rail = visit.request.POST.get("rail", "") or None
    action = visit.request.POST.get("action", "")
    reason = words(visit, "reason", needed=action == "pause")
    if action not in {"pause", "resume"}:
        raise FormIncomplete("Say whether to pause or to resume.")

    if action == "resume" and not visit.member.may(Permission.ROUTING_RESUME):
        raise PermissionDenied(f"As {visit.member.role} you may not resume outgoing money.")

    def effect() -> str:
        scope = rail or "the whole workspace"
        if action == "pause":
            pause_outgoing_money(rail=rail, reason=reason, actor=visit.actor(), now=visit.now)
            return f"Outgoing money is paused: {scope}. Intents wait at ledgered until a second person resumes."
        resume_outgoing_money(rail=rail, actor=visit.actor(), now=visit.now)
        return f"Outgoing money moves again: {scope}."

    return act_once(visit, operation="outgoing.switch", effect=effect)
