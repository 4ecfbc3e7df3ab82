"""Replays: the list, a new one with what it would do, and one with how far it is."""

from dataclasses import dataclass

from console.types import Chip, Mark, Moment, Proof
from console.types.ledger import Field, Figure, Option


@dataclass(frozen=True, slots=True)
class ReplayRow:
    replay_id: str
    url: str
    scope: str
    mark: Mark
    percent: int
    matched: str
    resolved: str
    failed: str
    by: str
    reason: str
    moment: Moment


@dataclass(frozen=True, slots=True)
class ReplaysPage:
    tabs: tuple[Chip, ...]
    rows: tuple[ReplayRow, ...]
    new_url: str = ""
    next_url: str = ""
    first_url: str = ""


@dataclass(frozen=True, slots=True)
class ReplayPreviewView:
    """What a replay would send again. ``counts`` are (heading, rows of name, address and number)."""

    figures: tuple[Figure, ...]
    endpoints: tuple[tuple[str, str, str], ...]
    states: tuple[tuple[Mark, str], ...]
    words: str
    may_start: bool


@dataclass(frozen=True, slots=True)
class NewReplayPage:
    tabs: tuple[Chip, ...]
    presets: tuple[Chip, ...]
    fields: tuple[Field, ...]
    states: tuple[Option, ...]
    types: tuple[str, ...]
    start_url: str
    kept: tuple[tuple[str, str], ...] = ()
    preview: ReplayPreviewView | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class ReplayPage:
    row: ReplayRow
    figures: tuple[Figure, ...]
    facts: tuple[Proof, ...]
    deliveries_url: str
    cancel_url: str = ""
    poll_url: str = ""
    poll_every: str = "1s"
