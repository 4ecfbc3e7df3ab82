"""The People room: who sees it, who acts in it, and that acting takes the second factor."""

from __future__ import annotations

import json
import re
import uuid
from html import unescape
from typing import TYPE_CHECKING, Any

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client

from evidence.queries import latest_events
from tests.api.oauth import make_client
from tests.people import TOTP_SECRET, Person, code_now, enrol, join
from zentra.core.ids import new_id
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.tenants.members.queries import find_member_record, list_members
from zentra.tenants.models import OutgoingMail, User

if TYPE_CHECKING:
    from django.http import HttpResponse

HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)">')


def send(client: Client, workspace: TenantRef, path: str, **fields: str) -> HttpResponse:
    body = {"idempotency_key": str(uuid.uuid4())} | fields
    answer: HttpResponse = client.post(f"/w/{workspace.slug}/people/{path}", body)  # type: ignore[assignment]
    return answer


def text_of(answer: Any) -> str:
    return unescape(answer.content.decode())


def kept(answer: HttpResponse) -> dict[str, str]:
    """The hidden fields of the page's main form."""
    body = answer.content.decode()
    form = body[body.index('class="block narrow stepup"') :]
    found = {name: unescape(value) for name, value in HIDDEN.findall(form[: form.index("</form>")])}
    found.pop("csrfmiddlewaretoken", None)
    return found


def denials(workspace: TenantRef) -> list[dict[str, Any]]:
    with tenant_work(workspace):
        return [json.loads(each.body) for each in latest_events(limit=30) if each.type == "access.denied"]


@pytest.fixture
def boss(workspace: TenantRef) -> Person:
    """An admin with an authenticator."""
    return join(workspace, role="admin", name="Boss", totp=True)


@pytest.fixture
def room(boss: Person) -> Client:
    """The boss's browser, stepped up."""
    return boss.sign_in_with_code(Client())


def role_of(workspace: TenantRef, person: Person) -> str:
    found = find_member_record(workspace_id=workspace.id, user_id=person.id)
    return found.role if found else ""


# -- Looking -----------------------------------------------------------------------------------------------------------


def test_everybody_sees_who_is_here(workspace: TenantRef, boss: Person, auditor: Person) -> None:
    client = auditor.sign_in(Client())
    page = text_of(client.get(f"/w/{workspace.slug}/people/"))
    for said in (boss.email, auditor.email, "on shift", "set up", "never", "you"):
        assert said in page
    assert "Give somebody a role" not in page
    assert boss.email not in text_of(client.get(f"/w/{workspace.slug}/people/?role=auditor"))
    own = text_of(client.get(f"/w/{workspace.slug}/people/{auditor.id}/"))
    assert "Go off shift" in own
    assert "Change the role" not in own
    assert "Go off shift" not in text_of(client.get(f"/w/{workspace.slug}/people/{boss.id}/"))


def test_the_number_of_statements_does_not_grow_with_the_people(workspace: TenantRef, auditor: Person) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    client = auditor.sign_in(Client())
    client.get(f"/w/{workspace.slug}/people/")
    with CaptureQueriesContext(connection) as few:
        client.get(f"/w/{workspace.slug}/people/")
    for _ in range(12):
        join(workspace, role="support")
    with CaptureQueriesContext(connection) as many:
        client.get(f"/w/{workspace.slug}/people/")
    assert len(many) == len(few)


def test_an_admin_sees_the_ways_to_change_others_but_not_oneself(
    workspace: TenantRef, boss: Person, operator: Person, room: Client
) -> None:
    assert "Change the role" in text_of(room.get(f"/w/{workspace.slug}/people/{operator.id}/"))
    own = text_of(room.get(f"/w/{workspace.slug}/people/{boss.id}/"))
    assert "Nobody changes the own role" in own
    assert "Take every role away" not in own
    assert room.get(f"/w/{workspace.slug}/people/{new_id('usr')}/").status_code == 404
    assert room.get(f"/w/{workspace.slug}/people/nonsense/").status_code == 404


# -- Who may act -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["add/", "{}/role/", "{}/remove/", "{}/link/"])
def test_who_may_not_manage_people_is_refused_and_recorded(
    workspace: TenantRef, finance: Person, operator: Person, path: str
) -> None:
    enrol(finance.user)
    client = finance.sign_in_with_code(Client())
    answer = send(client, workspace, path.format(operator.id), email="x@example.test", role="admin", version="1")
    assert answer.status_code == 403
    assert role_of(workspace, operator) == "operator"
    assert len(list_members(workspace_id=workspace.id)) == 2
    (denied,) = denials(workspace)
    assert (denied["data"]["action"], denied["data"]["reason"]) == ("people.manage", "role")


def test_an_outsider_finds_nothing(workspace: TenantRef, outsider: Person, operator: Person) -> None:
    enrol(outsider.user)
    client = outsider.sign_in_with_code(Client())
    assert client.get(f"/w/{workspace.slug}/people/").status_code == 404
    assert send(client, workspace, f"{operator.id}/remove/", version="1").status_code == 404
    assert role_of(workspace, operator) == "operator"


# -- Step-up -----------------------------------------------------------------------------------------------------------


def test_without_a_fresh_code_everything_typed_is_kept_and_goes_on_with_one(
    workspace: TenantRef, boss: Person, operator: Person
) -> None:
    client = boss.sign_in(Client())
    words = {
        "role": "finance",
        "version": "1",
        "note": 'two\nlines & "quotes" <b>',
        "idempotency_key": str(uuid.uuid4()),
    }

    asked = send(client, workspace, f"{operator.id}/role/", **words)

    assert asked.status_code == 403
    assert asked.headers["Cache-Control"] == "no-store"
    assert role_of(workspace, operator) == "operator"
    assert {name: value for name, value in kept(asked).items() if name != "next"} == words
    done = client.post(
        f"/w/{workspace.slug}/people/{operator.id}/role/", kept(asked) | {"step_up_code": boss.totp_code()}
    )
    assert done.status_code == 302
    assert role_of(workspace, operator) == "finance"
    assert denials(workspace) == []  # to be asked is no refusal


def test_the_code_counts_for_the_acts_after_it_and_not_for_ever(
    workspace: TenantRef, boss: Person, operator: Person, settings: Any
) -> None:
    client = boss.sign_in(Client())
    first = send(client, workspace, f"{operator.id}/role/", role="finance", version="1", step_up_code=boss.totp_code())
    assert first.status_code == 302
    assert send(client, workspace, f"{operator.id}/role/", role="support", version="2").status_code == 302
    settings.ZENTRA_STEP_UP_SECONDS = 0
    assert send(client, workspace, f"{operator.id}/role/", role="auditor", version="3").status_code == 403
    assert role_of(workspace, operator) == "support"


def test_signing_in_with_a_code_counts(workspace: TenantRef, room: Client, operator: Person) -> None:
    assert send(room, workspace, f"{operator.id}/role/", role="finance", version="1").status_code == 302


def test_another_session_of_the_same_person_is_asked_itself(
    workspace: TenantRef, boss: Person, room: Client, operator: Person
) -> None:
    other = boss.sign_in(Client())
    assert send(other, workspace, f"{operator.id}/role/", role="finance", version="1").status_code == 403


def test_a_wrong_code_is_recorded_and_asked_for_again_with_all_that_was_typed(
    workspace: TenantRef, boss: Person, operator: Person
) -> None:
    client = boss.sign_in(Client())
    asked = send(client, workspace, f"{operator.id}/role/", role="finance", version="1", step_up_code="12345x")
    assert asked.status_code == 403
    assert "That code is not valid" in text_of(asked)
    assert "12345x" not in asked.content.decode()
    assert kept(asked)["role"] == "finance"
    (denied,) = denials(workspace)
    assert denied["data"]["reason"] == "step_up"
    assert denied["actor"]["id"] == boss.id
    assert role_of(workspace, operator) == "operator"


def test_a_used_code_is_no_code_in_any_session(workspace: TenantRef, boss: Person, operator: Person) -> None:
    code = boss.totp_code()
    first, second = boss.sign_in(Client()), boss.sign_in(Client())
    path = f"{operator.id}/role/"
    assert send(first, workspace, path, role="finance", version="1", step_up_code=code).status_code == 302
    assert send(second, workspace, path, role="support", version="2", step_up_code=code).status_code == 403
    assert role_of(workspace, operator) == "finance"


def test_a_used_code_stays_used_when_the_form_is_refused(workspace: TenantRef, boss: Person, operator: Person) -> None:
    code, client = boss.totp_code(), boss.sign_in(Client())
    path = f"{operator.id}/role/"
    assert send(client, workspace, path, role="finance", version="7", step_up_code=code).status_code == 302  # stale
    other = boss.sign_in(Client())
    assert send(other, workspace, path, role="finance", version="1", step_up_code=code).status_code == 403
    assert role_of(workspace, operator) == "operator"


def test_after_five_wrong_codes_the_right_one_waits(workspace: TenantRef, boss: Person, operator: Person) -> None:
    client, path = boss.sign_in(Client()), f"{operator.id}/role/"
    for _ in range(5):
        assert send(client, workspace, path, role="finance", version="1", step_up_code="nope").status_code == 403
    limited = send(client, workspace, path, role="finance", version="1", step_up_code=code_now(TOTP_SECRET))
    assert limited.status_code == 429
    assert int(limited.headers["Retry-After"]) > 200
    assert len(denials(workspace)) == 6


def test_who_has_no_second_factor_is_sent_to_set_one_up(workspace: TenantRef, operator: Person) -> None:
    client = join(workspace, role="admin", totp=False).sign_in(Client())
    asked = send(client, workspace, f"{operator.id}/role/", role="finance", version="1")
    assert asked.headers["Location"].startswith("/second-factor/set-up/?next=")
    assert role_of(workspace, operator) == "operator"


def test_a_factor_that_was_removed_no_longer_counts(
    workspace: TenantRef, boss: Person, room: Client, operator: Person
) -> None:
    Authenticator.objects.filter(user=boss.user).delete()
    asked = send(room, workspace, f"{operator.id}/role/", role="finance", version="1")
    assert asked.headers["Location"].startswith("/second-factor/set-up/?next=")
    assert role_of(workspace, operator) == "operator"


# -- Acting ------------------------------------------------------------------------------------------------------------


def test_a_new_persons_link_is_shown_once_and_leads_in(workspace: TenantRef, room: Client) -> None:
    email = f"{new_id('usr')}@example.test"
    form = {"email": email, "name": "Maria", "role": "support", "on_shift": "on", "idempotency_key": str(uuid.uuid4())}
    answer = send(room, workspace, "add/", **form)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    link = re.search(r"/welcome/usr_[0-9a-z]+/[\w-]+/", answer.content.decode())
    assert link is not None

    again = send(room, workspace, "add/", **form)
    assert again.status_code == 302
    assert link[0] not in text_of(room.get(again.headers["Location"]))

    stranger = Client()
    page = stranger.get(link[0])
    assert (page.status_code, page.headers["Referrer-Policy"]) == (200, "same-origin")
    assert email in text_of(page)
    long = "four unrelated blue horses"
    assert stranger.post(link[0], {"password": long, "again": "another"}).status_code == 422
    assert stranger.post(link[0], {"password": "short", "again": "short"}).status_code == 422
    assert stranger.post(link[0], {"password": long, "again": long}).headers["Location"] == "/sign-in/"
    assert stranger.get(link[0]).status_code == 410
    assert stranger.post(link[0], {"password": long + "2", "again": long + "2"}).status_code == 410
    stranger.post("/sign-in/", {"login": email, "password": long})
    assert stranger.get(f"/w/{workspace.slug}/people/").status_code == 200


def test_where_mail_is_sent_nobody_but_the_mail_has_the_link(
    workspace: TenantRef, room: Client, settings: Any, tmp_path: Any
) -> None:
    settings.ZENTRA_EMAIL_URL = f"file://{tmp_path}"
    email = f"{new_id('usr')}@example.test"
    for where in ("add/", "{}/link/"):
        whom = User.objects.filter(email=email).values_list("id", flat=True).first()
        answer = send(room, workspace, where.format(whom), email=email, role="support")
        assert answer.status_code == 302
        page = text_of(room.get(answer.headers["Location"]))
        assert "mailed to them" in page
        assert "/welcome/" not in page
    assert OutgoingMail.objects.filter(to=email, kind="invitation").count() == 2


def test_a_version_is_a_plain_number(workspace: TenantRef, room: Client, operator: Person) -> None:
    for wrong in ("²", "٣", "-1", "1.0", ""):
        answer = send(room, workspace, f"{operator.id}/role/", role="finance", version=wrong)
        assert answer.status_code < 500
    assert role_of(workspace, operator) == "operator"


def test_a_new_link_from_the_page_of_who_has_no_password(workspace: TenantRef, room: Client, operator: Person) -> None:
    send(room, workspace, "add/", email="maria@new.example.test", role="auditor")
    whom = User.objects.get(email="maria@new.example.test").id
    assert "Make a new link" in text_of(room.get(f"/w/{workspace.slug}/people/{whom}/"))
    assert "/welcome/" in send(room, workspace, f"{whom}/link/").content.decode()
    assert "Make a new link" not in text_of(room.get(f"/w/{workspace.slug}/people/{operator.id}/"))
    User.objects.filter(id=whom).delete()


def test_a_role_that_is_taken_away_refuses_the_next_request_and_leaves_the_other_workspace(
    workspace: TenantRef, other_workspace: TenantRef, room: Client, operator: Person
) -> None:
    from zentra.tenants.operations import add_member

    add_member(workspace_id=other_workspace.id, user=operator.user, role="auditor")
    client = operator.sign_in(Client())
    assert client.get(f"/w/{workspace.slug}/").status_code == 200

    assert send(room, workspace, f"{operator.id}/remove/", version="1").status_code == 302

    assert client.get(f"/w/{workspace.slug}/").status_code == 404
    assert client.post(f"/w/{workspace.slug}/people/{operator.id}/shift/", {"to": "off"}).status_code == 404
    assert client.get(f"/w/{other_workspace.slug}/").status_code == 200
    assert client.get("/").headers["Location"] == f"/w/{other_workspace.slug}/"


def test_another_role_counts_with_the_next_request(workspace: TenantRef, room: Client, finance: Person) -> None:
    client = finance.sign_in(Client())
    send(room, workspace, f"{finance.id}/role/", role="auditor", version="1")
    answer = client.post(f"/w/{workspace.slug}/outgoing/switch/", {"idempotency_key": str(uuid.uuid4())})
    assert answer.status_code == 403


def test_whoever_takes_a_role_away_is_told_what_of_theirs_ended_with_it(workspace: TenantRef, room: Client) -> None:
    dev = join(workspace, role="developer", name="Ann")
    make_client(workspace, person=dev, scopes={"webhooks.manage"})
    make_client(workspace, person=dev, scopes={"accounts.read"})

    answer = send(room, workspace, f"{dev.id}/role/", role="viewer", version="1")
    said = text_of(room.get(answer.headers["Location"]))
    assert "Ann is viewer here now. One key or client that they made may do more than they may now" in said
    answer = send(room, workspace, f"{dev.id}/role/", role="support", version="2")
    assert "that they made" not in text_of(room.get(answer.headers["Location"]))
    answer = send(room, workspace, f"{dev.id}/remove/", version="3")
    assert "Ann is no member here any more. One key or client" in text_of(room.get(answer.headers["Location"]))


def test_a_stale_page_is_told_what_the_role_is_now(workspace: TenantRef, room: Client, operator: Person) -> None:
    send(room, workspace, f"{operator.id}/role/", role="support", version="1")
    answer = send(room, workspace, f"{operator.id}/role/", role="finance", version="1")
    assert "They are support now" in text_of(room.get(answer.headers["Location"]))
    assert role_of(workspace, operator) == "support"


@pytest.mark.parametrize("fields", [{"to": ""}, {"to": "sideways"}])
def test_a_shift_is_on_or_off(workspace: TenantRef, operator: Person, fields: dict[str, str]) -> None:
    send(operator.sign_in(Client()), workspace, f"{operator.id}/shift/", **fields)
    (member,) = list_members(workspace_id=workspace.id)
    assert member.on_shift


def test_people_go_off_shift_and_on_again_without_a_code(workspace: TenantRef, operator: Person) -> None:
    client = operator.sign_in(Client())
    for to, is_on in (("off", False), ("off", False), ("on", True)):
        send(client, workspace, f"{operator.id}/shift/", to=to)
        assert [each.on_shift for each in list_members(workspace_id=workspace.id)] == [is_on]


def test_when_somebody_was_here_last_is_kept_to_the_minute(workspace: TenantRef, operator: Person) -> None:
    client = operator.sign_in(Client())
    client.get(f"/w/{workspace.slug}/people/")
    first = list_members(workspace_id=workspace.id)[0].last_seen_at
    client.get(f"/w/{workspace.slug}/people/")
    assert first is not None
    assert list_members(workspace_id=workspace.id)[0].last_seen_at == first


# -- Sessions ----------------------------------------------------------------------------------------------------------


def test_an_admin_sees_and_ends_a_members_sessions(workspace: TenantRef, room: Client, operator: Person) -> None:
    from zentra.tenants.sessions.queries import list_sessions

    browsers = [
        operator.sign_in_with_code(Client(headers={"User-Agent": f"X{each} Firefox/140.0 Linux"})) for each in (1, 2, 3)
    ]
    for each in browsers:
        assert each.get(f"/w/{workspace.slug}/outgoing/").status_code == 200
    page = text_of(room.get(f"/w/{workspace.slug}/people/{operator.id}/"))
    assert page.count("Firefox on Linux") >= 3
    newest = list_sessions(user_id=operator.id)[0]
    assert send(room, workspace, f"{operator.id}/sessions/end/", session_id=newest.id).status_code == 302
    assert browsers[2].get(f"/w/{workspace.slug}/outgoing/").headers["Location"].startswith("/sign-in/")
    assert browsers[0].get(f"/w/{workspace.slug}/outgoing/").status_code == 200
    send(room, workspace, f"{operator.id}/sessions/end/", session_id="all")
    assert list_sessions(user_id=operator.id) == []
    with tenant_work(workspace):
        ended = [json.loads(each.body) for each in latest_events(limit=20) if each.type == "session.ended"]
    assert [(each["actor"]["role"], each["data"]["reason"]) for each in ended] == [("admin", "ended")] * 3


def test_sessions_of_somebody_who_is_elsewhere_too_are_no_affair_of_this_workspace(
    workspace: TenantRef, other_workspace: TenantRef, room: Client
) -> None:
    from zentra.tenants.operations import add_member
    from zentra.tenants.sessions.queries import list_sessions

    theirs = join(other_workspace, role="operator")
    page, end = f"/w/{workspace.slug}/people/{theirs.id}/", f"{theirs.id}/sessions/end/"
    client = theirs.sign_in_with_code(Client(headers={"User-Agent": "SecretBrowser/1"}))
    assert client.get(f"/w/{other_workspace.slug}/outgoing/").status_code == 200
    [kept] = list_sessions(user_id=theirs.id)
    add_member(workspace_id=workspace.id, user=theirs.user, role="viewer")
    for path in (f"/w/{other_workspace.slug}/outgoing/", f"/w/{workspace.slug}/outgoing/"):
        for wanted in ("all", kept.id):
            send(room, workspace, end, session_id=wanted)
        assert "SecretBrowser" not in text_of(room.get(page))
        assert "Where they are signed in" not in text_of(room.get(page))
        assert [each.id for each in list_sessions(user_id=theirs.id)] == [kept.id]
        assert client.get(path).status_code == 200


def test_a_role_that_somebody_gave_elsewhere_hides_no_sessions(
    workspace: TenantRef, other_workspace: TenantRef, room: Client, operator: Person
) -> None:
    from zentra.tenants.operations import add_member
    from zentra.tenants.sessions.queries import list_sessions

    client = operator.sign_in_with_code(Client(headers={"User-Agent": "Firefox/140.0 Linux"}))
    client.get(f"/w/{workspace.slug}/outgoing/")
    add_member(workspace_id=other_workspace.id, user=operator.user, role="viewer")
    assert "Firefox on Linux" in text_of(room.get(f"/w/{workspace.slug}/people/{operator.id}/"))
    send(room, workspace, f"{operator.id}/sessions/end/", session_id="all")
    assert list_sessions(user_id=operator.id) == []


def test_nobody_else_sees_or_ends_them(
    workspace: TenantRef, auditor: Person, operator: Person, outsider: Person
) -> None:
    from zentra.tenants.sessions.queries import list_sessions

    theirs = operator.sign_in_with_code(Client(headers={"User-Agent": "SecretBrowser/1"}))
    theirs.get(f"/w/{workspace.slug}/outgoing/")
    [kept] = list_sessions(user_id=operator.id)
    reader = auditor.sign_in(Client())
    assert "SecretBrowser" not in text_of(reader.get(f"/w/{workspace.slug}/people/{operator.id}/"))
    assert send(reader, workspace, f"{operator.id}/sessions/end/", session_id=kept.id).status_code == 403
    stranger = outsider.sign_in_with_code(Client())
    send(stranger, outsider.workspace, f"{operator.id}/sessions/end/", session_id="all")
    old = join(workspace, role="admin").sign_in(Client())
    assert send(old, workspace, f"{operator.id}/sessions/end/", session_id="all").status_code == 403
    assert list_sessions(user_id=operator.id) == [kept]
