"""Pairing what an adjustment posted with the line and the entry of its exception, once the ledger has numbered it."""

from datetime import datetime

from ledger.queries import get_posting
from zentra.core import actors
from zentra.core.errors import DomainError
from zentra.reconciliation.matching.desk import store
from zentra.reconciliation.matching.desk.queries.adjustments import get_adjustment
from zentra.reconciliation.matching.desk.types import AdjustmentRecord, ExceptionRecord
from zentra.reconciliation.matching.operations import confirm_match, take_entries
from zentra.reconciliation.matching.queries import get_entries
from zentra.reconciliation.statements.queries import get_reconciled_account


class NotTakenYet(Exception):
    """The sequencer has not numbered the entries, or they are not taken over; nothing is wrong, it takes a moment."""


def account_of_adjustment(*, adjustment_id: str, now: datetime) -> str:
    """The reconciled account whose entries have to be taken over first; raises NoSuchAdjustment."""
    return store.get(get_adjustment(adjustment_id=adjustment_id).exception_id, now=now).account_id


def pair_adjustment(*, adjustment_id: str, now: datetime) -> bool:
    """Match line, entry and adjustment of an exception where they agree; whether this call made them one.

    Where they do not, they stay open, the exception's history says why (step ``not_paired``), and the next run tells
    what they are now: nothing of it comes right by trying again. Raises NotTakenYet, NoSuchAdjustment, and whatever
    refusal says of itself that it passes.
    """
    adjustment = get_adjustment(adjustment_id=adjustment_id)
    found = store.get(adjustment.exception_id, now=now)
    if adjustment.posting_id is None or _is_paired(found, adjustment):
        return False
    try:
        match_id = _pair(found, adjustment, now)
    except DomainError as refusal:
        if refusal.retryable:
            raise
        held = store.lock(found.id, now=now)
        if not _is_paired(held, adjustment):  # by another process in the meantime
            _say(held, adjustment, "not_paired", now, words=refusal.detail)
        return False
    if match_id is None:
        return False
    store.change(store.lock(found.id, now=now), now=now, match_id=match_id)  # after the account, as runs lock
    _say(found, adjustment, "paired", now, after=match_id)
    return True


def _is_paired(found: ExceptionRecord, adjustment: AdjustmentRecord) -> bool:
    """Whether this was done, or found to be impossible, before: the item may come again."""
    return adjustment.id in store.subjects_of_steps(found.id, ("paired", "not_paired"))


def _pair(found: ExceptionRecord, adjustment: AdjustmentRecord, now: datetime) -> str | None:
    """The id of the match; None where neither a line nor an entry is there to pair with."""
    if found.line_id is None and found.entry_id is None:
        return None
    account = get_reconciled_account(account_id=found.account_id)
    take_entries(account_id=account.id, now=now)  # the last stretch; the task took the others before
    posted = get_posting(posting_id=adjustment.posting_id or "").posted
    own = [entry.id for entry in posted.entries if entry.account_id == account.ledger_account_id]
    if len(get_entries(entry_ids=own)) < len(own):
        raise NotTakenYet
    return confirm_match(
        account_id=account.id, line_ids=[found.line_id] if found.line_id else [],
        entry_ids=[*own, *([found.entry_id] if found.entry_id else [])], actor=actors.RECONCILIATION,
        reason=f"{adjustment.kind} {adjustment.id}", now=now,
    ).id  # fmt: skip


def _say(
    found: ExceptionRecord, adjustment: AdjustmentRecord, what: str, now: datetime, *, after: str = "", words: str = ""
) -> None:
    store.keep_step(
        found.id, what, actor=actors.RECONCILIATION, now=now, before=adjustment.id, after=after, words=words
    )
