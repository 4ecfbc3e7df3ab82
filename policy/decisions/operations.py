"""Decide about an intent, and ask again before a person's approval lets it post. The runtime composes these."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from time import perf_counter_ns
from typing import Final

import orjson

from evidence.types import NewEvent
from policy.decisions.weighing import Known, learn
from policy.limits.operations import hold_limits, release_limits
from policy.rules.facts import kept_facts
from policy.rules.judging import Judged, judge
from policy.rules.types import HOLDS, SEVERITY, RuleResult
from policy.subjects import Subject
from policy.types import DecisionRecord, StoredDecision
from zentra.core import actors, ids
from zentra.core.actors import Actor
from zentra.core.db.hot import defer_hot

_KEEP: Final = (
    "INSERT INTO policy_decision (id, intent_id, rule_set, outcome, lane, rules, decided_at, actor, score, gate, tags,"
    " four_eyes, facts, duration_us) VALUES (%s::uuid, %s, %s::bigint, %s, %s, %s::jsonb, %s, %s::jsonb, %s::smallint,"
    " %s, %s::text[], %s::boolean, %s::jsonb, %s::int)"
)
_LIMITS: Final = ("limit.", "velocity.")


@dataclass(frozen=True, slots=True)
class Rechecked:
    """What the live rules say now. ``changed`` are those that hold or decline it more than when it was decided."""

    results: tuple[RuleResult, ...]
    changed: tuple[RuleResult, ...]
    four_eyes: bool
    """Whether they have two people approve it, because of a rule or of the amount."""


def decide(*, subject: Subject, actor: Actor, now: datetime) -> DecisionRecord:
    """Weigh every rule and limit of the live set, reserve what limits it counts in, and keep the decision.

    The reservation and its check are one call, so that concurrent intents cannot both take the last of a limit. What
    was reserved for a declined intent is given back here. Nothing passes because something is not known or failed:
    the rule's, else the workspace's choice stands for it.

    Raises:
        NoRuleSet: there are no live rules, or they cannot be read.
    """
    started = perf_counter_ns()
    known = learn(subject=subject if subject.at else replace(subject, at=now), is_reserving=True, now=now)
    results, judged = _answer(known)
    decision = DecisionRecord(
        id=ids.new_id("dec"),
        intent_id=subject.intent_id,
        rule_set=known.rules.version,
        outcome=judged.outcome,
        lane=judged.lane,
        results=results,
        gate=judged.gate,
        decided_at=now,
        subject=known.subject,
        score=judged.score,
        tags=judged.tags,
        four_eyes=judged.four_eyes,
    )
    _settle_limits(known, decision, now)
    _keep(decision, known, actor, duration_us=(perf_counter_ns() - started) // 1000)
    return decision


def recheck(*, subject: Subject, decision: StoredDecision, now: datetime) -> Rechecked:
    """Ask the live rules again about a held intent, without counting itself in any limit.

    A rule has changed when it now holds or declines more severely than it did: lists, parties, other intents' use of
    the limits and the rules themselves may be other ones by now. Hour and weekday stay those of the intent.
    """
    known = learn(subject=replace(subject, at=now), is_reserving=False, now=now)
    if subject.at is not None:
        known.facts["hour_utc"], known.facts["weekday_utc"] = subject.at.hour, subject.at.isoweekday()
    results, judged = _answer(known)
    before = {rule["rule"]: SEVERITY[rule["outcome"]] for rule in decision.rules}
    changed = [
        result for result in results
        if SEVERITY[result.outcome] >= HOLDS and SEVERITY[result.outcome] > before.get(result.rule, 0)
    ]  # fmt: skip
    return Rechecked(results, tuple(changed), judged.four_eyes)


def _answer(known: Known) -> tuple[tuple[RuleResult, ...], Judged]:
    """Every rule's and limit's result, and what they come to."""
    program, subject = known.program, known.subject
    results = (*program.run_rules(known.facts), *program.run_limits(known.facts, known.weighed))
    judged = judge(
        results, known.rules.spec.settings,
        kind=subject.kind, currency=subject.currency, amount_minor=subject.amount_minor,
    )  # fmt: skip
    return results, judged


def _settle_limits(known: Known, decision: DecisionRecord, now: datetime) -> None:
    """What the limits counted for good stays so for what is accepted; a held intent keeps it for a time, and a
    declined one nothing."""
    if decision.outcome == "declined":
        release_limits(intent_id=decision.intent_id, now=now)
    elif decision.outcome == "review" and known.weighed.is_reserved:
        seconds = known.rules.spec.settings.hold_expires_after_seconds
        hold_limits(intent_id=decision.intent_id, expires_at=now + timedelta(seconds=seconds), now=now)


def _keep(decision: DecisionRecord, known: Known, actor: Actor, *, duration_us: int) -> None:
    defer_hot(
        _KEEP,
        [
            ids.to_uuid(decision.id, prefix="dec"),
            decision.intent_id,
            decision.rule_set,
            decision.outcome,
            decision.lane,
            orjson.dumps([result.as_trace() for result in decision.results]).decode(),
            decision.decided_at,
            orjson.dumps(actor.as_dict()).decode(),
            decision.score,
            decision.gate.rule if decision.gate else "",
            list(decision.tags),
            decision.four_eyes,
            orjson.dumps(kept_facts(known.facts, known.program.totals(known.facts, known.weighed))).decode(),
            duration_us,
        ],
    )


def decision_event(decision: DecisionRecord, *, trace_id: str | None) -> NewEvent:
    """The decision as one leaf, announced as ``limit.accepted`` too when every limit passed."""
    passed = all(SEVERITY[r.outcome] < HOLDS for r in decision.results if r.rule.startswith(_LIMITS))
    return NewEvent(
        type=f"policy.{decision.outcome}",
        actor=actors.POLICY,
        intent_id=decision.intent_id,
        trace_id=trace_id,
        occurred_at=decision.decided_at,
        announced_as=("limit.accepted",) if passed else (),
        data={
            "decision_id": decision.id,
            "rule_set": decision.rule_set,
            "outcome": decision.outcome,
            "lane": decision.lane,
            "score": decision.score,
            "tags": list(decision.tags),
            "four_eyes": decision.four_eyes,
            "summary": decision.gate.rule if decision.gate else "limit_check.passed",
            "rules": [result.as_dict() for result in decision.results],
        },
    )
