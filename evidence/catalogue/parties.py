"""Parties and their screening. Ids, states and counts only: what is personal stays in the workspace's tables."""

from typing import Final

from evidence.catalogue.types import EventType

# fmt: off
ALL: Final[tuple[EventType, ...]] = ()
# fmt: on
