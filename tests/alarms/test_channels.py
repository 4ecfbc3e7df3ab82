"""Who is told: added, tried and removed by people; a target that could do harm is refused."""

import pytest
from django.db import connection

from tests.alarms.desk import ADMIN, START, after, events, hook_to, mail_to, notices, raise_one, send_due, told
from tests.evidence.conforming import assert_conforming
from tests.ledger.book import at_once
from webhooks.outbound.addresses import AddressRefused, InvalidEndpointUrl
from webhooks.signing import UnusableSecret
from zentra.alarms import operations
from zentra.alarms.kinds import UnknownAlarmKind
from zentra.alarms.operations import ChannelExists, InvalidMailAddress, add_channel, remove_channel
from zentra.alarms.queries import get_channel, list_channels
from zentra.alarms.store import ChannelNotFound
from zentra.alarms.types import ChannelRecord, CreatedChannel, NoticeRecord
from zentra.core.tenancy import TenantRef, tenant_work


def channels(ws: TenantRef) -> list[ChannelRecord]:
    with tenant_work(ws):
        return list_channels()


def remove(ws: TenantRef, channel_id: str) -> ChannelRecord:
    with tenant_work(ws):
        return remove_channel(channel_id=channel_id, actor=ADMIN, now=after(100))


def try_it(ws: TenantRef, channel_id: str) -> NoticeRecord:
    with tenant_work(ws):
        return operations.test_channel(channel_id=channel_id, actor=ADMIN, now=START)


def test_a_mail_channel(workspace: TenantRef) -> None:
    made = mail_to(workspace, " operator@example.test ", kinds=("ledger_drift", "rail_down", "ledger_drift"))

    assert made.secret is None
    assert made.channel.target == "operator@example.test"
    assert made.channel.kinds == ("ledger_drift", "rail_down")
    assert channels(workspace) == [made.channel]


def test_a_webhook_channel_has_a_secret_that_is_shown_once_and_kept_encrypted(
    workspace: TenantRef, local_webhooks: None
) -> None:
    made = hook_to(workspace, "http://127.0.0.1:9/hook")

    assert made.secret is not None
    assert made.secret.startswith("whsec_")
    assert made.secret not in repr(made)
    with tenant_work(workspace), connection.cursor() as cursor:
        cursor.execute("SELECT secret FROM alarms_channel")
        assert made.secret.removeprefix("whsec_").encode() not in bytes(cursor.fetchone()[0])


@pytest.mark.parametrize(
    "address",
    [
        "", "nobody", "a@b", "Operator <operator@example.test>", "a@example.test,b@example.test", "ä@example.test",
        "operator@example.test\nBcc: all@example.test", "operator@example.test\r\n", "a" * 250 + "@example.test",
    ],
)  # fmt: skip
def test_what_is_not_one_plain_address_is_refused(address: str, workspace: TenantRef) -> None:
    if address.endswith("\r\n"):
        # Surrounding white space is taken off; inside, nothing is.
        assert mail_to(workspace, address).channel.target == "operator@example.test"
        return
    with pytest.raises(InvalidMailAddress):
        mail_to(workspace, address)
    assert channels(workspace) == []
    assert events(workspace, "alarm.channel_added") == []


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("http://example.com/hook", InvalidEndpointUrl),
        ("https://127.0.0.1/hook", AddressRefused),
        ("https://169.254.169.254/latest/meta-data", AddressRefused),
        ("ftp://example.com/", InvalidEndpointUrl),
        ("https://user:password@example.com/", InvalidEndpointUrl),
    ],
)
def test_a_url_that_must_not_be_called_is_refused(
    url: str, error: type[Exception], workspace: TenantRef, settings: object
) -> None:
    settings.ZENTRA_ALLOW_LOCAL_WEBHOOKS = False  # type: ignore[attr-defined]

    with pytest.raises(error):
        hook_to(workspace, url)
    assert channels(workspace) == []


@pytest.mark.parametrize("kinds", [(), ("everything",), ("ledger_drift", "")])
def test_a_kind_that_there_is_not_is_refused(kinds: tuple[str, ...], workspace: TenantRef) -> None:
    with pytest.raises(UnknownAlarmKind):
        mail_to(workspace, kinds=kinds)


def test_a_secret_that_is_none_is_refused(workspace: TenantRef, local_webhooks: None) -> None:
    with pytest.raises(UnusableSecret), tenant_work(workspace):
        add_channel(
            kind="webhook", target="http://127.0.0.1:9/", kinds=["*"], actor=ADMIN, now=START, secret="password"
        )


def test_a_target_is_told_once_however_many_add_it_at_once(workspace: TenantRef) -> None:
    done = at_once([lambda: mail_to(workspace)] * 6, threads=6)

    assert len([each for each in done if isinstance(each, CreatedChannel)]) == 1
    assert len([each for each in done if isinstance(each, ChannelExists)]) == 5
    raise_one(workspace)
    assert told(workspace) == [("raised", "queued")]


def test_a_removed_channel_is_told_nothing_more(workspace: TenantRef) -> None:
    made = mail_to(workspace)
    raise_one(workspace)

    removed = remove(workspace, made.channel.id)

    assert (removed.state, removed.removed_at) == ("removed", after(100))
    assert told(workspace) == [("raised", "dropped")]
    assert send_due(workspace, at=200) == 0
    assert channels(workspace) == []
    with pytest.raises(ChannelNotFound):
        remove(workspace, made.channel.id)
    with pytest.raises(ChannelNotFound):
        try_it(workspace, made.channel.id)
    assert mail_to(workspace).channel.id != made.channel.id


def test_a_channel_of_another_tenant_is_not_there(workspace: TenantRef, other_workspace: TenantRef) -> None:
    made = mail_to(workspace)

    for act in (remove, try_it):
        with pytest.raises(ChannelNotFound):
            act(other_workspace, made.channel.id)
    with pytest.raises(ChannelNotFound), tenant_work(other_workspace):
        get_channel(channel_id=made.channel.id)
    raise_one(other_workspace)

    assert notices(other_workspace) == []
    assert channels(workspace) == [made.channel]


def test_a_channel_is_tried_by_a_message_of_no_alarm(workspace: TenantRef) -> None:
    made = mail_to(workspace)

    for _ in range(2):
        tried = try_it(workspace, made.channel.id)
        assert (tried.step, tried.state, tried.alarm_id, tried.alarm_kind) == ("test", "queued", None, None)
    send_due(workspace, at=1)

    assert told(workspace) == [("test", "kept"), ("test", "kept")]


def test_adding_and_removing_are_recorded_without_the_address(workspace: TenantRef) -> None:
    made = mail_to(workspace)
    remove(workspace, made.channel.id)

    [added], [removed] = events(workspace, "alarm.channel_added"), events(workspace, "alarm.channel_removed")
    assert added["data"] == removed["data"] == {"channel_id": made.channel.id, "kind": "mail", "kinds": ["*"]}
    assert added["actor"]["id"] == ADMIN.id
    assert_conforming(workspace)
