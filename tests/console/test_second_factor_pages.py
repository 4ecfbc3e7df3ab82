"""One's own second factor: set up with the password, changed only with the factor itself."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client

from tests.people import code_now, join
from zentra.core import clock
from zentra.tenants.second_factor.queries import count_recovery_codes, has_second_factor

if TYPE_CHECKING:
    from tests.people import Person
    from zentra.core.tenancy import TenantRef

HERE = "/second-factor/"
CODES = re.compile(r"<li><code>(\d{8})</code></li>")


@pytest.fixture
def operator(workspace: TenantRef) -> Person:
    """One who has set nothing up yet."""
    return join(workspace, role="operator", totp=False)


def signed_in(person: Person) -> Client:
    client = Client()
    client.post("/sign-in/", {"login": person.email, "password": person.password})
    return client


def set_up(client: Client, path: str = HERE + "set-up/") -> tuple[str, list[str]]:
    """The secret that the page offered, and the recovery codes of the answer."""
    page = client.get(path).content.decode()
    found = re.search(r'class="code wrap num"[^>]*>([A-Z2-7 ]+)<', page)
    assert found is not None
    secret = found[1].replace(" ", "")
    answer = client.post(path, {"code": code_now(secret)})
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    return secret, CODES.findall(answer.content.decode())


def test_setting_up_shows_a_qr_code_and_then_ten_recovery_codes_once(operator: Person) -> None:
    client = signed_in(operator)
    page = client.get(HERE + "set-up/").content.decode()
    assert "data:image/svg+xml;base64," in page
    assert "otpauth://totp/" in page
    _, codes = set_up(client)
    assert len(set(codes)) == 10
    assert has_second_factor(user_id=operator.id)
    for path in (HERE, HERE + "set-up/"):
        assert codes[0] not in client.get(path, follow=True).content.decode()


def test_the_codes_sign_in_each_once(operator: Person) -> None:
    _, codes = set_up(signed_in(operator))
    for _ in range(2):
        client = signed_in(operator)
        answer = client.post("/sign-in/second-step/", {"code": codes[0]})
        assert (answer.status_code == 302) is (count_recovery_codes(user_id=operator.id) == 9 and _ == 0)


def test_a_wrong_first_code_sets_nothing_up_and_keeps_the_secret(operator: Person) -> None:
    client = signed_in(operator)
    page = client.get(HERE + "set-up/").content.decode()
    answer = client.post(HERE + "set-up/", {"code": "000000x"})
    assert answer.status_code == 403
    secret = re.search(r'class="code wrap num"[^>]*>([A-Z2-7 ]+)<', page)
    assert secret is not None
    assert secret[1] in answer.content.decode()
    assert not has_second_factor(user_id=operator.id)


def test_the_first_code_is_used_up_by_setting_up(operator: Person) -> None:
    with clock.frozen(clock.now()):
        secret, _ = set_up(signed_in(operator))
        client = signed_in(operator)
        assert client.post("/sign-in/second-step/", {"code": code_now(secret)}).status_code == 200


def test_an_old_session_is_asked_for_the_password_first(operator: Person) -> None:
    client = operator.sign_in(Client())  # a session that proved nothing lately
    asked = client.get(HERE + "set-up/")
    assert asked.headers["Location"] == "/second-factor/confirm/?next=%2Fsecond-factor%2Fset-up%2F"
    confirm = asked.headers["Location"]
    assert client.post(confirm, {"password": "wrong"}).status_code == 403
    assert client.get(HERE + "set-up/").status_code == 302
    assert client.post(confirm, {"password": operator.password}).headers["Location"] == HERE + "set-up/"
    assert client.get(HERE + "set-up/").status_code == 200


@pytest.mark.parametrize("path", ["remove/", "recovery-codes/"])
def test_the_password_alone_does_not_change_a_second_factor(operator: Person, path: str) -> None:
    set_up(signed_in(operator))
    thief = operator.sign_in(Client())
    assert "/second-factor/confirm/" in thief.post(HERE + path).headers["Location"]
    assert thief.post("/second-factor/confirm/", {"password": operator.password}).status_code == 403
    assert "/second-factor/confirm/" in thief.post(HERE + path).headers["Location"]
    assert has_second_factor(user_id=operator.id)
    assert count_recovery_codes(user_id=operator.id) == 10


def test_new_recovery_codes_end_the_old_ones(operator: Person) -> None:
    client = signed_in(operator)
    _, old = set_up(client)
    new = CODES.findall(client.post(HERE + "recovery-codes/").content.decode())
    assert len(new) == 10
    assert not set(new) & set(old)
    again = signed_in(operator)
    assert again.post("/sign-in/second-step/", {"code": old[0]}).status_code == 200
    assert again.post("/sign-in/second-step/", {"code": new[0]}).status_code == 302


def test_removing_it_ends_its_codes_too(operator: Person) -> None:
    client = signed_in(operator)
    _, codes = set_up(client)
    thief = operator.sign_in(Client())
    thief.post("/second-factor/confirm/", {"step_up_code": codes[0]})  # who has a code is no thief
    assert thief.post(HERE + "remove/").headers["Location"] == HERE
    assert not Authenticator.objects.filter(user=operator.user).exists()
    assert signed_in(operator).get("/", follow=True).status_code == 200


@pytest.mark.parametrize("path", ["", "set-up/", "confirm/"])
def test_a_stranger_is_sent_to_sign_in(database: None, path: str) -> None:
    assert Client().get(HERE + path).headers["Location"].startswith("/sign-in/")


def test_confirming_never_leads_elsewhere(operator: Person) -> None:
    client = operator.sign_in(Client())
    answer = client.post("/second-factor/confirm/?next=https://elsewhere.example/", {"password": operator.password})
    assert answer.headers["Location"] == HERE
