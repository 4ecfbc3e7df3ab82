"""Each kind has a runbook that says the same five things, and every channel, event and page knows the same kinds."""

import re

import pytest

from evidence import catalogue
from zentra.alarms.kinds import KINDS, UnknownAlarmKind
from zentra.alarms.queries import list_runbooks, read_runbook, runbook_of
from zentra.alarms.runbooks import RUNBOOKS, RunbookNotFound
from zentra.alarms.watchers import WATCHERS

PARTS = ["What it means", "Who is hurt", "How to look", "What to do", "How it clears"]
DOCS = RUNBOOKS.parent


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_has_a_runbook_with_its_five_parts(kind: str) -> None:
    text = read_runbook(slug=runbook_of(kind=kind))

    assert text.startswith(f"# {KINDS[kind].title}\n")
    assert re.findall(r"^## (.+)$", text, flags=re.MULTILINE) == PARTS
    assert f"**Severity** {KINDS[kind].severity}" in text


def test_there_is_no_runbook_beside_them() -> None:
    assert {path.stem for path in RUNBOOKS.glob("*.md")} == {slug for slug, _ in list_runbooks()}


@pytest.mark.parametrize("slug", ["", "nothing", "../alarms", "ledger-drift.md", "../../../etc/passwd", "ledger_drift"])
def test_only_names_of_the_list_are_read(slug: str) -> None:
    with pytest.raises(RunbookNotFound):
        read_runbook(slug=slug)


def test_a_kind_that_there_is_not() -> None:
    with pytest.raises(UnknownAlarmKind):
        runbook_of(kind="nothing")


def test_watchers_catalogue_and_docs_know_the_same_kinds() -> None:
    named = catalogue.CATALOGUE["alarm.raised"].data["kind"].schema["examples"]
    page = (DOCS / "alarms.md").read_text()

    assert set(WATCHERS) == set(KINDS)
    assert set(named) == set(KINDS)
    assert re.findall(r"^\| `(\w+)` \| .*runbooks/", page, flags=re.MULTILINE) == list(KINDS)
