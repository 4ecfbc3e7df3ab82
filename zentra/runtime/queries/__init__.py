"""Reads of intents."""

from zentra.runtime.queries.intents import (
    count_by_status,
    find_intent,
    get_history,
    get_intent,
    get_path,
    list_intents,
    list_paths,
)

__all__ = [
    "count_by_status",
    "find_intent",
    "get_history",
    "get_intent",
    "get_path",
    "list_intents",
    "list_paths",
]
