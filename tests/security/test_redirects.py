"""No `next`, no `Referer` and no host of a stranger's choosing leads anybody away from here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from django.test import Client

from tests.security.addresses import pages

if TYPE_CHECKING:
    from tests.security.conftest import Place

pytestmark = pytest.mark.usefixtures("database")
EVIL = (
    "https://evil.example/", "//evil.example/", "///evil.example/", "/\\evil.example/", "\\\\evil.example/",
    "http:evil.example", "https:/evil.example", "javascript:alert(1)", " javascript:alert(1)", "data:text/html,x",
    "https://testserver@evil.example/", "https://testserver.evil.example/", "/\t/evil.example/", "\t//evil.example",
    "%2f%2fevil.example", "http://[::1]evil/", "https://evil.example\\@testserver/", "//evil.example/%2f..",
    "/\r\nLocation: https://evil.example/", "https://ev\u0131l.example/",
)  # fmt: skip


def leads_here(answer: Any) -> bool:
    """Whether a browser that follows the answer stays with us."""
    location = answer.headers.get("Location", "")
    flat = location.replace("\\", "/").replace("\t", "").replace("\n", "").replace("\r", "").strip()
    parts = urlsplit(flat)
    return not flat.startswith("//") and parts.netloc in ("", "testserver") and parts.scheme in ("", "http", "https")


def test_signing_in_leads_to_no_other_site(place: Place) -> None:
    operator = place.operator
    for wanted in EVIL:
        for client in (Client(), operator.sign_in(Client())):
            shown = client.get("/sign-in/", {"next": wanted})
            assert leads_here(shown), wanted
            said = {"login": operator.email, "password": operator.password, "next": wanted}
            answer = client.post("/sign-in/", said)
            assert leads_here(answer), wanted
            if answer.status_code == 302 and "second" in answer.headers["Location"]:
                assert "evil" not in answer.headers["Location"].split("next=")[0]


def test_no_form_of_ours_leads_away(place: Place) -> None:
    client = place.client()
    found = []
    for address in pages(place.workspace.slug):
        for wanted in ("https://evil.example/", "//evil.example/", "/\\evil.example/"):
            if address.name == "account_logout":
                client = place.client()
            said = {"next": wanted, "idempotency_key": "k" * 20}
            answer = client.post(f"{address.path}?next={wanted}", said, headers={"Referer": wanted})
            if not leads_here(answer):
                found.append((address.path, answer.headers["Location"]))
    assert found == []


def test_who_must_sign_in_first_comes_back_to_us(place: Place) -> None:
    for path in (f"//evil.example{place.base}", f"{place.base}?x=https://evil.example"):
        answer = Client().get(path)
        assert leads_here(answer)


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "testserver.evil.example", "", "a b", "[::1"])
def test_a_host_that_is_not_ours_is_refused(host: str) -> None:
    answer = Client(headers={"Host": host}, raise_request_exception=False).get("/sign-in/")
    assert answer.status_code == 400
    assert b"evil" not in answer.content


def test_a_forwarded_host_changes_nothing(place: Place) -> None:
    answer = place.client().get("/", headers={"X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example"})
    assert "evil" not in answer.headers["Location"]
