"""Alarms, their channels, and what waits, over the API; each refusal, races and who may not."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.alarms.desk import look
from tests.api.answered import assert_shape, places_of
from tests.api.ledger_of_writes import Writes
from tests.api.test_webhook_endpoints import refused
from zentra.api.v1.alarm_answers import (
    AlarmAnswer,
    AlarmDetailAnswer,
    AlarmPage,
    ChannelAnswer,
    ChannelPage,
    CreatedChannelAnswer,
    NoticeAnswer,
    NoticePage,
    StuckPage,
)
from zentra.core import clock
from zentra.core.tenancy import TenantRef
from zentra.tenants.operations import issue_key
from zentra.tenants.permissions import Permission

Connect = Callable[..., httpx.Client]
MAIL = {"kind": "mail", "target": "night@example.com", "who": "the night shift", "kinds": ["sealing_lag"]}
HOOK = {"kind": "webhook", "target": "https://example.com/alarms"}
NO_ALARM, NO_CHANNEL = "alm_" + "0" * 26, "chn_" + "0" * 26


@pytest.fixture
def alarm(http: httpx.Client, workspace: TenantRef) -> str:
    """An alarm that is raised."""
    for at in range(0, 600, 5):
        look(workspace, "the log", at=at)
        found = http.get("/alarms").json()["data"]
        if found:
            return str(found[0]["id"])
    raise AssertionError("Nothing was raised.")


# -- Alarms ------------------------------------------------------------------------------------------------------------


def test_an_alarm_is_listed_read_and_acknowledged_by_one(http: httpx.Client, alarm: str, writes: Writes) -> None:
    page = assert_shape(http.get("/alarms?state=open").json(), AlarmPage)
    assert [(each["id"], each["status"], each["kind"]) for each in page["data"]] == [(alarm, "raised", "sealing_lag")]
    assert_shape(http.get(f"/alarms/{alarm}").json(), AlarmDetailAnswer)
    writes.note()

    taken = assert_shape(http.post(f"/alarms/{alarm}/acknowledge", json={"note": "on it"}).json(), AlarmAnswer)

    assert (taken["status"], taken["note"], taken["acknowledged_by"]["kind"]) == ("acknowledged", "on it", "key")
    assert writes.new_types() == {"alarm.acknowledged": 1}
    assert http.get("/alarms?state=raised").json()["data"] == []
    assert http.get("/alarms?state=acknowledged&kind=sealing_lag").json()["data"] == [taken]


def test_of_two_keys_that_acknowledge_at_once_one_is_told_who_was_first(
    http: httpx.Client, connect: Connect, workspace: TenantRef, alarm: str, writes: Writes
) -> None:
    keys = [issue_key(workspace=workspace, name=str(n), now=clock.now()) for n in range(4)]
    clients = [connect(key.token) for key in keys]
    writes.note()

    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda each: each.post(f"/alarms/{alarm}/acknowledge", json={}), clients))

    won = [answer for answer in answers if answer.status_code == 200]
    assert len(won) == 1
    for answer in answers:
        if answer is not won[0]:
            problem = refused(answer, 409, "stale_alarm")
            assert problem["acknowledged_by"]["id"] == won[0].json()["acknowledged_by"]["id"]
    assert writes.new_types()["alarm.acknowledged"] == 1


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        (f"/alarms/{NO_ALARM}", 404, "alarm_not_found"),
        ("/alarms/x", 400, "bad_id"),
        ("/alarms?state=loud", 422, "not_one_of"),
        ("/alarms?cursor=x", 400, "bad_cursor"),
        ("/alarm-notices?cursor=x", 400, "bad_cursor"),
        ("/stuck-intents?limit=0", 422, "out_of_range"),
    ],
)
def test_a_reading_that_makes_no_sense_is_refused(http: httpx.Client, path: str, status: int, code: str) -> None:
    refused(http.get(path), status, code)


# -- Channels ----------------------------------------------------------------------------------------------------------


def test_a_channel_is_added_tested_and_removed(http: httpx.Client, workspace: TenantRef, writes: Writes) -> None:
    mail = assert_shape(http.post("/alarm-channels", json=MAIL).json(), CreatedChannelAnswer)
    hook = assert_shape(http.post("/alarm-channels", json=HOOK).json(), CreatedChannelAnswer)

    assert (mail["secret"], mail["who"], mail["kinds"]) == (None, "the night shift", ["sealing_lag"])
    assert hook["secret"].startswith("whsec_")
    assert hook["kinds"] == ["*"]
    assert places_of(hook["secret"], workspace) == []
    listed = assert_shape(http.get("/alarm-channels").json(), ChannelPage)["data"]
    assert [each["id"] for each in listed] == [mail["id"], hook["id"]]
    assert hook["secret"] not in http.get("/alarm-channels").text
    sent = http.post(f"/alarm-channels/{mail['id']}/test", json={})
    assert sent.status_code == 202
    notice = assert_shape(sent.json(), NoticeAnswer)
    assert (notice["step"], notice["alarm_id"], notice["channel_id"]) == ("test", None, mail["id"])
    assert notice["status"] in {"queued", "kept"}
    assert [each["id"] for each in assert_shape(http.get("/alarm-notices").json(), NoticePage)["data"]] == [
        notice["id"]
    ]
    removed = assert_shape(http.delete(f"/alarm-channels/{mail['id']}").json(), ChannelAnswer)
    assert removed["status"] == "removed"
    assert [each["id"] for each in http.get("/alarm-channels").json()["data"]] == [hook["id"]]
    assert writes.new_types() == {"alarm.channel_added": 2, "alarm.channel_removed": 1}


def test_a_channel_under_one_key_is_one_channel_with_one_secret(http: httpx.Client, writes: Writes) -> None:
    with ThreadPoolExecutor(4) as threads:
        answers = list(
            threads.map(lambda _: http.post("/alarm-channels", json=HOOK | {"idempotency_key": "k"}), range(4))
        )

    assert len({answer.content for answer in answers}) == 1
    assert writes.new_rows()["alarms_channel"] == 1
    refused(http.post("/alarm-channels", json=HOOK), 409, "channel_exists")


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"target": "not an address"}, "invalid_mail_address"),
        ({"target": "a@example.com\r\nBcc: b@example.com"}, "invalid_mail_address"),
        ({"kind": "webhook"}, "invalid_endpoint_url"),
        ({"kind": "webhook", "target": "https://169.254.169.254/"}, "address_refused"),
        ({"kind": "pager"}, "not_one_of"),
        ({"kinds": ["no_such_kind"]}, "unknown_alarm_kind"),
        ({"kinds": []}, "bad_length"),
        ({"kinds": ["A b"]}, "bad_format"),
        ({"to": "x"}, "unknown_field"),
    ],
)
def test_a_channel_that_reaches_nobody_is_refused(
    http: httpx.Client, writes: Writes, fields: dict[str, Any], code: str
) -> None:
    refused(http.post("/alarm-channels", json=MAIL | fields), 422, code)

    assert writes.new_rows() == {}
    assert writes.new_types() == {"ingress.refused": 1}


def test_what_is_told_to_whom_is_not_another_tenants_business(
    http: httpx.Client, connect: Connect, other_api_key: str, alarm: str
) -> None:
    channel = http.post("/alarm-channels", json=MAIL).json()["id"]
    stranger = connect(other_api_key)

    for path in ("/alarms", "/alarm-channels", "/alarm-notices", "/stuck-intents"):
        assert stranger.get(path).json()["data"] == []
    refused(stranger.get(f"/alarms/{alarm}"), 404, "alarm_not_found")
    refused(stranger.post(f"/alarms/{alarm}/acknowledge", json={}), 404, "alarm_not_found")
    refused(stranger.delete(f"/alarm-channels/{channel}"), 404, "channel_not_found")
    refused(stranger.post(f"/alarm-channels/{channel}/test", json={}), 404, "channel_not_found")
    refused(http.post(f"/alarm-channels/{NO_CHANNEL}/test", json={}), 404, "channel_not_found")


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("POST", f"/alarms/{NO_ALARM}/acknowledge", "alarms.acknowledge"),
        ("POST", "/alarm-channels", "alarms.manage"),
        ("POST", f"/alarm-channels/{NO_CHANNEL}/test", "alarms.manage"),
        ("DELETE", f"/alarm-channels/{NO_CHANNEL}", "alarms.manage"),
    ],
)
def test_a_key_that_only_reads_is_denied(
    connect: Connect, workspace: TenantRef, writes: Writes, method: str, path: str, scope: str
) -> None:
    reader = issue_key(workspace=workspace, name="r", scopes=frozenset({Permission.ALARMS_READ}), now=clock.now())

    answer = connect(reader.token).request(method, path, json=None if method == "DELETE" else HOOK)

    assert refused(answer, 403, "permission_denied")["scope"] == scope
    assert writes.new_types() == {"access.denied": 1}


# -- What waits --------------------------------------------------------------------------------------------------------


def test_an_intent_that_waits_for_a_decision_is_told_with_who_can_act(http: httpx.Client) -> None:
    body = {"intent_id": "huge", "kind": "payment", "amount_minor": 4_300_000, "currency": "USD"}
    assert http.post("/runtime/intents", json=body).json()["status"] == "review"

    page = assert_shape(http.get("/stuck-intents").json(), StuckPage)

    [waiting] = page["data"]
    assert (waiting["intent_id"], waiting["waits_for"]) == ("huge", "review")
    assert waiting["words"]
    assert waiting["who_can_act"]
