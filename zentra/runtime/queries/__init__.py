"""Reads of intents."""

from zentra.runtime.queries.in_flight import InFlightIntent, count_in_flight, list_in_flight
from zentra.runtime.queries.intents import (
    Held,
    count_by_status,
    count_failed,
    count_held,
    find_by_prefix,
    find_intent,
    get_history,
    get_intent,
    get_path,
    list_intents,
    list_paths,
    list_reserved,
)
from zentra.runtime.queries.waiting import count_unended, list_unknown, list_waiting, still_unknown

__all__ = [
    "Held",
    "InFlightIntent",
    "count_by_status",
    "count_failed",
    "count_held",
    "count_in_flight",
    "count_unended",
    "find_by_prefix",
    "find_intent",
    "get_history",
    "get_intent",
    "get_path",
    "list_in_flight",
    "list_intents",
    "list_paths",
    "list_reserved",
    "list_unknown",
    "list_waiting",
    "still_unknown",
]
