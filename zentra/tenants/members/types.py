"""What the doors of this package hand out."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class MemberRecord:
    """A person's membership. ``has_password`` is false until a new person has used their link."""

    user_id: str
    email: str
    name: str
    role: str
    on_shift: bool
    version: int
    joined_at: datetime
    last_seen_at: datetime | None
    has_second_factor: bool
    has_password: bool
    is_only_here: bool


@dataclass(frozen=True, slots=True)
class AddedMember:
    """A new member. ``token`` makes the link by which a new person sets a password; it is kept nowhere."""

    member: MemberRecord
    token: str | None
