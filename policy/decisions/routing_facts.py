"""What a decision says to routing: the lane, and which rails its tags allow or rule out."""

from dataclasses import dataclass
from typing import Final

from zentra.core import ids
from zentra.core.db.hot import execute_hot

ONLY: Final = "only:"
AVOID: Final = "avoid:"


@dataclass(frozen=True, slots=True)
class RoutingFacts:
    """Policy's word on the way of one intent. ``only`` is None when every rail may take it; rails are ids or names."""

    lane: str = ""
    tags: tuple[str, ...] = ()

    @property
    def only(self) -> frozenset[str] | None:
        """The rails that ``only:`` tags name: one of them has to take it. None without such a tag."""
        return self._named(ONLY) or None

    @property
    def avoid(self) -> frozenset[str]:
        """The rails that ``avoid:`` tags rule out."""
        return self._named(AVOID)

    def _named(self, prefix: str) -> frozenset[str]:
        return frozenset(tag.removeprefix(prefix) for tag in self.tags if tag.startswith(prefix))


def routing_facts(*, decision_id: str) -> RoutingFacts:
    """What the decision of this id says to routing; raises LookupError when there is none."""
    row = execute_hot(
        "SELECT lane, tags FROM policy_decision WHERE id = %s::uuid", [ids.to_uuid(decision_id, prefix="dec")]
    ).fetchone()
    if row is None:
        raise LookupError(decision_id)
    lane, tags = row
    return RoutingFacts(lane, tuple(tags))
