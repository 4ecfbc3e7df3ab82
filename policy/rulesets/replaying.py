"""Asks other rules about an intent that was decided, as things stood at that moment. Nothing is written.

Fields and party states are those that the decision kept. What it did not keep is read from what stands: windows that
it did not ask from the movements, without those that were given back since; lists from their items with their times.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import connection

from policy.limits.zones import time_zone_here
from policy.lists.values import canonical_value
from policy.rules.facts import ACCOUNT_ID, LISTED, Facts, read_facts
from policy.rules.judging import Judged, judge
from policy.rules.programs import has_dimension
from policy.rules.sets import CompiledSet
from policy.rules.types import AskedMeter, Dimension, Meter, RuleResult, Weighed
from policy.rulesets.errors import FactsNotKept
from policy.types import StoredDecision
from zentra.core.tenancy import current_tenant
from zentra.tenants.configuration.queries import settings_at_hand

_COLUMNS: Final[dict[Dimension, str]] = {
    "account": "account = %s",
    "customer": "customer = %s",
    "corridor": "corridor = %s",
    "card": "card = %s",
    "workspace": "%s = '*'",
}


@dataclass(frozen=True, slots=True)
class Replayed:
    """What the rules would have said."""

    facts: Facts
    results: tuple[RuleResult, ...]
    judged: Judged


def replay_decision(*, rules: CompiledSet, decision: StoredDecision) -> Replayed:
    """Ask ``rules`` about the intent of a decision; raises FactsNotKept for decisions by the first rules."""
    facts = read_facts(decision.facts)
    kind, currency, amount = facts.get("kind"), facts.get("currency"), facts.get("amount_minor")
    if not (isinstance(kind, str) and isinstance(currency, str) and type(amount) is int):
        raise FactsNotKept("This intent was decided before decisions kept what the rules saw.")
    posture = settings_at_hand(workspace_id=current_tenant().id).policy_failure
    program = rules.program(currency=currency, kind=kind, posture=posture)
    weighed = _weighed(program.asked_meters(facts), facts, decision)
    program.add_weighed(facts, weighed)
    facts[LISTED] = _listed(program.asked_lists(facts), decision.decided_at)
    results = (*program.run_rules(facts), *program.run_limits(facts, weighed))
    judged = judge(results, rules.spec.settings, kind=kind, currency=currency, amount_minor=amount)
    return Replayed(facts, results, judged)


def _weighed(asks: Sequence[AskedMeter], facts: Facts, decision: StoredDecision) -> Weighed:
    kept: Mapping[str, Any] = decision.facts.get("totals", {})
    stands = [_stand(asked.meter, facts, decision, kept) for asked in asks]
    return Weighed(
        live_version=0,
        used=tuple(used for used, _ in stands),
        added=tuple(added for _, added in stands),
        has_room=tuple(
            asked.cap is None or added == 0 or used + added <= asked.cap
            for asked, (used, added) in zip(asks, stands, strict=True)
        ),
    )


def _stand(meter: Meter, facts: Facts, decision: StoredDecision, kept: Mapping[str, Any]) -> tuple[int, int]:
    """What a meter stood at before the intent, and what the intent added."""
    if not has_dimension(meter.by, facts):
        return 0, 0
    counts = meter.counts(kind=facts["kind"], amount_minor=facts["amount_minor"])
    adds = 0 if not counts else facts["amount_minor"] if meter.measure == "sum" else 1
    total = kept.get(meter.key)
    if type(total) is int and meter.measure != "distinct_counterparties":
        return total - adds, adds
    used, is_known = _used(meter, facts, decision)
    return used, 0 if is_known and meter.measure == "distinct_counterparties" else adds


def _used(meter: Meter, facts: Facts, decision: StoredDecision) -> tuple[int, bool]:
    """What the movements of the window came to without this intent, and whether its counterparty was among them."""
    at = decision.decided_at
    after = ">" if meter.window.rolling_seconds is not None else ">="
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(sum(amount_minor), 0), count(*), count(DISTINCT counterparty),"  # noqa: S608  # words of this module
            " coalesce(bool_or(counterparty = %s), false) FROM policy_movement"
            f" WHERE {_COLUMNS[meter.by]} AND at {after} %s AND at <= %s AND intent_id <> %s"
            " AND state IN ('confirmed', 'reserved') AND (%s::text IS NULL OR currency = %s)"
            " AND (%s::text[] = '{}' OR kind = ANY(%s::text[]))"
            " AND amount_minor >= coalesce(%s::bigint, 0) AND (%s::bigint IS NULL OR amount_minor < %s::bigint)",
            [
                facts.get("counterparty") or "", _name(meter.by, facts),
                meter.window.starts_at(at, time_zone_here()), at, decision.intent_id,
                *[facts["currency"] if meter.is_by_currency else None] * 2,
                *[list(meter.kinds)] * 2, meter.from_minor, *[meter.below_minor] * 2,
            ],
        )  # fmt: skip
        total, number, distinct, is_known = cursor.fetchone()
    return int({"sum": total, "count": number, "distinct_counterparties": distinct}[meter.measure]), is_known


def _name(by: Dimension, facts: Facts) -> str:
    """Whom a meter counts, as movements name it."""
    if by == "workspace":
        return "*"
    if by == "corridor":
        source, destination, method = (
            facts.get(f"corridor.{end}") or "" for end in ("source", "destination", "method")
        )
        return f"{source}>{destination}/{method}"
    return str(facts.get(ACCOUNT_ID) or facts.get("account") if by == "account" else facts.get(by))


def _listed(asked: Sequence[tuple[str, str]], at: datetime) -> frozenset[tuple[str, str]]:
    """Which of the values were on their lists at that moment."""
    if not asked:
        return frozenset()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT a.place FROM unnest(%s::text[], %s::text[]) WITH ORDINALITY a (list, value, place)"
            " JOIN policy_list_item i ON i.list_name = a.list AND i.value = a.value"
            " WHERE i.added_at <= %s AND (i.removed_at IS NULL OR i.removed_at > %s)"
            " AND (i.expires_at IS NULL OR i.expires_at > %s)",
            [[name for name, _ in asked], [canonical_value(value) for _, value in asked], at, at, at],
        )
        return frozenset(asked[place - 1] for (place,) in cursor.fetchall())
