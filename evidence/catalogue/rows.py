"""All types of events in one place, in the order in which the pages show them."""

from typing import Final

from evidence.catalogue import (
    accepted,
    accounts,
    alarms,
    callbacks,
    controlled,
    credentials,
    endpoints,
    evidenced,
    holds,
    ledgered,
    limits,
    parties,
    people,
    reconciliation,
    reviews,
    roles,
    routed,
    sign_in,
    staff,
    synchronized,
    watchlists,
    workspaces,
)
from evidence.catalogue.types import EventType, UnknownEventType

ALL: Final[tuple[EventType, ...]] = (
    *accepted.ALL,
    *controlled.ALL,
    *reviews.ALL,
    *parties.ALL,
    *watchlists.ALL,
    *ledgered.ALL,
    *accounts.ALL,
    *holds.ALL,
    *ledgered.BESIDE,
    *reconciliation.ALL,
    *routed.ALL,
    *callbacks.ALL,
    *routed.PAUSES,
    *synchronized.ALL,
    *synchronized.PRUNED,
    *endpoints.ALL,
    *alarms.ALL,
    *people.ALL,
    *roles.ALL,
    *credentials.ALL,
    *evidenced.ALL,
    *accepted.BESIDE,
    *sign_in.ALL,
    *workspaces.ALL,
    *staff.ALL,
    *limits.ALL,
    *endpoints.RETIRED,
)

CATALOGUE: Final[dict[str, EventType]] = {kind.name: kind for kind in ALL}


def describe(name: str) -> EventType:
    """The catalogue's row of a type; raises UnknownEventType."""
    try:
        return CATALOGUE[name]
    except KeyError:
        raise UnknownEventType(f"{name!r} is not in evidence/catalogue.", type=name) from None


def deliverable_types() -> list[str]:
    """The names to which an endpoint may subscribe, in catalogue order."""
    return [kind.name for kind in ALL if kind.is_deliverable]
