"""News of cases: the lines of those that something happened to in a tick, rendered once for everybody who looks.

The line names people by name; each browser puts "you" where its own person stands. Which cases are whose is told by ids
in attributes, so that one frame serves every desk.
"""

import json
from collections.abc import Sequence
from datetime import datetime

from django.template.loader import render_to_string

from console.live.frames import ROWS_A_FRAME, CaseFragment
from console.presenters import cases
from console.readings.cases import names_for
from console.readings.queue import with_first_approval
from evidence.types import RecordedEvent
from policy.reviews.queries import reviews_by_id, reviews_of_intents
from zentra.core.tenancy import current_tenant
from zentra.tenants.teams.queries import list_teams

_HELD = "policy.review"


def case_fragments(events: Sequence[RecordedEvent], *, base: str, now: datetime) -> tuple[CaseFragment, ...]:
    """The cases that these events are about, as they stand now; the newest news of each, at most a frame of them."""
    named: dict[str, str] = {}
    held: list[str] = []
    for event in events:
        if event.type == _HELD and event.intent_id:
            held.append(event.intent_id)
        if event.type.startswith("review."):
            said = json.loads(event.body)
            review_id = str(said.get("data", {}).get("review_id", ""))
            if review_id:
                named.pop(review_id, None)
                named[review_id] = str(said.get("actor", {}).get("id", ""))
    for review in reviews_of_intents(intent_ids=held).values() if held else ():
        named.setdefault(review.id, "")
    if not named:
        return ()
    found = list(reviews_by_id(review_ids=list(named)[-ROWS_A_FRAME:]).values())
    names, half = names_for(found), with_first_approval(found, now)
    teams = list_teams(workspace_id=current_tenant().id)
    fragments = []
    for review in found:
        row = cases.row(
            review, given=1 if review.id in half else 0, link=f"{base}reviews/?selected=", names=names, now=now
        )
        fragments.append(
            CaseFragment(
                id=review.id,
                groups=(*row.groups, *(f"team:{each.id}" for each in teams if review.owner in each.members)),
                html=render_to_string("console/parts/queue_row.html", {"row": row, "ticks": True}),
                words=cases.happened(review, names, now=now),
                by=named[review.id],
                version=review.version,
            )
        )
    return tuple(fragments)
