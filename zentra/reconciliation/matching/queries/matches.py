"""Matches, standing and undone."""

from collections.abc import Sequence
from dataclasses import fields, replace
from datetime import datetime
from typing import Final

from django.db.models import Q

from zentra.core.ids import to_uuid
from zentra.reconciliation.matching.errors import MatchNotFound
from zentra.reconciliation.matching.models import Match, MatchItem
from zentra.reconciliation.matching.types import How, MatchRecord, MatchState

_FIELDS: Final = tuple(field.name for field in fields(MatchRecord) if field.name not in ("line_ids", "entry_ids"))


def get_match(*, match_id: str) -> MatchRecord:
    """A match with the ids of its lines and entries; raises MatchNotFound, BadId."""
    found = Match.objects.filter(id=match_id).first()
    if found is None:
        raise MatchNotFound(f"There is no match {match_id}.", match_id=match_id)
    return _with_items([match_record(row=found)])[0]


def list_matches(
    *,
    limit: int,
    account_id: str | None = None,
    state: MatchState | None = None,
    how: How | None = None,
    rule: str | None = None,
    run_id: str | None = None,
    before: tuple[datetime, str] | None = None,
) -> list[MatchRecord]:
    """Matches, newest first, without their items. ``before`` is (made_at, id) of the last one seen; raises BadId."""
    asked = {"account_id": account_id, "state": state, "how": how, "rule": rule, "run_id": run_id}
    rows = Match.objects.filter(**{name: value for name, value in asked.items() if value is not None})
    if before is not None:
        rows = rows.filter(Q(made_at__lt=before[0]) | Q(made_at=before[0], id__lt=before[1]))
    return [match_record(row=row) for row in rows.order_by("-made_at", "-id")[:limit]]


def matches_of(*, line_id: str | None = None, entry_id: str | None = None) -> list[MatchRecord]:
    """Every match that ever held a line or an entry, newest first, with their items; raises BadId."""
    held = Q(line_id=to_uuid(line_id, prefix="lin")) if line_id else Q(match_id__in=[])
    if entry_id:
        held |= Q(entry_id=to_uuid(entry_id, prefix="entry"))
    wanted = MatchItem.objects.filter(held).values_list("match_id", flat=True)
    rows = Match.objects.filter(id__in=list(wanted)).order_by("-made_at", "-id")
    return _with_items([match_record(row=row) for row in rows])


def match_record(*, row: Match) -> MatchRecord:
    """The record of a row, without its items."""
    return MatchRecord(**{name: getattr(row, name) for name in _FIELDS})


def _with_items(records: Sequence[MatchRecord]) -> list[MatchRecord]:
    lines: dict[str, list[str]] = {}
    entries: dict[str, list[str]] = {}
    for item in MatchItem.objects.filter(match_id__in=[each.id for each in records]).order_by("match_id", "place"):
        if item.line_id:
            lines.setdefault(item.match_id, []).append(item.line_id)
        if item.entry_id:
            entries.setdefault(item.match_id, []).append(item.entry_id)
    return [
        replace(each, line_ids=tuple(lines.get(each.id, ())), entry_ids=tuple(entries.get(each.id, ())))
        for each in records
    ]
