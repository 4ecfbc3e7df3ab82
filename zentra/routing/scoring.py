"""Which rail, and why: a pure function of what is known, so that the same facts always choose the same rail.

Score = 50 % success + 20 % speed + 20 % price + 10 % preference, each 0 to 10000, all integers. The weights are a
product choice: an answer that comes matters more than how fast or how cheap it comes.
"""

from collections.abc import Collection, Sequence

from zentra.routing.types import Candidate, FilterReason, RailFacts

WEIGHTS = {"success": 50, "speed": 20, "price": 20, "preference": 10}
FULL = 10_000
# A rail counts as if it had answered 19 of 20 earlier attempts, so that its first failure does not condemn it.
PRIOR_SAMPLES, PRIOR_ANSWERED = 20, 19
SLOWEST_MS = 2_000
DEAREST_BPS = 500


def success_bps(*, samples: int, answered: int) -> int:
    """The success rate in basis points, smoothed by the prior."""
    return FULL * (answered + PRIOR_ANSWERED) // (samples + PRIOR_SAMPLES)


def judge(
    *,
    facts: Sequence[RailFacts],
    eligible_rails: Collection[str] | None,
    exclude: Collection[str],
    ineligible_rails: Collection[str] = (),
) -> tuple[Candidate, ...]:
    """Every rail as a candidate: the scored ones best first, then the filtered ones by name.

    ``eligible_rails`` (None: all), ``ineligible_rails`` and ``exclude`` hold rail ids or names.
    """
    reasons = [_filter(fact, eligible_rails, ineligible_rails, exclude) for fact in facts]
    candidates = [_judge_one(fact, reason) for fact, reason in zip(facts, reasons, strict=True)]
    return tuple(sorted(candidates, key=_rank))


def explain(candidates: Sequence[Candidate]) -> str:
    """One sentence on why the first candidate was chosen."""
    chosen, *others = candidates
    rivals = [c for c in others if c.filtered_by is None]
    filtered = ", ".join(f"{c.rail} {c.filtered_by.value}" for c in others if c.filtered_by)
    if rivals:
        rival = rivals[0]
        reason = f"score {chosen.score} against {rival.score} of {rival.rail}"
        reason += " (equal: preference, then name, decide)" if chosen.score == rival.score else ""
    else:
        reason = f"the only candidate, score {chosen.score}"
    return f"{chosen.rail}: {reason}" + (f"; filtered: {filtered}" if filtered else "")


def _judge_one(fact: RailFacts, reason: FilterReason | None) -> Candidate:
    rate = success_bps(samples=fact.samples, answered=fact.answered)
    score = _score(rate, fact) if reason is None else None
    return Candidate(fact.rail_id, fact.rail, reason, score, rate, fact.p95_ms, fact.cost_bps, fact.priority)


def _filter(
    fact: RailFacts,
    eligible_rails: Collection[str] | None,
    ineligible_rails: Collection[str],
    exclude: Collection[str],
) -> FilterReason | None:
    """The first thing that stands against a rail. A pause comes last: it alone passes by itself."""
    names = {fact.rail_id, fact.rail}
    if fact.priority is None:
        return FilterReason.NOT_IN_CORRIDOR
    if not fact.is_enabled:
        return FilterReason.DISABLED
    is_named = eligible_rails is None or not names.isdisjoint(eligible_rails)
    if not is_named or not names.isdisjoint(ineligible_rails):
        return FilterReason.NOT_ELIGIBLE
    if not names.isdisjoint(exclude):
        return FilterReason.EXCLUDED
    return FilterReason.PAUSED if fact.is_paused else None


def _score(rate: int, fact: RailFacts) -> int:
    parts = {
        "success": rate,
        "speed": FULL - FULL * min(fact.p95_ms, SLOWEST_MS) // SLOWEST_MS,
        "price": FULL - FULL * min(fact.cost_bps or 0, DEAREST_BPS) // DEAREST_BPS,
        "preference": FULL // (fact.priority or 1),
    }
    return sum(weight * parts[name] for name, weight in WEIGHTS.items()) // 100


def _rank(candidate: Candidate) -> tuple[bool, int, int, str]:
    return (candidate.filtered_by is not None, -(candidate.score or 0), candidate.priority or 0, candidate.rail)
