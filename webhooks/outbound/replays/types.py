"""The values of a replay of a range."""

from dataclasses import dataclass
from datetime import datetime

from webhooks.outbound.replays.scope import ReplayScope
from webhooks.types import PageKey, ReplayState


@dataclass(frozen=True, slots=True)
class ReplayPreview:
    """What a replay would do if it started now, counted exactly. Nothing was sent.

    ``matched`` is all that the range covers; of it ``skipped_disabled`` goes to disabled endpoints and ``in_flight``
    is on its way at this moment. ``seconds_at_rate`` is how long requesting the rest takes.
    """

    matched: int
    by_endpoint: dict[str, int]
    by_state: dict[str, int]
    oldest_at: datetime | None
    newest_at: datetime | None
    skipped_disabled: int
    in_flight: int
    rate_per_second: int

    @property
    def requestable(self) -> int:
        """How many would be sent."""
        return self.matched - self.skipped_disabled - self.in_flight

    @property
    def seconds_at_rate(self) -> int:
        """Whole seconds, rounded up."""
        return -(-self.requestable // self.rate_per_second)


@dataclass(frozen=True, slots=True)
class ReplayRecord:
    """A replay of a range and how far it is.

    ``matched`` was counted at the start. ``requested`` were put on their way; of them ``resolved`` arrived, ``failed``
    were given up, ``waiting`` are still to come, and ``taken_over`` belong to a later replay by now: these four add up
    to it. ``skipped`` were in flight or at a disabled endpoint when it reached them. ``not_requested`` is what a cancel
    left as it was. What no longer matched when it was reached is counted nowhere.
    """

    id: str
    scope: ReplayScope
    reason: str
    actor: dict[str, object]
    rate_per_second: int
    state: ReplayState
    matched: int
    requested: int
    skipped: int
    skipped_disabled: int
    not_requested: int
    resolved: int
    failed: int
    waiting: int
    created_at: datetime
    ended_at: datetime | None
    canceled_by: dict[str, object] | None
    cancel_reason: str

    @property
    def skipped_in_flight(self) -> int:
        """Those of the skipped that were on their way already."""
        return self.skipped - self.skipped_disabled

    @property
    def taken_over(self) -> int:
        """Those that a later replay asked for since."""
        return self.requested - self.resolved - self.failed - self.waiting

    @property
    def percent(self) -> float:
        """How much of the range was gone through, with two decimals; 100 only once it is done."""
        if self.state == "done":
            return 100.0
        if self.matched == 0:
            return 0.0
        return min(99.99, ((self.requested + self.skipped) * 10_000 // self.matched) / 100)

    @property
    def seconds_left(self) -> int | None:
        """How long requesting the rest takes at its rate; None once it has ended."""
        if self.state != "running":
            return None
        return -(-max(0, self.matched - self.requested - self.skipped) // self.rate_per_second)

    @property
    def page_key(self) -> PageKey:
        """Where a list goes on after this row."""
        return self.created_at, self.id
