"""Parties, hits and watchlists. Private to this app."""

from policy.screening.models.hits import Check, Finding, Hit, Memory, MonitorTurn, Run, RunBatch, Setting
from policy.screening.models.parties import (
    Document,
    Identifier,
    Party,
    PartyName,
    Step,
    Verification,
)

__all__ = [
    "Check",
    "Document",
    "Finding",
    "Hit",
    "Identifier",
    "Memory",
    "MonitorTurn",
    "Party",
    "PartyName",
    "Run",
    "RunBatch",
    "Setting",
    "Step",
    "Verification",
]
