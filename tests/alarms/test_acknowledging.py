"""One person takes an alarm. The second is told who was first, and nothing more is sent until it is over."""

import pytest
from django.db import IntegrityError, connection

from tests.alarms.desk import (
    FINANCE,
    OPERATOR,
    after,
    alarms,
    clear_all,
    events,
    look,
    looks,
    mail_to,
    raise_one,
    send_due,
    told,
)
from tests.evidence.conforming import assert_conforming
from tests.ledger.book import at_once
from zentra.alarms.operations import StaleAlarm, acknowledge_alarm
from zentra.alarms.queries import count_open_alarms, get_alarm
from zentra.alarms.store import AlarmNotFound
from zentra.alarms.types import AlarmRecord
from zentra.core.actors import Actor
from zentra.core.ids import BadId
from zentra.core.tenancy import TenantRef, tenant_work


def acknowledge(
    ws: TenantRef, alarm_id: str, *, actor: Actor = OPERATOR, note: str = "", at: float = 20
) -> AlarmRecord:
    with tenant_work(ws):
        return acknowledge_alarm(alarm_id=alarm_id, actor=actor, note=note, now=after(at))


def test_an_alarm_is_taken_by_one_person(workspace: TenantRef) -> None:
    alarm = raise_one(workspace)

    taken = acknowledge(workspace, alarm.id, note=" asked the bank ")

    assert (taken.state, taken.acknowledged_at, taken.note) == ("acknowledged", after(20), "asked the bank")
    assert taken.acknowledged_by == OPERATOR.as_dict()
    with tenant_work(workspace):
        assert count_open_alarms() == {"raised": 0, "acknowledged": 1}
    [event] = events(workspace, "alarm.acknowledged")
    assert (event["actor"]["id"], event["data"]["note"]) == (OPERATOR.id, "asked the bank")
    assert_conforming(workspace)


def test_the_second_person_is_told_who_was_first(workspace: TenantRef) -> None:
    alarm = raise_one(workspace)
    acknowledge(workspace, alarm.id)

    with pytest.raises(StaleAlarm) as refused:
        acknowledge(workspace, alarm.id, actor=FINANCE, note="mine", at=25)

    assert refused.value.extra["acknowledged_by"] == OPERATOR.as_dict()
    assert OPERATOR.id in refused.value.detail
    assert [each.note for each in alarms(workspace)] == [""]
    assert len(events(workspace, "alarm.acknowledged")) == 1


def test_the_same_person_again_changes_nothing(workspace: TenantRef) -> None:
    alarm = raise_one(workspace)
    first = acknowledge(workspace, alarm.id, note="first")

    assert acknowledge(workspace, alarm.id, note="again", at=50) == first
    assert len(events(workspace, "alarm.acknowledged")) == 1


def test_of_many_at_once_one_is_first(workspace: TenantRef) -> None:
    alarm = raise_one(workspace)
    people = [Actor(kind="user", id=f"usr_{number}", role="operator") for number in range(8)]

    done = at_once([lambda p=p: acknowledge(workspace, alarm.id, actor=p) for p in people], threads=8)  # type: ignore[misc]

    [winner] = [each for each in done if isinstance(each, AlarmRecord)]
    refusals = [each for each in done if isinstance(each, StaleAlarm)]
    assert len(refusals) == 7
    assert {each.extra["acknowledged_by"]["id"] for each in refusals} == {winner.acknowledged_by["id"]}  # type: ignore[index]
    assert len(events(workspace, "alarm.acknowledged")) == 1


def test_after_it_nothing_is_sent_until_it_is_over(workspace: TenantRef) -> None:
    mail_to(workspace)
    alarm = raise_one(workspace)
    send_due(workspace, at=16)
    acknowledge(workspace, alarm.id)

    for hours in range(1, 25):
        look(workspace, "", at=hours * 3600)
    assert told(workspace) == [("raised", "kept")]
    clear_all(workspace, at=90_000)

    assert [step for step, _ in told(workspace)] == ["raised", "cleared"]
    assert events(workspace, "alarm.cleared")[0]["data"]["is_acknowledged"] is True


def test_what_waits_to_be_sent_is_dropped(workspace: TenantRef) -> None:
    mail_to(workspace)
    alarm = raise_one(workspace)

    acknowledge(workspace, alarm.id)

    assert told(workspace) == [("raised", "dropped")]
    assert send_due(workspace, at=30) == 0


def test_what_is_over_is_taken_by_nobody(workspace: TenantRef) -> None:
    alarm = raise_one(workspace)
    clear_all(workspace, at=20)

    with pytest.raises(StaleAlarm, match="cleared"):
        acknowledge(workspace, alarm.id, at=100)
    assert events(workspace, "alarm.acknowledged") == []


def test_an_alarm_of_another_tenant_is_not_there(workspace: TenantRef, other_workspace: TenantRef) -> None:
    alarm = raise_one(workspace)

    with pytest.raises(AlarmNotFound):
        acknowledge(other_workspace, alarm.id)
    with pytest.raises(AlarmNotFound), tenant_work(other_workspace):
        get_alarm(alarm_id=alarm.id)

    assert alarms(other_workspace) == []
    assert [each.state for each in alarms(workspace)] == ["raised"]


def test_no_id_is_refused(workspace: TenantRef) -> None:
    with pytest.raises(BadId):
        acknowledge(workspace, "evt_0")


def test_taking_and_clearing_at_once_never_mix(workspace: TenantRef) -> None:
    mail_to(workspace)
    alarm = raise_one(workspace)
    looks(workspace, since=20, until=75)

    at_once([lambda: look(workspace, at=80), lambda: acknowledge(workspace, alarm.id, at=80)], threads=2)

    [ended] = alarms(workspace)
    assert ended.state == "cleared"
    assert (ended.acknowledged_at is None) == (events(workspace, "alarm.acknowledged") == [])


def test_the_database_itself_refuses_half_an_acknowledgement(workspace: TenantRef) -> None:
    raise_one(workspace)

    with (
        pytest.raises(IntegrityError, match="alarms_alarm_acknowledged"),
        tenant_work(workspace),
        connection.cursor() as cursor,
    ):
        cursor.execute("UPDATE alarms_alarm SET state = 'acknowledged'")
