"""The values that cross evidence's door, and the Protocols by which the apps above it contribute to packets.

Evidence imports no app above it. Each of them registers, in its ``AppConfig.ready``, a packet section (what the packet
should show of that app) and, where it keeps state that the events describe, a projection check (does that state still
say what the events say?).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from zentra.core.actors import Actor


@dataclass(frozen=True, slots=True)
class NewEvent:
    """A fact to record. It becomes one leaf, delivered under its type and every name in ``announced_as``.

    ``data`` holds ids, words and whole numbers only: no floats, and never personal data, because leaves are for ever.
    """

    type: str
    actor: Actor
    data: Mapping[str, object]
    intent_id: str | None = None
    trace_id: str | None = None
    announced_as: tuple[str, ...] = ()
    occurred_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class RecordedEvent:
    """A recorded event as readers see it; ``body`` is exactly what was hashed, ``index`` None until sequenced."""

    id: str
    type: str
    announced_as: tuple[str, ...]
    recorded_at: datetime
    intent_id: str | None
    trace_id: str | None
    body: bytes
    index: int | None

    @property
    def names(self) -> frozenset[str]:
        """Every name under which this event is announced."""
        return frozenset((self.type, *self.announced_as))


@dataclass(frozen=True, slots=True)
class Leaf:
    """A place in the log."""

    index: int
    event_id: str
    recorded_at: datetime
    leaf_hash: bytes


@dataclass(frozen=True, slots=True)
class SequencedBatch:
    """What one round of sequencing did: leaves ``first`` to ``last``, both included; ``more`` when others wait."""

    count: int
    first: int | None
    last: int | None
    more: bool


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A signed tree head: the root over the first ``size`` leaves, and the C2SP signed note that says so."""

    size: int
    root: bytes
    note: str
    signed_at: datetime


@dataclass(frozen=True, slots=True)
class SealedTo:
    """How far the log is sealed. ``age_seconds`` is how long the oldest unsealed event has waited, 0 when none does."""

    sequenced: int
    signed: int
    signed_at: datetime | None
    waiting: int
    age_seconds: float


@dataclass(frozen=True, slots=True)
class SealedPacket:
    """One revision of an intent's packet, as stored."""

    id: str
    intent_id: str
    revision: int
    sha256: str
    manifest_sha256: str
    previous_sha256: str | None
    checkpoint_size: int
    created_at: datetime
    content: bytes
    manifest: dict[str, object] = field(repr=False)
    fresh: bool = False

    @property
    def filename(self) -> str:
        """The name under which people save it."""
        return f"{self.intent_id}.r{self.revision}.zip"


class PacketSection(Protocol):
    """What one app shows in a packet: a JSON value without floats, stored as ``sections/<name>.json``."""

    name: str

    def build(self, *, intent_id: str) -> dict[str, object] | None:
        """The section for an intent; None when the app has nothing to say about it."""
        ...


@dataclass(frozen=True, slots=True)
class ProjectionResult:
    """Whether an app's own state says what the events say, and one sentence about it."""

    agrees: bool
    detail: str


class ProjectionCheck(Protocol):
    """Compares an app's state of an intent with what its recorded events say; runs before a packet seals."""

    name: str

    def check(self, *, intent_id: str) -> ProjectionResult:
        """Compare; a disagreement refuses the packet."""
        ...


_sections: dict[str, PacketSection] = {}
_checks: dict[str, ProjectionCheck] = {}


def register_section(section: PacketSection) -> None:
    """Add a packet section; called from ``AppConfig.ready``. A second registration of a name replaces the first."""
    _sections[section.name] = section


def register_check(check: ProjectionCheck) -> None:
    """Add a projection check; called from ``AppConfig.ready``."""
    _checks[check.name] = check


def sections() -> list[PacketSection]:
    """The registered sections, by name, so that a packet's order never depends on import order."""
    return [_sections[name] for name in sorted(_sections)]


def checks() -> list[ProjectionCheck]:
    """The registered projection checks, by name."""
    return [_checks[name] for name in sorted(_checks)]
