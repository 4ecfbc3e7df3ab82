"""What could be the other side of a line or an entry. Only ever shown; a person confirms."""

from zentra.reconciliation.matching.types import Suggestion


def suggest(*, line_id: str | None = None, entry_id: str | None = None, limit: int = 5) -> list[Suggestion]:
    """The best open candidates, best first; raises LineNotFound, EntryNotFound, BadId."""
    raise NotImplementedError
