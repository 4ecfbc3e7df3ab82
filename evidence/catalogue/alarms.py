"""Alarms: what somebody has to look at, who took it, and who is told."""

from typing import Final

from evidence.catalogue.fields import anything, flag, known, listing, ref, whole, words
from evidence.catalogue.types import EventType

_ALARM: Final = {
    "alarm_id": ref("alm", "The alarm."),
    "kind": known("What kind.", "access_denials", "endpoint_failing", "intents_stuck", "ledger_drift", "queue_age",
                  "rail_down", "reviews_overdue", "reviews_unowned", "sealing_lag", "worker_silent"),
    "subject": words("What it is about: an endpoint, a rail, a currency, a process; empty: the whole.",
                     "whe_01jd3x7c2m9v5t0qk8w4z6r1bn"),
    "severity": known("How urgent.", "warning", "critical"),
}  # fmt: skip
_CHANNEL: Final = {
    "channel_id": ref("chn", "The channel; never its address."),
    "kind": known("How it is told.", "mail", "webhook"),
    "kinds": listing("Which kinds of alarms; * for all.", words("A kind.", "ledger_drift")),
}

# fmt: off
ALL: Final = (
    EventType("alarm.raised", "Alarm raised", "beside", "svc_watch",
              "Something needs a person; those who are chosen for it are told.", "data.alarm_id",
              data={
                  **_ALARM,
                  "words": words("What was seen, in one sentence.", "hooks.example.com failed 5 times in a row."),
                  "facts": anything("The numbers behind it; which ones depends on the kind.",
                                    {"failures_in_a_row": 5, "host": "hooks.example.com"}),
                  "runbook": words("The page that says what to do.", "endpoint-failing"),
              }),
    EventType("alarm.acknowledged", "Alarm acknowledged", "beside", "svc_watch",
              "One person took the alarm; nothing more is sent until it is good again.", "data.alarm_id",
              data={
                  **_ALARM,
                  "acknowledged_by": words("Who took it.", "usr_01jd3x7c2m9v5t0qk8w4z6r1bn"),
                  "note": words("What they said; may be empty.", "asked the consumer"),
              }),
    EventType("alarm.cleared", "Alarm cleared", "beside", "svc_watch",
              "What the alarm was about is good again.", "data.alarm_id",
              data={
                  **_ALARM,
                  "seconds": whole("How long it was open.", 540),
                  "is_acknowledged": flag("Whether somebody had taken it."),
              }),
    EventType("alarm.channel_added", "Alarm channel added", "beside", "svc_watch",
              "A mail address or a URL is told of alarms from now on.", "data.channel_id", delivered=False,
              data=_CHANNEL),
    EventType("alarm.channel_removed", "Alarm channel removed", "beside", "svc_watch",
              "A mail address or a URL is told of alarms no more.", "data.channel_id", delivered=False,
              data=_CHANNEL),
)
# fmt: on
