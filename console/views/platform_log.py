"""What the installation sent to people, and who tried to sign in: for the platform's own staff."""

from datetime import timedelta
from typing import Final

from django.http import HttpResponse
from django.shortcuts import render

from console import paging
from console.asked import asked
from console.doors import Visit, platform_room
from console.forms import act_once
from console.marks import mark
from console.presenters.events import ReadEvent
from console.presenters.words import NONE, dated, grouped, moment
from console.presenters.workspaces import platform_event
from console.readings.workspaces import ABOUT_SIGN_IN, names_of_people
from console.shell import build_shell
from console.types import Chip
from console.types.workspaces import MailPage, MailRow, SignInsPage
from evidence.queries import list_events
from zentra.core.mail import is_mail_sent
from zentra.tenants.mail.operations import send_again
from zentra.tenants.mail.queries import count_mail, list_mail
from zentra.tenants.mail.types import MailRecord
from zentra.tenants.permissions import Permission

PAGE: Final = 50
_DAYS: Final = timedelta(days=7)
_STATES: Final = {"waiting": "queued", "sent": "passed", "kept": "held", "failed": "failed", "expired": "expired"}


@platform_room(Permission.WORKSPACES_MANAGE)
def show_mail(visit: Visit) -> HttpResponse:
    """Every mail that left or should have: to whom, what of, how it went. Never what it says."""
    here, before = "/platform/mail/", asked(visit, "before")
    found = list_mail(limit=PAGE + 1, before=paging.decode(before), now=visit.now)
    shown = found[:PAGE]
    following = paging.encode((shown[-1].created_at, shown[-1].id)) if len(found) > PAGE else ""
    counts = count_mail(since=visit.now - _DAYS)
    page = MailPage(
        rows=tuple(_row(visit, each) for each in shown),
        counts=tuple((state, grouped(counts.get(state, 0))) for state in _STATES),
        is_sent=is_mail_sent(),
        next_url=paging.link(here, before=following) if following else "",
        first_url=here if before else "",
    )
    return render(visit.request, "console/platform/mail.html", {"shell": build_shell(visit, room="mail"), "page": page})


def _row(visit: Visit, mail: MailRecord) -> MailRow:
    return MailRow(
        mail_id=mail.id,
        to=mail.to,
        title=mail.title,
        state=mark(_STATES.get(mail.state, "pending"), says=mail.state),
        workspace=mail.workspace or NONE,
        attempts=grouped(mail.attempts),
        error=mail.error,
        moment=moment(mail.created_at, visit.now),
        sent=dated(mail.sent_at),
        again_url=f"/platform/mail/{mail.id}/send/" if mail.can_be_sent_again else "",
    )


@platform_room(Permission.WORKSPACES_MANAGE)
def send_mail_again(visit: Visit, mail_id: str) -> HttpResponse:
    """Have a mail that was kept or failed sent after all."""

    def effect() -> str:
        send_again(mail_id=mail_id, now=visit.now)
        return "It is on its way again; how it goes stands here."

    return act_once(visit, operation="mail.again", effect=effect, to="/platform/mail/")


@platform_room(Permission.WORKSPACES_READ)
def show_sign_ins(visit: Visit) -> HttpResponse:
    """Failed sign-ins, refused attempts that belong to no workspace, and what became of second factors."""
    here, chosen, before = "/platform/sign-ins/", asked(visit, "about"), asked(visit, "before")
    chosen = chosen if chosen in ABOUT_SIGN_IN else ""
    kinds = ABOUT_SIGN_IN[chosen] if chosen else tuple(each for found in ABOUT_SIGN_IN.values() for each in found)
    found, following = list_events(types=kinds, before=paging.decode(before), limit=PAGE)
    names = names_of_people([ReadEvent(each).actor_id for each in found])
    page = SignInsPage(
        chips=(
            Chip("All", here, not chosen),
            *(Chip(name, paging.link(here, about=name), name == chosen) for name in ABOUT_SIGN_IN),
        ),
        rows=tuple(platform_event(each, names=names) for each in found),
        next_url=paging.link(here, about=chosen, before=paging.encode(following)) if following else "",
        first_url=paging.link(here, about=chosen) if before else "",
    )
    context = {"shell": build_shell(visit, room="sign-ins"), "page": page}
    return render(visit.request, "console/platform/sign_ins.html", context)
