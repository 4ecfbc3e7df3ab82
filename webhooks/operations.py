"""The writes of this app: the door that others use."""

from webhooks.inbound.polling import poll_rail
from webhooks.inbound.quarantine import dismiss_callback, repair_callback
from webhooks.inbound.receiving import receive_callback, refuse_callback
from webhooks.inbound.taking import match_waiting, take_callback
from webhooks.outbound.endpoints import (
    change_endpoint,
    create_endpoint,
    disable_endpoint,
    enable_endpoint,
    expire_secret,
    remove_endpoint,
    remove_header,
    rotate_secret,
    send_test_event,
    set_header,
)
from webhooks.outbound.fan_out import fan_out
from webhooks.outbound.health import recount_minutes
from webhooks.outbound.replays.jobs import cancel_replay, start_replay
from webhooks.outbound.replays.sending_event import send_event
from webhooks.outbound.replays.single import Replay, replay_delivery, replay_event, replay_many
from webhooks.outbound.retention import make_partitions, prune_history
from webhooks.outbound.streams import check_stream

__all__ = [
    "Replay",
    "cancel_replay",
    "change_endpoint",
    "check_stream",
    "create_endpoint",
    "disable_endpoint",
    "dismiss_callback",
    "enable_endpoint",
    "expire_secret",
    "fan_out",
    "make_partitions",
    "match_waiting",
    "poll_rail",
    "prune_history",
    "receive_callback",
    "recount_minutes",
    "refuse_callback",
    "remove_endpoint",
    "remove_header",
    "repair_callback",
    "replay_delivery",
    "replay_event",
    "replay_many",
    "rotate_secret",
    "send_event",
    "send_test_event",
    "set_header",
    "start_replay",
    "take_callback",
]
