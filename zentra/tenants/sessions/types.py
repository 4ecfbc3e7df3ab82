"""What the doors of this package hand out."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

EndReason = Literal["signed_out", "idle", "too_long", "ended", "password", "second_factor"]


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """A session as its person and admins recognise it."""

    id: str
    address: str
    browser: str
    method: str
    created_at: datetime
    last_seen_at: datetime


@dataclass(frozen=True, slots=True)
class KnownSession:
    """A session and the limits it is under: the strictest of the person's workspaces."""

    id: str
    user_id: str
    created_at: datetime
    last_seen_at: datetime
    has_ended: bool
    idle: timedelta
    longest: timedelta

    def over(self, now: datetime) -> Literal["", "idle", "too_long"]:
        """By which limit it is over at a moment; empty while it goes on."""
        if now - self.created_at >= self.longest:
            return "too_long"
        return "idle" if now - self.last_seen_at >= self.idle else ""
