"""Messages to channels: queued with an alarm's change, never sent from here."""

from datetime import datetime, timedelta
from typing import Final

from django.db import connection

from zentra.alarms import messages, store
from zentra.alarms.kinds import EVERY_KIND
from zentra.alarms.models import Alarm, Channel, Notice
from zentra.alarms.types import Step
from zentra.core import ids
from zentra.core.tenancy import TenantRef, current_tenant

AT_ONCE: Final = 10
FLOOD_WINDOW: Final = timedelta(minutes=10)
FLOODED: Final = "one of many: the first of this kind were told one by one"
"""When everything breaks at once, ten messages say it as well as a thousand."""

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

    Who was not told of the raising is not told of what follows: a channel added meanwhile starts with the next alarm,
    and of a flood only the first alarms are told one by one.
    """
    channels = Channel.objects.filter(state="active", kinds__overlap=[EVERY_KIND, alarm.kind])
    if step != "raised":
        heard = Notice.objects.filter(alarm=alarm, step="raised").exclude(error=FLOODED)
        channels = channels.filter(id__in=heard.values("channel_id"))
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
    told = _told_lately(channel, alarm.kind, now) if step == "raised" else 0
    is_new = store.queue_notice(
        channel=channel,
        alarm=alarm,
        step=step,
        subject=messages.mail_subject(alarm=record, step=step, ws=ws),
        body=_body(channel, alarm, step, ws, notice_id, now, is_last=told == AT_ONCE - 1),
        notice_id=notice_id,
        now=now,
    )
    if told >= AT_ONCE:
        # It stays on the page of what was sent, so that nobody wonders why they did not hear of this one.
        Notice.objects.filter(id=notice_id).update(state="dropped", error=FLOODED, next_at=None, done_at=now)
        return 0
    return int(is_new)


def _told_lately(channel: Channel, kind: str, now: datetime) -> int:
    """How many alarms of a kind a channel was told of one by one, lately."""
    told = Notice.objects.filter(channel=channel, step="raised", alarm__kind=kind, created_at__gt=now - FLOOD_WINDOW)
    return told.exclude(error=FLOODED).count()


def _body(
    channel: Channel, alarm: Alarm, step: Step, ws: TenantRef, notice_id: str, now: datetime, *, is_last: bool
) -> str:
    record = store.alarm_record(alarm)
    if channel.kind == "mail":
        text = messages.mail_text(alarm=record, step=step, ws=ws, now=now)
        return text + messages.flood_words(ws=ws) if is_last else text
    return messages.webhook_body(alarm=record, step=step, ws=ws, notice_id=notice_id, now=now)
