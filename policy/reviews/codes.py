"""The codes that every decision carries: what became of the case, and why. Data; pages and the API list them."""

from collections.abc import Mapping
from typing import Final

from zentra.core.errors import DomainError

OTHER_APPROVE: Final = "other_approve"
OTHER_DECLINE: Final = "other_decline"

APPROVE: Final[Mapping[str, str]] = {
    "verified_with_customer": "Verified with the customer",
    "known_pattern": "Known pattern of this customer",
    "false_positive": "False positive",
    "documents_received": "Documents received",
    OTHER_APPROVE: "Other: say what",
}
DECLINE: Final[Mapping[str, str]] = {
    "suspected_fraud": "Suspected fraud",
    "sanctions_match": "Sanctions match",
    "limit_policy": "Limit stands",
    "customer_request": "The customer asked for it",
    "documents_missing": "Documents are missing",
    OTHER_DECLINE: "Other: say what",
}
RESOLVE: Final[Mapping[str, str]] = {
    "fixed": "Fixed",
    "duplicate": "Duplicate",
    "no_action": "No action needed",
    "reported": "Reported",
}
OUTCOMES: Final[Mapping[str, str]] = {
    "confirmed": "Confirmed: it was what was feared",
    "cleared": "Cleared: it was not",
    "handled": "Handled",
}
"""What became of a case that moves no money; cases of intents end ``approved`` or ``declined``."""

ENDED: Final = "ended"
"""The outcome of a case whose reason went away by itself."""

_NEEDS_WORDS: Final = frozenset({OTHER_APPROVE, OTHER_DECLINE})
LONGEST_NOTE: Final = 2000


class InvalidReasonCode(DomainError):
    """The reason or outcome code is none of the list for this decision."""

    code = "invalid_reason_code"
    status = 422
    title = "There is no such code for this decision"


class ReasonRequired(DomainError):
    """The decision is kept with its reason, and this one needs words."""

    code = "reason_required"
    status = 422
    title = "A reason is required"


def check_code(code: str, among: Mapping[str, str]) -> str:
    """The code itself; raises InvalidReasonCode."""
    if code not in among:
        raise InvalidReasonCode(f"{code[:40]!r} is none of {', '.join(among)}.", allowed=list(among))
    return code


def check_reason(code: str, note: str, among: Mapping[str, str]) -> str:
    """The note, trimmed; raises InvalidReasonCode, or ReasonRequired where the code alone says nothing."""
    check_code(code, among)
    if code in _NEEDS_WORDS:
        return check_words(note)
    return note.strip()[:LONGEST_NOTE]


def check_words(note: str) -> str:
    """The note, trimmed; raises ReasonRequired when nothing is left of it."""
    trimmed = note.strip()[:LONGEST_NOTE]
    if not trimmed:
        raise ReasonRequired("Say why; the reason is kept with the case.")
    return trimmed
