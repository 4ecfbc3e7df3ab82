"""What the doors of this package hand out."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

Purpose = Literal["add", "sign_in", "second_step", "step_up"]


@dataclass(frozen=True, slots=True)
class PasskeyRecord:
    """A passkey as its person knows it. ``is_synced``: its provider keeps copies on their other devices."""

    id: int
    name: str
    is_synced: bool
    created_at: datetime
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class Asked:
    """What a browser is asked: ``options`` for it, as JSON; ``state`` for us, until the answer comes."""

    options: dict[str, Any]
    state: dict[str, Any]
