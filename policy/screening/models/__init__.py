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
from policy.screening.models.watchlists import Entry, EntryKey, SeenEntry, Watchlist, WatchlistVersion

__all__ = [
    "Check",
    "Document",
    "Entry",
    "EntryKey",
    "Finding",
    "Hit",
    "Identifier",
    "Memory",
    "MonitorTurn",
    "Party",
    "PartyName",
    "Run",
    "RunBatch",
    "SeenEntry",
    "Setting",
    "Step",
    "Verification",
    "Watchlist",
    "WatchlistVersion",
]
