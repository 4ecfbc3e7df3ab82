"""The rules of an account."""

from collections.abc import Sequence
from typing import Any, Literal

from zentra.reconciliation.matching.types import Rule, RuleSetRecord


def default_rules(*, kind: Literal["bank", "rail"]) -> tuple[Rule, ...]:
    """What an account starts with."""
    raise NotImplementedError


def get_rules(*, account_id: str, version: int | None = None) -> RuleSetRecord:
    """A version of the rules, the newest unless named; raises RuleSetNotFound."""
    raise NotImplementedError


def list_rule_sets(*, account_id: str) -> list[RuleSetRecord]:
    """Every version, newest first."""
    raise NotImplementedError


def rules_as_json(*, rules: Sequence[Rule]) -> list[dict[str, Any]]:
    """The rules as they are stored and shown."""
    raise NotImplementedError
