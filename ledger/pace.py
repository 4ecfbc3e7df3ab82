"""How often work that reads everything is done: the longer it takes, the more seldom."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import UUID


@dataclass(slots=True)
class Pace:
    """Lets work of a workspace start no sooner than ``rest`` times as long as its last run took, from its start.

    A restarted process forgets and starts at once, which such work must allow.
    """

    rest: float
    clock: Callable[[], float] = time.monotonic
    _next: dict[UUID, float] = field(default_factory=dict)

    def is_due(self, workspace: UUID) -> bool:
        """Whether the work may start."""
        return self.clock() >= self._next.get(workspace, float("-inf"))

    @contextmanager
    def measured(self, workspace: UUID) -> Iterator[None]:
        """Do the work inside of this, also when it fails."""
        began = self.clock()
        try:
            yield
        finally:
            self._next[workspace] = began + self.rest * (self.clock() - began)
