"""The people of a workspace: who has which role."""

from typing import Final

from evidence.catalogue.types import EventType

# fmt: off
ALL: Final[tuple[EventType, ...]] = ()
# fmt: on
