"""Reads of the desk."""

from zentra.reconciliation.matching.desk.queries.adjustments import (
    get_adjustment,
    list_adjustments,
    suggest_adjustment,
)
from zentra.reconciliation.matching.desk.queries.cases import read_case, read_note_file
from zentra.reconciliation.matching.desk.queries.exceptions import (
    count_by_kind_and_age,
    count_exceptions,
    exceptions_by_id,
    get_exception,
    key_of,
    list_exceptions,
    list_owners,
)
from zentra.reconciliation.matching.desk.queries.story import story_of_intent

__all__ = [
    "count_by_kind_and_age",
    "count_exceptions",
    "exceptions_by_id",
    "get_adjustment",
    "get_exception",
    "key_of",
    "list_adjustments",
    "list_exceptions",
    "list_owners",
    "read_case",
    "read_note_file",
    "story_of_intent",
    "suggest_adjustment",
]
