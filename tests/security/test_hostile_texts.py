"""Whatever anybody writes anywhere is shown as text, by every page, and is never run, evaluated or queried."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from django.test import Client

from tests.security.hostile import ATTACK, SHOWN, Reader, Walk, fill

if TYPE_CHECKING:
    from pytest_django.plugin import DjangoDbBlocker

    from tests.security.conftest import Place

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture(scope="module")
def walk(place: Place, django_db_blocker: DjangoDbBlocker) -> Walk:
    """Every page of a workspace in which every text is an attack."""
    with django_db_blocker.unblock():
        fill(place)
        client = place.client()
        rooms = Reader()
        rooms.feed(client.get(place.base).content.decode())
        starts = [link for link in rooms.links if link.startswith(place.base)]
        return Walk(client, place.base).go((place.base, *starts, f"{place.base}?tab=audit", f"{place.base}?tab=events"))


def test_no_page_runs_what_somebody_wrote(walk: Walk) -> None:
    found = {}
    for path, answer in walk.pages.items():
        assert answer.status_code != 500, path
        if not answer.headers.get("Content-Type", "").startswith("text/html"):
            continue
        reader = Reader()
        reader.feed(answer.content.decode())
        if reader.runs:
            found[path] = reader.runs
    assert found == {}


def test_what_was_written_is_there_as_it_was_written(walk: Walk) -> None:
    """So that the test above has looked at something: many pages show the attack, each as text, none evaluated."""
    showing = [path for path, answer in walk.pages.items() if not answer.streaming and SHOWN.encode() in answer.content]
    assert len(walk.pages) > 60
    assert len(showing) >= 20, showing
    for path in showing:
        text = html.unescape(walk.pages[path].content.decode())
        assert "{{7|add:7}}" in text, path
        assert ">14" not in text.replace(ATTACK, "") or "{{7" in text, path


def test_downloads_are_named_by_us_and_opened_by_nobody(walk: Walk) -> None:
    files = {path: answer for path, answer in walk.pages.items() if "Content-Disposition" in answer.headers}
    assert files
    for path, answer in files.items():
        said = answer.headers["Content-Disposition"]
        assert said.startswith("attachment; "), path
        assert "<" not in said, path
        assert "\n" not in said, path
        assert answer.headers["X-Content-Type-Options"] == "nosniff", path
        assert not answer.headers["Content-Type"].startswith(("text/html", "image/svg")), path


def test_what_is_looked_for_is_shown_as_text(place: Place) -> None:
    client, asked = place.client(), quote(ATTACK)
    for path in (f"find/?q={asked}", f"intents/?q={asked}", f"accounts/?q={asked}", f"events/?q={asked}&type={asked}",
                 f"reviews/?q={asked}&rule={asked}", f"webhooks/deliveries/?q={asked}", f"accounts/{asked}/",
                 f"intents/{asked}/", f"compliance/?q={asked}", f"people/?role={asked}", f"ledger/?q={asked}",
                 f"?filter={asked}&selected={asked}&tab={asked}", f"holds/?source={asked}"):  # fmt: skip
        answer = client.get(place.base + path)
        assert answer.status_code in (200, 302, 400, 404), path
        reader = Reader()
        reader.feed(answer.content.decode())
        assert reader.runs == [], path


def test_a_sign_in_and_its_next_are_shown_as_text() -> None:
    for answer in (
        Client().get("/sign-in/", {"next": f"/{ATTACK}"}),
        Client().post("/sign-in/", {"login": ATTACK, "password": ATTACK, "next": f"/{ATTACK}"}),
        Client().get(f"/{quote(ATTACK)}"),
    ):
        reader = Reader()
        reader.feed(answer.content.decode())
        assert reader.runs == []
