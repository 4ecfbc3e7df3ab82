"""What the policy rooms read beside rules: names of people and lists, recent intents, how often rules held."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from console.presenters.words import age, grouped, money
from console.types.ledger import Option
from policy.decisions.queries import list_decisions
from policy.decisions.statistics import RuleHits, count_rule_hits
from policy.limits.types import ShownLimit
from policy.lists.queries import list_lists
from policy.rules.types import Meter
from policy.rulesets.queries import known_lists, live_spec
from zentra.tenants.queries import names_of_users

DAY: Final = timedelta(hours=24)
_LANES: Final = ("A", "B", "C")


def people_of(user_ids: Iterable[str]) -> dict[str, str]:
    """The names of members, in one statement."""
    wanted = sorted({each for each in user_ids if each.startswith("usr_")})
    return names_of_users(user_ids=wanted) if wanted else {}


def lane_names(document: Mapping[str, Any]) -> tuple[str, ...]:
    """The lanes of a rule set."""
    lanes = (document.get("settings") or {}).get("lanes")
    return tuple(str(each["lane"]) for each in lanes) if lanes else _LANES


def list_names() -> tuple[str, ...]:
    """The lists that rules may name."""
    return tuple(sorted(known_lists()))


def lists_there(now: datetime) -> tuple[str, ...]:
    """The lists of the workspace."""
    return tuple(each.name for each in list_lists(now=now))


def recent_intents(*, now: datetime, limit: int) -> tuple[Option, ...]:
    """The intents that were decided last, to try rules on."""
    told = []
    for each in list_decisions(limit=limit):
        fields = each.facts.get("fields", {})
        amount, currency = fields.get("amount_minor"), fields.get("currency")
        said = f"{money(amount, currency).major} {currency}, " if isinstance(amount, int) and currency else ""
        told.append(Option(each.intent_id, f"{said}{each.outcome}, {age(now - each.decided_at)} ago"))
    return tuple(told)


def hits_lately(now: datetime) -> tuple[RuleHits, str]:
    """How often each rule held in 24 hours, and how to say over which span that is."""
    found = count_rule_hits(since=now - DAY)
    return found, "in 24 h" if found.is_whole else f"in the last {grouped(found.decisions)} decisions"


def shown_limits() -> list[ShownLimit]:
    """The live limits as their use is asked for."""
    return [
        ShownLimit(
            each.common.name,
            Meter(each.by, each.measure, each.window, each.counts.kinds),
            each.limit.by_currency,
            each.limit.otherwise,
        )
        for each in live_spec().limits
        if each.common.is_enabled
    ]
