"""What the compliance pages read beside a hit: the entry, its list, and the names of who decided."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from policy.screening.types import HitRecord
from policy.screening.watchlists.queries import entries_by_id, list_watchlists
from policy.screening.watchlists.types import EntryRecord
from zentra.tenants.queries import names_of_users


@dataclass(frozen=True, slots=True)
class HitGround:
    """Entries by id, lists' names by id, people's names by id."""

    entries: Mapping[str, EntryRecord]
    lists: Mapping[str, str]
    names: Mapping[str, str]


def list_names_by_id() -> dict[str, str]:
    """The watchlists' names."""
    return {each.id: each.name for each in list_watchlists()}


def ground_of_hits(hits: Sequence[HitRecord], *, people: Iterable[str] = ()) -> HitGround:
    """The ground of a page of hits, in a statement each."""
    wanted = {each.decided_by for each in hits} | set(people)
    users = sorted(each for each in wanted if each.startswith("usr_"))
    return HitGround(
        entries=entries_by_id(entry_ids=sorted({each.entry_id for each in hits})),
        lists=list_names_by_id(),
        names=names_of_users(user_ids=users) if users else {},
    )
