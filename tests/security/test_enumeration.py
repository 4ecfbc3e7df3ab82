"""Nobody learns from us who has an account: the same bytes, and the same slow work. Work is counted, never timed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.core.cache import cache
from django.test import Client

from tests.people import join

if TYPE_CHECKING:
    from tests.security.conftest import Place

pytestmark = pytest.mark.usefixtures("database")
NOBODY = "nobody.at.all@example.test"


@pytest.fixture
def hashes() -> Iterator[list[int]]:
    """The iterations of each slow hash that is computed."""
    made: list[int] = []
    really = PBKDF2PasswordHasher.encode

    def counted(self: PBKDF2PasswordHasher, password: str, salt: str, iterations: int | None = None) -> str:
        made.append(iterations or self.iterations)
        return really(self, password, salt, iterations)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PBKDF2PasswordHasher, "encode", counted)
        yield made


def plain(answer: Any, *typed: str) -> tuple[int, str, str]:
    """An answer without what differs by itself: the form's token, ids of the request, and what was typed."""
    text = re.sub(r'name="csrfmiddlewaretoken" value="[^"]*"', "", answer.content.decode())
    for each in typed:
        text = re.sub(re.escape(each), "TYPED", text, flags=re.IGNORECASE)
    return answer.status_code, answer.headers.get("Location", ""), text


def tried(path: str, fields: dict[str, str], typed: str) -> tuple[int, str, str]:
    cache.clear()
    client = Client()
    client.get("/sign-in/")
    return plain(client.post(path, fields), typed)


def test_a_wrong_password_and_an_unknown_address_are_answered_alike(place: Place, hashes: list[int]) -> None:
    known = [place.admin.email, place.operator.email, place.operator.email.upper()]
    answers, work = set(), set()
    for address in (*known, NOBODY, "x@elsewhere.example"):
        hashes.clear()
        answers.add(tried("/sign-in/", {"login": address, "password": "hunter2hunter2"}, address))
        work.add(tuple(hashes))
    assert len(answers) == 1, _differences(answers)
    # One hash with as many rounds, whether or not there is anybody.
    assert len(work) == 1
    assert len(work.pop()) == 1


def test_who_may_not_sign_in_is_answered_like_nobody(place: Place, hashes: list[int]) -> None:
    gone = join(place.workspace, role="support")
    gone.user.is_active = False
    gone.user.save(update_fields=["is_active"])
    answers, work = set(), set()
    for address, password in ((gone.email, gone.password), (gone.email, "hunter2hunter2"), (NOBODY, "hunter2hunter2")):
        hashes.clear()
        answers.add(tried("/sign-in/", {"login": address, "password": password}, address))
        work.add(len(hashes))
    assert len(answers) == 1
    assert work == {1}


def test_the_second_step_is_not_there_for_who_has_not_done_the_first(place: Place) -> None:
    for client in (Client(), Client()):
        answer = client.get("/sign-in/second-step/")
        assert (answer.status_code, answer.headers["Location"]) == (302, "/sign-in/")


def test_links_of_invitations_say_nothing_about_who_they_are_not_for(place: Place) -> None:
    there, nowhere = place.admin.id, place.admin.id[:-4] + "0000"
    answers = {
        plain(Client().get(f"/welcome/{user}/{token}/"))
        for user in (there, nowhere, "x")
        for token in ("x", "c0ffee-" + "0" * 32)
    }
    assert len(answers) == 1


def test_a_workspace_that_is_not_there_is_refused_like_one_of_others(place: Place) -> None:
    stranger = place.operator.sign_in(Client())
    texts = {plain(stranger.get(f"/w/{slug}/")) for slug in ("platform", "no-such-place")}
    assert len(texts) == 1
    assert {status for status, _, _ in texts} == {404}


def _differences(answers: set[tuple[int, str, str]]) -> list[str]:
    lines = [set(text.splitlines()) for _, _, text in answers]
    return sorted({line for each in lines for line in each if not all(line in other for other in lines)})
