"""What the pages of the Inbound room share: their tabs, the names of rails, rails as choices."""

from collections.abc import Mapping

from console.doors import Visit
from console.types import Chip
from console.types.ledger import Field, Option
from webhooks.queries import CallbackDetail, CallbackNotFound, count_quarantined, get_callback
from zentra.routing.queries import list_rails


def inbound_tabs(visit: Visit, current: str) -> tuple[Chip, ...]:
    """The views of the Inbound room."""
    here = f"{visit.base}inbound/"
    known = (
        ("callbacks", "Callbacks", here, None),
        ("quarantine", "Quarantine", f"{here}quarantine/", count_quarantined() or None),
        ("refused", "Refused", f"{here}refused/", None),
        ("rails", "Rails", f"{here}rails/", None),
    )
    return tuple(Chip(title, url, key == current, count) for key, title, url, count in known)


def rail_names() -> dict[str, str]:
    """The names of the workspace's rails by id."""
    return {rail.id: rail.name for rail in list_rails()}


def rail_field(names: Mapping[str, str], chosen: str) -> Field:
    """Rails as choices, all first; one that is chosen and not ours stays a choice."""
    known = [Option(key, name, key == chosen) for key, name in names.items()]
    if chosen and chosen not in names:
        known.append(Option(chosen, f"…{chosen[-6:]}", selected=True))
    return Field("rail", "Rail", options=(Option("", "all", not chosen), *known))


def find_detail(callback_id: str) -> CallbackDetail | None:
    """A callback with its arrivals; None when they are older than what is kept."""
    try:
        return get_callback(callback_id=callback_id)
    except CallbackNotFound:
        return None
