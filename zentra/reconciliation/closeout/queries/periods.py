"""Periods and what was done to them."""

import re
from datetime import date, datetime
from typing import Final

from zentra.core import ids
from zentra.reconciliation.closeout.models import Period, PeriodAct
from zentra.reconciliation.closeout.store import get_row, read_period, rows
from zentra.reconciliation.closeout.types import PeriodAct as PeriodActRecord
from zentra.reconciliation.closeout.types import PeriodRecord

_WATCHED: Final = 4
_IN_TURN: Final = 6
"""Locked periods that are computed at a time: with three years of them each has its turn twice an hour."""

_LONGEST_AGO: Final = """
SELECT p.id FROM recon_period p JOIN recon_tie_out t ON t.period_id = p.id
 WHERE p.state = 'closed' GROUP BY p.id ORDER BY min(t.computed_at), p.id LIMIT %s
"""
_MONTH: Final = re.compile(r"(\d{4})-(\d{2})")


def list_periods(*, limit: int = 36) -> list[PeriodRecord]:
    """Periods, the newest first."""
    return [read_period(row) for row in Period.objects.order_by("-starts_on")[:limit]]


def get_period(*, period_id: str) -> PeriodRecord:
    """A period; raises PeriodNotFound, BadId."""
    return read_period(get_row(period_id))


def find_period(*, month: str) -> PeriodRecord | None:
    """The period of a month such as 2026-04; None where there is none, or for other words."""
    found = _MONTH.fullmatch(month)
    if found is None or not 1 <= int(found[2]) <= 12 or found[1] == "0000":  # December
        return None
    row = Period.objects.filter(starts_on=date(int(found[1]), int(found[2]), 1)).first()
    return None if row is None else read_period(row)


def list_expired(*, now: datetime) -> list[str]:
    """The ids of re-opened periods whose time is up, the oldest first."""
    return [row.id for row in Period.objects.filter(until__lte=now).order_by("starts_on")]


def watched_periods(*, is_locked: bool) -> list[str]:
    """The ids of the periods whose tie-outs are kept current: every softly closed one, and of the open ones the newest.

    Of the locked ones some at a time, those that were computed longest ago: each has its turn, however old it is.
    """
    if is_locked:
        return [ids.to_public("prd", key) for (key,) in rows(_LONGEST_AGO, [_IN_TURN])]
    newest = list(Period.objects.order_by("-starts_on")[:_WATCHED])
    soft = list(Period.objects.filter(state="soft").order_by("-starts_on"))
    return [row.id for row in (*soft, *(each for each in newest if each.state == "open"))]


def period_history(*, period_id: str) -> list[PeriodActRecord]:
    """What was done to a period, the oldest first; raises PeriodNotFound, BadId."""
    get_row(period_id)
    return [
        PeriodActRecord(row.id, row.act, row.by, row.reason, row.facts, row.at)  # type: ignore[arg-type]  # our words
        for row in PeriodAct.objects.filter(period_id=period_id).order_by("at", "id")
    ]
