"""What the doors of this package hand out."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class TeamRecord:
    """Some people who work a queue together; ``members`` are user ids."""

    id: str
    name: str
    queue: str
    version: int
    created_by: str
    created_at: datetime
    members: tuple[str, ...]
