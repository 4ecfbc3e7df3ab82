"""What the doors of this package hand out. Times are aware UTC."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal, get_args

Surface = Literal["console", "live", "api", "download", "task", "platform"]
SURFACES: Final[tuple[str, ...]] = get_args(Surface)
Side = Literal["target", "actor"]
"""In whose log: of the workspace that was asked for, or of the one that the actor belongs to."""

SIDES: Final[tuple[str, ...]] = get_args(Side)


@dataclass(frozen=True, slots=True)
class DenialFilters:
    """What a list of denials is narrowed by; empty means all. ``text`` is looked for in the event's bytes.

    ``since`` is included, ``until`` is not. ``action`` matches its beginning, the others match whole.
    """

    actor: str = ""
    role: str = ""
    action: str = ""
    reason: str = ""
    surface: str = ""
    side: str = ""
    since: datetime | None = None
    until: datetime | None = None
    text: str = ""

    @property
    def is_narrowed(self) -> bool:
        """Whether anything but a time is asked for."""
        return any((self.actor, self.role, self.action, self.reason, self.surface, self.side, self.text))


@dataclass(frozen=True, slots=True)
class Denial:
    """One recorded denial. ``suppressed`` is how many like it were not recorded just before.

    ``workspace`` is the short name that was asked for, as far as one was; ``more`` has what else the event says.
    """

    id: str
    recorded_at: datetime
    actor_kind: str
    actor_id: str
    role: str
    action: str
    reason: str
    surface: str
    side: str
    workspace: str
    suppressed: int
    more: Mapping[str, object] = field(default_factory=dict)

    @property
    def page_key(self) -> tuple[datetime, str]:
        """Where it stands in a list, newest first."""
        return self.recorded_at, self.id


@dataclass(frozen=True, slots=True)
class DenialCount:
    """How many denials there were in a span that begins at ``at``, those counted in and not recorded included."""

    at: datetime
    count: int


@dataclass(frozen=True, slots=True)
class ActorCount:
    """How many of one actor's attempts were denied."""

    actor_kind: str
    actor_id: str
    count: int
