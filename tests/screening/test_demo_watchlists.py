"""The demo's list is read as it stands in the tree, and its next version waits with something to show."""

from __future__ import annotations

from policy.screening.watchlists import queries
from tests.screening.shelf import OFFICER, Shelf
from zentra.core import clock
from zentra.core.tenancy import tenant_work
from zentra.demo.watchlists import NAME, seed_watchlists


def test_a_list_of_sixty_is_active_and_its_next_version_waits(shelf: Shelf) -> None:
    for _ in range(2):
        seed_watchlists(ref=shelf.ws, actor=OFFICER, now=clock.now())

    with tenant_work(shelf.ws):
        found = queries.find_watchlist(name=NAME)
        assert found is not None
        waiting, active = queries.list_versions(list_id=found.id, limit=10)
    assert (active.state, active.entries, found.entries) == ("active", 60, 60)
    assert (waiting.state, waiting.added, waiting.changed, waiting.removed) == ("ready", 4, 1, 2)
    assert [match.entry.name for match in shelf.matches("Mirza Karmidov")] == ["KARMIDOV, Mirza"]
