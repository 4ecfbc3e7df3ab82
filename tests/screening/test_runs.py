"""All parties are screened again when a list changes: with progress, once each, whatever dies in between."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest
from django.db import IntegrityError

from policy.screening.operations import InvalidSettings, StaleSettings, runs
from policy.screening.types import PartyRecord, RunRecord
from tests.ledger.book import at_once
from tests.people import Person
from tests.routing.processes import ROOT
from tests.screening.bureau import LIST, SERVICE, Bureau
from zentra.core.ids import new_id


@pytest.fixture
def five(bureau: Bureau, monkeypatch: pytest.MonkeyPatch) -> list[PartyRecord]:
    """Five parties, and runs that take them two at a time."""
    monkeypatch.setattr(runs, "BATCH", 2)
    return [bureau.party(f"Party {n}") for n in range(5)]


def begin(bureau: Bureau, version: int = 1) -> RunRecord:
    return bureau.do("start_run", reason="list", list_id=LIST, list_version=version, actor=SERVICE)  # type: ignore[no-any-return]


def now_is(bureau: Bureau, run: RunRecord) -> RunRecord:
    return bureau.ask("get_run", run_id=run.id)  # type: ignore[no-any-return]


def test_a_run_screens_every_party_with_progress(bureau: Bureau, five: list[PartyRecord]) -> None:
    bureau.lists.add("Party 3")

    run = begin(bureau)
    assert (run.total, run.done, run.percent, run.state) == (5, 0, 0, "running")
    assert bureau.ask("running_run") == run
    batches = bureau.work("screening.batch")
    assert len(batches) == 3
    bureau.run("screen_batch", batch_id=batches[0])
    assert (now_is(bureau, run).done, now_is(bureau, run).percent) == (2, 40)
    bureau.finish_runs()

    ended = now_is(bureau, run)
    assert (ended.done, ended.state, ended.new_hits, ended.percent) == (5, "finished", 1, 100)
    assert [bureau.get(party).screening for party in five] == ["clear", "clear", "clear", "unresolved", "clear"]
    assert {bureau.get(party).screened_against for party in five} == {run.number}
    assert bureau.types("screening.run") == ["screening.run_started", "screening.run_finished"]
    assert bureau.ask("running_run") is None


def test_each_party_once_however_often_and_from_wherever_a_batch_is_done(
    bureau: Bureau, five: list[PartyRecord]
) -> None:
    bureau.lists.add("Party 1")
    run = begin(bureau)
    batches = bureau.work("screening.batch")

    answers = at_once([lambda b=b: bureau.run("screen_batch", batch_id=b) for b in batches * 3], threads=9)  # type: ignore[misc]

    assert [answer for answer in answers if isinstance(answer, Exception)] == []
    assert sum(answer for answer in answers if isinstance(answer, int)) == 5
    assert bureau.sql("SELECT count(*), count(DISTINCT party_id) FROM screening_check WHERE reason = 'run'") == [(5, 5)]
    assert (now_is(bureau, run).done, now_is(bureau, run).new_hits) == (5, 1)
    assert bureau.types("screening.run_finished") == ["screening.run_finished"]


def test_a_version_is_run_once_however_often_it_is_told(bureau: Bureau, five: list[PartyRecord]) -> None:
    told = at_once([lambda: begin(bureau)] * 4, threads=4)

    assert len({run.id for run in told if isinstance(run, RunRecord)}) == 1
    assert len(bureau.work("screening.batch")) == 3
    assert begin(bureau, version=2).number == 2


def test_what_dies_in_the_middle_of_a_batch_leaves_nothing_of_it(
    bureau: Bureau, five: list[PartyRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = begin(bureau)
    batch = bureau.work("screening.batch")[0]
    with monkeypatch.context() as broken:
        broken.setattr(runs, "write_checks", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            bureau.run("screen_batch", batch_id=batch)

    assert now_is(bureau, run).done == 0
    assert bureau.sql("SELECT count(*) FROM screening_check WHERE reason = 'run'") == [(0,)]
    assert bureau.finish_runs() == 5


def test_a_party_that_changes_meanwhile_is_compared_as_it_is_then(
    bureau: Bureau, five: list[PartyRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    bureau.lists.add("Party 0")
    begin(bureau)
    matched = runs._match

    def rename_then_match(parties: Any) -> Any:
        found = matched(parties)
        if bureau.get(five[0]).version == 1:
            at_once([lambda: bureau.change(five[0], name="Another Name")], threads=1)
        return found

    monkeypatch.setattr(runs, "_match", rename_then_match)
    bureau.finish_runs()

    assert bureau.get(five[0]).screening == "clear"
    assert bureau.ask("count_hits") in ({}, {"lapsed": 1})


def test_who_is_made_while_a_version_becomes_active_is_caught_up(bureau: Bureau, five: list[PartyRecord]) -> None:
    run = begin(bureau)
    bureau.finish_runs()
    # As if made by a transaction that began before the version became active, and ended after the run.
    bureau.lists.add("Late Comer")
    late = bureau.party("Late Comer")
    bureau.sql("UPDATE screening_party SET screened_against = 0, screening = 'clear' WHERE id = %s", [_uuid(late)])

    assert [bureau.run("screen_stragglers") for _ in range(2)] == [1, 0]
    assert bureau.get(late).screened_against == run.number


def test_closed_parties_are_left_and_none_at_all_ends_at_once(bureau: Bureau) -> None:
    party = bureau.party()
    bureau.do("close_party", party_id=party.id, version=1, note="")

    run = begin(bureau)

    assert (run.total, run.state, run.percent) == (0, "finished", 100)
    assert bureau.types("screening.run") == ["screening.run_started", "screening.run_finished"]


def test_what_was_cleared_is_not_found_again_by_a_run(
    bureau: Bureau, five: list[PartyRecord], compliance: Person
) -> None:
    bureau.lists.add("Party 2")
    bureau.screen(five[2])
    bureau.resolve(bureau.hits(five[2])[0], "cleared", actor=compliance.actor())

    begin(bureau)
    bureau.finish_runs()
    assert (bureau.get(five[2]).screening, bureau.ask("list_runs")[0].new_hits) == ("clear", 0)

    bureau.lists.change("Party 2", entry_digest="d2")
    begin(bureau, version=2)
    bureau.finish_runs()
    assert (bureau.get(five[2]).screening, bureau.ask("list_runs")[0].new_hits) == ("unresolved", 1)


def test_another_score_screens_everybody_again(bureau: Bureau, five: list[PartyRecord]) -> None:
    bureau.lists.add("Party 4", score=84)
    begin(bureau)
    bureau.finish_runs()
    assert bureau.get(five[4]).screening == "unresolved"

    changed = bureau.do("change_settings", version=1, hit_from_score=90)
    assert (changed.hit_from_score, changed.version) == (90, 2)
    bureau.finish_runs()

    assert bureau.get(five[4]).screening == "clear"
    assert bureau.ask("list_runs")[0].reason == "settings"
    bureau.do("change_settings", version=2, kyc_lasts_days=365)
    assert len(bureau.ask("list_runs")) == 2


def test_settings_that_cannot_be_or_are_stale(bureau: Bureau) -> None:
    for words in ({"hit_from_score": 49}, {"hit_from_score": 101}, {"kyc_lasts_days": 0}):
        with pytest.raises(InvalidSettings):
            bureau.do("change_settings", version=1, **words)
    answers = at_once([lambda: bureau.do("change_settings", version=1, kyc_lasts_days=100)] * 4, threads=4)
    assert [type(answer) for answer in answers if isinstance(answer, Exception)] == [StaleSettings] * 3


def test_the_database_refuses_a_second_check_of_one_run(bureau: Bureau, five: list[PartyRecord]) -> None:
    begin(bureau)
    bureau.finish_runs()

    with pytest.raises(IntegrityError, match="screening_check_once_per_run"):
        bureau.sql(
            "INSERT INTO screening_check (id, party_id, reason, run_id, run_number, threshold, matches, new_hits,"
            " remembered, screening, at, actor) SELECT gen_random_uuid(), party_id, reason, run_id, run_number, 80, 0,"
            " 0, 0, screening, at, actor FROM screening_check WHERE reason = 'run' LIMIT 1"
        )


def _uuid(party: PartyRecord) -> Any:
    from zentra.core.ids import to_uuid

    return to_uuid(party.id, prefix="pty")


def test_run_ids_are_their_own() -> None:
    assert new_id("run").startswith("run_")


def test_a_killed_worker_costs_its_batch_and_nobody_is_screened_twice(bureau: Bureau, five: list[PartyRecord]) -> None:
    run = begin(bureau)
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "zentra.settings"}
    words = [sys.executable, "-m", "tests.screening.worker", str(bureau.ws.id), "0.3"]
    worker = subprocess.Popen(words, cwd=ROOT, env=environment, stdout=subprocess.PIPE)
    assert worker.stdout is not None
    assert worker.stdout.readline() == b"batch\n"
    # In the middle of the second batch, whose two matches take longer than this.
    worker.kill()
    worker.wait()

    assert now_is(bureau, run).done == 2
    assert bureau.finish_runs() == 3
    assert now_is(bureau, run).state == "finished"
    assert bureau.sql("SELECT count(*), count(DISTINCT party_id) FROM screening_check WHERE reason = 'run'") == [(5, 5)]
