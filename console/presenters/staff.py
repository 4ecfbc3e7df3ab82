"""Access of the platform's staff as the rooms show it."""

from datetime import datetime

from console.doors import address_of
from console.marks import mark
from console.presenters.words import NONE, age, dated, grouped, moment
from console.types.workspaces import GrantRow
from zentra.tenants.staff.types import StaffGrantRecord


def grant_row(
    grant: StaffGrantRecord,
    *,
    now: datetime,
    acts: int | None = None,
    events_url: str = "",
    end_url: str = "",
    who: str = "",
) -> GrantRow:
    """One access: who, why, from when to when, what they did. ``who`` is the name of whoever ended it."""
    is_open = grant.state_at(now) == "open"
    return GrantRow(
        grant_id=grant.id,
        name=grant.name,
        email=grant.email,
        role=grant.role,
        reason=grant.reason,
        reference=grant.reference,
        workspace=grant.workspace_name,
        workspace_url=address_of(grant.workspace_slug),
        state=mark("live", says="inside") if is_open else mark("pending", says="over"),
        starts=moment(grant.starts_at, now),
        ends=dated(grant.ends_at),
        left=f"{age(grant.ends_at - now)} left" if is_open else "",
        ended=_ended(grant, who) if not is_open else "",
        acts=NONE if acts is None else grouped(acts),
        acts_url=events_url if acts else "",
        end_url=end_url if is_open else "",
    )


def _ended(grant: StaffGrantRecord, who: str) -> str:
    if grant.ended_at is None or not grant.ended_by.startswith("usr_"):
        return f"by itself, {dated(grant.ended_at or grant.ends_at)}"
    by = "themselves" if grant.ended_by == grant.user_id else who or "an admin of the workspace"
    return f"by {by}, {dated(grant.ended_at)}"
