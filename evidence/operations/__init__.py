"""Evidence's writes: the door that other apps use."""

from evidence.operations.events import record_events
from evidence.operations.log import ensure_log

__all__ = ["ensure_log", "record_events"]
