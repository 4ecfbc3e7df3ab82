"""The writes of this app: the door that others use. Each in the caller's workspace; doors switch, operations do not."""

from policy.screening.operations.documents import DocumentNotFound, add_document, remove_document
from policy.screening.operations.monitoring import (
    InvalidMonitor,
    Span,
    customers_in,
    end_pass,
    judge_customers,
    next_span,
    set_monitor,
)
from policy.screening.operations.parties import (
    NameNotFound,
    ReferenceTaken,
    add_identifier,
    add_name,
    change_party,
    close_party,
    create_party,
    remove_identifier,
    remove_name,
)
from policy.screening.operations.resolving import (
    HitDecided,
    HitNoteRequired,
    reopen_hit,
    resolve_from_case,
    resolve_hit,
)
from policy.screening.operations.runs import screen_batch, screen_stragglers, start_run
from policy.screening.operations.screenings import screen_party
from policy.screening.operations.settings import InvalidSettings, StaleSettings, change_settings
from policy.screening.operations.verifications import (
    KycNoteRequired,
    VerificationOpen,
    abandon_verification,
    decide_kyc,
    expire_kyc,
    next_call,
    record_answer,
    start_verification,
)

__all__ = [
    "DocumentNotFound",
    "HitDecided",
    "HitNoteRequired",
    "InvalidMonitor",
    "InvalidSettings",
    "KycNoteRequired",
    "NameNotFound",
    "ReferenceTaken",
    "Span",
    "StaleSettings",
    "VerificationOpen",
    "abandon_verification",
    "add_document",
    "add_identifier",
    "add_name",
    "change_party",
    "change_settings",
    "close_party",
    "create_party",
    "customers_in",
    "decide_kyc",
    "end_pass",
    "expire_kyc",
    "judge_customers",
    "next_call",
    "next_span",
    "record_answer",
    "remove_document",
    "remove_identifier",
    "remove_name",
    "reopen_hit",
    "resolve_from_case",
    "resolve_hit",
    "screen_batch",
    "screen_party",
    "screen_stragglers",
    "set_monitor",
    "start_run",
    "start_verification",
]
