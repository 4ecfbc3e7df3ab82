"""The durable work queue. ``enqueue`` and ``handles`` are its door."""

from zentra.core.queue.operations import enqueue, enqueue_many
from zentra.core.queue.registry import Defer, WorkItem, handles, periodic

__all__ = ["Defer", "WorkItem", "enqueue", "enqueue_many", "handles", "periodic"]
