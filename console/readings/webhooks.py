"""What the Events and Webhooks rooms share: their tabs, the names of endpoints, filters of the address."""

from collections.abc import Sequence
from typing import Final

from console.asked import asked, moment_field, read_end, read_moment
from console.doors import Visit
from console.presenters.words import short_url
from console.types import Chip
from console.types.ledger import Field, Option
from evidence.catalogue import CATALOGUE
from webhooks.types import EndpointRecord
from zentra.core import ids
from zentra.tenants.permissions import Permission

STATES: Final = ("queued", "retrying", "retained", "exhausted", "resolved")
# What did not arrive: what a replay of "everything that failed" sends again.
FAILED: Final = ("retrying", "retained", "exhausted")


def webhook_tabs(visit: Visit, current: str) -> tuple[Chip, ...]:
    """The views of the Webhooks room."""
    here = f"{visit.base}webhooks/"
    known = (
        ("endpoints", "Endpoints", here),
        ("deliveries", "Deliveries", f"{here}deliveries/"),
        ("attempts", "Attempts", f"{here}attempts/"),
        ("replays", "Replays", f"{here}replays/"),
    )
    return tuple(Chip(title, url, key == current) for key, title, url in known)


def event_tabs(visit: Visit, current: str) -> tuple[Chip, ...]:
    """The views of the Events room."""
    here = f"{visit.base}events/"
    known = (("log", "Log", here), ("catalogue", "Catalogue", f"{here}catalogue/"))
    return tuple(Chip(title, url, key == current) for key, title, url in known)


def type_names() -> tuple[str, ...]:
    """Every event type, for the suggestions of a field."""
    return tuple(sorted(CATALOGUE))


def endpoint_options(endpoints: Sequence[EndpointRecord], chosen: str) -> tuple[Option, ...]:
    """Endpoints as choices, all first; one that is chosen but not listed (removed) stays a choice."""
    known = [Option(each.id, short_url(each.url), each.id == chosen) for each in endpoints]
    if chosen and all(option.value != chosen for option in known):
        known.append(Option(chosen, f"…{chosen[-6:]}", selected=True))
    return (Option("", "all", not chosen), *known)


def span_fields(visit: Visit) -> tuple[Field, Field]:
    """From and until as fields of a filter."""
    return (
        Field("since", "Since, UTC", moment_field(read_moment(asked(visit, "since"))), "datetime-local"),
        Field("until", "Until, UTC", moment_field(read_end(asked(visit, "until"))), "datetime-local"),
    )


def span_problem(visit: Visit) -> str:
    """What is wrong with the span of an address, if anything."""
    for name, read in (("since", read_moment), ("until", read_end)):
        text = asked(visit, name)
        if text and read(text) is None:
            return f"“{text[:40]}” is no moment: give a day, or a day and a time, in UTC."
    return ""


def status_problem(text: str) -> str:
    """What is wrong with an HTTP status that somebody typed, if anything."""
    if text and not (text.isascii() and text.isdecimal() and 100 <= int(text) <= 599):
        return f"“{text[:20]}” is no HTTP status: give a number such as 500."
    return ""


def id_problem(text: str, prefix: str) -> str:
    """What is wrong with an id that somebody typed, if anything."""
    if not text:
        return ""
    try:
        ids.to_uuid(text, prefix=prefix)
    except ids.BadId:
        return f"“{text[:40]}” is no id of this kind: it starts with {prefix}_."
    return ""


def may_replay(visit: Visit) -> bool:
    """Whether this person may send events again."""
    return visit.may(Permission.WEBHOOKS_REPLAY)
