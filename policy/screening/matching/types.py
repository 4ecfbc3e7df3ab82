"""What is compared with watchlists, and what comes of it. All of it is personal data: never in events."""

from dataclasses import dataclass
from typing import Any, Final, Literal

from policy.screening.watchlists.types import EntryRecord

PartyKind = Literal["person", "company"]
Band = Literal["strong", "possible", "none"]
STRONG_FROM: Final = 90
POSSIBLE_FROM: Final = 80


@dataclass(frozen=True, slots=True)
class IdentifierFact:
    """A number that somebody is known by, as it was given. ``country`` is ISO 3166-1 alpha-2 or empty."""

    type: str
    value: str
    country: str = ""


@dataclass(frozen=True, slots=True)
class ScreenedParty:
    """What of a party is compared with watchlists. ``names`` starts with the legal name, aliases follow.

    ``dates`` are ISO 8601 days of birth or incorporation, as far as known (``1969-03-01``, ``1969-03``, ``1969``);
    ``countries`` ISO 3166-1 alpha-2.
    """

    kind: PartyKind
    names: tuple[str, ...]
    dates: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    identifiers: tuple[IdentifierFact, ...] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """What one comparison brought: ``points`` of at most ``of``, or points taken away; ``words`` for people."""

    part: str
    points: int
    of: int
    words: str

    def as_dict(self) -> dict[str, Any]:
        """As it is kept with a hit."""
        return {"part": self.part, "points": self.points, "of": self.of, "words": self.words}


@dataclass(frozen=True, slots=True)
class Score:
    """0 to 100, and the parts that it is the sum of, kept within those bounds."""

    total: int
    parts: tuple[Part, ...]

    @property
    def band(self) -> Band:
        """Whether somebody should look: strong from 90, possible from 80."""
        return "strong" if self.total >= STRONG_FROM else "possible" if self.total >= POSSIBLE_FROM else "none"


@dataclass(frozen=True, slots=True)
class Match:
    """An entry of an active list that a party may be, and why."""

    entry: EntryRecord
    score: Score
