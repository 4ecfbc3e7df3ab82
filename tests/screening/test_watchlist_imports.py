"""A list is imported as a version: what it changes is told, nothing of it counts before it is active."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, connection

from policy.screening.watchlists import operations, queries
from policy.screening.watchlists.errors import (
    FileRefused,
    ShrinksTooMuch,
    VersionNotReady,
    VersionOpen,
    WatchlistExists,
)
from policy.screening.watchlists.types import VersionRecord
from tests.screening.shelf import Shelf, row, sdn
from zentra.core import clock
from zentra.core.tenancy import tenant_work

FIRST = [row(1, "MARENKO, Taras"), row(2, "OSTEVAL TRADING LLC", kind="entity"), row(3, "VIDRAN, Ilse")]


def test_a_first_version_adds_everything_and_counts_once_it_is_active(shelf: Shelf) -> None:
    listed = shelf.new_list()
    started = shelf.start(listed, sdn(*FIRST))
    assert (started.state, started.number, started.total, started.percent) == ("importing", 1, None, 0)

    ready = shelf.advance(started)

    assert (ready.state, ready.total, ready.done, ready.percent) == ("ready", 3, 3, 100)
    assert (ready.added, ready.changed, ready.removed, ready.entries) == (3, 0, 0, 3)
    assert shelf.matches("Taras Marenko") == []
    shelf.activate(ready)
    assert [match.entry.uid for match in shelf.matches("Taras Marenko")] == ["1"]


def test_a_next_version_tells_what_is_added_changed_and_removed(shelf: Shelf) -> None:
    listed = shelf.new_list()
    shelf.active(listed, sdn(*FIRST))
    changed = row(2, "OSTEVAL TRADING LLC", kind="entity", remarks="a.k.a. 'OSTEVAL'.")

    ready = shelf.imported(listed, sdn(FIRST[0], changed, row(4, "QUORRIN, Bela"), row(5, "SEDLOV, Ion")))

    assert (ready.added, ready.changed, ready.removed, ready.entries) == (2, 1, 1, 4)
    assert shelf.changes(ready) == {"added": ["4", "5"], "changed": ["2"], "removed": ["3"]}
    with tenant_work(shelf.ws):
        (example,) = queries.changes_of(version_id=ready.id, what="changed", limit=10)
    assert example.before is not None
    assert (len(example.before.names), len(example.entry.names)) == (1, 2)


def test_an_older_version_can_still_be_read(shelf: Shelf) -> None:
    listed = shelf.new_list()
    shelf.active(listed, sdn(*FIRST))
    shelf.active(listed, sdn(*FIRST[:2], row(4, "QUORRIN, Bela")))

    assert set(shelf.entries(listed, 1)) == {"1", "2", "3"}
    assert set(shelf.entries(listed, 2)) == {"1", "2", "4"}
    assert shelf.matches("Ilse Vidran") == []


def test_a_delta_costs_the_delta(shelf: Shelf) -> None:
    listed = shelf.new_list()
    shelf.active(listed, sdn(*FIRST))
    before = shelf.entries(listed, 1)

    again = shelf.active(listed, sdn(*FIRST))

    assert (again.added, again.changed, again.removed) == (0, 0, 0)
    assert {uid: one.id for uid, one in shelf.entries(listed, 2).items()} == {u: e.id for u, e in before.items()}


def test_one_content_has_one_digest(shelf: Shelf) -> None:
    one, other = shelf.new_list("One"), shelf.new_list("Other")
    left = shelf.imported(one, sdn(*FIRST))
    right = shelf.imported(other, sdn(*reversed(FIRST)))
    assert left.digest == right.digest != ""


def test_a_truncated_file_changes_nothing(shelf: Shelf) -> None:
    listed = shelf.new_list()
    shelf.active(listed, sdn(*FIRST))
    rows = [row(number, f"NAMEN, Number {number}") for number in range(1, 60)]
    cut = sdn(*rows)[:-60]

    failed = shelf.imported(listed, cut)

    assert failed.state == "failed"
    assert (failed.problem["code"], failed.problem["line"]) == ("watchlist_truncated", 59)
    assert set(shelf.entries(listed, 1)) == {"1", "2", "3"}
    assert _rows(shelf, "screening_entry") == 3
    assert [match.entry.uid for match in shelf.matches("Taras Marenko")] == ["1"]


def test_an_entry_that_is_there_twice_is_refused_with_its_line(shelf: Shelf) -> None:
    rows = [row(number, f"NAMEN, Number {number}") for number in range(1, 40)]
    failed = shelf.imported(shelf.new_list(), sdn(*rows, rows[3]))
    assert (failed.state, failed.problem["code"], failed.problem["line"]) == ("failed", "watchlist_entry_twice", 40)


def test_what_is_no_such_list_at_all_is_refused_at_once(shelf: Shelf) -> None:
    listed = shelf.new_list()
    with pytest.raises(FileRefused) as refused:
        shelf.start(listed, b"ent_num,name\r\n1,x\r\n")
    assert refused.value.extra["line"] == 1
    assert _rows(shelf, "screening_list_version") == 0


def test_a_list_that_shrinks_too_much_needs_a_confirmation(shelf: Shelf) -> None:
    listed = shelf.new_list()
    shelf.active(listed, sdn(*[row(number, f"NAMEN, Number {number}") for number in range(1, 11)]))
    ready = shelf.imported(listed, sdn(*[row(number, f"NAMEN, Number {number}") for number in range(1, 8)]))
    assert ready.is_shrinking

    with pytest.raises(ShrinksTooMuch) as refused:
        shelf.activate(ready)

    assert (refused.value.extra["entries"], refused.value.extra["entries_before"]) == (7, 10)
    assert shelf.version(ready).state == "ready"
    assert shelf.activate(ready, confirms_shrinking=True).state == "active"


def test_a_fifth_less_is_not_too_much(shelf: Shelf) -> None:
    listed = shelf.new_list()
    rows = [row(number, f"NAMEN, Number {number}") for number in range(1, 11)]
    shelf.active(listed, sdn(*rows))
    assert shelf.activate(shelf.imported(listed, sdn(*rows[:8]))).state == "active"


def test_one_version_at_a_time(shelf: Shelf) -> None:
    listed = shelf.new_list()
    ready = shelf.imported(listed, sdn(*FIRST))
    with pytest.raises(VersionOpen) as refused:
        shelf.start(listed, sdn(*FIRST))
    assert refused.value.extra["version_id"] == ready.id


def test_a_discarded_version_leaves_nothing(shelf: Shelf) -> None:
    listed = shelf.new_list()
    shelf.active(listed, sdn(*FIRST))
    ready = shelf.imported(listed, sdn(row(1, "MARENKO, Taras", remarks="DOB 1970."), row(9, "NEWMAN, Old")))

    _discard(shelf, ready)

    assert shelf.version(ready).state == "discarded"
    assert _rows(shelf, "screening_entry") == _rows(shelf, "screening_entry_key") == 3
    assert set(shelf.entries(listed, 1)) == {"1", "2", "3"}
    again = shelf.imported(listed, sdn(*FIRST))
    assert (again.number, again.added, again.changed, again.removed) == (3, 0, 0, 0)


def test_an_active_version_is_not_discarded(shelf: Shelf) -> None:
    active = shelf.active(shelf.new_list(), sdn(*FIRST))
    with pytest.raises(VersionNotReady):
        _discard(shelf, active)


def test_activating_twice_is_activating_once(shelf: Shelf) -> None:
    ready = shelf.imported(shelf.new_list(), sdn(*FIRST))
    first = shelf.activate(ready)
    assert shelf.activate(ready).activated_at == first.activated_at
    assert _events(shelf) == ["watchlist.activated", "watchlist.imported"]


def test_a_name_is_given_once(shelf: Shelf) -> None:
    shelf.new_list("Invented list")
    with pytest.raises(WatchlistExists):
        shelf.new_list(" Invented  list ")


def test_events_have_counts_and_no_names(shelf: Shelf) -> None:
    shelf.active(shelf.new_list(), sdn(*FIRST))
    with tenant_work(shelf.ws), connection.cursor() as cursor:
        cursor.execute("SELECT convert_from(body, 'UTF8') FROM evidence_event WHERE type LIKE 'watchlist.%'")
        written = " ".join(each[0] for each in cursor.fetchall())
    assert '"added":3' in written
    assert "MARENKO" not in written.upper()


def test_entries_that_counted_are_guarded_by_the_database(shelf: Shelf) -> None:
    shelf.active(shelf.new_list(), sdn(*FIRST))
    for statement in ("DELETE FROM screening_entry_key; DELETE FROM screening_entry",
                      "UPDATE screening_entry SET removed_version = 9, digest = ''"):  # fmt: skip
        with pytest.raises(DatabaseError), tenant_work(shelf.ws), connection.cursor() as cursor:
            cursor.execute(statement)
    assert _rows(shelf, "screening_entry") == 3


def _discard(shelf: Shelf, version: VersionRecord) -> None:
    with tenant_work(shelf.ws):
        operations.discard_version(version_id=version.id, now=clock.now())


def _rows(shelf: Shelf, table: str) -> int:
    with tenant_work(shelf.ws), connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {table}")
        return int(cursor.fetchone()[0])


def _events(shelf: Shelf) -> list[str]:
    with tenant_work(shelf.ws), connection.cursor() as cursor:
        cursor.execute("SELECT type FROM evidence_event WHERE type LIKE 'watchlist.%' ORDER BY type")
        return [each[0] for each in cursor.fetchall()]
