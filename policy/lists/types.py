"""What lists hand out."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

ListKind = Literal["allow", "deny", "watch"]
ValueType = Literal["text", "country", "currency"]
ItemState = Literal["active", "expired", "removed"]


@dataclass(frozen=True, slots=True)
class ListRecord:
    """A list of values of one type. ``items`` is how many are on it and not expired; ``version`` counts changes."""

    id: str
    name: str
    kind: ListKind
    value_type: ValueType
    description: str
    created_at: datetime
    created_by: str
    version: int
    items: int


@dataclass(frozen=True, slots=True)
class ItemRecord:
    """A value of a list: who put it there, why, and until when; None is until somebody takes it off."""

    id: str
    list_id: str
    list_name: str
    value: str
    note: str
    added_at: datetime
    added_by: str
    expires_at: datetime | None
    removed_at: datetime | None
    removed_by: str | None

    def state_at(self, now: datetime) -> ItemState:
        """Whether it is asked about, has run out or was taken off."""
        if self.removed_at is not None and self.removed_by != EXPIRY:
            return "removed"
        return "expired" if self.expires_at is not None and self.expires_at <= now else "active"


EXPIRY = "svc_policy"
"""Who takes off what has expired."""
