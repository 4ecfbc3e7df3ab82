"""The values that cross the door of rule sets."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

DraftState = Literal["draft", "validated", "published", "discarded"]


@dataclass(frozen=True, slots=True)
class RuleSetRecord:
    """A published version; it never changes. ``editors`` wrote it, ``published_by`` is none of them."""

    version: int
    document: dict[str, Any]
    published_at: datetime
    published_by: str
    draft_id: str | None
    editors: tuple[str, ...]
    note: str
    digest: str
    restores: int | None


@dataclass(frozen=True, slots=True)
class DraftRecord:
    """Rules being written. ``version`` counts changes; an edit names the one that it saw."""

    id: str
    name: str
    document: dict[str, Any]
    based_on: int
    restores: int | None
    state: DraftState
    made_by: str
    editors: tuple[str, ...]
    edited_by: str
    created_at: datetime
    edited_at: datetime
    validated_at: datetime | None
    validated_by: str | None
    ended_at: datetime | None
    ended_by: str | None
    published_version: int | None
    version: int


@dataclass(frozen=True, slots=True)
class ChangedRule:
    """A rule or limit that both sets have: the pointers inside it that differ, with what stands there on each side."""

    name: str
    is_limit: bool
    pointers: tuple[str, ...]
    before: Mapping[str, Any]
    after: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RuleSetDiff:
    """What became of the rules and limits of one set in another, and which settings differ (pointers)."""

    added: tuple[Mapping[str, Any], ...]
    removed: tuple[Mapping[str, Any], ...]
    changed: tuple[ChangedRule, ...]
    settings: tuple[str, ...]
    is_reordered: bool

    @property
    def is_empty(self) -> bool:
        """Whether both sets say the same."""
        return not (self.added or self.removed or self.changed or self.settings or self.is_reordered)
