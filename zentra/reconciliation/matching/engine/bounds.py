"""What one person's rules may settle: no more than that person may match alone."""

from collections.abc import Sequence
from dataclasses import replace

from zentra.reconciliation.matching.types import Rule


def bound_rules(*, rules: Sequence[Rule], limit: int) -> tuple[Rule, ...]:
    """The rules with no difference above ``limit`` minor units, whatever was saved.

    A version stays as somebody saved it: where the workspace raises its limit, the same version allows more.
    """
    return tuple(replace(rule, tolerance_minor=min(rule.tolerance_minor, limit)) for rule in rules)
