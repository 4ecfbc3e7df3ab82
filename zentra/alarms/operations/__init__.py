"""The writes of this app: the door that others use."""

from zentra.alarms.operations.acknowledging import StaleAlarm, acknowledge_alarm
from zentra.alarms.operations.channels import (
    ChannelExists,
    InvalidMailAddress,
    add_channel,
    remove_channel,
    test_channel,
)
from zentra.alarms.operations.looking import Looked, take_look
from zentra.alarms.operations.notices import claim_notices, finish_notice, release_notices

__all__ = [
    "ChannelExists",
    "InvalidMailAddress",
    "Looked",
    "StaleAlarm",
    "acknowledge_alarm",
    "add_channel",
    "claim_notices",
    "finish_notice",
    "release_notices",
    "remove_channel",
    "take_look",
    "test_channel",
]
