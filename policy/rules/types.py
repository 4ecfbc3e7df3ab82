"""The values that rules, limits and decisions share: outcomes, results, windows and meters. Minor units, UTC."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from typing import Any, Final, Literal, NamedTuple

from policy.subjects import PartyFacts
from zentra.core.money import format_minor

Outcome = Literal["accepted", "review", "declined"]
RuleOutcome = Literal["not_applicable", "passed", "noted", "review", "blocked", "declined"]
Action = Literal["accept_with_note", "review", "block_and_review", "decline"]
Measure = Literal["sum", "count", "distinct_counterparties"]
Dimension = Literal["account", "customer", "corridor", "card", "workspace"]
Calendar = Literal["day", "week", "month"]
SEVERITY: Final[dict[str, int]] = {
    "not_applicable": 0,
    "passed": 1,
    "noted": 2,
    "review": 3,
    "blocked": 4,
    "declined": 5,
}
HOLDS: Final = SEVERITY["review"]
"""From this severity on, nothing posts without a person."""
OUTCOME_OF_ACTION: Final[dict[str, RuleOutcome]] = {
    "accept_with_note": "noted",
    "review": "review",
    "block_and_review": "blocked",
    "decline": "declined",
}
EVERY_CURRENCY: Final = "***"
"""The currency of a meter that counts intents whatever they are in."""


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of time that ends now: so many seconds back, or since the day, the week (Monday) or the month began."""

    rolling_seconds: int | None = None
    calendar: Calendar | None = None

    @property
    def key(self) -> str:
        """One text for one window: ``r86400``, ``day``."""
        return f"r{self.rolling_seconds}" if self.rolling_seconds is not None else str(self.calendar)

    def starts_at(self, now: datetime, time_zone: tzinfo) -> datetime:
        """Where the window begins: for a rolling one the first moment that no longer counts (movements after it do);
        for a calendar one midnight in the workspace's time zone (movements at it count)."""
        if self.rolling_seconds is not None:
            return now - timedelta(seconds=self.rolling_seconds)
        local = now.astimezone(time_zone)
        day = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
        if self.calendar == "week":
            day = (day - timedelta(days=day.weekday())).replace(fold=0)
        elif self.calendar == "month":
            day = day.replace(day=1)
        return day.astimezone(now.tzinfo)


@dataclass(frozen=True, slots=True)
class Meter:
    """What is counted of a subject over a window.

    ``kinds`` are the kinds of intent that count, sorted; none means every kind. An amount counts when it is at least
    ``from_minor`` and less than ``below_minor``, minor units; None is no bound.
    """

    by: Dimension
    measure: Measure
    window: Window
    kinds: tuple[str, ...] = ()
    from_minor: int | None = None
    below_minor: int | None = None

    @property
    def key(self) -> str:
        """One text for one meter, the same in every process: counters are kept under it."""
        kinds = ",".join(sorted(self.kinds)) or "*"
        low = "" if self.from_minor is None else str(self.from_minor)
        high = "" if self.below_minor is None else str(self.below_minor)
        bounds = f"|{low}..{high}" if low or high else ""
        return f"{self.measure}|{self.by}|{self.window.key}|{kinds}{bounds}"

    @property
    def is_by_currency(self) -> bool:
        """Whether each currency is counted by itself: sums, and whatever compares amounts."""
        return self.measure == "sum" or self.from_minor is not None or self.below_minor is not None

    def counts(self, *, kind: str, amount_minor: int) -> bool:
        """Whether an intent of this kind and amount counts at all."""
        if self.kinds and kind not in self.kinds:
            return False
        if self.from_minor is not None and amount_minor < self.from_minor:
            return False
        return self.below_minor is None or amount_minor < self.below_minor


@dataclass(frozen=True, slots=True)
class AskedMeter:
    """A meter with the most it may reach, this intent included; None only asks what it stands at."""

    meter: Meter
    cap: int | None = None


@dataclass(frozen=True, slots=True)
class Weighed:
    """What one call to the database found. ``used`` and ``added`` stand in the order of the meters asked.

    ``used`` is what counts without this intent, ``added`` what this intent adds (its amount, 1, or for distinct
    counterparties 0 or 1; 0 where it does not count or the subject has no such dimension). When ``live_version`` is
    not the version that was asked for, nothing was weighed or reserved.
    """

    live_version: int
    used: tuple[int, ...] = ()
    added: tuple[int, ...] = ()
    has_room: tuple[bool, ...] = ()
    is_reserved: bool = False
    listed: frozenset[tuple[str, str]] = frozenset()
    parties: Mapping[str, PartyFacts] = field(default_factory=dict)
    is_first: bool | None = None
    """Whether this customer never paid this counterparty before; None without a customer or counterparty."""


class RuleResult(NamedTuple):
    """One rule with what it saw and what came of it. ``us`` is how long it took, in microseconds.

    ``values`` is the trace: what each node of the rule's tree saw, in preorder; None was not looked at. A NamedTuple,
    since sixty of them are made for each intent.
    """

    rule: str
    outcome: RuleOutcome
    input_minor: int | None
    limit_minor: int | None
    reason: str
    lane: str | None = None
    score: int = 0
    us: int = 0
    values: tuple[Any, ...] = ()
    tags: tuple[str, ...] = ()
    four_eyes: bool = False
    why: str = ""
    """``missing`` or ``error`` when the rule could not be answered and the workspace's choice stands for it."""

    def as_dict(self) -> dict[str, object]:
        """The result as event bytes and packets keep it: no values, which may name people."""
        return {
            "rule": self.rule,
            "outcome": self.outcome,
            "input_minor": self.input_minor,
            "limit_minor": self.limit_minor,
            "reason": self.reason,
            "score": self.score,
        }

    def as_trace(self) -> dict[str, object]:
        """The result as the decision keeps it: with its values, its duration and why it could not be answered."""
        return {**self.as_dict(), "us": self.us, "values": self.values, **({"why": self.why} if self.why else {})}

    def saw(self, currency: str) -> str:
        """One line for the review queue."""
        if self.input_minor is None or self.limit_minor is None:
            return self.reason
        return f"{format_minor(self.input_minor, currency)} of {format_minor(self.limit_minor, currency)} {currency}"
