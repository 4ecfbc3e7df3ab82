"""Another password: by a link that is mailed and works once, or by somebody who knows the one they have."""

from __future__ import annotations

import re
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from django.core.cache import cache
from django.test import Client

from tests.alarms.desk import Post
from tests.ledger.book import at_once
from tests.people import PASSWORD, join
from tests.recorded import platform_events
from zentra.core import clock, ids
from zentra.core.tenancy import tenant_work
from zentra.tenants.mail.operations import deliver_mail
from zentra.tenants.models import OutgoingMail, User
from zentra.tenants.passwords.errors import ResetEnded, UnusablePassword
from zentra.tenants.passwords.operations import WORK, ask_for_reset, check_reset, mail_reset, reset_password
from zentra.tenants.sessions.queries import list_sessions

if TYPE_CHECKING:
    from tests.people import Person

BETTER = "seven purple kettles whistle"
LINK = re.compile(r"http\S+/sign-in/reset/([^/\s]+)/([^/\s]+)/")


@pytest.fixture(autouse=True)
def _from_none(database: None) -> None:
    """Tries and mails of other tests do not count here."""
    cache.clear()
    OutgoingMail.objects.filter(state="waiting").update(state="expired")


def ask(email: str, client: Client | None = None) -> Any:
    return (client or Client()).post("/sign-in/forgotten/", {"email": email})


def work() -> None:
    """Do as a worker would."""
    from zentra.core.queue.models import WorkItem

    for item in WorkItem.objects.filter(kind=WORK, done_at__isnull=True).order_by("due_at"):
        mail_reset(ref=item.ref, now=clock.now())
        WorkItem.objects.filter(id=item.id).update(done_at=clock.now())
    for mail in OutgoingMail.objects.filter(state="waiting"):
        deliver_mail(mail_id=mail.id, now=clock.now())


def link_for(person: Person, post: Post) -> tuple[str, str]:
    ask(person.email)
    work()
    found = LINK.search(post.mails[-1].get_content())
    assert found is not None
    return found[1], found[2]


def test_the_answer_is_the_same_for_everybody(post: Post, auditor: Person) -> None:
    answers = [ask(email) for email in (auditor.email, f"{ids.new_id('usr')}@example.test", "nonsense", "")]
    assert {each.status_code for each in answers} == {200}
    assert len({each.content for each in answers}) == 1
    work()
    assert [each for each in post.recipients if each != [auditor.email]] == []
    assert auditor.email in post.mails[0]["to"]


def test_who_was_invited_and_has_no_password_gets_no_second_way_in(post: Post, auditor: Person) -> None:
    invited = User.objects.create_user(email=f"{ids.new_id('usr')}@example.test")
    User.objects.filter(id=auditor.id).update(is_active=False)
    ask(invited.email)
    ask(auditor.email)
    work()
    assert post.mails == []


def test_a_link_sets_the_password_once_and_ends_every_session(post: Post, auditor: Person) -> None:
    browser = auditor.sign_in(Client())
    room = f"/w/{auditor.workspace.slug}/outgoing/"
    assert browser.get(room).status_code == 200
    user_id, token = link_for(auditor, post)
    page = f"/sign-in/reset/{user_id}/{token}/"
    other = Client()
    assert other.post(page, {"password": BETTER, "again": BETTER + "!"}).status_code == 422
    weak = other.post(page, {"password": "Password1234!", "again": "Password1234!"})
    assert weak.status_code == 422
    assert "similar to a commonly used password" in weak.content.decode()
    assert other.post(page, {"password": BETTER, "again": BETTER}).headers["Location"] == "/sign-in/"
    assert browser.get(room).status_code == 302
    assert list_sessions(user_id=auditor.id) == []
    assert other.get(page).status_code == 410
    assert other.post(page, {"password": BETTER, "again": BETTER}).status_code == 410
    assert other.post("/sign-in/", {"login": auditor.email, "password": PASSWORD}).status_code == 200
    assert other.post("/sign-in/", {"login": auditor.email, "password": BETTER}).status_code == 302
    work()
    assert post.mails[-1]["subject"] == "Your password for Zentra was changed"
    assert BETTER not in post.mails[-1].get_content()
    [event] = platform_events("password.changed", user_id=auditor.id)
    assert event["data"] == {"user_id": auditor.id, "how": "reset"}


def test_the_second_factor_stays(post: Post, finance: Person) -> None:
    user_id, token = link_for(finance, post)
    reset_password(user_id=user_id, token=token, password=BETTER, now=clock.now())
    answer = Client().post("/sign-in/", {"login": finance.email, "password": BETTER})
    assert answer.headers["Location"].startswith("/sign-in/second-step/")


def test_a_link_is_good_for_an_hour_and_until_the_next_sign_in(post: Post, auditor: Person) -> None:
    from unittest.mock import patch

    user_id, token = link_for(auditor, post)
    assert check_reset(user_id=user_id, token=token) == auditor.email
    later = clock.now().replace(tzinfo=None) + timedelta(minutes=61)
    with (
        patch("django.contrib.auth.tokens.PasswordResetTokenGenerator._now", return_value=later),
        pytest.raises(ResetEnded),
    ):
        check_reset(user_id=user_id, token=token)
    auditor.sign_in_with_code(Client())
    with pytest.raises(ResetEnded):
        check_reset(user_id=user_id, token=token)


def test_of_ten_who_use_a_link_at_once_one_sets_the_password(post: Post, auditor: Person) -> None:
    user_id, token = link_for(auditor, post)
    calls = [
        partial(reset_password, user_id=user_id, token=token, password=f"{BETTER} {each}", now=clock.now())
        for each in range(10)
    ]
    answers = at_once(calls, threads=10)
    assert answers.count(None) == 1
    assert sum(isinstance(each, ResetEnded) for each in answers) == 9


@pytest.mark.parametrize(
    ("whom", "token"), [("usr_nonsense", "x"), ("", ""), ("usr_01jd3x7c2m9v5t0qk8w4z6r1bn", "a-b")]
)
def test_a_link_that_nobody_made_sets_nothing(whom: str, token: str) -> None:
    with pytest.raises(ResetEnded):
        check_reset(user_id=whom, token=token)


def test_another_persons_link_sets_nothing(post: Post, auditor: Person, developer: Person) -> None:
    _, token = link_for(auditor, post)
    with pytest.raises(ResetEnded):
        reset_password(user_id=developer.id, token=token, password=BETTER, now=clock.now())


def test_nobody_is_flooded_with_mails(post: Post, auditor: Person) -> None:
    answers = [ask(auditor.email) for _ in range(8)]
    work()
    assert {each.status_code for each in answers} == {200}
    assert len([each for each in post.mails if each["subject"].startswith("Set another")]) == 3
    assert [ask("x@example.test", Client(REMOTE_ADDR="192.0.2.50")).status_code for _ in range(21)][-1] == 429


def test_the_address_that_was_asked_for_is_kept_in_clear_nowhere(auditor: Person) -> None:
    from zentra.core.queue.models import WorkItem

    ask("somebody.else@example.test")
    item = WorkItem.objects.filter(kind=WORK).latest("id")
    assert "somebody" not in item.ref


# -- Changing it -------------------------------------------------------------------------------------------------------


def change(client: Client, current: str, password: str, again: str | None = None) -> Any:
    form = {"current": current, "password": password, "again": again or password}
    return client.post("/second-factor/password/", form)


def test_changing_it_takes_the_one_that_one_has_and_the_second_factor(finance: Person) -> None:
    old_session = finance.sign_in(Client())
    assert "/second-factor/confirm/" in old_session.get("/second-factor/password/").headers["Location"]
    assert "/second-factor/confirm/" in change(old_session, PASSWORD, BETTER).headers["Location"]
    client = finance.sign_in_with_code(Client())
    client.get("/second-factor/")
    assert change(client, "not it", BETTER).status_code == 403
    assert change(client, PASSWORD, BETTER, "another").status_code == 422
    assert change(client, PASSWORD, "aaaaaaaaaaaaaaaa").status_code == 422
    assert User.objects.get(id=finance.id).check_password(PASSWORD)
    room = f"/w/{finance.workspace.slug}/outgoing/"
    assert old_session.get(room).status_code == 200
    assert change(client, PASSWORD, BETTER).headers["Location"] == "/second-factor/"
    assert client.get(room).status_code == 200
    assert old_session.get(room).status_code == 302
    assert User.objects.get(id=finance.id).check_password(BETTER)


def test_who_finds_a_session_open_does_not_guess_the_password_through_it(auditor: Person) -> None:
    client = auditor.sign_in_with_code(Client())
    answers = [change(client, f"guess number {each}", BETTER).status_code for each in range(11)]
    assert answers == [403] * 10 + [429]


def test_an_address_with_a_nul_is_no_work_that_never_ends(database: None) -> None:
    ask_for_reset(email=" No\0body@Example.test\0", now=clock.now())
    work()


def test_an_invitation_is_mailed_with_a_link_that_works(post: Post, admin: Person) -> None:
    from zentra.tenants.members.operations import add_person

    email = f"{ids.new_id('usr')}@example.test"
    with tenant_work(admin.workspace):
        add_person(workspace=admin.workspace, email=email, role="viewer", actor=admin.actor(), now=clock.now())
    work()
    mail = next(each for each in post.mails if email in each["to"])
    found = re.search(r"http\S+(/welcome/\S+/)", mail.get_content())
    assert found is not None
    client = Client()
    assert client.get(found[1]).status_code == 200
    assert client.post(found[1], {"password": BETTER, "again": BETTER}).headers["Location"] == "/sign-in/"
    assert client.get(found[1]).status_code == 410


def test_an_invitation_ends_after_three_days_and_is_kept_as_a_hash(admin: Person) -> None:
    from zentra.tenants.members.errors import InvitationEnded
    from zentra.tenants.members.invitations import check_invitation
    from zentra.tenants.members.operations import add_person
    from zentra.tenants.models import Invitation

    email = f"{ids.new_id('usr')}@example.test"
    with tenant_work(admin.workspace):
        added = add_person(workspace=admin.workspace, email=email, role="viewer", actor=admin.actor(), now=clock.now())
    whom, token = added.member.user_id, added.token or ""
    assert token.encode() not in bytes(Invitation.objects.get(user_id=whom).token_hash)
    almost = clock.now() + timedelta(days=3) - timedelta(minutes=1)
    assert check_invitation(user_id=whom, token=token, now=almost) == email
    with pytest.raises(InvitationEnded):
        check_invitation(user_id=whom, token=token, now=almost + timedelta(minutes=2))


def test_somebody_whose_role_is_changed_or_taken_away_is_told(post: Post, admin: Person) -> None:
    from zentra.tenants.members.operations import remove_member

    person = join(admin.workspace, role="viewer")
    with tenant_work(admin.workspace):
        remove_member(workspace=admin.workspace, user_id=person.id, version=None, actor=admin.actor(), now=clock.now())
    work()
    assert [each["subject"] for each in post.mails if person.email in each["to"]] == [
        f"Your role in {admin.member.workspace_name} was taken away"
    ]


def test_a_password_that_is_refused_leaves_the_link_good(post: Post, auditor: Person) -> None:
    user_id, token = link_for(auditor, post)
    with pytest.raises(UnusablePassword):
        reset_password(user_id=user_id, token=token, password="short", now=clock.now())
    assert check_reset(user_id=user_id, token=token) == auditor.email
