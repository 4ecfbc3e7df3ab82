"""How the consumer behaves, so that one can see what ours does about it, and which secrets it verifies with."""

import json
import time
import zlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

MODES: Final = ("up", "down", "slow", "reject", "blackhole", "flaky")
SLOW_SECONDS: Final = 3.0
DOWN_FOR_SECONDS: Final = 20.0

_FLAKY: Final = ("up", "reject", "up", "down")


@dataclass
class Secrets:
    """The signing secrets of each workspace, from the command line or from ``demo.json``."""

    given: Mapping[str, str | Sequence[str]]
    demo_file: Path | None = None
    _seen: tuple[int, dict[str, str]] = field(default=(0, {}), repr=False)

    def of(self, workspace: str) -> list[str]:
        """The ``whsec_`` secrets of a workspace, all valid; none when it is not known (yet)."""
        found = self.given.get(workspace) or self._from_file().get(workspace) or []
        return [found] if isinstance(found, str) else list(found)

    def _from_file(self) -> dict[str, str]:
        if self.demo_file is None:
            return {}
        with suppress(OSError, ValueError, KeyError, TypeError):
            changed = self.demo_file.stat().st_mtime_ns
            if changed != self._seen[0]:
                workspaces = json.loads(self.demo_file.read_text())["workspaces"]
                self._seen = (changed, {each["slug"]: each["webhook_secret"] for each in workspaces})
        return self._seen[1]


@dataclass(frozen=True)
class Outages:
    """A consumer that goes down by itself, for the last ``down_for`` seconds of each ``every`` seconds; 0 is never."""

    every: float = 0.0
    down_for: float = DOWN_FOR_SECONDS
    started: float = field(default_factory=time.monotonic)

    def is_down(self) -> bool:
        """Whether an outage is on now."""
        if self.every <= 0:
            return False
        return (time.monotonic() - self.started) % self.every >= self.every - self.down_for


def flaky_turn(*, webhook_id: str, attempt: str) -> str:
    """What a flaky consumer does with one attempt: half of them fail, the same ones each time."""
    return _FLAKY[zlib.crc32(f"{webhook_id} {attempt}".encode()) % len(_FLAKY)]
