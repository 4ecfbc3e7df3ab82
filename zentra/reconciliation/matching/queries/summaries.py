"""How accounts stand."""

from datetime import date

from zentra.reconciliation.matching.types import DayRate, RuleCount, Summary


def summarize(*, account_id: str) -> Summary:
    """How an account stands now; raises ReconciledAccountNotFound."""
    raise NotImplementedError


def summarize_all() -> list[Summary]:
    """How every account stands, by id."""
    raise NotImplementedError


def match_rates(*, account_id: str | None, from_on: date, to_on: date) -> list[DayRate]:
    """Per booking day, both ends included, how many lines there are and how many are matched; days without are left
    out. Of all accounts when none is named.
    """
    raise NotImplementedError


def matched_by_rule(*, account_id: str | None, from_on: date, to_on: date) -> list[RuleCount]:
    """Standing matches of lines booked in these days, by rule (``manual`` and ``forced`` count as such)."""
    raise NotImplementedError
