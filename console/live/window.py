"""What one client has been sent and not yet confirmed. No I/O: messages come back as values.

Daphne does not bound what it queues for a slow client, so we do: at most four frames are ever unconfirmed. Past that
the client gets only a counter, one at a time, until it has caught up from a page it fetched itself.
"""

from dataclasses import dataclass, field
from typing import Any, Final

from console.live.frames import Frame

IN_FLIGHT: Final = 4

Message = dict[str, Any]


@dataclass(slots=True)
class Window:
    """The sending side of one client."""

    number: int = 0
    unconfirmed: set[int] = field(default_factory=set)
    missed: int = 0
    counter: int = 0  # the number of the counter that is out, 0 when none is
    told: int = 0  # what the last counter said
    is_behind: bool = False
    is_paused: bool = False

    def offer(self, frame: Frame) -> list[Message]:
        """The messages to send for a new frame: the frame itself, a counter, or nothing."""
        if not (self.is_behind or self.is_paused or frame.lost or len(self.unconfirmed) >= IN_FLIGHT):
            return [self._numbered(frame.as_message())]
        self.is_behind = True
        self.missed += frame.lost or len(frame.rows) or len(frame.tape)
        return self._count()

    def confirm(self, number: int) -> list[Message]:
        """The client has applied a frame or a counter."""
        self.unconfirmed.discard(number)
        if number != self.counter:
            return []
        self.counter = 0
        return self._count() if self.missed != self.told else []

    def pause(self) -> None:
        """Nothing moves on that screen; only the counter goes up."""
        self.is_paused = True

    def start(self) -> None:
        """The client is level with a cursor again: the next frame goes out whole."""
        self.is_paused = self.is_behind = False
        self.missed = self.told = 0

    def _count(self) -> list[Message]:
        if self.counter or not self.missed:
            return []
        message = self._numbered({"t": "more", "count": self.missed}, counts=False)
        self.counter, self.told = self.number, self.missed
        return [message]

    def _numbered(self, message: Message, *, counts: bool = True) -> Message:
        self.number += 1
        if counts:
            self.unconfirmed.add(self.number)
        return {**message, "n": self.number}
