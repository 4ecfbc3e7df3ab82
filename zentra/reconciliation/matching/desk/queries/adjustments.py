"""Adjustments: one, a page, and the one that would close a difference."""

from datetime import datetime
from typing import Literal

from zentra.core import ids
from zentra.reconciliation.matching.desk import store
from zentra.reconciliation.matching.desk.codes import ADJUST, WRITE_OFF
from zentra.reconciliation.matching.desk.errors import NoSuchAdjustment
from zentra.reconciliation.matching.desk.gaps import gap_of, lines_for
from zentra.reconciliation.matching.desk.types import MOST, AdjustmentKind, AdjustmentLine, AdjustmentRecord


def get_adjustment(*, adjustment_id: str) -> AdjustmentRecord:
    """The adjustment of an id ``adj_…``; raises NoSuchAdjustment."""
    try:
        key = ids.to_uuid(adjustment_id, prefix="adj")
    except ids.BadId as error:
        raise NoSuchAdjustment(f"There is no adjustment {adjustment_id[:80]!r} in this workspace.") from error
    found = store.adjustments("WHERE id = %s", [key])
    if not found:
        raise NoSuchAdjustment(f"There is no adjustment {adjustment_id[:80]!r} in this workspace.")
    return found[0]


def list_adjustments(
    *,
    state: Literal["proposed", "posted", "declined"] | None = None,
    after: tuple[datetime, str] | None = None,
    limit: int = 50,
) -> list[AdjustmentRecord]:
    """Adjustments, newest first; ``after`` is the last row's (proposed_at, id). At most 200."""
    moment, last = after or (None, None)
    return store.adjustments(
        "WHERE (%s::text IS NULL OR state = %s) AND (%s::timestamptz IS NULL OR (proposed_at, id) < (%s, %s::uuid))"
        " ORDER BY proposed_at DESC, id DESC LIMIT %s",
        [
            state, state, moment, moment, ids.to_uuid(last, prefix="adj") if last else None, max(1, min(limit, MOST)),
        ],
    )  # fmt: skip


def suggest_adjustment(
    *, exception_id: str, kind: AdjustmentKind, reason_code: str, now: datetime
) -> tuple[AdjustmentLine, ...]:
    """The two lines that would bring the difference of an exception to zero, for the form; empty when none would.

    Raises NoSuchException.
    """
    found = store.get(exception_id, now=now)
    reason = (ADJUST if kind == "adjustment" else WRITE_OFF).get(reason_code)
    if reason is None or not reason.account:
        return ()
    return lines_for(gap_of(found), against=reason.account)
