"""Who is signed in where is known, limited, and ended at once."""

from __future__ import annotations

import json
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

import pytest
from django.conf import settings
from django.test import Client

from evidence.queries import latest_events
from tests.ledger.book import at_once
from tests.people import join
from zentra.core import clock
from zentra.core.tenancy import tenant_work
from zentra.tenants.models import SignInSession, Workspace
from zentra.tenants.queries import platform_ref
from zentra.tenants.sessions.operations import (
    UnknownSession,
    begin_session,
    end_session,
    end_sessions,
    forget_sessions,
)
from zentra.tenants.sessions.queries import find_by_key, is_session_open, list_sessions

if TYPE_CHECKING:
    from tests.people import Person
    from zentra.core.tenancy import TenantRef

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


def at(person: Person) -> str:
    return f"/w/{person.workspace.slug}/outgoing/"


def is_in(client: Client, person: Person, **headers: str) -> bool:
    return bool(client.get(at(person), headers=headers).status_code == 200)


def browser(person: Person, *, user_agent: str = FIREFOX, address: str = "192.0.2.7") -> Client:
    client = Client(headers={"User-Agent": user_agent}, REMOTE_ADDR=address)
    person.sign_in_with_code(client)
    client.get(at(person))
    return client


def test_a_session_is_known_by_browser_address_and_how_it_began(finance: Person) -> None:
    browser(finance)
    [found] = list_sessions(user_id=finance.id)
    assert (found.address, found.browser, found.method) == ("192.0.2.7", FIREFOX, "totp")
    assert found.created_at <= found.last_seen_at


def test_what_a_browser_says_of_itself_is_cut_and_holds_no_control_characters(finance: Person) -> None:
    client = Client(headers={"User-Agent": "Evil\x07" + "x" * 900})
    finance.sign_in_with_code(client)
    [found] = list_sessions(user_id=finance.id)
    assert len(found.browser) == 300
    assert found.browser.startswith("Evilxx")


def test_the_key_changes_at_sign_in_and_at_every_step_up_and_the_session_stays_the_same(finance: Person) -> None:
    client = Client()
    client.get("/sign-in/")
    client.session.save()
    planted = client.session.session_key
    client.cookies[settings.SESSION_COOKIE_NAME] = str(planted)
    finance.sign_in_with_code(client)
    signed_in = client.cookies[settings.SESSION_COOKIE_NAME].value
    assert signed_in != planted
    assert not is_in(Client(headers={"Cookie": f"{settings.SESSION_COOKIE_NAME}={planted}"}), finance)
    client.get(at(finance))
    [before] = list_sessions(user_id=finance.id)

    from tests.console.test_people_room import send

    old = settings.ZENTRA_STEP_UP_SECONDS
    settings.ZENTRA_STEP_UP_SECONDS = 0
    try:
        admin = join(finance.workspace, role="admin")
        client = admin.sign_in_with_code(Client())
        client.get(at(admin))
        [mine] = list_sessions(user_id=admin.id)
        key = client.cookies[settings.SESSION_COOKIE_NAME].value
        send(client, admin.workspace, f"{finance.id}/shift/", to="off", step_up_code=admin.totp_code())
    finally:
        settings.ZENTRA_STEP_UP_SECONDS = old
    assert client.cookies[settings.SESSION_COOKIE_NAME].value != key
    assert is_in(client, admin)
    assert not is_in(Client(headers={"Cookie": f"{settings.SESSION_COOKIE_NAME}={key}"}), admin)
    assert [each.id for each in list_sessions(user_id=admin.id)] == [mine.id]
    assert [each.id for each in list_sessions(user_id=finance.id)] == [before.id]


def test_what_is_idle_too_long_is_signed_out(workspace: TenantRef, finance: Person) -> None:
    client = browser(finance)
    with clock.frozen(clock.now() + timedelta(minutes=29)):
        assert is_in(client, finance)
    with clock.frozen(clock.now() + timedelta(minutes=29 + 29)):
        assert is_in(client, finance)
    with clock.frozen(clock.now() + timedelta(minutes=29 + 29 + 31)):
        assert not is_in(client, finance)
    assert list_sessions(user_id=finance.id) == []
    assert SignInSession.objects.get(user_id=finance.id).end_reason == "idle"
    assert ended_reasons(platform_ref(), finance) == ["idle"]


def test_what_a_page_asks_by_itself_keeps_nothing_open(finance: Person) -> None:
    client = browser(finance)
    with clock.frozen(clock.now() + timedelta(minutes=29)):
        assert is_in(client, finance, **{"Zentra-Background": "1"})
    with clock.frozen(clock.now() + timedelta(minutes=31)):
        assert not is_in(client, finance)


def test_however_busy_it_ends_after_so_many_hours(workspace: TenantRef, finance: Person) -> None:
    Workspace.objects.filter(id=workspace.id).update(settings={"idle_minutes": 1440, "session_hours": 2})
    client = browser(finance)
    for minutes in (0, 60, 119):
        with clock.frozen(clock.now() + timedelta(minutes=minutes)):
            assert is_in(client, finance)
    with clock.frozen(clock.now() + timedelta(minutes=121)):
        assert not is_in(client, finance)
    assert SignInSession.objects.get(user_id=finance.id).end_reason == "too_long"


def test_the_strictest_workspace_counts(workspace: TenantRef, other_workspace: TenantRef, finance: Person) -> None:
    from zentra.tenants.operations import add_member

    add_member(workspace_id=other_workspace.id, user=finance.user, role="auditor")
    Workspace.objects.filter(id=other_workspace.id).update(settings={"idle_minutes": 5, "session_hours": 100})
    client = browser(finance)
    known = find_by_key(session_key=client.cookies[settings.SESSION_COOKIE_NAME].value)
    assert known is not None
    assert known.idle == timedelta(minutes=30)  # to be given a role somewhere changes nothing
    finance.user.memberships.filter(workspace_id=other_workspace.id).update(last_seen_at=clock.now())
    known = find_by_key(session_key=client.cookies[settings.SESSION_COOKIE_NAME].value)
    assert known is not None
    assert (known.idle, known.longest) == (timedelta(minutes=5), timedelta(hours=12))
    Workspace.objects.filter(id=other_workspace.id).update(state="suspended")
    known = find_by_key(session_key=client.cookies[settings.SESSION_COOKIE_NAME].value)
    assert known is not None
    assert known.idle == timedelta(minutes=30)


def test_a_session_is_known_from_the_sign_in_and_ends_before_it_was_ever_used(finance: Person) -> None:
    client = finance.sign_in_with_code(Client(headers={"User-Agent": FIREFOX}))
    [found] = list_sessions(user_id=finance.id)
    assert (found.browser, found.method) == (FIREFOX, "totp")
    assert end_sessions(user_id=finance.id, reason="ended", actor=finance.actor(), now=clock.now()) == 1
    assert not is_in(client, finance)


def test_a_session_that_was_not_known_is_under_the_limits_with_its_first_request(finance: Person) -> None:
    client = finance.sign_in_with_code(Client())
    SignInSession.objects.filter(user_id=finance.id).delete()
    with clock.frozen(clock.now() + timedelta(hours=13)):
        assert not is_in(client, finance)
    assert SignInSession.objects.get(user_id=finance.id).end_reason == "too_long"
    again = finance.sign_in_with_code(Client())
    SignInSession.objects.filter(user_id=finance.id).delete()
    assert is_in(again, finance)


def test_ending_one_leaves_the_others(finance: Person) -> None:
    first, second = browser(finance, address="192.0.2.1"), browser(finance, address="192.0.2.2")
    [newest, _oldest] = list_sessions(user_id=finance.id)
    assert newest.address == "192.0.2.2"
    end_session(user_id=finance.id, session_id=newest.id, reason="ended", actor=finance.actor(), now=clock.now())
    assert is_in(first, finance)
    assert not is_in(second, finance)
    with pytest.raises(UnknownSession):
        end_session(user_id=finance.id, session_id=newest.id, reason="ended", actor=finance.actor(), now=clock.now())


def test_ending_all_others_leaves_this_one(finance: Person) -> None:
    clients = [browser(finance, address=f"192.0.2.{number}") for number in (1, 2, 3)]
    mine = find_by_key(session_key=clients[1].cookies[settings.SESSION_COOKIE_NAME].value)
    assert mine is not None
    call = partial(
        end_sessions, user_id=finance.id, but=mine.id, reason="ended", actor=finance.actor(), now=clock.now()
    )
    answers = at_once([call] * 5, threads=5)
    assert (answers.count(0), answers.count(2)) == (4, 1)
    assert [is_in(each, finance) for each in clients] == [False, True, False]
    assert ended_reasons(platform_ref(), finance) == ["ended", "ended"]


def test_nobody_ends_another_persons_session_by_its_id(finance: Person, operator: Person) -> None:
    client = browser(finance)
    [found] = list_sessions(user_id=finance.id)
    for wrong in (found.id, "ses_nonsense", operator.id):
        with pytest.raises(UnknownSession):
            end_session(user_id=operator.id, session_id=wrong, reason="ended", actor=operator.actor(), now=clock.now())
    assert is_in(client, finance)


def test_signing_out_ends_it_and_is_no_news(finance: Person) -> None:
    client = browser(finance)
    [found] = list_sessions(user_id=finance.id)
    client.post("/sign-out/")
    assert not is_session_open(session_id=found.id, now=clock.now())
    assert SignInSession.objects.get(user_id=finance.id).end_reason == "signed_out"
    assert ended_reasons(platform_ref(), finance) == []


def test_of_requests_that_come_first_together_all_get_one_session(finance: Person) -> None:
    client = finance.sign_in(Client())
    key = client.cookies[settings.SESSION_COOKIE_NAME].value
    now = clock.now()
    given = {"user_id": finance.id, "session_key": key, "address": "", "browser": "x", "method": "password"}
    answers = at_once([partial(begin_session, started_at=now, now=now, **given)] * 8, threads=8)
    assert len(set(answers)) == 1


def test_a_cookie_of_somebody_else_s_session_row_is_no_way_in(finance: Person, auditor: Person) -> None:
    client = auditor.sign_in(Client())
    client.get(at(auditor))
    SignInSession.objects.filter(user_id=auditor.id).update(user_id=finance.id)
    assert not is_in(client, auditor)


def test_old_sessions_are_forgotten(finance: Person) -> None:
    browser(finance)
    SignInSession.objects.filter(user_id=finance.id).update(last_seen_at=clock.now() - timedelta(days=31))
    assert forget_sessions(before=clock.now() - timedelta(days=30)) >= 1
    assert not SignInSession.objects.filter(user_id=finance.id).exists()


def ended_reasons(where: TenantRef, person: Person) -> list[str]:
    with tenant_work(where):
        found = [json.loads(each.body)["data"] for each in latest_events(limit=100_000) if each.type == "session.ended"]
    return [each["reason"] for each in found if each["user_id"] == person.id]
