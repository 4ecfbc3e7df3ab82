"""The writes of this app: the door that others use."""

from webhooks.inbound.operations import receive_callback
from webhooks.outbound.endpoints import create_endpoint, disable_endpoint, enable_endpoint, move_endpoint
from webhooks.outbound.fan_out import fan_out
from webhooks.outbound.replay import Replay, replay_delivery, replay_many
from webhooks.outbound.streams import check_stream

__all__ = [
    "Replay",
    "check_stream",
    "create_endpoint",
    "disable_endpoint",
    "enable_endpoint",
    "fan_out",
    "move_endpoint",
    "receive_callback",
    "replay_delivery",
    "replay_many",
]
