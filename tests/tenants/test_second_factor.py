"""A code counts once, over all threads and sessions; guessing is bounded; secrets are encrypted."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from io import StringIO
from typing import TYPE_CHECKING

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from django.core.management import CommandError, call_command
from django.db import transaction
from django.test import Client

from tests.ledger.book import at_once
from tests.people import TOTP_SECRET, code_now, enrol, leave_without_factor
from tests.recorded import platform_events
from zentra.core import clock
from zentra.tenants.models import OutgoingMail, SecondFactorUse
from zentra.tenants.second_factor.operations import MAX_FAILURES, TooManyCodes, WrongCode, use_code
from zentra.tenants.second_factor.queries import count_recovery_codes, has_second_factor

if TYPE_CHECKING:
    from tests.people import Person

LATER = timedelta(seconds=30)


@pytest.fixture
def person(operator: Person) -> Person:
    """Somebody with an authenticator and recovery codes."""
    enrol(operator.user)
    RecoveryCodes.activate(operator.user)
    return operator


def code_at(moment: datetime) -> str:
    with clock.frozen(moment):
        return code_now()


def recovery_codes(person: Person) -> list[str]:
    found = Authenticator.objects.get(user=person.user, type=Authenticator.Type.RECOVERY_CODES)
    return list(RecoveryCodes(found).get_unused_codes())


def take(person: Person, code: str, now: datetime) -> str:
    return str(use_code(user_id=person.id, code=code, now=now).type)


def test_a_code_of_now_is_taken_once(person: Person) -> None:
    now = clock.now()
    assert take(person, code_at(now), now) == "totp"
    with pytest.raises(WrongCode):
        take(person, code_at(now), now)
    assert take(person, f" {code_at(now + LATER)[:3]} {code_at(now + LATER)[3:]} ", now + LATER) == "totp"


def test_clocks_may_differ_by_one_step_and_no_more(person: Person) -> None:
    now = clock.now()
    for off in (-2, 2):
        with pytest.raises(WrongCode):
            take(person, code_at(now + off * LATER), now)
    assert take(person, code_at(now - LATER), now) == "totp"
    assert take(person, code_at(now + LATER), now) == "totp"
    with pytest.raises(WrongCode):  # older than the newest that was used
        take(person, code_at(now), now)


def test_of_twenty_who_use_one_code_at_once_one_is_let_in(person: Person) -> None:
    now = clock.now()
    SecondFactorUse.objects.filter(user=person.user).delete()
    answers = at_once([partial(take, person, code_at(now), now)] * 20, threads=10)
    assert answers.count("totp") == 1
    assert not any(isinstance(each, Exception) and not isinstance(each, WrongCode | TooManyCodes) for each in answers)


def test_of_twenty_who_use_one_recovery_code_at_once_one_is_let_in(person: Person) -> None:
    now, code = clock.now(), recovery_codes(person)[0]
    answers = at_once([partial(take, person, code, now)] * 20, threads=10)
    assert answers.count("recovery_codes") == 1
    assert count_recovery_codes(user_id=person.id) == 9


def test_a_used_code_stays_used_when_what_it_was_for_fails(person: Person) -> None:
    now = clock.now()
    with pytest.raises(RuntimeError), transaction.atomic():
        take(person, code_at(now), now)  # refuses to be part of a transaction that could undo it
    take(person, code_at(now), now)
    with pytest.raises(WrongCode):
        take(person, code_at(now), now)


def test_after_five_wrong_codes_none_is_looked_at_for_five_minutes(person: Person) -> None:
    now = clock.now()
    for _ in range(MAX_FAILURES):
        with pytest.raises(WrongCode):
            take(person, "000000x", now)
    with pytest.raises(TooManyCodes) as refusal:
        take(person, code_at(now), now)
    assert refusal.value.retry_after == 301
    with pytest.raises(TooManyCodes):
        take(person, recovery_codes(person)[0], now + timedelta(seconds=299))
    later = now + timedelta(seconds=301)
    assert take(person, code_at(later), later) == "totp"


def test_guesses_at_once_are_counted_one_by_one(person: Person) -> None:
    now = clock.now()
    answers = at_once([partial(take, person, "nonsense", now)] * 30, threads=10)
    assert sum(isinstance(each, WrongCode) for each in answers) == MAX_FAILURES
    assert sum(isinstance(each, TooManyCodes) for each in answers) == 25


def test_a_right_code_forgets_the_wrong_ones(person: Person) -> None:
    now = clock.now()
    for round_ in range(3):
        for _ in range(MAX_FAILURES - 1):
            with pytest.raises(WrongCode):
                take(person, "nonsense", now)
        moment = now + round_ * LATER
        assert take(person, code_at(moment), moment) == "totp"


def test_another_persons_code_is_none(person: Person, finance: Person) -> None:
    now = clock.now()
    leave_without_factor(finance.user)
    with pytest.raises(WrongCode):
        take(finance, code_at(now), now)
    assert not has_second_factor(user_id=finance.id)


@pytest.mark.parametrize("code", ["", " ", "０１２３４５", "-" * 500, "é" * 6, "1e5"])
def test_odd_codes_are_wrong_codes(person: Person, code: str) -> None:
    with pytest.raises(WrongCode):
        take(person, code, clock.now())


def test_the_secret_is_encrypted_at_rest(person: Person) -> None:
    kept = Authenticator.objects.get(user=person.user, type=Authenticator.Type.TOTP).data["secret"]
    assert TOTP_SECRET not in str(kept)


def test_whoever_runs_the_installation_ends_a_lost_factor(person: Person) -> None:
    browser = person.sign_in(Client())
    room = f"/w/{person.workspace.slug}/outgoing/"
    assert browser.get(room).status_code == 200
    call_command("remove_second_factor", person.email.upper(), stdout=StringIO())
    assert not Authenticator.objects.filter(user=person.user).exists()
    assert len(platform_events("second_factor.removed", user_id=person.id)) == 1
    assert browser.get(room).headers["Location"].startswith("/sign-in/")
    assert OutgoingMail.objects.filter(to=person.email, kind="second_factor_changed").count() == 1
    with pytest.raises(CommandError):
        call_command("remove_second_factor", person.email)
