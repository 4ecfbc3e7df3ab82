"""What staff access hands out."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

StaffRole = Literal["viewer", "support"]
GrantState = Literal["open", "over"]
EndedBy = Literal["time", "staff", "admin"]
"""How access ended: its time was over, the staff left by themselves, or an admin of the workspace ended it."""


@dataclass(frozen=True, slots=True)
class StaffGrantRecord:
    """Who of the platform may enter a workspace, as what, why and until when. ``id`` is ``stf_…``; times are UTC."""

    id: str
    workspace_id: UUID
    workspace_slug: str
    workspace_name: str
    user_id: str
    name: str
    email: str
    role: StaffRole
    reason: str
    reference: str
    starts_at: datetime
    ends_at: datetime
    ended_at: datetime | None
    ended_by: str

    def state_at(self, now: datetime) -> GrantState:
        """Whether it lets them in at a moment."""
        return "open" if self.ended_at is None and self.starts_at <= now <= self.ends_at else "over"
