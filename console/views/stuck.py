"""What waits too long: for what, since when, and who can act."""

from collections import Counter

from django.http import HttpResponse
from django.shortcuts import render

from console import paging
from console.asked import asked
from console.doors import Visit, room
from console.presenters.alarms import WAITS_FOR, stuck_row
from console.shell import build_shell
from console.types import Chip
from console.types.alarms import StuckPage
from zentra.alarms.stuck import stuck_intents
from zentra.tenants.permissions import Permission
from zentra.tenants.queries import names_of_users


@room(Permission.INTENTS_READ)
def show_stuck(visit: Visit) -> HttpResponse:
    """The longest waiting first."""
    found, chosen = stuck_intents(now=visit.now), asked(visit, "for")
    counts = Counter(each.waits_for for each in found)
    names = names_of_users(user_ids=[each.who_can_act for each in found if each.who_can_act.startswith("usr_")])
    here = f"{visit.base}stuck/"
    page = StuckPage(
        chips=(
            Chip("All", here, not chosen, len(found)),
            *(
                Chip(WAITS_FOR[key][0], paging.link(here, **{"for": key}), key == chosen, count)
                for key, count in counts.most_common()
            ),
        ),
        rows=tuple(
            stuck_row(each, base=visit.base, now=visit.now, names=names)
            for each in found
            if chosen in (each.waits_for, "") or chosen not in WAITS_FOR
        ),
    )
    return render(visit.request, "console/stuck.html", {"shell": build_shell(visit, room="stuck"), "page": page})
