"""A real installation begins with one person of the platform and a link that works once."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterator
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from tests.ledger.book import at_once
from tests.people import PASSWORD
from zentra.core.clock import now
from zentra.tenants.models import Membership, User
from zentra.tenants.passwords.errors import UnusablePassword
from zentra.tenants.provisioning.first_run import (
    PLATFORM_ADMIN,
    AlreadySetUp,
    SetupEnded,
    begin_setup,
    check_setup_token,
    finish_setup,
    make_setup_token,
)
from zentra.tenants.queries import find_membership, platform_ref

GOOD = "seven-lanterns-over-the-harbour"
Begin = Callable[..., str]


@pytest.fixture
def address(database: None) -> Iterator[str]:
    """Somebody's address, in an installation whose platform has no admin; all of the platform's go afterwards."""

    def forget() -> None:
        users = Membership.objects.filter(workspace_id=platform_ref().id, role=PLATFORM_ADMIN).values_list("user_id")
        User.objects.filter(id__in=[user_id for (user_id,) in users]).delete()

    forget()
    yield f"first.{secrets.token_hex(4)}@example.test"
    forget()


def run(address: str, name: str = "Ada First") -> str:
    said = StringIO()
    call_command("setup", email=address, name=name, stdout=said)
    found = re.search(r"/setup/([\w-]+)/", said.getvalue())
    assert found is not None, said.getvalue()
    return found[1]


def test_the_command_makes_the_first_admin_whose_link_sets_a_password_once(address: str) -> None:
    token = run(address)
    person = check_setup_token(token=token, now=now())
    assert person is not None
    assert (person.email, person.name) == (address, "Ada First")
    assert not User.objects.get(id=person.user_id).has_usable_password()
    with pytest.raises(UnusablePassword):
        finish_setup(token=token, password="password1", now=now())
    assert check_setup_token(token=token, now=now()) is not None

    assert finish_setup(token=token, password=GOOD, now=now()) == person.user_id
    user = User.objects.get(id=person.user_id)
    assert user.check_password(GOOD)
    member = find_membership(user_id=user.id, slug="platform")
    assert member is not None
    assert (member.role, member.needs_second_factor, member.has_second_factor) == (PLATFORM_ADMIN, True, False)
    assert check_setup_token(token=token, now=now()) is None
    with pytest.raises(SetupEnded):
        finish_setup(token=token, password=GOOD + "2", now=now())
    with pytest.raises(CommandError, match="can sign in"):
        run(f"other.{address}")
    assert not User.objects.filter(email=f"other.{address}").exists()


def test_a_newer_link_ends_the_one_before_and_another_address_takes_its_place(address: str) -> None:
    first = run(address)
    second = run(address, "Ada Again")
    assert check_setup_token(token=first, now=now()) is None
    other = run(f"other.{address}")
    assert check_setup_token(token=second, now=now()) is None
    person = check_setup_token(token=other, now=now())
    assert person is not None
    assert [m.user_id for m in Membership.objects.filter(workspace_id=platform_ref().id, role=PLATFORM_ADMIN)] == [
        person.user_id
    ]
    User.objects.filter(email=address).delete()


def test_a_link_that_is_old_made_up_or_of_somebody_with_a_password_does_not_work(address: str) -> None:
    token = begin_setup(email=address, name="Ada", now=now())
    for wrong in ("", "x", token + "x", token.upper(), "\ud800", "../" + token):
        assert check_setup_token(token=wrong, now=now()) is None
        with pytest.raises(SetupEnded):
            finish_setup(token=wrong, password=GOOD, now=now())
    assert check_setup_token(token=token, now=now() + timedelta(days=1, seconds=1)) is None
    user = User.objects.get(email=address)
    user.set_password(PASSWORD)
    user.save()
    assert check_setup_token(token=token, now=now()) is None
    assert check_setup_token(token=make_setup_token(user_id=user.id, now=now()), now=now()) is None
    with pytest.raises(AlreadySetUp):
        begin_setup(email=address, name="Ada", now=now())


def test_of_those_who_use_the_link_or_the_command_at_once_one_succeeds(address: str) -> None:
    tokens = at_once([lambda: begin_setup(email=address, name="Ada", now=now())] * 3, threads=3)
    good = [each for each in tokens if isinstance(each, str) and check_setup_token(token=each, now=now())]
    assert len(good) == 1
    done = at_once([lambda: finish_setup(token=good[0], password=GOOD, now=now())] * 3, threads=3)
    assert sorted(type(each).__name__ for each in done) == ["SetupEnded", "SetupEnded", "str"]


def test_what_is_no_address_or_no_name_is_refused(address: str) -> None:
    for email, name in (("nobody", "Ada"), (address, "  "), (address, "x" * 81)):
        with pytest.raises(CommandError):
            call_command("setup", email=email, name=name, stdout=StringIO())
    assert not User.objects.filter(email=address).exists()
