"""A rule set compiled for one currency and one kind of intent: what it asks of the database, and what it answers.

A program has no state of its own and touches no database: the same facts always give the same results, but for how
long each rule took.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from time import perf_counter_ns
from typing import Any, Final

from policy.rules import nodes
from policy.rules.compiling import ERROR, MISSING_MARK, OWN, Compiler, Evaluate
from policy.rules.facts import ACCOUNT_ID, FAILED, LISTED, Facts
from policy.rules.nodes import Common, Limit, Rule, RuleSetSpec, Scope, Unanswered
from policy.rules.types import (
    OUTCOME_OF_ACTION,
    AskedMeter,
    Dimension,
    Measure,
    Meter,
    RuleOutcome,
    RuleResult,
    Weighed,
)
from policy.subjects import FIELDS

InScope = Callable[[Facts], bool]
_FIRST_FIELD: Final = "is_first_with_counterparty"
_UNANSWERED: Final[dict[str, RuleOutcome]] = {"review": "review", "decline": "declined"}
_OF_DIMENSION: Final[dict[Dimension, tuple[str, ...]]] = {
    "account": (ACCOUNT_ID, "account"),
    "customer": ("customer",),
    "corridor": ("corridor.source", "corridor.destination", "corridor.method"),
    "card": ("card",),
    "workspace": ("kind",),
}
"""By which facts a subject has a dimension at all: any of them."""
UNITS: Final[dict[Measure, str]] = {"sum": "", "count": "intents", "distinct_counterparties": "counterparties"}


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """A rule ready to be asked. ``money`` is its first comparison of money: the slot of one side, and the other."""

    common: Common
    root: Evaluate
    size: int
    is_in_scope: InScope | None
    money: tuple[str, int] | None
    labels: tuple[str, ...]
    """What each node looks at, in preorder; "" for those that join others."""
    node: nodes.Node


@dataclass(frozen=True, slots=True)
class CompiledLimit:
    """A limit ready to be asked. ``asked`` is its meter's place among those asked; None: it counts no such intent."""

    common: Common
    measure: Measure
    by: Dimension
    cap: int
    asked: int | None
    is_in_scope: InScope | None


@dataclass(frozen=True, slots=True)
class Program:
    """A rule set for one currency and kind."""

    spec: RuleSetSpec
    kind: str
    currency: str
    rules: tuple[CompiledRule, ...]
    limits: tuple[CompiledLimit, ...]
    meters: tuple[tuple[Meter, str], ...]
    """What windows ask, and where the totals stand in the facts; the limits' meters are asked after them."""
    asks: tuple[AskedMeter, ...]
    listed: tuple[tuple[str, str], ...]
    needs_parties: bool
    needs_segment: bool

    def asked_meters(self, facts: Facts) -> tuple[AskedMeter, ...]:
        """The meters to weigh, windows first, then limits. A limit out of scope is only asked, and holds nobody."""
        free = [
            limit.asked
            for limit in self.limits
            if limit.asked is not None and limit.is_in_scope is not None and not limit.is_in_scope(facts)
        ]
        if not free:
            return self.asks
        asks = list(self.asks)
        for place in free:
            asks[place] = AskedMeter(asks[place].meter)
        return tuple(asks)

    def asked_lists(self, facts: Facts) -> list[tuple[str, str]]:
        """The pairs of list and value to look up."""
        pairs = ((name, facts.get(field)) for name, field in self.listed)
        return list(dict.fromkeys((name, value) for name, value in pairs if isinstance(value, str)))

    def add_weighed(self, facts: Facts, weighed: Weighed) -> None:
        """Put what the database found among the facts."""
        facts[LISTED] = weighed.listed
        for place, (meter, slot) in enumerate(self.meters):
            used, added = weighed.used[place], weighed.added[place]
            is_there = has_dimension(meter.by, facts)
            facts[slot] = used + added if is_there else None
            facts[slot + OWN] = (used + added if added else 0) if is_there else None
        if facts.get(_FIRST_FIELD) is None:
            facts[_FIRST_FIELD] = weighed.is_first

    def totals(self, facts: Facts, weighed: Weighed) -> dict[str, int]:
        """What windows and limits came to with this intent, by meter key, for the decision to keep."""
        return {
            asked.meter.key: used + added
            for asked, used, added in zip(self.asks, weighed.used, weighed.added, strict=True)
            if has_dimension(asked.meter.by, facts)
        }

    def run_rules(self, facts: Facts) -> list[RuleResult]:
        """Every rule, in the set's order."""
        results = []
        started = perf_counter_ns()
        for rule in self.rules:
            result = _run(rule, facts)
            ended = perf_counter_ns()
            results.append(result._replace(us=(ended - started + 500) // 1000))
            started = ended
        return results

    def run_limits(self, facts: Facts, weighed: Weighed) -> list[RuleResult]:
        """Every limit, in the set's order; the database has counted and, where there was room, reserved."""
        return [_weigh(limit, facts, weighed) for limit in self.limits]


def has_dimension(by: Dimension, facts: Facts) -> bool:
    """Whether the subject can be counted by this at all: a customer, a card. What failed to be read is there."""
    return any(facts.get(name) is not None for name in _OF_DIMENSION[by])


def compile_program(spec: RuleSetSpec, *, currency: str, kind: str, posture: Unanswered = "review") -> Program:
    """Compile a rule set for the intents of one currency and kind.

    ``posture`` stands where a rule cannot be judged and neither it nor its set says what follows.
    """
    compiler = Compiler(currency)
    commons = [*(rule.common for rule in spec.rules), *(limit.common for limit in spec.limits)]
    rules = tuple(_rule(compiler, rule, kind, posture) for rule in spec.rules)
    asks = [AskedMeter(meter) for meter in compiler.meters]
    limits = tuple(_limit(compiler, limit, kind, asks) for limit in spec.limits)
    return Program(
        spec,
        kind,
        currency,
        rules,
        limits,
        tuple(compiler.meters.items()),
        tuple(asks),
        tuple(sorted(compiler.listed)),
        any(not FIELDS[name].is_known_before and name != _FIRST_FIELD for name in compiler.fields),
        any(common.is_enabled and common.scope.segments for common in commons),
    )


def _rule(compiler: Compiler, rule: Rule, kind: str, posture: Unanswered) -> CompiledRule:
    is_asked = rule.common.is_enabled and _is_of_kind(rule.common.scope, kind)
    # The tree of a rule that is not asked asks no fields or lists, but the windows that count this intent stay counted.
    root, size = (compiler if is_asked else Compiler(compiler.currency)).tree(rule.when)
    if rule.common.is_enabled and not is_asked:
        _count_along(compiler, rule.when, kind)
    return CompiledRule(
        _standing(rule.common, posture),
        root,
        size,
        _in_scope(rule.common.scope) if is_asked else _never,
        _money(compiler, rule.when),
        tuple(_label(node) for node in nodes.preorder(rule.when)),
        rule.when,
    )


def _standing(common: Common, posture: Unanswered) -> Common:
    """The same, with what stands in the place of what nobody said."""
    return replace(
        common,
        on_missing=posture if common.on_missing == "workspace" else common.on_missing,
        on_error=posture if common.on_error == "workspace" else common.on_error,
    )


def _limit(compiler: Compiler, limit: Limit, kind: str, asks: list[AskedMeter]) -> CompiledLimit:
    common, cap, meter = limit.common, limit.limit.of(compiler.currency), compiler.meter(limit)
    is_asked, place = _is_of_kind(common.scope, kind), None
    if common.is_enabled and (not meter.kinds or kind in meter.kinds):
        # What is only noted holds nobody, and who is out of scope is counted but not held.
        is_held = is_asked and common.action != "accept_with_note"
        place = len(asks)
        asks.append(AskedMeter(meter, cap if is_held else None))
    return CompiledLimit(common, limit.measure, limit.by, cap, place, _in_scope(common.scope) if is_asked else _never)


def _count_along(compiler: Compiler, root: nodes.Node, kind: str) -> None:
    for node in nodes.preorder(root):
        if isinstance(node, nodes.Total | nodes.Structuring):
            meter = compiler.meter(node)
            if not meter.kinds or kind in meter.kinds:
                compiler.slot(meter)


def _run(rule: CompiledRule, facts: Facts) -> RuleResult:
    common, money = rule.common, rule.money
    slot, limit = money or ("", None)
    if rule.is_in_scope is not None and not rule.is_in_scope(facts):
        why = "not for this intent" if common.is_enabled else "switched off"
        return RuleResult(common.name, "not_applicable", None, limit, why)
    trace: list[Any] = [None] * rule.size
    truth = rule.root(facts, trace)
    seen = facts.get(slot) if money else None
    seen = seen if type(seen) is int else None
    if truth is False:
        reason = "within the limit" if money else "not the case"
        return RuleResult(common.name, "passed", seen, limit, reason, values=tuple(trace))
    lane = common.lane or None
    if truth is True:
        outcome = OUTCOME_OF_ACTION[common.action]
        return RuleResult(
            common.name, outcome, seen, limit, common.reason, lane, common.score, 0, tuple(trace), common.tags,
            common.four_eyes,
        )  # fmt: skip
    why, stands = ("error", common.on_error) if truth is ERROR else ("missing", common.on_missing)
    reason = "could not be answered: an error" if why == "error" else f"could not be answered: {_missing(rule, trace)}"
    return RuleResult(
        common.name, _UNANSWERED[stands], seen, limit, reason, lane, common.score, 0, tuple(trace), (),
        common.four_eyes, why,
    )  # fmt: skip


def _missing(rule: CompiledRule, trace: Sequence[Any]) -> str:
    names = dict.fromkeys(
        label for label, value in zip(rule.labels, trace, strict=True) if label and value is MISSING_MARK
    )
    return f"{' and '.join(names)} {'is' if len(names) == 1 else 'are'} missing"


def _weigh(limit: CompiledLimit, facts: Facts, weighed: Weighed) -> RuleResult:
    common, cap = limit.common, limit.cap
    money = limit.measure == "sum"
    if limit.asked is None or (limit.is_in_scope is not None and not limit.is_in_scope(facts)):
        why = "not for this intent" if common.is_enabled else "switched off"
        return RuleResult(common.name, "not_applicable", None, cap if money else None, why)
    if not has_dimension(limit.by, facts):
        nobody = {"customer": "the account belongs to no customer", "card": "there is no card"}
        why = nobody.get(limit.by, f"there is no {limit.by}")
        return RuleResult(common.name, "not_applicable", None, cap if money else None, why)
    total = weighed.used[limit.asked] + weighed.added[limit.asked]
    seen, most = (total, cap) if money else (None, None)
    has_room = total <= cap and weighed.has_room[limit.asked]
    if has_room:
        return RuleResult(common.name, "passed", seen, most, "within the limit", values=(total, cap))
    reason = common.reason if money else f"{common.reason}: {total:,} of {cap:,} {UNITS[limit.measure]}"
    return RuleResult(
        common.name, OUTCOME_OF_ACTION[common.action], seen, most, reason, common.lane or None, common.score, 0,
        (total, cap), common.tags, common.four_eyes,
    )  # fmt: skip


def _money(compiler: Compiler, root: nodes.Node) -> tuple[str, int] | None:
    """The first comparison of money in a tree: what is compared, and with how much in this currency."""
    for node in nodes.preorder(root):
        if isinstance(node, nodes.Compare) and isinstance(node.value, nodes.Amount):
            return node.field, compiler.value(node.value)
        if isinstance(node, nodes.Between) and isinstance(node.high, nodes.Amount):
            return node.field, compiler.value(node.high)
        if isinstance(node, nodes.Total) and node.measure == "sum":
            return f"window {compiler.meter(node).key}", compiler.value(node.value)
    return None


def _label(node: nodes.Node) -> str:
    if isinstance(node, nodes.Group | nodes.Not):
        return ""
    return f"the {node.by}" if isinstance(node, nodes.Total | nodes.Structuring) else node.field


def _is_of_kind(scope: Scope, kind: str) -> bool:
    return not scope.kinds or kind in scope.kinds


def _never(_facts: Facts) -> bool:
    return False


def _in_scope(scope: Scope) -> InScope | None:
    """Whether an intent is in scope, when more than its kind says so.

    What is not known is in scope: nobody gets out of a rule by leaving out a corridor, and no error lets anybody out.
    Who has no segment is in none.
    """
    if not (scope.corridors or scope.accounts or scope.segments):
        return None
    corridors = [
        tuple(
            (f"corridor.{end}", word) for end in ("source", "destination", "method") if (word := getattr(c, end)) != "*"
        )
        for c in scope.corridors
    ]
    accounts, segments = frozenset(scope.accounts), frozenset(scope.segments)

    def is_in_scope(facts: Facts) -> bool:
        known = [facts[name] for name in ("account", ACCOUNT_ID) if facts.get(name) is not None]
        if accounts and known and not any(_is(value, accounts) for value in known):
            return False
        if segments and not _is(facts.get("segment"), segments, unknown=False):
            return False
        return not corridors or any(all(_is(facts.get(end), (word,)) for end, word in each) for each in corridors)

    return is_in_scope


def _is(value: object, words: Collection[str], *, unknown: bool = True) -> bool:
    return value is FAILED or (unknown if value is None else value in words)
