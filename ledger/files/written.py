"""What writing one row left behind."""

from dataclasses import dataclass

from evidence.types import NewEvent


@dataclass(frozen=True, slots=True)
class Written:
    """The id of what stands for a row, and the facts to record of it.

    ``is_standing``: it stood before, by another way than an import, and says the same; nothing was written.
    """

    id: str
    events: tuple[NewEvent, ...] = ()
    is_standing: bool = False
