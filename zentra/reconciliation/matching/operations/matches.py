"""Matches that people make, decide and undo."""

from collections.abc import Sequence
from datetime import datetime

from zentra.core.actors import Actor
from zentra.reconciliation.matching.types import MatchRecord


def confirm_match(
    *, account_id: str, line_ids: Sequence[str], entry_ids: Sequence[str], actor: Actor, reason: str, now: datetime
) -> MatchRecord:
    """Confirm by hand what agrees; raises MatchDiffers (with difference_minor), AlreadyMatched, EmptyMatch,
    MixedCurrencies, OtherAccount.
    """
    raise NotImplementedError


def force_match(
    *, account_id: str, line_ids: Sequence[str], entry_ids: Sequence[str], actor: Actor, reason: str, now: datetime
) -> MatchRecord:
    """Match what differs, with a reason. Above the workspace's limit it is ``proposed`` until a second person approves.

    Raises ReasonMissing, AlreadyMatched, EmptyMatch, MixedCurrencies, OtherAccount.
    """
    raise NotImplementedError


def approve_match(*, match_id: str, actor: Actor, now: datetime) -> MatchRecord:
    """Let a proposed match stand; raises ProposerApproves, StaleMatch, MatchNotFound."""
    raise NotImplementedError


def decline_match(*, match_id: str, actor: Actor, reason: str, now: datetime) -> MatchRecord:
    """Refuse a proposed match, which frees its lines and entries; raises ReasonMissing, StaleMatch, MatchNotFound."""
    raise NotImplementedError


def undo_match(*, match_id: str, actor: Actor, reason: str, now: datetime) -> MatchRecord:
    """Undo a confirmed match: it stays as history and its lines and entries are open again. Rules leave them alone
    together from then on. Raises ReasonMissing, StaleMatch, MatchNotFound.
    """
    raise NotImplementedError
