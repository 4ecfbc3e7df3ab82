"""The rules of an account, a version each time they are saved."""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final, get_args

from django.db import transaction

from evidence.operations import record_events
from evidence.types import NewEvent
from zentra.core.actors import Actor
from zentra.core.money import MAX_AMOUNT_MINOR
from zentra.reconciliation.matching.desk.people import check_actor
from zentra.reconciliation.matching.errors import RuleSetInvalid, StaleRuleSet
from zentra.reconciliation.matching.locks import lock_account
from zentra.reconciliation.matching.models import RuleSet
from zentra.reconciliation.matching.queries.rules import get_rules, rules_as_json
from zentra.reconciliation.matching.types import Rule, RuleKind, RuleSetRecord
from zentra.tenants.permissions import Permission

MOST_RULES: Final = 20
MOST_FEE_BP: Final = 2_000
"""A fifth: what is more is no fee, and a rule that explains it would match anything."""
_KEY: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")
_RANGES: Final = {
    "tolerance_minor": (0, MAX_AMOUNT_MINOR),
    "tolerance_bp": (0, 1_000),
    "fee_percent_bp": (0, MOST_FEE_BP),
    "fee_fixed_minor": (0, MAX_AMOUNT_MINOR),
}
_LONGEST_WINDOW: Final = 60


@transaction.atomic
def save_rules(
    *, account_id: str, rules: Sequence[Rule], note: str, after_version: int, actor: Actor, now: datetime
) -> RuleSetRecord:
    """Save the next version; ``after_version`` is the one it was made from, 0 the first.

    However large the numbers are, no run confirms a difference above the workspace's ``match_approval_minor`` by them.
    Recorded as ``reconciliation.rules.saved``.

    Raises RuleSetInvalid, StaleRuleSet, DeskRoleRefused, AccountNotFound, BadId.
    """
    check_actor(actor, Permission.RECONCILIATION_MATCH)
    check_rules(rules=rules)
    account = lock_account(account_id=account_id)
    newest = get_rules(account_id=account_id).version
    if newest != after_version:
        raise StaleRuleSet(f"Version {newest} was saved since version {after_version}.", version=newest)
    RuleSet.objects.create(
        account_id=account.id,
        version=newest + 1,
        rules=rules_as_json(rules=rules),
        note=note.strip()[:2_000],
        created_by=actor.as_dict(),
        created_at=now,
    )
    data: dict[str, object] = {
        "account_id": account.id,
        "version": newest + 1,
        "rules": len(rules),
        "saved_by": actor.id,
    }
    record_events(events=[NewEvent(type="reconciliation.rules.saved", actor=actor, data=data)], now=now)
    return get_rules(account_id=account_id)


def check_rules(*, rules: Sequence[Rule]) -> None:
    """Raises RuleSetInvalid, with every problem of them."""
    problems = list(_problems(rules))
    if problems:
        raise RuleSetInvalid(problems[0], problems=problems)


def _problems(rules: Sequence[Rule]) -> Iterator[str]:
    if not 1 <= len(rules) <= MOST_RULES:
        yield f"There are 1 to {MOST_RULES} rules."
    if len({rule.key for rule in rules}) < len(rules):
        yield "Two rules have the same key."
    for rule in rules:
        yield from _problems_of(rule)


def _problems_of(rule: Rule) -> Iterator[str]:
    if not _KEY.fullmatch(rule.key):
        yield f"{rule.key[:40]!r} is no key: small letters, digits and underscores, a letter first."
    if rule.kind not in get_args(RuleKind):
        yield f"{rule.key}: {str(rule.kind)[:40]!r} is no kind of rule."
    if rule.within_days is not None and not 0 <= rule.within_days <= _LONGEST_WINDOW:
        yield f"{rule.key}: a date window has 0 to {_LONGEST_WINDOW} business days."
    for name, (least, most) in _RANGES.items():
        if not least <= getattr(rule, name) <= most:
            yield f"{rule.key}: {name} is from {least} to {most}."
    if rule.kind == "tolerance" and rule.within_days is None:
        yield f"{rule.key}: amounts that differ need a date window."
    if len(rule.source) > _LONGEST_WINDOW:
        yield f"{rule.key}: source has at most {_LONGEST_WINDOW} characters."
