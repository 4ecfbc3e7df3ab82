"""Alarms: what somebody has to look at, and who took it."""

from typing import Final

from evidence.catalogue.fields import known, maybe, moment, optional, ref, words
from evidence.catalogue.types import EventType

_ALARM: Final = {
    "alarm_id": ref("alm", "The alarm."),
    "kind": known("What kind.", "endpoint_failing", "ledger_drift", "sealing_lag", "queue_age", "rail_down",
                  "worker_silent"),
    "subject": words("What it is about: an id, a name, or empty.", "whe_01jd3x7c2m9v5t0qk8w4z6r1bn"),
}  # fmt: skip

# fmt: off
ALL: Final = (
    EventType("alarm.raised", "Alarm raised", "beside", "svc_runtime",
              "Something needs a person; those who are chosen for it were told.", "data.alarm_id",
              data={
                  **_ALARM,
                  "severity": optional(known("How urgent.", "warning", "critical")),
                  "raised_at": optional(moment("Since when.")),
                  "runbook": optional(words("The page that says what to do.", "endpoint-failing")),
              }),
    EventType("alarm.acknowledged", "Alarm acknowledged", "beside", "svc_runtime",
              "Somebody took the alarm; it stays quiet while it lasts.", "data.alarm_id",
              data={**_ALARM, "acknowledged_by": optional(words("Who.", "usr_01jd3x7c2m9v5t0qk8w4z6r1bn"))}),
    EventType("alarm.cleared", "Alarm cleared", "beside", "svc_runtime",
              "What the alarm was about is good again.", "data.alarm_id",
              data={**_ALARM, "raised_at": optional(moment("Since when it was not.")),
                    "acknowledged_by": optional(maybe(words("Who had taken it.",
                                                            "usr_01jd3x7c2m9v5t0qk8w4z6r1bn")))}),
)
# fmt: on
