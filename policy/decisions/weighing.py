"""Asks the database everything that one version of the rules needs to know of a subject."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import orjson

from policy.decisions.errors import NoRuleSet
from policy.limits.operations import weigh
from policy.rules.documents import InvalidRuleSet
from policy.rules.facts import Facts, facts_of
from policy.rules.programs import Program
from policy.rules.sets import CompiledSet, compiled_set, guess_live, note_live
from policy.rules.types import Weighed
from policy.subjects import PartyFacts, Subject
from zentra.core.db.hot import execute_hot
from zentra.core.tenancy import current_tenant
from zentra.tenants.configuration.queries import settings_at_hand

MOST_TRIES: Final = 5


@dataclass(frozen=True, slots=True)
class Known:
    """A subject with all that is known of it, and the rules to ask."""

    rules: CompiledSet
    program: Program
    subject: Subject
    facts: Facts
    weighed: Weighed


def learn(*, subject: Subject, is_reserving: bool, now: datetime) -> Known:
    """Everything that the live rules need to know of a subject; when reserving, with its hold on their limits.

    Raises:
        NoRuleSet: there are no live rules, or they cannot be read. Nothing is decided without rules.
    """
    workspace = current_tenant().id
    version = guess_live(workspace) or _live_version()
    for _ in range(MOST_TRIES):
        known = _ask(_rules(workspace, version), subject, is_reserving=is_reserving, now=now)
        if known.weighed.live_version == version:
            note_live(workspace, version)
            return known
        version = known.weighed.live_version or _live_version()
    raise NoRuleSet("The rules change faster than they can be read; try again.")


def _ask(rules: CompiledSet, subject: Subject, *, is_reserving: bool, now: datetime) -> Known:
    posture = settings_at_hand(workspace_id=current_tenant().id).policy_failure
    program = rules.program(currency=subject.currency, kind=subject.kind, posture=posture)
    references = [whom for whom in (subject.customer, subject.counterparty) if whom] if program.needs_parties else []
    if program.needs_segment and subject.customer and not subject.segment:
        # Which limits are in scope depends on it, so it has to be known before they are reserved.
        before = weigh(
            version=rules.version, subject=subject, meters=(), listed=(), references=[subject.customer],
            is_reserving=False, expires_at=None, now=now,
        )  # fmt: skip
        subject = _with_parties(subject, before)
    facts = facts_of(subject)
    weighed = weigh(
        version=rules.version,
        subject=subject,
        meters=program.asked_meters(facts),
        listed=program.asked_lists(facts),
        references=references,
        is_reserving=is_reserving,
        expires_at=None,
        now=now,
    )
    if weighed.live_version != rules.version:
        return Known(rules, program, subject, facts, weighed)
    if weighed.parties:
        subject = _with_parties(subject, weighed)
        facts = facts_of(subject)
    program.add_weighed(facts, weighed)
    return Known(rules, program, subject, facts, weighed)


def _with_parties(subject: Subject, weighed: Weighed) -> Subject:
    customer: PartyFacts | None = weighed.parties.get(subject.customer or "")
    return replace(
        subject,
        customer_party=customer,
        counterparty_party=weighed.parties.get(subject.counterparty),
        segment=subject.segment or (customer.segment if customer else ""),
    )


def _rules(workspace: UUID, version: int) -> CompiledSet:
    try:
        return compiled_set(workspace, version, _document)
    except InvalidRuleSet as error:
        raise NoRuleSet(f"Rule set {version} cannot be read: {error.detail}") from error


def _document(version: int) -> Any:
    row = execute_hot("SELECT rules FROM policy_rule_set WHERE version = %s::bigint", [version]).fetchone()
    if row is None:
        raise NoRuleSet(f"There is no rule set {version}.")
    return orjson.loads(row[0]) if isinstance(row[0], str | bytes) else row[0]


def _live_version() -> int:
    row = execute_hot("SELECT max(version) FROM policy_rule_set", []).fetchone()
    if row is None or row[0] is None:
        raise NoRuleSet("This workspace has no rule set; nothing is decided without one.")
    return int(row[0])
