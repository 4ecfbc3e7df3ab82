"""An import goes on after whatever was killed, is written once by any number of workers, and can be canceled."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.files.storage import default_storage

from policy.screening.watchlists import importing, operations, tasks
from policy.screening.watchlists.errors import ImportTaken, VersionOpen
from tests.ledger.book import at_once
from tests.screening.shelf import Shelf, row, sdn
from zentra.core import clock
from zentra.core.tenancy import tenant_work

ROWS = [row(number, f"NAMEN, Number {number}") for number in range(1, 31)]


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch is ten entries."""
    monkeypatch.setattr(tasks, "BATCH", 10)


def test_a_killed_import_goes_on_after_the_last_batch_that_committed(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = shelf.start(shelf.new_list(), sdn(*ROWS))
    written: list[int] = []

    def dies_in_the_second(**batch: object) -> object:
        written.append(int(str(batch["start"])))
        record = importing.write_batch(**batch)  # type: ignore[arg-type]
        if len(written) == 2:
            raise KeyboardInterrupt
        return record

    monkeypatch.setattr(tasks, "write_batch", dies_in_the_second)
    with pytest.raises(KeyboardInterrupt):
        shelf.advance(version)
    assert shelf.version(version).done == 10
    monkeypatch.setattr(tasks, "write_batch", importing.write_batch)

    ready = shelf.advance(version)

    assert (ready.state, ready.added, ready.entries) == ("ready", 30, 30)
    assert len(shelf.entries(ready.list_id, 1)) == 30


def test_an_import_lets_others_work_in_between(shelf: Shelf) -> None:
    version = shelf.start(shelf.new_list(), sdn(*ROWS))
    seen = [shelf.advance(version, seconds=0) for _ in range(3)]
    assert [(one.state, one.done, one.percent) for one in seen[:2]] == [("importing", 10, 33), ("importing", 20, 66)]
    assert shelf.advance(version).state == "ready"


def test_two_workers_at_once_write_each_entry_once(shelf: Shelf) -> None:
    version = shelf.start(shelf.new_list(), sdn(*ROWS))

    def work() -> str:
        try:
            return shelf.advance(version).state
        except ImportTaken:
            return "taken"

    at_once([work] * 4, threads=4)

    ready = shelf.advance(version)
    assert (ready.state, ready.added, ready.entries) == ("ready", 30, 30)


def test_of_two_starts_at_once_one_is_taken_in(shelf: Shelf) -> None:
    listed = shelf.new_list()

    def start() -> str:
        try:
            return shelf.start(listed, sdn(*ROWS)).state
        except VersionOpen:
            return "refused"

    assert sorted(map(str, at_once([start] * 4, threads=4))) == ["importing", "refused", "refused", "refused"]


def test_of_two_activations_at_once_both_say_the_same(shelf: Shelf) -> None:
    ready = shelf.imported(shelf.new_list(), sdn(*ROWS))
    assert at_once([lambda: shelf.activate(ready)] * 4, threads=4) == [shelf.version(ready)] * 4


def test_a_canceled_import_leaves_nothing_and_stops(shelf: Shelf) -> None:
    listed = shelf.new_list()
    shelf.active(listed, sdn(*ROWS[:5]))
    version = shelf.start(listed, sdn(*ROWS))
    shelf.advance(version, seconds=0)
    with tenant_work(shelf.ws):
        operations.cancel_import(version_id=version.id, now=clock.now())

    stopped = shelf.advance(version)

    assert (stopped.state, stopped.added) == ("canceled", 0)
    assert len(shelf.entries(listed, 1)) == 5
    assert shelf.imported(listed, sdn(*ROWS)).added == 25


def test_a_file_that_changed_meanwhile_is_refused_and_undone(shelf: Shelf) -> None:
    version = shelf.start(shelf.new_list(), sdn(*ROWS))
    shelf.advance(version, seconds=0)
    Path(default_storage.path(version.storage_names["main"])).write_bytes(sdn(*ROWS[:-1]))

    failed = shelf.advance(version)

    assert (failed.state, failed.problem["code"]) == ("failed", "watchlist_unreadable")
    assert shelf.entries(version.list_id, 1) == {}
