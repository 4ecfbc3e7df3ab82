"""The rules of an account, a version each time they are saved."""

from collections.abc import Sequence
from datetime import datetime

from zentra.core.actors import Actor
from zentra.reconciliation.matching.types import Rule, RuleSetRecord


def save_rules(
    *, account_id: str, rules: Sequence[Rule], note: str, after_version: int, actor: Actor, now: datetime
) -> RuleSetRecord:
    """Save the next version; ``after_version`` is the one it was made from. Raises RuleSetInvalid, StaleRuleSet."""
    raise NotImplementedError
