"""What goes over the wire: rendered once per tick, the same bytes for every client of a hub."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

ROWS_A_FRAME: Final = 50
ROWS_KEPT: Final = 200
TAPE_A_FRAME: Final = 14


@dataclass(frozen=True, slots=True)
class RowFragment:
    """A line of the intent table and the filters under which it shows."""

    id: str
    groups: tuple[str, ...]
    html: str


@dataclass(frozen=True, slots=True)
class CaseFragment:
    """A line of the review queue, where it shows, what happened in a sentence, and who did it."""

    id: str
    groups: tuple[str, ...]
    html: str
    words: str
    by: str
    version: int

    def as_message(self) -> dict[str, Any]:
        """The fragment as JSON."""
        return {
            "id": self.id,
            "groups": list(self.groups),
            "html": self.html,
            "words": self.words,
            "by": self.by,
            "version": self.version,
        }


@dataclass(frozen=True, slots=True)
class Frame:
    """News from leaf ``since`` up to leaf ``cursor``, the latter not included."""

    since: int
    cursor: int
    rows: tuple[RowFragment, ...] = ()
    cases: tuple[CaseFragment, ...] = ()
    tape: tuple[str, ...] = ()
    intents: tuple[str, ...] = ()
    stages: str = ""
    kpis: str = ""
    counts: dict[str, int] = field(default_factory=dict)
    lost: int = 0  # leaves that went by too fast to show; clients are told the number and catch up from a page

    def as_message(self) -> dict[str, Any]:
        """The frame as JSON."""
        return {
            "t": "frame",
            "cursor": self.cursor,
            "rows": [{"id": row.id, "groups": list(row.groups), "html": row.html} for row in self.rows],
            "cases": [case.as_message() for case in self.cases],
            "tape": list(self.tape),
            "intents": list(self.intents),
            "stages": self.stages,
            "kpis": self.kpis,
            "counts": self.counts,
        }


class History:
    """The last frames, at most 200 rows of them, for clients that were away for a moment."""

    def __init__(self) -> None:
        self._frames: deque[Frame] = deque()

    def add(self, frame: Frame) -> None:
        """Keep a frame and drop what is too old."""
        self._frames.append(frame)
        while len(self._frames) > 1 and (
            sum(len(kept.rows) for kept in self._frames) > ROWS_KEPT or len(self._frames) > ROWS_KEPT
        ):
            self._frames.popleft()

    def after(self, cursor: int) -> Frame | None:
        """One frame with everything since a cursor, or None when that is more than is kept or fits a frame."""
        missed = [frame for frame in self._frames if frame.cursor > cursor]
        if not missed or missed[0].since > cursor or any(frame.lost for frame in missed):
            return None
        rows = _latest(row for frame in missed for row in frame.rows)
        cases = tuple({case.id: case for frame in missed for case in frame.cases}.values())
        if len(rows) > ROWS_A_FRAME or len(cases) > ROWS_A_FRAME:
            return None
        last = missed[-1]
        return Frame(
            since=cursor,
            cursor=last.cursor,
            rows=rows,
            cases=cases,
            tape=tuple(item for frame in reversed(missed) for item in frame.tape)[:TAPE_A_FRAME],
            intents=tuple(dict.fromkeys(name for frame in missed for name in frame.intents)),
            stages=next((frame.stages for frame in reversed(missed) if frame.stages), ""),
            kpis=next((frame.kpis for frame in reversed(missed) if frame.kpis), ""),
            counts={key: value for frame in missed for key, value in frame.counts.items()},
        )


def _latest(rows: Iterable[RowFragment]) -> tuple[RowFragment, ...]:
    return tuple({row.id: row for row in rows}.values())
