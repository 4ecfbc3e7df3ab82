"""Evidence's writes: the door that other apps use."""

from evidence.operations.bundles import SealedBundle, check_covered, seal_bundle
from evidence.operations.events import record_events
from evidence.operations.log import NoLog, ensure_log
from evidence.operations.packets import (
    NothingToSeal,
    NotYetCheckpointed,
    PacketNotFound,
    PacketUnverifiable,
    ProjectionDisagrees,
    read_packet,
    seal_packet,
    sealed_event,
)
from evidence.operations.sealing import sequence_batch, sign_checkpoint

__all__ = [
    "NoLog",
    "NotYetCheckpointed",
    "NothingToSeal",
    "PacketNotFound",
    "PacketUnverifiable",
    "ProjectionDisagrees",
    "SealedBundle",
    "check_covered",
    "ensure_log",
    "read_packet",
    "record_events",
    "seal_bundle",
    "seal_packet",
    "sealed_event",
    "sequence_batch",
    "sign_checkpoint",
]
