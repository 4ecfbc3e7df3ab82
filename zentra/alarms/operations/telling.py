"""Messages to channels: queued with an alarm's change, never sent from here."""

from datetime import datetime
from typing import Final

from django.db import connection

from zentra.alarms import messages, store
from zentra.alarms.kinds import EVERY_KIND
from zentra.alarms.models import Alarm, Channel
from zentra.alarms.types import Step
from zentra.core import ids
from zentra.core.tenancy import TenantRef, current_tenant

_DROP: Final = """
UPDATE alarms_notice n
   SET state = 'dropped', next_at = NULL, done_at = %s, claim_id = NULL, claimed_until = NULL,
       error = CASE a.state WHEN 'cleared' THEN 'it was good again before this was sent'
                            ELSE 'somebody acknowledged it before this was sent' END
  FROM alarms_alarm a
 WHERE a.id = n.alarm_id AND n.state = 'queued' AND n.step IN ('raised', 'reminder') AND a.state <> 'raised'
   AND (n.claimed_until IS NULL OR n.claimed_until <= %s)
"""


def tell_channels(*, alarm: Alarm, step: Step, now: datetime) -> int:
    """Queue one message for each channel that takes this kind; returns how many are new.

    Who was not told of the raising is not told of what follows: a channel added meanwhile starts with the next alarm.
    """
    channels = Channel.objects.filter(state="active", kinds__overlap=[EVERY_KIND, alarm.kind])
    if step != "raised":
        channels = channels.filter(notices__alarm=alarm, notices__step="raised")
    return sum(_tell(channel, alarm, step, now) for channel in channels.order_by("created_at", "id"))


def drop_overtaken(*, now: datetime) -> int:
    """Do not send what waits to be sent about a raising that somebody took or that is over; returns how many.

    One that is being sent at this moment may still arrive; if it fails, it is dropped before its next try.
    """
    with connection.cursor() as cursor:
        cursor.execute(_DROP, [now, now])
        return int(cursor.rowcount)


def queue_test(*, channel: Channel, now: datetime) -> str:
    """Queue a message that only shows that the channel works; its id."""
    ws, notice_id = current_tenant(), ids.new_id("ntc")
    subject, text = messages.test_mail(ws=ws)
    body = text if channel.kind == "mail" else messages.test_body(ws=ws, notice_id=notice_id, now=now)
    store.queue_notice(
        channel=channel, alarm=None, step="test", subject=subject, body=body, notice_id=notice_id, now=now
    )
    return notice_id


def _tell(channel: Channel, alarm: Alarm, step: Step, now: datetime) -> int:
    ws, notice_id, record = current_tenant(), ids.new_id("ntc"), store.alarm_record(alarm)
    is_new = store.queue_notice(
        channel=channel,
        alarm=alarm,
        step=step,
        subject=messages.mail_subject(alarm=record, step=step, ws=ws),
        body=_body(channel, alarm, step, ws, notice_id, now),
        notice_id=notice_id,
        now=now,
    )
    return int(is_new)


def _body(channel: Channel, alarm: Alarm, step: Step, ws: TenantRef, notice_id: str, now: datetime) -> str:
    record = store.alarm_record(alarm)
    if channel.kind == "mail":
        return messages.mail_text(alarm=record, step=step, ws=ws, now=now)
    return messages.webhook_body(alarm=record, step=step, ws=ws, notice_id=notice_id, now=now)
