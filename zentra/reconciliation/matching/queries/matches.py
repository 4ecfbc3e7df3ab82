"""Matches, standing and undone."""

from datetime import datetime

from zentra.reconciliation.matching.types import How, MatchRecord, MatchState


def get_match(*, match_id: str) -> MatchRecord:
    """A match with the ids of its lines and entries; raises MatchNotFound, BadId."""
    raise NotImplementedError


def list_matches(
    *,
    limit: int,
    account_id: str | None = None,
    state: MatchState | None = None,
    how: How | None = None,
    rule: str | None = None,
    before: tuple[datetime, str] | None = None,
) -> list[MatchRecord]:
    """Matches, newest first, without their items. ``before`` is (made_at, id) of the last one seen."""
    raise NotImplementedError


def matches_of(*, line_id: str | None = None, entry_id: str | None = None) -> list[MatchRecord]:
    """Every match that ever held a line or an entry, newest first, with their items; raises BadId."""
    raise NotImplementedError
