"""The Alarms room, runbooks and what is stuck: what a page says is what the database holds; who may do what."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urljoin

import pytest
from django.test import Client

from tests.alarms.desk import alarms, mail_to, notices, raise_one, send_due
from tests.alarms.test_stuck import OVER
from tests.console.test_accounts_room import form, read
from tests.console.test_webhooks_room import post, shown
from tests.people import join
from tests.runtime.story import Story
from tests.webhooks.intents import accepting_rail
from zentra.alarms.operations import acknowledge_alarm
from zentra.alarms.queries import list_channels, list_runbooks
from zentra.alarms.stuck import stuck_intents
from zentra.core import clock
from zentra.core.clock import now
from zentra.core.tenancy import TenantRef, tenant_work

if TYPE_CHECKING:
    from pytest_django.fixtures import Settings

    from tests.people import Person


@pytest.fixture
def local(settings: Settings) -> None:
    """Loopback addresses may be called, as under ``make up``."""
    settings.ZENTRA_ALLOW_LOCAL_WEBHOOKS = True


def test_a_raised_alarm_is_in_the_list_with_its_numbers(workspace: TenantRef, auditor: Person) -> None:
    alarm = raise_one(workspace)

    page = read(auditor, "alarms/")
    detail = shown(read(auditor, f"alarms/{alarm.id}/"))

    assert alarm.headline in page
    assert f"alarms/{alarm.id}/" in page
    assert "it is bad" in detail
    assert alarm.id in detail
    assert f"runbooks/{alarm.runbook}/" in detail
    assert "Acknowledge" not in detail  # an auditor may look, and no more


def test_nothing_wrong_is_said_calmly(auditor: Person) -> None:
    assert "Nothing is wrong here" in read(auditor, "alarms/")


def test_the_navigation_counts_what_nobody_has(workspace: TenantRef, operator: Person) -> None:
    alarm = raise_one(workspace)
    assert re.search(r'data-count="alarms"[^>]*>1<', read(operator, ""))

    with tenant_work(workspace):
        acknowledge_alarm(alarm_id=alarm.id, actor=operator.actor(), note="", now=now())
    page = read(operator, "alarms/?state=raised")
    assert "Nothing is wrong here" in page


def test_one_person_takes_an_alarm_and_the_second_is_told_who_was_first(workspace: TenantRef, operator: Person) -> None:
    alarm, second = raise_one(workspace), join(workspace, role="finance", name="Second Person")

    status, page = post(operator, f"alarms/{alarm.id}/acknowledge/", reason="looking at the sealer")
    late, said = post(second, f"alarms/{alarm.id}/acknowledge/", reason="mine")

    assert status == 302
    assert "You have it" in page
    assert "looking at the sealer" in page
    assert late == 302
    assert f"{operator.member.name} acknowledged it first" in said
    [taken] = alarms(workspace)
    assert (taken.state, taken.note) == ("acknowledged", "looking at the sealer")


def test_whoever_may_only_look_takes_nothing(workspace: TenantRef, auditor: Person) -> None:
    alarm = raise_one(workspace)

    status, _ = post(auditor, f"alarms/{alarm.id}/acknowledge/")

    assert status == 403
    assert [each.state for each in alarms(workspace)] == ["raised"]


def test_without_a_mail_server_the_page_shows_every_mail_as_it_is(workspace: TenantRef, auditor: Person) -> None:
    mail_to(workspace)
    raise_one(workspace)
    send_due(workspace, at=20)

    [notice] = notices(workspace)
    page = shown(read(auditor, "alarms/sent/"))

    assert notice.state == "kept"
    assert notice.subject in page
    assert notice.body.strip() in page
    assert "no mail server is configured" in page


def test_an_admin_has_somebody_told_by_mail(workspace: TenantRef, admin: Person) -> None:
    status, page = post(admin, "alarms/channels/add/", kind="mail", target="cfo@example.test", who="finance on call")

    assert status == 302
    assert "cfo@example.test" in page
    assert "every alarm" in page
    with tenant_work(workspace):
        [channel] = list_channels()
    assert (channel.kind, channel.target, channel.kinds) == ("mail", "cfo@example.test", ("*",))


def test_a_webhook_s_secret_is_shown_once(workspace: TenantRef, admin: Person, local: None) -> None:
    answer = admin.sign_in(Client()).post(
        f"/w/{workspace.slug}/alarms/channels/add/", form(kind="webhook", target="http://127.0.0.1:9/alarms")
    )

    assert answer.status_code == 200
    assert "whsec_" in answer.content.decode()
    assert answer.headers["Cache-Control"] == "no-store"
    assert "whsec_" not in read(admin, "alarms/channels/")


@pytest.mark.parametrize(
    ("kind", "target", "words"),
    [
        ("mail", "not an address", "This is not a mail address"),
        ("webhook", "ftp://example.com/", "The endpoint URL cannot be used"),
        ("x", "y", "Choose mail or webhook"),
    ],
)
def test_what_cannot_be_told_is_refused_with_words(
    workspace: TenantRef, admin: Person, kind: str, target: str, words: str
) -> None:
    _, page = post(admin, "alarms/channels/add/", kind=kind, target=target)

    assert words in page
    with tenant_work(workspace):
        assert list_channels() == []


def test_a_channel_is_tested_and_removed(workspace: TenantRef, admin: Person) -> None:
    channel = mail_to(workspace).channel

    tested, page = post(admin, f"alarms/channels/{channel.id}/test/")
    removed, after = post(admin, f"alarms/channels/{channel.id}/remove/")

    assert (tested, removed) == (302, 302)
    assert channel.target in page
    assert "Nobody is told" in after


def test_an_operator_does_not_decide_who_is_told(workspace: TenantRef, operator: Person) -> None:
    channel = mail_to(workspace).channel

    for path in ("add/", f"{channel.id}/remove/", f"{channel.id}/test/"):
        assert post(operator, f"alarms/channels/{path}", kind="mail", target="a@example.test")[0] == 403
    assert "Tell somebody else" not in read(operator, "alarms/channels/")


def test_a_form_that_is_sent_twice_adds_one_channel(workspace: TenantRef, admin: Person) -> None:
    client, fields = admin.sign_in(Client()), form(kind="mail", target="twice@example.test")

    answers = [client.post(f"/w/{workspace.slug}/alarms/channels/add/", fields) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [302, 302]
    with tenant_work(workspace):
        assert len(list_channels()) == 1


def test_every_runbook_is_a_page(auditor: Person) -> None:
    runbooks = list_runbooks()
    assert len(runbooks) >= 6
    for slug, title in runbooks:
        page = shown(read(auditor, f"runbooks/{slug}/"))
        assert title in page
        assert "<h2>What to do</h2>" in page


def test_links_between_runbooks_lead_to_pages_of_the_room(auditor: Person) -> None:
    client = auditor.sign_in(Client())
    here = f"/w/{auditor.workspace.slug}/runbooks/sealing-lag/"

    links = re.findall(r'<a href="(\.\./[^"]*)"', shown(client.get(here).content.decode()))

    assert "../worker-silent/" in links
    for link in links:
        assert client.get(urljoin(here, link)).status_code == 200


def test_a_runbook_that_there_is_not(auditor: Person) -> None:
    answer = auditor.sign_in(Client()).get(f"/w/{auditor.workspace.slug}/runbooks/no-such-page/")

    assert answer.status_code == 404


def test_nothing_stuck_is_said_calmly(auditor: Person) -> None:
    assert "Nothing is stuck" in read(auditor, "stuck/")


def test_the_stuck_list_is_what_waits(workspace: TenantRef, operator: Person) -> None:
    with accepting_rail(workspace), clock.frozen(now() - timedelta(minutes=5)):
        for number in range(4):
            Story(workspace).create(f"intent_{number}", amount_minor=OVER if number % 2 else 1000)
    with tenant_work(workspace):
        found = stuck_intents(now=now())

    page = shown(read(operator, "stuck/"))
    reviews = shown(read(operator, "stuck/?for=review"))

    assert [each.intent_id for each in found] == [f"intent_{number}" for number in range(4)]
    for each in found:
        assert f'data-id="{each.intent_id}"' in page
        assert each.words in page
    assert operator.member.name in page  # who owns the reviews, by name
    assert f'All <span class="num">{len(found)}</span>' in page
    assert [name for name in ("intent_0", "intent_1", "intent_2", "intent_3") if f'data-id="{name}"' in reviews] == [
        "intent_1",
        "intent_3",
    ]


def test_another_tenant_s_alarm_is_not_there(workspace: TenantRef, other_workspace: TenantRef, auditor: Person) -> None:
    alarm = raise_one(other_workspace)

    answer = auditor.sign_in(Client()).get(f"/w/{workspace.slug}/alarms/{alarm.id}/")

    assert answer.status_code == 404
