"""An alarm rings once after a while, reminds once, is over after a while, and flapping does none of it."""

import pytest
from django.db import IntegrityError, connection

from tests.alarms.desk import after, alarms, clear_all, events, look, looks, mail_to, notices, raise_one, told
from tests.evidence.conforming import assert_conforming
from tests.ledger.book import at_once
from zentra.alarms.kinds import KINDS
from zentra.alarms.operations import take_look
from zentra.alarms.types import Finding, Sight
from zentra.core.tenancy import TenantRef, tenant_work


def test_it_rings_when_it_was_bad_long_enough(workspace: TenantRef) -> None:
    mail_to(workspace)

    looks(workspace, "", since=0, until=10)
    assert alarms(workspace) == []
    look(workspace, "", at=15)

    [alarm] = alarms(workspace)
    assert (alarm.kind, alarm.state, alarm.severity, alarm.words) == ("sealing_lag", "raised", "critical", "it is bad")
    assert (alarm.bad_since, alarm.raised_at) == (after(0), after(15))
    assert told(workspace) == [("raised", "queued")]


def test_with_no_wait_it_rings_at_the_first_look(workspace: TenantRef, settings: object) -> None:
    settings.ZENTRA_ALARM_RAISE_SECONDS = 0  # type: ignore[attr-defined]

    look(workspace, "", at=0)

    assert [each.state for each in alarms(workspace)] == ["raised"]


def test_what_is_known_stays_quiet(workspace: TenantRef) -> None:
    mail_to(workspace)
    raise_one(workspace)

    looks(workspace, "", since=20, until=600)

    [alarm] = alarms(workspace)
    assert (alarm.seen_count, alarm.last_seen_at, alarm.facts) == (118, after(600), {"seconds": 600})
    assert told(workspace) == [("raised", "queued")]


def test_one_reminder_while_nobody_acknowledged(workspace: TenantRef) -> None:
    mail_to(workspace)
    raise_one(workspace)

    assert look(workspace, "", at=15 + 1799) is not None
    assert [step for step, _ in told(workspace)] == ["raised"]
    reminded = look(workspace, "", at=15 + 1805)
    assert reminded is not None
    assert reminded.reminded == [""]
    for hours in range(1, 25):
        look(workspace, "", at=15 + hours * 3600)

    assert [step for step, _ in told(workspace)] == ["raised", "reminder"]
    assert "Nobody has acknowledged this for 30 minutes" in notices(workspace)[1].body


def test_it_is_over_when_it_was_good_long_enough(workspace: TenantRef) -> None:
    mail_to(workspace)
    raise_one(workspace)

    looks(workspace, since=20, until=75)
    assert [each.state for each in alarms(workspace)] == ["raised"]
    look(workspace, at=80)

    [alarm] = alarms(workspace)
    assert (alarm.state, alarm.cleared_at, alarm.is_open) == ("cleared", after(80), False)
    assert [step for step, _ in told(workspace)] == ["raised", "cleared"]
    assert alarms(workspace, state="open") == []


def test_flapping_rings_once_and_is_never_over(workspace: TenantRef) -> None:
    mail_to(workspace)
    for second in range(0, 600, 10):
        look(workspace, "", at=second)
        look(workspace, at=second + 5)
    assert alarms(workspace) == []

    raise_one(workspace, at=600)
    for second in range(620, 1200, 10):
        look(workspace, at=second)
        look(workspace, "", at=second + 5)

    assert [each.state for each in alarms(workspace)] == ["raised"]
    assert [step for step, _ in told(workspace)] == ["raised"]


def test_after_it_is_over_it_can_ring_again(workspace: TenantRef) -> None:
    mail_to(workspace)
    raise_one(workspace)
    clear_all(workspace, at=20)
    raise_one(workspace, at=100)

    assert [each.state for each in alarms(workspace)] == ["raised", "cleared"]
    assert [step for step, _ in told(workspace)] == ["raised", "cleared", "raised"]


def test_each_subject_rings_by_itself(workspace: TenantRef) -> None:
    looks(workspace, "EUR", since=0, until=10)
    looks(workspace, "EUR", "USD", since=15, until=20)

    assert [each.subject for each in alarms(workspace)] == ["EUR"]
    looks(workspace, "USD", since=25, until=30)
    assert {each.subject for each in alarms(workspace)} == {"EUR", "USD"}


def test_nothing_is_concluded_from_a_time_when_nobody_looked(workspace: TenantRef) -> None:
    look(workspace, "", at=0)
    look(workspace, "", at=3600)
    assert alarms(workspace) == []

    raise_one(workspace, at=3605)
    look(workspace, at=3700)
    look(workspace, at=9000)

    assert [each.state for each in alarms(workspace)] == ["raised"]


def test_nothing_is_concluded_about_what_cannot_be_judged(workspace: TenantRef) -> None:
    raise_one(workspace, "rail_1")

    for at in range(20, 400, 5):
        look(workspace, at=at, unsure=("rail_1",))

    assert [each.state for each in alarms(workspace)] == ["raised"]


def test_a_watcher_that_fails_concludes_nothing(workspace: TenantRef) -> None:
    looks(workspace, "", since=0, until=5)

    def broken(_now: object) -> Sight:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1/0")
        return Sight()

    for at in range(10, 200, 5):
        with pytest.raises(Exception, match="division"), tenant_work(workspace):
            take_look(kind=KINDS["sealing_lag"], watcher=broken, now=after(at))
    assert alarms(workspace) == []


def test_of_two_processes_that_look_at_once_one_does(workspace: TenantRef) -> None:
    mail_to(workspace)
    looks(workspace, "", since=0, until=10)

    def at_15() -> object:
        return look(workspace, "", at=15)

    done = at_once([at_15] * 8, threads=8)

    assert len([each for each in done if each is not None]) == 1
    assert len(alarms(workspace)) == 1
    assert told(workspace) == [("raised", "queued")]


def test_a_kind_is_not_looked_at_more_often_than_it_says(workspace: TenantRef) -> None:
    assert look(workspace, at=0) is not None
    assert look(workspace, at=3) is None
    assert look(workspace, at=5) is not None


def test_a_clock_that_jumped_ahead_and_back_silences_nobody(workspace: TenantRef) -> None:
    look(workspace, at=86_400)

    assert look(workspace, "", at=0) is not None


def test_the_database_itself_refuses_a_second_open_alarm(workspace: TenantRef) -> None:
    raise_one(workspace)

    with (
        pytest.raises(IntegrityError, match="alarms_alarm_one_open"),
        tenant_work(workspace),
        connection.cursor() as cursor,
    ):
        cursor.execute(
            "INSERT INTO alarms_alarm SELECT gen_random_uuid(), kind, subject, severity, state, words, facts,"
            " raised_at, last_seen_at, seen_count, reminded_at, acknowledged_by, acknowledged_at, note, cleared_at,"
            " bad_since FROM alarms_alarm"
        )


def test_the_application_cannot_delete_an_alarm(workspace: TenantRef) -> None:
    raise_one(workspace)

    with pytest.raises(Exception, match="permission denied"), tenant_work(workspace), connection.cursor() as cursor:
        cursor.execute("DELETE FROM alarms_alarm")


def test_a_channel_hears_of_its_own_kinds_only(workspace: TenantRef) -> None:
    mail_to(workspace, "all@example.test")
    mail_to(workspace, "ledger@example.test", kinds=("ledger_drift",))
    mail_to(workspace, "sealing@example.test", kinds=("ledger_drift", "sealing_lag"))

    raise_one(workspace)

    assert [each.target for each in notices(workspace)] == ["all@example.test", "sealing@example.test"]


def test_who_was_not_told_of_the_raising_is_not_told_of_its_end(workspace: TenantRef) -> None:
    raise_one(workspace)
    mail_to(workspace)
    clear_all(workspace, at=20)

    assert told(workspace) == []


def test_raising_and_clearing_are_recorded(workspace: TenantRef) -> None:
    alarm = raise_one(workspace, "whe_x")
    clear_all(workspace, at=20)

    [raised], [cleared] = events(workspace, "alarm.raised"), events(workspace, "alarm.cleared")
    assert raised["actor"]["id"] == "svc_watch"
    assert raised["data"] == {
        "alarm_id": alarm.id, "kind": "sealing_lag", "subject": "whe_x", "severity": "critical", "words": "it is bad",
        "facts": {"seconds": 15}, "runbook": "sealing-lag",
    }  # fmt: skip
    assert cleared["data"]["seconds"] == 65
    assert cleared["data"]["is_acknowledged"] is False
    assert_conforming(workspace)


def test_words_of_any_length_and_kind_are_kept(workspace: TenantRef, settings: object) -> None:
    settings.ZENTRA_ALARM_RAISE_SECONDS = 0  # type: ignore[attr-defined]
    sight = Sight((Finding("", "ü" * 2000, {"none": None, "text": "x\ny"}),))
    with tenant_work(workspace):
        take_look(kind=KINDS["sealing_lag"], watcher=lambda _: sight, now=after(0))

    [alarm] = alarms(workspace)
    assert len(alarm.words) == 500
    assert alarm.facts == {"none": None, "text": "x\ny"}


def test_of_a_flood_a_channel_hears_ten_times_and_that_there_are_more(workspace: TenantRef) -> None:
    mail_to(workspace)
    subjects = [f"whe_{number:02}" for number in range(25)]

    looks(workspace, *subjects, since=0, until=15)

    assert len(alarms(workspace)) == 25
    assert [state for _, state in told(workspace)] == ["queued"] * 10 + ["dropped"] * 15
    assert "More of this kind" not in notices(workspace)[8].body
    assert "More of this kind" in notices(workspace)[9].body
    clear_all(workspace, at=20)
    assert [step for step, _ in told(workspace)].count("cleared") == 10
    raise_one(workspace, "whe_99", at=700)
    assert told(workspace)[-1] == ("raised", "queued")
