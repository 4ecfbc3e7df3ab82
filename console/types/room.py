"""The operations room as a whole."""

from dataclasses import dataclass
from typing import Literal

from console.types import Chip, InspectorView, KpiView, RowView, StageView
from console.types.events import EventRow


@dataclass(frozen=True, slots=True)
class FirstStep:
    """What a new workspace needs before its first intent; ``url`` is empty for who may not do it."""

    title: str
    words: str
    url: str
    is_done: bool


@dataclass(frozen=True, slots=True)
class RoomView:
    tab: Literal["24h", "events", "audit"]
    tabs: tuple[Chip, ...]
    stages: tuple[StageView, ...]
    kpis: tuple[KpiView, ...]
    filters: tuple[Chip, ...]
    rows: tuple[RowView, ...]
    events: tuple[EventRow, ...] = ()
    selected: InspectorView | None = None
    next_url: str = ""
    send_url: str = ""
    scope: str = "workspace_scope"
    first_steps: tuple[FirstStep, ...] = ()
    first_url: str = ""  # back to the newest page, where the feed arrives; empty on that page

    @property
    def is_newest(self) -> bool:
        """Whether new rows belong on this page."""
        return not self.first_url
