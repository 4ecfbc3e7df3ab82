"""What the catalogue says of one type of event."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from evidence.catalogue.fields import Fields
from zentra.core.errors import DomainError

VERSION: Final = "v2026.04"

Stage = Literal["accepted", "controlled", "ledgered", "routed", "synchronized", "evidenced", "beside"]


class UnknownEventType(DomainError):
    """The type is not in the catalogue; nothing was recorded."""

    code = "unknown_event_type"
    status = 500
    title = "There is no event of this type"


@dataclass(frozen=True, slots=True)
class EventType:
    """One kind of fact: the stage it belongs to, the service that states it, what it proves, and its data.

    A type with ``carried_by`` has no leaf of its own: an event of one of those types is announced under this name too,
    with that type's data; ``data`` then names what is always there besides. A type with ``also_by``
    has leaves of its own and is a further name of some events of those types. ``announced_as`` are the names that
    every event of a type is announced under. ``example`` is the data of the example where the
    fields' own would not agree with one another. A ``retired`` type is recorded no more: it stays so
    that old logs can be read.
    """

    name: str
    title: str
    stage: Stage
    actor: str
    description: str
    proof: str = "id"
    delivered: bool = True
    data: Fields = field(default_factory=dict)
    example: Mapping[str, Any] | None = None
    carried_by: tuple[str, ...] = ()
    also_by: tuple[str, ...] = ()
    announced_as: tuple[str, ...] = ()
    retired: bool = False

    @property
    def is_deliverable(self) -> bool:
        """Whether an endpoint can subscribe to it."""
        return self.delivered and not self.retired
