"""Is somebody trying what they may not do, again and again."""

from datetime import datetime, timedelta
from typing import Final

from zentra.alarms.types import Fact, Finding, Sight
from zentra.core.tenancy import current_tenant
from zentra.tenants.configuration.queries import settings_at_hand
from zentra.tenants.denials.queries import count_by_actor
from zentra.tenants.denials.types import ActorCount

WINDOW: Final = timedelta(minutes=5)
IN_ALL: Final = 5
"""How many times the threshold of one actor the attempts of all together may reach."""

_MOST_ACTORS: Final = 200
_WHO: Final = {"user": "A person", "key": "A key", "client": "A client", "end_user": "An end user's token"}


def see_denial_bursts(now: datetime) -> Sight:
    """Actors with ``denial_burst`` denied attempts within five minutes, and five times as many by all together.

    Attempts that were counted and not recorded one by one are counted in. What nobody can be named for is only looked
    at in all: its one actor stands for whoever has no credential.
    """
    most = settings_at_hand(workspace_id=current_tenant().id).denial_burst
    counted = count_by_actor(since=now - WINDOW, limit=_MOST_ACTORS)
    findings = [_of_actor(each, most) for each in counted if each.actor_kind != "anonymous" and each.count >= most]
    total = sum(each.count for each in counted)
    if total >= most * IN_ALL:
        words = f"{total} attempts of {len(counted)} actors were denied within five minutes."
        findings.append(Finding("", words, _facts(total, most * IN_ALL, len(counted))))
    return Sight(tuple(findings))


def _of_actor(found: ActorCount, most: int) -> Finding:
    who = _WHO.get(found.actor_kind, "Something")
    words = f"{who} was denied {found.count} times within five minutes: {found.actor_id}."
    return Finding(found.actor_id, words, _facts(found.count, most, 1))


def _facts(count: int, threshold: int, actors: int) -> dict[str, Fact]:
    return {"denied": count, "threshold": threshold, "actors": actors, "minutes": int(WINDOW.total_seconds() // 60)}
